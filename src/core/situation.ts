import type { Observation } from './observation.js';
import type { Evidence } from './read.js';
import type { State } from './state.js';
import type { Millis } from './time.js';

/** What the absence or presence of data means for one workload. */
export type Situation =
  /** At least one of its signals says something. */
  | 'reporting'
  /** Zero replicas: no pod metrics is normal, and the wake signal speaks. */
  | 'zero'
  /** Replicas were asked for and none is ready yet. */
  | 'starting'
  /** Nothing has ever reported and nothing proves zero: a new workload, or a restart of the scaler. */
  | 'unknown'
  /** There should be data and there is none. */
  | 'blind';

/** @param known pods that have reported within the memory, before this tick */
export function situationOf(
  evidence: readonly Evidence[],
  observation: Observation,
  state: State,
  known: number,
  leadTime: Millis,
  now: Millis,
): Situation {
  if (evidence.some((each) => each.kind === 'fresh' || each.kind === 'idle')) return 'reporting';
  if (observation.replicas !== null) {
    const { current, ready } = observation.replicas;
    if (current === 0) return 'zero';
    return ready === 0 ? 'starting' : 'blind';
  }
  if (state.asked === 0) return 'zero';
  if (known > 0 || (state.blindSince !== null && state.asked !== null)) return 'blind';
  if (state.raisedAt !== null && now - state.raisedAt < leadTime) return 'starting';
  return observation.hpaAsks ? 'blind' : 'unknown';
}
