import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** A program that runs beside, with its output in a file. */
export interface Child {
  readonly process: ChildProcess;
  readonly log: string;
  /** Resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();
let ending = false;
// Whatever ends this process, nothing of it stays.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function start(command: string, args: readonly string[], log: string): Child {
  const file = openSync(log, 'a');
  const child = spawn(command, [...args], {
    stdio: ['ignore', file, file],
    env: { PATH: process.env['PATH'] },
  });
  closeSync(file);
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
    child.once('error', () => resolve());
  });
  return {
    process: child,
    log,
    async end(signal) {
      child.kill(signal);
      // One that was stopped takes no other signal.
      child.kill('SIGCONT');
      await ended;
    },
  };
}

/** Starts it again whenever it ends, as the kubelet does with a static pod: some end themselves when the API server goes. */
export function keepRunning(command: string, args: readonly string[], log: string): void {
  start(command, args, log).process.once('exit', () => {
    setTimeout(() => {
      if (!ending) keepRunning(command, args, log);
    }, 500);
  });
}

export async function endAll(): Promise<void> {
  ending = true;
  const ended = [...running].map(
    (child) =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
      }),
  );
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(ended);
}

export function lastLines(log: string, count = 15): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}
