import { createHash } from 'node:crypto';
import type { Millis } from '../core/time.js';

/** The same for every scaler replica. Starts with a letter: BullMQ takes an id of digits alone for one of its own. */
export function warmUpId(workload: string, slot: Millis): string {
  return `w${createHash('sha256').update(`${workload}\n${slot}`).digest('hex').slice(0, 31)}`;
}
