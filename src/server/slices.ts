import type { Millis } from '../core/time.js';

/**
 * How long calls may wait behind a tick's work. A stretch is measured and not counted: a workload takes ten times as long
 * while the garbage collector runs, or with a hundred pods.
 */
const STRETCH: Millis = 4;
/** The time is looked at after so many; each takes microseconds. */
const BETWEEN_LOOKS = 8;

/** Works through the items, and gives the event loop its turn after every few milliseconds. */
export async function inSlices<T>(items: readonly T[], action: (item: T) => void): Promise<void> {
  let began = performance.now();
  let done = 0;
  for (const item of items) {
    action(item);
    done += 1;
    if (done % BETWEEN_LOOKS === 0 && performance.now() - began >= STRETCH) {
      await new Promise(setImmediate);
      began = performance.now();
    }
  }
}
