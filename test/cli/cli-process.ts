import { spawn } from 'node:child_process';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

export interface CliProcess {
  /** Sends to standard input. */
  write(text: string): void;
  /** Ends standard input and waits for the process. */
  end(): Promise<Ended>;
  /** The next line of standard output. */
  nextLine(): Promise<string>;
}

/** A command as a user starts it: a process of its own. */
export function startCli(args: readonly string[]): CliProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args]);
  let [stdout, stderr, read] = ['', '', 0];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  // A command that ends before it has read everything breaks the pipe; its exit code and output say why.
  child.stdin.on('error', () => undefined);
  const closed = new Promise<number | null>((resolve) => void child.on('close', resolve));
  return {
    write: (text) => void child.stdin.write(text),
    async end() {
      child.stdin.end();
      return { code: await closed, stdout, stderr };
    },
    async nextLine() {
      for (;;) {
        const end = stdout.indexOf('\n', read);
        if (end >= 0) {
          const line = stdout.slice(read, end);
          read = end + 1;
          return line;
        }
        const more = new Promise((resolve) => void child.stdout.once('data', resolve));
        const over = await Promise.race([more.then(() => false), closed.then(() => true)]);
        if (over && stdout.indexOf('\n', read) < 0) throw new Error(`no further line; ${stderr}`);
      }
    },
  };
}

export function runCli(args: readonly string[], stdin = ''): Promise<Ended> {
  const started = startCli(args);
  started.write(stdin);
  return started.end();
}
