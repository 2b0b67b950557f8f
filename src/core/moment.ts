import type { Observation } from './observation.js';
import type { Policy, SignalPolicy } from './policy.js';
import { weigh, type Evidence } from './read.js';
import { countReplicas, podsSeen, reportingPods, type Replicas } from './replicas.js';
import { situationOf, type Situation } from './situation.js';
import type { State } from './state.js';
import type { Millis } from './time.js';

/** All that is known while one decision is made. */
export interface Moment {
  readonly now: Millis;
  readonly policy: Policy;
  /** With the pods of this tick already noted. */
  readonly state: State;
  readonly observation: Observation;
  /** In the order of the policy's signals. */
  readonly evidence: readonly Evidence[];
  readonly wake: Evidence;
  readonly replicas: Replicas;
  readonly situation: Situation;
}

/** Stages 1 and 2: what is fresh, who runs, and what silence means. */
export function look(state: State, observation: Observation, policy: Policy, now: Millis): Moment {
  const evidence = policy.signals.map((signal, index) => {
    const weighed = weigh(observation.readings[index] ?? { kind: 'unread' }, signal, now);
    return observation.replicas === null ? countable(weighed, signal) : weighed;
  });
  const wake: Evidence =
    policy.wake === null ? { kind: 'unread' } : weigh(observation.wake, policy.wake, now);
  const reporting = reportingPods(evidence);
  const pods = podsSeen(state.pods, reporting, now, policy.holdFor);
  const known = Object.keys(pods).length;
  const situation = situationOf(evidence, observation, state, known, policy.leadTime, now);
  const replicas = countReplicas(observation.replicas, reporting.length, known, state, policy.leadTime, now);
  return { now, policy, state: { ...state, pods }, observation, evidence, wake, replicas, situation };
}

/** A mean without pods is no demand while nobody knows of how many replicas it is the mean. */
function countable(evidence: Evidence, signal: SignalPolicy): Evidence {
  if (signal.kind !== 'intensive' || evidence.kind !== 'fresh') return evidence;
  if (evidence.samples.some((sample) => sample.pod !== null)) return evidence;
  const why = `${signal.profile}: one value for all pods; without cluster access it takes one for each (keep the pod label)`;
  return { kind: 'absent', nobody: false, why, faults: evidence.faults };
}
