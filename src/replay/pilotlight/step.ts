import { decide } from '../../core/decide.js';
import type { Decision } from '../../core/decision.js';
import type { ClusterReplicas, Observation, Reading } from '../../core/observation.js';
import { initialState, type State } from '../../core/state.js';
import { SECOND } from '../../core/time.js';
import type { Trigger } from '../../policy/trigger.js';
import type { Sample } from '../policy.js';
import { readingOf, recentSamples } from './readings.js';

/** One workload between two decisions. */
export interface Stepped {
  readonly state: State;
  /** The newest visible ones; the last stands until the next. */
  readonly samples: readonly Sample[];
  /** What they are to the trigger's profiles, in their order, and to the wake profile. */
  readonly readings: readonly Reading[];
  readonly wake: Reading;
  /** As the server does, the wake signal is read only where the last decision asked for it. */
  readonly needsWake: boolean;
}

const unread: Reading = { kind: 'unread' };

export function unstepped(trigger: Trigger): Stepped {
  return {
    state: initialState,
    samples: [],
    readings: trigger.profiles.map(() => unread),
    wake: unread,
    needsWake: true,
  };
}

/** Takes samples that have become visible, oldest first. */
export function withSamples(before: Stepped, trigger: Trigger, samples: readonly Sample[]): Stepped {
  const [first, ...more] = samples;
  if (first === undefined) return before;
  const recent = recentSamples(before.samples, [first, ...more]);
  const { policy, profiles, wake } = trigger;
  return {
    state: before.state,
    samples: recent,
    readings: profiles.map((profile, index) =>
      readingOf(profile, policy.signals[index] ?? { target: 1 }, recent),
    ),
    wake: wake === null || policy.wake === null ? unread : readingOf(wake, policy.wake, recent),
    needsWake: before.needsWake,
  };
}

export interface Step {
  readonly next: Stepped;
  readonly observation: Observation;
  readonly decision: Decision;
}

/**
 * One decision of the core, on what the server would have seen with access to the cluster.
 *
 * @param t seconds on the replay's clock
 */
export function stepWorkload(
  before: Stepped,
  trigger: Trigger,
  { current, ready }: ClusterReplicas,
  t: number,
): Step {
  const observation: Observation = {
    readings: before.readings,
    wake: before.needsWake ? before.wake : unread,
    replicas: { current, ready },
    hpaAsks: false,
  };
  const { state, decision } = decide(before.state, observation, trigger.policy, t * SECOND);
  const { samples, readings, wake } = before;
  return { next: { state, samples, readings, wake, needsWake: decision.needsWake }, observation, decision };
}
