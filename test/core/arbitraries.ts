import * as fc from 'fast-check';
import type { ClusterReplicas, Observation, Reading, Sample } from '../../src/core/observation.js';
import type { Policy, SignalPolicy, WakePolicy } from '../../src/core/policy.js';
import type { Millis } from '../../src/core/time.js';
import { gateway, gpu, policyWith, queue, START } from './timeline.js';

/** What may come: workloads as they are, and with `wild` what no workload ever showed. */

const POD_NAMES = ['a', 'b', 'c', 'd', 'e', '__proto__', 'constructor', '0', '1', ''];

const signal: fc.Arbitrary<SignalPolicy> = fc
  .record({
    profile: fc.constantFrom('gpu-util', 'queue', 'kv-cache'),
    kind: fc.constantFrom('intensive', 'extensive'),
    unit: fc.constant('units'),
    target: fc.oneof(fc.constantFrom(0.7, 1, 10, 40), fc.double({ min: 0.001, max: 1e4, noNaN: true })),
    activation: fc.constantFrom(0, 0, 2),
    absence: fc.constantFrom('unknown', 'unknown', 'idle'),
    freshFor: fc.constantFrom(0, 90_000, 360_000),
    backlog: fc.constantFrom(false, false, true),
  })
  // Jobs in a queue add up.
  .map((each) => ({ ...each, backlog: each.backlog && each.kind === 'extensive' }));

const wake: fc.Arbitrary<WakePolicy | null> = fc.option(
  fc
    .record({ signal, sized: fc.boolean(), required: fc.boolean() })
    .map((each) => ({ ...gateway, ...each.signal, sized: each.sized, required: each.required })),
);

export const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    signals: fc.array(signal, { minLength: 1, maxLength: 3 }),
    wake,
    tolerance: fc.constantFrom(0, 0.05, 0.1, 0.25),
    holdFor: fc.constantFrom(0, 60_000, 300_000),
    minReplicas: fc.constantFrom(0, 0, 1, 3),
    maxReplicas: fc.constantFrom(null, null, 4, 11, 20),
    burst: fc.boolean(),
    scaleDownWindow: fc.constantFrom(0, 0, 120_000),
    leadTime: fc.constantFrom(0, 600_000),
    slots: fc.constantFrom(null, 1e-9, 0.5, 4),
    serviceTime: fc.constantFrom(null, 1, 30_000, 86_400_000),
    deadline: fc.constantFrom(null, null, 1000, 600_000),
    output: fc.constantFrom('replicas', 'signal'),
    dryRun: fc.constantFrom(false, false, false, true),
  })
  .map(policyWith);

/** Both kinds side by side, and nothing that lifts or holds. */
export const plainPolicy = policyWith({ signals: [gpu, queue], burst: false });

const tameValue = fc.oneof(fc.constantFrom(0, 0, 40, 82), fc.double({ min: 0, max: 500, noNaN: true }));
const wildValue = fc.oneof(
  fc.constantFrom(NaN, Infinity, -Infinity, -0, -1, 1e308, Number.MAX_SAFE_INTEGER, 5e-324),
  fc.double(),
);

function sample(wild: boolean): fc.Arbitrary<(now: Millis) => Sample> {
  const value = wild ? fc.oneof(tameValue, wildValue) : tameValue;
  const ago = wild
    ? fc.oneof(fc.integer({ min: -1e6, max: 1e6 }), fc.double())
    : fc.constantFrom(0, 15_000, 80_000);
  const weight = fc.option(wild ? wildValue : fc.nat(100), { nil: undefined });
  const pod = fc.option(fc.constantFrom(...POD_NAMES), { freq: 8 });
  return fc.record({ pod, value, ago, weight }).map(({ pod, value, ago, weight }) => {
    return (now) => ({ pod, value, at: now - ago, ...(weight === undefined ? {} : { weight }) });
  });
}

export function anyReading(wild: boolean): fc.Arbitrary<(now: Millis) => Reading> {
  const samples = fc.array(sample(wild), { maxLength: 6 });
  const at = (now: Millis, each: ((now: Millis) => Sample)[]) => each.map((make) => make(now));
  return fc.oneof(
    {
      weight: 6,
      arbitrary: samples.map((each) => (now: Millis): Reading => ({
        kind: 'answered',
        samples: at(now, each),
        exists: true,
      })),
    },
    {
      weight: 1,
      arbitrary: fc.boolean().map((exists) => (): Reading => ({ kind: 'answered', samples: [], exists })),
    },
    {
      weight: 2,
      arbitrary: samples.map((each) => (now: Millis): Reading => ({
        kind: 'failed',
        samples: at(now, each),
        why: 'connection refused',
      })),
    },
    { weight: 1, arbitrary: fc.constant((): Reading => ({ kind: 'unread' })) },
  );
}

function anyReplicas(wild: boolean): fc.Arbitrary<ClusterReplicas | null> {
  const count = wild ? fc.oneof(fc.nat(20), fc.nat()) : fc.nat(20);
  return fc.option(
    fc
      .record({ current: count, ready: count })
      .map(({ current, ready }) => ({ current, ready: wild ? ready : Math.min(current, ready) })),
    { freq: 1 },
  );
}

export function anyObservation(wild: boolean): fc.Arbitrary<(now: Millis) => Observation> {
  return fc
    .record({
      readings: fc.array(anyReading(wild), { maxLength: 3 }),
      wake: anyReading(wild),
      replicas: anyReplicas(wild),
      hpaAsks: fc.boolean(),
    })
    .map(({ readings, wake, replicas, hpaAsks }) => (now) => ({
      readings: readings.map((each) => each(now)),
      wake: wake(now),
      replicas,
      hpaAsks,
    }));
}

export interface Moment {
  readonly now: Millis;
  readonly observation: Observation;
}

/** Observations in a row; time goes on, and with `wild` also back. */
export function anyTrace(wild: boolean, most = 12): fc.Arbitrary<readonly Moment[]> {
  const later = wild
    ? fc.oneof(fc.integer({ min: -1e7, max: 1e7 }), fc.nat(60_000))
    : fc.constantFrom(5000, 15_000, 60_000, 400_000);
  return fc.array(fc.tuple(later, anyObservation(wild)), { minLength: 1, maxLength: most }).map((steps) => {
    let now = START;
    return steps.map(([after, observe]) => {
      now += after;
      return { now, observation: observe(now) };
    });
  });
}
