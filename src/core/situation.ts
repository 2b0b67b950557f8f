import type { Observation } from './observation.js';
import type { Weighed } from './read.js';
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

export function situationOf(
  signals: readonly Weighed[],
  observation: Observation,
  state: State,
  leadTime: Millis,
  now: Millis,
): Situation {
  if (signals.some(({ evidence }) => evidence.kind === 'fresh' || evidence.kind === 'idle'))
    return 'reporting';
  const { replicas, hpaAsks } = observation;
  if (replicas !== null) {
    if (replicas.current === 0) return 'zero';
    return replicas.ready === 0 ? 'starting' : 'blind';
  }
  // Zero was asked for, but an HPA that asks sees replicas: KEDA's cooldown, or a minReplicaCount that nobody told us.
  if (state.asked === 0) return hpaAsks ? 'blind' : 'zero';
  if (state.arrived > 0) return 'blind';
  if (state.raisedAt !== null && now - state.raisedAt < leadTime) return 'starting';
  return hpaAsks ? 'blind' : 'unknown';
}
