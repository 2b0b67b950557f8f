import { stepwise, type Steps } from '../core/steps.js';
import type { Millis } from '../core/time.js';

/**
 * How long calls may wait behind a tick's work. A stretch is measured and not counted: a workload takes ten times as long
 * while the garbage collector runs, or with a hundred pods.
 */
const STRETCH: Millis = 4;
/** The time is looked at after so many; each takes microseconds. */
const BETWEEN_LOOKS = 8;

/** Works through the items, and gives the event loop its turn after every few milliseconds. */
export function inSlices<T>(items: readonly T[], action: (item: T) => void): Promise<void> {
  return drained(stepwise(items, BETWEEN_LOOKS, action));
}

/** Takes the steps to their end, and gives the event loop its turn after every few milliseconds. */
export async function drained<T>(steps: Steps<T>): Promise<T> {
  let began = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - began >= STRETCH) {
      await new Promise(setImmediate);
      began = performance.now();
    }
  }
}
