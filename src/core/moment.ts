import type { Observation } from './observation.js';
import type { Policy, SignalPolicy } from './policy.js';
import { weigh, type Evidence } from './read.js';
import { countReplicas, podsSeen, reportingPods, type Replicas } from './replicas.js';
import { situationOf, type Situation } from './situation.js';
import { notAhead, type State } from './state.js';
import type { Millis } from './time.js';

/** One signal and what its reading is worth now. */
export interface Weighed {
  readonly signal: SignalPolicy;
  readonly evidence: Evidence;
}

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
  /**
   * Zero replicas are presumed because nothing has ever reported, and not proven. Such a decision may wake a workload,
   * but must not be taken for what an HPA should scale to.
   */
  readonly presumesZero: boolean;
}

/** Stages 1 and 2: what is fresh, who runs, and what silence means. */
export function look(before: State, observation: Observation, policy: Policy, now: Millis): Moment {
  const past = notAhead(before, now);
  const countKnown = observation.replicas !== null || past.asked !== null;
  const signals = policy.signals.map((signal, index) => {
    const evidence = weigh(observation.readings[index] ?? { kind: 'unread' }, signal, now);
    return { signal, evidence: countKnown ? evidence : withoutCount(evidence, signal) };
  });
  const wake: Evidence =
    policy.wake === null ? { kind: 'unread' } : weigh(observation.wake, policy.wake, now);
  const reporting = reportingPods(signals);
  const pods = podsSeen(past.pods, reporting, now, policy.holdFor);
  const state = { ...past, pods };
  const known = Object.keys(pods).length;
  const situation = situationOf(signals, observation, state, policy.leadTime, now);
  const replicas = countReplicas(observation.replicas, reporting.length, known, state, policy.leadTime, now);
  const presumesZero =
    observation.replicas === null &&
    (situation === 'unknown' || (situation === 'starting' && state.asked === null));
  return { now, policy, state, observation, signals, wake, replicas, situation, presumesZero };
}

/** A mean over a whole workload says nothing until somebody knows over how many replicas. */
function withoutCount(evidence: Evidence, signal: SignalPolicy): Evidence {
  if (evidence.kind !== 'fresh' || signal.kind === 'extensive') return evidence;
  if (evidence.samples.some((sample) => sample.pod !== null)) return evidence;
  const why = `${signal.profile}: a mean without pods, and the replica count is not known; give one value per pod, or cluster access`;
  return { kind: 'absent', nobody: false, why, faults: evidence.faults };
}
