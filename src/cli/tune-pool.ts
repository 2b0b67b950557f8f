import { fileURLToPath } from 'node:url';
import type { Score } from '../replay/score.js';
import type { Candidate } from '../replay/tune/candidate.js';
import { processPool } from './process-pool.js';
import { runOrder, type PartName, type Parts, type RunOrder, type ToWorker } from './tune-run.js';

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

function poolOfProcesses(parts: Parts, jobs: number, onDone: () => void): Pool {
  const greeting: ToWorker = { kind: 'parts', parts };
  const pool = processPool<ToWorker, Score>(WORKER, jobs, greeting);
  const scored = async (order: RunOrder): Promise<Score> => {
    const score = await pool.run({ kind: 'run', order });
    onDone();
    return score;
  };
  return {
    run: (part, candidates) => Promise.all(candidates.map((candidate) => scored({ part, candidate }))),
    close: () => pool.close(),
  };
}

/** Beside this file, compiled or not. */
const WORKER = fileURLToPath(import.meta.url).replace(/tune-pool(?=\.[jt]s$)/, 'tune-worker');
