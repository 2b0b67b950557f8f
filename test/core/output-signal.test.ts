import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.js';
import { hpaTolerance } from '../../src/core/publish.js';
import { initialState } from '../../src/core/state.js';
import { anyPolicy, anyTrace } from './arbitraries.js';
import { hpaWants } from './hpa-model.js';
import {
  follow,
  gateway,
  gpu,
  andWake,
  inCluster,
  nothing,
  pods,
  policyWith,
  queue,
  START,
  type Row,
} from './timeline.js';

/** `output: signal` leaves the arithmetic to the HPA, which must come to the same. */

const policy = policyWith({ output: 'signal', burst: false });
const seen = (current: number, ready: number, ...values: (number | null)[]) =>
  inCluster(pods(...values), { current, ready });

describe('a mean', () => {
  test('is published once for each pod that it is the mean of', () => {
    follow(policy, [
      [0, seen(1, 1, 82), { desired: 3, metrics: [82] }],
      [15, seen(3, 3, 41, 41, 41), { desired: 3, metrics: [123] }],
      [30, seen(3, 3, 20, 20, 20), { desired: 2, metrics: [60] }],
    ]);
  });

  test('is lifted where pods without data would pull it down', () => {
    const { last } = follow(policy, [[0, seen(3, 3, 38, null, null), { desired: 3, metrics: [120] }]]);
    expect(last.reason).toContain('published as 3: the raw values alone make 1');
    expect(hpaWants([{ value: 120, target: 40 }], 3, hpaTolerance(0.1))).toBe(3);
  });

  test('is lowered where the HPA would buy the same load twice', () => {
    follow(policy, [[0, seen(3, 1, 200), { desired: 5, metrics: [200] }]]);
    follow({ ...policy, maxReplicas: 4 }, [[0, seen(3, 1, 200), { desired: 4, metrics: [160] }]]);
  });
});

describe('what is not the signal', () => {
  const rows: [string, Partial<typeof policy>, Row[]][] = [
    ['the minimum', { minReplicas: 2 }, [[0, seen(3, 3, 1, 1, 1), { desired: 2, metrics: [80] }]]],
    [
      'the window',
      { scaleDownWindow: 60_000 },
      [
        [0, seen(3, 3, 40, 40, 40), 3],
        [15, seen(3, 3, 1, 1, 1), { desired: 3, metrics: [120] }],
      ],
    ],
    ['a start', {}, [[0, inCluster(nothing, { current: 3, ready: 0 }), { desired: 3, metrics: [120] }]]],
    [
      'a wake-up',
      { wake: gateway },
      [[0, inCluster(andWake(nothing, 4), { current: 0, ready: 0 }), { desired: 1, active: true }]],
    ],
    [
      'what is held',
      {},
      [
        [0, seen(3, 3, 41, 41, 41), 3],
        [15, inCluster(nothing, { current: 3, ready: 3 }), { desired: 3, verdict: 'held', metrics: [120] }],
      ],
    ],
  ];
  test.each(rows)('%s arrives at the HPA', (_, changes, rows) => {
    follow({ ...policy, ...changes }, rows);
  });
});

test('of two signals each has its own value, and one that is silent repeats its last', () => {
  const both = { ...policy, signals: [gpu, queue] };
  const two =
    (gpuValue: number | null, queueValue: number | null): Row[1] =>
    (now) => ({
      ...seen(3, 3)(now),
      readings: [
        ...seen(3, 3, gpuValue, gpuValue, gpuValue)(now).readings,
        ...seen(3, 3, queueValue, queueValue, queueValue)(now).readings,
      ],
    });
  follow(both, [
    [0, two(40, 10), { desired: 3, metrics: [120, 30] }],
    [15, two(40, null), { desired: 3, metrics: [120, 30] }],
    [30, two(null, 20), { desired: 6, metrics: [120, 60] }],
  ]);
  follow(both, [[0, two(40, null), { desired: 3, metrics: [120, 0] }]]);
});

test('idle below the activation is left to KEDA, and the raw value stays to be seen', () => {
  const idle = { ...policy, signals: [{ ...queue, activation: 5 }] };
  follow(idle, [[0, seen(1, 1, 4), { desired: 0, active: false, metrics: [4] }]]);
});

test('whatever comes, the HPA makes of the values what the decision says', () => {
  fc.assert(
    fc.property(anyPolicy, anyTrace(false), fc.boolean(), (any, trace, raw) => {
      const policy = { ...any, dryRun: false, output: raw ? ('signal' as const) : ('replicas' as const) };
      const targets = raw ? policy.signals.map((each) => each.target) : [1];
      let state = initialState;
      for (const { now, observation } of trace) {
        const { state: next, decision } = decide(state, observation, policy, now);
        state = next;
        const { current, source } = decision.replicas;
        if (decision.verdict !== 'fresh' || current === 0 || source === 'asked') continue;
        const metrics = targets.map((target, index) => ({ target, value: decision.metrics[index]! }));
        const wanted = decision.stages.find((each) => each.stage === 'publish')?.replicas ?? decision.desired;
        expect(Math.max(1, hpaWants(metrics, current, hpaTolerance(policy.tolerance)))).toBe(
          Math.max(1, wanted),
        );
        if (wanted < decision.desired) expect(decision.reason).toMatch(/kept at|is the next it takes/);
      }
    }),
    { numRuns: 200 },
  );
});

test('the first moment of all has no earlier raw value', () => {
  const { decision } = decide(initialState, pods(40, 40)(START), policy, START);
  expect(decision.metrics).toEqual([80]);
});
