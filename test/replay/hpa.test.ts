import { describe, expect, it } from 'vitest';
import { DEFAULT_BEHAVIOR, type Behavior, type ScalingRules } from '../../src/replay/hpa-behavior.js';
import { newHpa, syncHpa, type HpaSpec, type HpaState, type MetricReading } from '../../src/replay/hpa.js';

const SPEC: HpaSpec = {
  minReplicas: 1,
  maxReplicas: 100,
  metrics: [{ type: 'External', averageValue: 1 }],
  behavior: null,
};
const settled: HpaState = { recommendations: [], events: { up: [], down: [] } };
const all = (count: number) => ({ spec: count, status: count, ready: count });
const external = (value: number): MetricReading => ({ kind: 'external', values: [value] });
const failed: MetricReading = { kind: 'failed' };

function behavior(up: Partial<ScalingRules>, down: Partial<ScalingRules> = {}): Behavior {
  return {
    scaleUp: { ...DEFAULT_BEHAVIOR.scaleUp, ...up },
    scaleDown: { ...DEFAULT_BEHAVIOR.scaleDown, stabilizationWindowSeconds: 0, ...down },
  };
}

/** Syncs with the values one after the other; every pod is ready at once. Returns the replicas after each. */
function follow(spec: HpaSpec, start: number, values: readonly number[], every = 15): number[] {
  let state = settled;
  let current = start;
  return values.map((value, index) => {
    const sync = syncHpa(state, spec, all(current), [external(value)], index * every);
    state = sync.state;
    current = sync.desired;
    return current;
  });
}

describe('one sync', () => {
  it('does nothing at zero replicas', () => {
    const sync = syncHpa(newHpa, SPEC, all(0), [external(50)], 0);
    expect(sync.desired).toBe(0);
    expect(sync.conditions.scalingActive).toBe('ScalingDisabled');
  });

  it('returns into its bounds without looking at metrics', () => {
    expect(syncHpa(newHpa, { ...SPEC, maxReplicas: 4 }, all(9), [failed], 0).desired).toBe(4);
    expect(syncHpa(newHpa, { ...SPEC, minReplicas: 3 }, all(1), [failed], 0).desired).toBe(3);
  });

  it('keeps the replicas when no metric can be had', () => {
    const sync = syncHpa(newHpa, SPEC, all(7), [failed], 0);
    expect(sync.desired).toBe(7);
    expect(sync.conditions.scalingActive).toBe('FailedGetMetric');
    expect(syncHpa(newHpa, SPEC, all(7), [{ kind: 'external', values: [] }], 0).desired).toBe(7);
    expect(
      syncHpa(newHpa, SPEC, all(7), [{ kind: 'pods', total: 1, pods: 1, missing: 0, pending: 0 }], 0).desired,
    ).toBe(7);
  });

  it('adds up the values that come back for one metric', () => {
    const values: MetricReading = { kind: 'external', values: [28, 3.3] };
    const spec: HpaSpec = { ...SPEC, metrics: [{ type: 'External', averageValue: 10 }] };
    expect(syncHpa(settled, spec, all(2), [values], 0).desired).toBe(4);
  });

  it('takes the largest of several metrics', () => {
    const spec: HpaSpec = {
      ...SPEC,
      metrics: [
        { type: 'External', averageValue: 10 },
        { type: 'External', averageValue: 0.8 },
      ],
    };
    expect(syncHpa(settled, spec, all(3), [external(28), external(3.3)], 0).desired).toBe(5);
  });

  it('lets the valid metrics scale up, but not down, while another is invalid', () => {
    const spec: HpaSpec = { ...SPEC, metrics: [...SPEC.metrics, ...SPEC.metrics] };
    expect(syncHpa(settled, spec, all(4), [external(6), failed], 0).desired).toBe(6);
    expect(syncHpa(settled, spec, all(4), [external(2), failed], 0).desired).toBe(4);
  });

  it('cuts a value after the third decimal', () => {
    const spec: HpaSpec = { ...SPEC, metrics: [{ type: 'External', averageValue: 0.5 }] };
    expect(syncHpa(settled, spec, all(1), [external(0.0004)], 0).desired).toBe(1);
    expect(syncHpa(settled, spec, all(1), [external(1.0009)], 0).desired).toBe(2);
  });
});

describe('without behavior', () => {
  it('grows to max(4, twice as many) a sync', () => {
    expect(follow(SPEC, 1, [50, 50, 50, 50, 50])).toEqual([4, 8, 16, 32, 50]);
  });

  it('shrinks to the largest recommendation of five minutes, the oldest of exactly five included', () => {
    const values = [10, ...Array<number>(21).fill(2)];
    const path = follow(SPEC, 10, values);
    expect(path.slice(0, 21)).toEqual(Array<number>(21).fill(10));
    expect(path[21]).toBe(2);
  });

  it('holds the replicas that it finds at first for five minutes', () => {
    const sync = syncHpa(newHpa, SPEC, all(10), [external(2)], 0);
    expect(sync.desired).toBe(10);
    expect(sync.conditions.ableToScale).toBe('ScaleDownStabilized');
  });

  it('says what limits it', () => {
    const limited = (spec: Partial<HpaSpec>, value: number) =>
      syncHpa(settled, { ...SPEC, ...spec }, all(4), [external(value)], 0).conditions.scalingLimited;
    expect(limited({}, 20)).toBe('ScaleUpLimit');
    expect(limited({ maxReplicas: 6 }, 20)).toBe('TooManyReplicas');
    expect(limited({ maxReplicas: 8 }, 20)).toBe('TooManyReplicas'); // both limits are 8
    expect(limited({ minReplicas: 3 }, 1)).toBe('TooFewReplicas');
    expect(limited({}, 6)).toBe('DesiredWithinRange');
  });
});

describe('with behavior', () => {
  const run = (rules: Behavior, start: number, values: readonly number[], every = 15) =>
    follow({ ...SPEC, behavior: rules }, start, values, every);

  it('grows by the larger of its policies: by default four pods or twice as many a quarter of a minute', () => {
    expect(run(DEFAULT_BEHAVIOR, 1, [50, 50, 50, 50, 50])).toEqual([5, 10, 20, 40, 50]);
  });

  it('grows by the smaller with selectPolicy Min, and not at all when Disabled', () => {
    expect(run(behavior({ selectPolicy: 'Min' }), 1, [50, 50, 50])).toEqual([2, 4, 8]);
    expect(run(behavior({ selectPolicy: 'Disabled' }), 3, [50, 50])).toEqual([3, 3]);
    expect(run(behavior({}, { selectPolicy: 'Disabled' }), 3, [1, 1])).toEqual([3, 3]);
  });

  it('counts what was added within the period', () => {
    const rules = behavior({ policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] });
    expect(run(rules, 1, [50, 50, 50, 50, 50, 50])).toEqual([3, 3, 3, 3, 5, 5]);
  });

  it('rounds a percentage up when it grows, and down when it shrinks', () => {
    const tenPercent = { policies: [{ type: 'Percent' as const, value: 10, periodSeconds: 15 }] };
    expect(run(behavior(tenPercent), 5, [50, 50])).toEqual([6, 7]);
    expect(run(behavior({}, tenPercent), 25, [1, 1, 1])).toEqual([22, 19, 17]);
  });

  it('shrinks by pods, and by the smaller change with Min', () => {
    const policies = [
      { type: 'Pods' as const, value: 1, periodSeconds: 15 },
      { type: 'Percent' as const, value: 50, periodSeconds: 15 },
    ];
    expect(run(behavior({}, { policies }), 8, [1, 1])).toEqual([4, 2]);
    expect(run(behavior({}, { policies, selectPolicy: 'Min' }), 8, [1, 1])).toEqual([7, 6]);
  });

  it('gives back what was removed when it grows again within the period', () => {
    // Three were removed within the minute: the period began at 10, so 12 are allowed.
    const policies = [{ type: 'Pods' as const, value: 2, periodSeconds: 60 }];
    const rules = behavior({ policies }, { policies: [{ type: 'Pods', value: 3, periodSeconds: 60 }] });
    expect(run(rules, 10, [1, 50])).toEqual([7, 12]);
  });

  it('waits for the window in both directions; a recommendation exactly as old no longer counts', () => {
    const rules = behavior({ stabilizationWindowSeconds: 30 }, { stabilizationWindowSeconds: 30 });
    expect(run(rules, 4, [4, 6, 8, 8, 4, 4, 4])).toEqual([4, 4, 6, 8, 8, 4, 4]);
  });

  it('has a tolerance for each direction', () => {
    const rules = behavior({ tolerance: 0 }, { tolerance: 0.2 });
    expect(run(rules, 20, [21, 18, 16])).toEqual([21, 21, 16]);
  });

  it('says why it waits', () => {
    const rules = behavior({ stabilizationWindowSeconds: 60 });
    const state: HpaState = { ...settled, recommendations: [{ at: 0, replicas: 4 }] };
    const sync = syncHpa(state, { ...SPEC, behavior: rules }, all(4), [external(8)], 15);
    expect(sync.desired).toBe(4);
    expect(sync.conditions.ableToScale).toBe('ScaleUpStabilized');
  });
});
