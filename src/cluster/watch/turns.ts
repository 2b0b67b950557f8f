import { setImmediate as turn, setTimeout as timeout } from 'node:timers/promises';
import type { Millis } from '../../core/time.js';

/**
 * One chunk a turn of the event loop, whichever watch it came to: at the start all of them list at once, and a chunk of each
 * in one turn held the loop for 64 ms. In order of asking.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  async take(): Promise<void> {
    const mine = this.#last.then(() => turn());
    this.#last = mine;
    await mine;
  }
}

/** Ends early, without failing, when the signal aborts. */
export async function sleep(length: Millis, signal: AbortSignal): Promise<void> {
  await timeout(length, undefined, { signal }).catch(() => undefined);
}
