import { expect } from 'vitest';
import { decide } from '../../src/core/decide.js';
import type { Decision } from '../../src/core/decision.js';
import type { ClusterReplicas, Observation, Reading, Sample } from '../../src/core/observation.js';
import { POLICY_DEFAULTS, type Policy, type SignalPolicy, type WakePolicy } from '../../src/core/policy.js';
import { initialState, type State } from '../../src/core/state.js';
import { SECOND, type Millis } from '../../src/core/time.js';

/** Time lines in the manner of Knative's autoscaler tests: at so many seconds this is seen and that is asked for. */

/** A moment like any other; the lines count from it. */
export const START: Millis = 1_790_000_000_000;

export const gpu: SignalPolicy = {
  profile: 'gpu-util',
  kind: 'intensive',
  unit: 'percent',
  target: 40,
  activation: 0,
  absence: 'unknown',
  freshFor: 90 * SECOND,
};

export const queue: SignalPolicy = {
  ...gpu,
  profile: 'queue',
  kind: 'extensive',
  unit: 'requests',
  target: 10,
};

export const gateway: WakePolicy = {
  ...queue,
  profile: 'gateway',
  unit: 'requests/s',
  target: 1,
  absence: 'idle',
  sized: false,
  required: false,
};

export function policyWith(changes: Partial<Policy> = {}): Policy {
  return {
    ...POLICY_DEFAULTS,
    signals: [gpu],
    wake: null,
    ...changes,
  };
}

/** What there is to see at a moment. */
export type View = (now: Millis) => Observation;
type ReadingAt = (now: Millis) => Reading;

export const unread: Reading = { kind: 'unread' };

export function answered(samples: readonly Sample[], exists = true): Reading {
  return { kind: 'answered', samples, exists };
}

export function failed(why: string, samples: readonly Sample[] = []): Reading {
  return { kind: 'failed', samples, why };
}

/** Values of pod-0, pod-1 and so on; null for a pod without a value. */
export function perPod(values: readonly (number | null)[], at: Millis): Sample[] {
  return values.flatMap((value, index) => (value === null ? [] : [{ pod: `pod-${index}`, value, at }]));
}

/** One signal, of which the source says this. */
export function reads(...readings: (Reading | ReadingAt)[]): View {
  return (now) => ({
    readings: readings.map((each) => (typeof each === 'function' ? each(now) : each)),
    wake: unread,
    replicas: null,
    hpaAsks: false,
  });
}

/** One signal with these values, pod by pod, fresh now. */
export function pods(...values: (number | null)[]): View {
  return reads((now) => answered(perPod(values, now)));
}

/** One signal with one value for the whole workload. */
export function whole(value: number): View {
  return reads((now) => answered([{ pod: null, value, at: now }]));
}

export const nothing: View = reads(answered([]));
export const sourceGone: View = reads(failed('connection refused'));

export function inCluster(view: View, replicas: ClusterReplicas): View {
  return (now) => ({ ...view(now), replicas });
}

export function hpaAsking(view: View): View {
  return (now) => ({ ...view(now), hpaAsks: true });
}

/** The wake signal beside it: a value, or a reading. */
export function andWake(view: View, wake: number | Reading): View {
  return (now) => {
    const reading = typeof wake === 'number' ? answered([{ pod: null, value: wake, at: now }]) : wake;
    return { ...view(now), wake: reading };
  };
}

/** A number stands for that many replicas on fresh data. */
export type Expected = number | Partial<Pick<Decision, 'desired' | 'verdict' | 'active' | 'metrics'>>;
export type Row = readonly [seconds: number, view: View, expected: Expected];

/** The same view and the same expectation, tick after tick. */
export function every(step: number, from: number, to: number, view: View, expected: Expected): Row[] {
  const rows: Row[] = [];
  for (let at = from; at <= to; at += step) rows.push([at, view, expected]);
  return rows;
}

export interface Followed {
  readonly state: State;
  readonly decisions: readonly Decision[];
  readonly last: Decision;
}

/** Decides along the rows and checks each. */
export function follow(policy: Policy, rows: readonly Row[], from: State = initialState): Followed {
  let state = from;
  const decisions = rows.map(([seconds, view, expected]) => {
    const now = START + seconds * SECOND;
    const step = decide(state, view(now), policy, now);
    state = step.state;
    const wanted = typeof expected === 'number' ? { desired: expected, verdict: 'fresh' } : expected;
    expect(step.decision, `at ${seconds} s: ${step.decision.reason}`).toMatchObject(wanted);
    return step.decision;
  });
  const last = decisions.at(-1);
  if (last === undefined) throw new Error('a time line has at least one row');
  return { state, decisions, last };
}
