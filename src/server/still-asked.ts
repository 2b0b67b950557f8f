import { MINUTE, type Millis } from '../core/time.js';
import type { Workload } from './workload.js';

/** KEDA asks about all triggers of a ScaledObject within moments: one that was left out for so long was edited away. */
const EDITED_AWAY_AFTER: Millis = MINUTE;

/** Those of a ScaledObject's triggers that KEDA still asks about, or asked about last. */
export function stillAsked(siblings: readonly Workload[]): readonly Workload[] {
  const newest = Math.max(...siblings.map(({ askedAt }) => askedAt));
  return siblings.filter(({ askedAt }) => newest - askedAt < EDITED_AWAY_AFTER);
}
