import { createWriteStream } from 'node:fs';
import type { DecisionLog } from '../ports/decision-log.js';

/** So much may wait for a slow disk before lines are dropped rather than memory filled. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Appends steps to a file as JSON lines. Infinite and NaN samples become null there, as JSON has no word for them:
 * core drops and counts both alike.
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
      file.write(`${JSON.stringify(step)}\n`);
    },
    close: () => new Promise((resolve) => (failed ? resolve() : file.end(() => resolve()))),
  };
}
