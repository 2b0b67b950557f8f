import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundsWith } from '../../src/core/bounds.js';
import { decide } from '../../src/core/decide.js';
import type { Floor, ScaledObjectSettings } from '../../src/core/observation.js';
import { initialState } from '../../src/core/state.js';
import { SECOND } from '../../src/core/time.js';
import { anyPolicy, anyTrace } from './arbitraries.js';
import {
  andWake,
  follow,
  gateway,
  inCluster,
  policyWith,
  queue,
  sourceGone,
  START,
  whole,
  type View,
} from './timeline.js';

const policy = policyWith({ signals: [queue], burst: false });
const DEFAULTS: ScaledObjectSettings = {
  minReplicas: 0,
  maxReplicas: 100,
  idleReplicas: null,
  tolerance: { up: 0.1, down: 0.1 },
};

function of(view: View, settings: Partial<ScaledObjectSettings>): View {
  return (now) => ({ ...view(now), scaledObject: { ...DEFAULTS, ...settings } });
}

const TWO_TO_FIVE = { minReplicas: 2, maxReplicas: 5 };

describe('bounds of the ScaledObject alone', () => {
  test('hold as the trigger’s do, and are named', () => {
    const { decisions } = follow(policy, [
      [0, of(whole(0), TWO_TO_FIVE), { desired: 2, active: true, metrics: [2] }],
      [15, of(whole(30), TWO_TO_FIVE), 3],
      [30, of(whole(1000), TWO_TO_FIVE), { desired: 5, metrics: [5] }],
    ]);
    expect(decisions[0]?.stages.at(-1)).toMatchObject({
      stage: 'floor',
      why: 'minReplicaCount 2 of the ScaledObject',
    });
    expect(decisions[1]?.reason).not.toContain('ScaledObject');
    expect(decisions[2]?.reason).toContain('capped at maxReplicaCount 5 of the ScaledObject, wanted 100');
  });

  test('are reached from within the tolerance: the HPA reckons 23 and stops at 22', () => {
    const settings = { minReplicas: 1, maxReplicas: 22 };
    const { last } = follow(policy, [
      [
        0,
        of(inCluster(whole(400), { current: 20, ready: 20 }), settings),
        { desired: 22, metrics: [22.001] },
      ],
      [15, of(inCluster(whole(400), { current: 22, ready: 22 }), settings), { desired: 22, metrics: [22] }],
    ]);
    expect(last.reason).not.toContain('kept at');
    // The trigger's own maximum is nobody's to keep but ours.
    follow({ ...policy, maxReplicas: 22 }, [
      [0, of(inCluster(whole(400), { current: 20, ready: 20 }), { maxReplicas: 100 }), { metrics: [20] }],
    ]);
  });

  test('are gone with what is known of it: the trigger’s stand alone', () => {
    const { last } = follow(policy, [
      [0, of(whole(1000), TWO_TO_FIVE), 5],
      [15, whole(1000), 100],
      [30, whole(0), { desired: 0, active: false }],
    ]);
    expect(last.reason).not.toContain('ScaledObject');
  });

  test('that are lowered lower what the window or a hold would keep', () => {
    const { decisions } = follow({ ...policy, scaleDownWindow: 300_000 }, [
      [0, of(whole(80), {}), 8],
      [15, of(whole(40), { maxReplicas: 5 }), 5],
      [30, of(sourceGone, { maxReplicas: 3 }), { desired: 3, verdict: 'held' }],
    ]);
    expect(decisions[1]?.reason).toContain('capped at maxReplicaCount 5 of the ScaledObject, wanted 8');
  });

  test('that were lifted for a time are not held by the window', () => {
    follow({ ...policy, scaleDownWindow: 300_000 }, [
      [0, of(whole(10), { minReplicas: 6 }), 6],
      [15, of(whole(10), {}), 1],
    ]);
  });
});

describe('beside the trigger’s bounds', () => {
  test('the stricter of each holds, and is named', () => {
    const both = { ...policy, minReplicas: 1, maxReplicas: 4 };
    const { decisions } = follow(both, [
      [0, of(whole(0), TWO_TO_FIVE), 2],
      [15, of(whole(1000), TWO_TO_FIVE), 4],
      [30, of(whole(0), { minReplicas: 0, maxReplicas: 3 }), 1],
      [45, of(whole(1000), { minReplicas: 0, maxReplicas: 3 }), 3],
    ]);
    const whys = decisions.map(({ stages }) => stages.at(-1)?.why);
    expect(whys).toEqual([
      'minReplicaCount 2 of the ScaledObject',
      'capped at maxReplicas 4, wanted 100',
      'minReplicas 1',
      'capped at maxReplicaCount 3 of the ScaledObject, wanted 100',
    ]);
  });

  test('a maximum wins over a minimum above it', () => {
    const { last } = follow({ ...policy, minReplicas: 8 }, [[0, of(whole(0), TWO_TO_FIVE), 5]]);
    expect(last.reason).toContain('minReplicas 8, capped at maxReplicaCount 5 of the ScaledObject');
    follow({ ...policy, maxReplicas: 1 }, [[0, of(whole(0), TWO_TO_FIVE), 1]]);
  });

  test('are put together in the same way for those who only ask for them', () => {
    const both = { ...policy, minReplicas: 1, maxReplicas: 4 };
    expect(boundsWith(both, { ...DEFAULTS, ...TWO_TO_FIVE, idleReplicas: 0 })).toEqual({
      minReplicas: 2,
      maxReplicas: 4,
      idleReplicas: 0,
    });
    expect(boundsWith(both, null)).toEqual({ minReplicas: 1, maxReplicas: 4, idleReplicas: null });
    expect(boundsWith(policy, null).maxReplicas).toBeNull();
  });
});

describe('with idleReplicaCount', () => {
  const idle = { minReplicas: 3, maxReplicas: 10, idleReplicas: 0 };

  test('it is the idle count or at least the minimum, nothing in between', () => {
    follow(policy, [
      [0, of(whole(0), idle), { desired: 0, active: false }],
      [15, of(whole(10), idle), { desired: 3, active: true, metrics: [3] }],
      [30, of(whole(60), idle), 6],
      [45, of(whole(0), idle), { desired: 0, active: false }],
    ]);
  });

  test('a wake leads to the minimum', () => {
    const asleep = inCluster(andWake(whole(Number.NaN), 5), { current: 0, ready: 0 });
    follow({ ...policy, wake: gateway }, [[0, of(asleep, idle), { desired: 3, active: true }]]);
  });

  test('so does a floor that somebody asked for', () => {
    const floor: Floor = { by: 'wake', replicas: 1, until: START + 60 * SECOND, why: 'asked for' };
    const held: View = (now) => ({ ...of(whole(0), idle)(now), floors: [floor] });
    follow(policy, [
      [0, held, { desired: 3, active: true }],
      [61, held, { desired: 0, active: false }],
    ]);
  });

  test('the trigger’s own minimum is no idle count', () => {
    follow({ ...policy, minReplicas: 1 }, [[0, of(whole(0), idle), 3]]);
  });
});

test('a sleep window cannot go below what KEDA keeps, and says so', () => {
  const sleep = { until: START + 60 * SECOND, why: 'sleep window' };
  const asleep = (settings: Partial<ScaledObjectSettings>): View => {
    return (now) => ({ ...of(whole(50), settings)(now), sleep });
  };
  const { last } = follow(policy, [
    [0, asleep({ minReplicas: 2, idleReplicas: 0 }), { desired: 0, active: false }],
    [15, asleep({ minReplicas: 2 }), 2],
  ]);
  expect(last.reason).toContain('sleep window; minReplicaCount 2 of the ScaledObject');
});

test('what keeps a minimum is not warned that nothing would wake it', () => {
  const silent = policyWith({ signals: [queue], burst: false, wake: { ...gateway, required: true } });
  const { last } = follow(silent, [[0, of(whole(0), { minReplicas: 1 }), 1]]);
  expect(last.reason).not.toContain('nothing would wake it');
});

test('a value leads out of the HPA’s own tolerance, in its direction', () => {
  const at10 = inCluster(whole(120), { current: 10, ready: 10 });
  const wide = { tolerance: { up: 0.25, down: 0.1 } };
  const { last } = follow(policy, [[0, of(at10, wide), { desired: 12, metrics: [12.501] }]]);
  expect(last.reason).toContain('the HPA ignores 12 at 10 (tolerance 0.25); 13 is the next it takes');
  const down = inCluster(whole(85), { current: 10, ready: 10 });
  follow(policy, [[0, of(down, wide), { desired: 9, metrics: [8.999] }]]);
});

test('no decision that is answered with leaves the bounds that KEDA keeps', () => {
  const settings = fc.option(
    fc.record({
      minReplicas: fc.nat(6),
      maxReplicas: fc.integer({ min: 6, max: 12 }),
      idleReplicas: fc.constantFrom(null, 0),
      tolerance: fc.record({ up: fc.constantFrom(0, 0.1, 0.5, 9), down: fc.constantFrom(0, 0.1, 0.5, 9) }),
    }),
  );
  fc.assert(
    fc.property(anyPolicy, anyTrace(true), fc.array(settings), (policy, trace, all) => {
      let state = initialState;
      for (const [index, { now, observation }] of trace.entries()) {
        const scaledObject = all[index] ?? null;
        const step = decide(state, { ...observation, scaledObject }, policy, now);
        state = step.state;
        const { verdict, desired, reason } = step.decision;
        if (scaledObject === null || verdict === 'blind' || policy.dryRun) continue;
        const { minReplicas, maxReplicas, idleReplicas } = boundsWith(policy, scaledObject);
        expect(desired, reason).toBeLessThanOrEqual(maxReplicas ?? Infinity);
        if (desired > 0 || idleReplicas === null) expect(desired, reason).toBeGreaterThanOrEqual(minReplicas);
      }
    }),
    { numRuns: 500 },
  );
});
