import { setTimeout as timeout } from 'node:timers/promises';
import type { Millis } from '../core/time.js';

/** @throws the signal's reason, when it aborts first */
export async function pause(length: Millis, signal: AbortSignal): Promise<void> {
  try {
    await timeout(length, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
