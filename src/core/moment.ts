import { ceiling } from './bounds.js';
import type { Observation } from './observation.js';
import type { Policy, SignalPolicy } from './policy.js';
import { weigh, type Evidence, type Weighed } from './read.js';
import { countReplicas, podsSeen, reportingPods, type Replicas } from './replicas.js';
import { situationOf, type Situation } from './situation.js';
import { notAhead, type State } from './state.js';
import type { Millis } from './time.js';

/** All that is known while one decision is made. */
export interface Moment {
  readonly now: Millis;
  readonly policy: Policy;
  /** With the pods of this tick already noted. */
  readonly state: State;
  readonly observation: Observation;
  /** In the order of the policy's. */
  readonly signals: readonly Weighed[];
  readonly wake: Evidence;
  readonly replicas: Replicas;
  readonly situation: Situation;
  /** The most that may be asked for. */
  readonly most: number;
  /**
   * Zero replicas are presumed because nothing has ever reported, and not proven. Such a decision may wake a workload,
   * but must not be taken for what an HPA should scale to.
   */
  readonly presumesZero: boolean;
}

/** Stages 1 and 2: what is fresh, who runs, and what silence means. */
export function look(before: State, observation: Observation, policy: Policy, now: Millis): Moment {
  const past = notAhead(before, now);
  const signals = policy.signals.map((signal, index) => {
    const evidence = weigh(observation.readings[index] ?? { kind: 'unread' }, signal, now);
    return { signal, evidence: observation.replicas === null ? countable(evidence, signal) : evidence };
  });
  const wake: Evidence =
    policy.wake === null ? { kind: 'unread' } : weigh(observation.wake, policy.wake, now);
  const reporting = reportingPods(signals);
  const pods = podsSeen(past.pods, reporting, now, policy.holdFor);
  const state = { ...past, pods };
  const known = Object.keys(pods).length;
  const situation = situationOf(signals, observation, state, policy.leadTime, now);
  const replicas = countReplicas(observation.replicas, reporting.length, known, state);
  const presumesZero =
    observation.replicas === null &&
    (situation === 'unknown' || (situation === 'starting' && state.asked === null));
  const most = ceiling(policy, observation.scaledObject);
  return { now, policy, state, observation, signals, wake, replicas, situation, most, presumesZero };
}

/** A mean without pods is no demand while nobody knows of how many replicas it is the mean. */
function countable(evidence: Evidence, signal: SignalPolicy): Evidence {
  if (signal.kind !== 'intensive' || evidence.kind !== 'fresh') return evidence;
  if (evidence.samples.some((sample) => sample.pod !== null)) return evidence;
  const why = `${signal.profile}: one value for all pods; without cluster access it takes one for each (keep the pod label)`;
  return { kind: 'absent', nobody: false, why, faults: evidence.faults };
}
