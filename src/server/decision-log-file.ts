import { createWriteStream } from 'node:fs';
import type { DecisionLog } from '../ports/decision-log.js';

/** So much may wait for a slow disk before lines are dropped rather than memory filled. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Appends steps to a file as JSON lines. JSON has no word for infinite and NaN samples, so they are written as text,
 * which core drops and counts as it does the number; null would compare like 0.
 */
export function openDecisionLog(path: string, onProblem: (why: string) => void): DecisionLog {
  const file = createWriteStream(path, { flags: 'a' });
  let failed = false;
  file.on('error', (error) => {
    failed = true;
    onProblem(`--decision-log ${path}: ${error.message}; decisions go on without it`);
  });
  return {
    append(step) {
      if (failed) return;
      if (file.writableLength > MOST_WAITING_BYTES) {
        failed = true;
        onProblem(
          `--decision-log ${path}: the disk is too slow; decisions go on without it, and the log ends here`,
        );
        return;
      }
      file.write(`${JSON.stringify(step, inWords)}\n`);
    },
    close: () => new Promise((resolve) => (failed ? resolve() : file.end(() => resolve()))),
  };
}

function inWords(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
