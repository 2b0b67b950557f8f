import { setImmediate as turn, setTimeout as timeout } from 'node:timers/promises';
import type { Millis } from '../../core/time.js';

/** Lets everything else have its turn. */
export async function breathe(): Promise<void> {
  await turn();
}

/** Ends early, without failing, when the signal aborts. */
export async function sleep(length: Millis, signal: AbortSignal): Promise<void> {
  await timeout(length, undefined, { signal }).catch(() => undefined);
}
