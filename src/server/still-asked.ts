import { MINUTE, type Millis } from '../core/time.js';
import { isAskedHere } from './asked-here.js';
import type { Workload } from './workload.js';

/** KEDA asks about all triggers of a ScaledObject within moments: one that was left out for so long was edited away. */
export const EDITED_AWAY_AFTER: Millis = MINUTE;

/** Those of a ScaledObject's triggers that KEDA still asks about, or asked about last. */
export function stillAsked(siblings: readonly Workload[], now: Millis = Infinity): readonly Workload[] {
  // A clock that was set back makes none the youngest for as long.
  const askedAt = (trigger: Workload) => Math.min(trigger.askedAt, now);
  const newest = Math.max(...siblings.map(askedAt));
  return siblings.filter(
    (trigger) => newest - askedAt(trigger) < EDITED_AWAY_AFTER || trigger.listeners.size > 0,
  );
}

/**
 * Whether another trigger has taken its place: KEDA asks here, and not about this one. What is not known here any more, as
 * when KEDA has gone to another scaler replica, was not edited.
 */
export function wasEditedAway(workload: Workload, siblings: readonly Workload[], now: Millis): boolean {
  return (
    siblings.includes(workload) &&
    isAskedHere(siblings, null, now) &&
    !stillAsked(siblings, now).includes(workload)
  );
}
