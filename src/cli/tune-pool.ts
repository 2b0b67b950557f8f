import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Score } from '../replay/score.js';
import type { Candidate } from '../replay/tune/candidate.js';
import {
  runOrder,
  type FromWorker,
  type PartName,
  type Parts,
  type RunOrder,
  type ToWorker,
} from './tune-run.js';

/** Runs settings, several at once. The scores come back in the order of the settings. */
export interface Pool {
  run(part: PartName, candidates: readonly Candidate[]): Promise<Score[]>;
  close(): void;
}

/**
 * One process runs in this one; more are processes of their own, each with its copy of the load, since a replay keeps
 * its thread busy until it is done.
 *
 * @param onDone told of each run that has ended
 */
export function poolOf(parts: Parts, jobs: number, onDone: () => void): Pool {
  return jobs === 1 ? poolHere(parts, onDone) : poolOfProcesses(parts, jobs, onDone);
}

function poolHere(parts: Parts, onDone: () => void): Pool {
  return {
    run: (part, candidates) =>
      Promise.resolve(
        candidates.map((candidate) => {
          const score = runOrder(parts, { part, candidate });
          onDone();
          return score;
        }),
      ),
    close: () => undefined,
  };
}

interface Waiting {
  readonly order: RunOrder;
  readonly resolve: (score: Score) => void;
  readonly reject: (error: Error) => void;
}

function poolOfProcesses(parts: Parts, jobs: number, onDone: () => void): Pool {
  const waiting: Waiting[] = [];
  const idle: ChildProcess[] = [];
  const all: ChildProcess[] = [];
  const busy = new Map<ChildProcess, Waiting>();

  const next = () => {
    while (waiting.length > 0) {
      const child = idle.pop() ?? (all.length < jobs ? started() : undefined);
      if (child === undefined) return;
      const work = waiting.shift();
      if (work === undefined) return;
      busy.set(child, work);
      send(child, { kind: 'run', order: work.order });
    }
  };
  const started = (): ChildProcess => {
    const child = fork(WORKER, { serialization: 'advanced' });
    all.push(child);
    child.on('message', (message: FromWorker) => {
      const work = busy.get(child);
      busy.delete(child);
      idle.push(child);
      if (message.kind === 'failed') work?.reject(new Error(message.why));
      else {
        onDone();
        work?.resolve(message.score);
      }
      next();
    });
    child.on('error', (error) => busy.get(child)?.reject(error));
    child.on('exit', (code, signal) => {
      busy
        .get(child)
        ?.reject(new Error(`a process that ran settings ended (${signal ?? code}); try fewer --jobs`));
    });
    send(child, { kind: 'parts', parts });
    return child;
  };
  return {
    run: (part, candidates) =>
      Promise.all(
        candidates.map(
          (candidate) =>
            new Promise<Score>((resolve, reject) => {
              waiting.push({ order: { part, candidate }, resolve, reject });
              next();
            }),
        ),
      ),
    close: () => {
      for (const child of all) child.kill();
    },
  };
}

/** Beside this file, compiled or not. */
const WORKER = fileURLToPath(import.meta.url).replace(/tune-pool(?=\.[jt]s$)/, 'tune-worker');

function send(child: ChildProcess, message: ToWorker): void {
  child.send(message);
}
