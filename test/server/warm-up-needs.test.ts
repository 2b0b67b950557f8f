import { describe, expect, test } from 'vitest';
import type { Decision, Stage } from '../../src/core/decision.js';
import { POLICY_DEFAULTS, type Policy } from '../../src/core/policy.js';
import { HOUR, MINUTE, type Millis } from '../../src/core/time.js';
import { createStarts } from '../../src/policy/starts.js';
import type { WarmUp, WarmUpStatus } from '../../src/ports/warm-up.js';
import { needsOf, reactiveReplicas } from '../../src/server/warm-up-needs.js';

const NOW: Millis = Date.parse('2026-11-23T07:45:00Z');
const policy: Policy = { ...POLICY_DEFAULTS, signals: [], wake: null, forecast: 'on', leadTime: 4 * MINUTE };

function stages(...each: [Stage['stage'], number][]): Stage[] {
  return each.map(([stage, replicas]) => ({ stage, replicas, why: `${stage} says ${replicas}` }));
}

function decision(given: readonly Stage[], reporting = 1, desired = given.at(-1)?.replicas ?? 0): Decision {
  const replicas = { current: reporting, reporting, missing: 0, starting: 0, source: 'pods' } as const;
  const rest = { at: NOW, verdict: 'fresh', active: true, signals: [], metrics: [], reason: '' } as const;
  return { ...rest, desired, replicas, stages: given, needsWake: false, presumesZero: false };
}

function held(changes: Partial<WarmUp>): WarmUpStatus {
  const warmUp: WarmUp = {
    id: 'w1',
    workload: 'ml/chat/d',
    slot: 0,
    replicas: 5,
    startAt: NOW - MINUTE,
    readyBy: NOW - MINUTE,
    holdUntil: NOW + 3 * MINUTE,
    leadTime: 4 * MINUTE,
    why: '',
    source: 'forecast',
    expectedCost: 0,
    gpusPerReplica: 1,
    nodePool: null,
    ...changes,
  };
  const rest = { late: false, failures: 0, lastFailure: null, steps: [], readyAt: null };
  return { warmUp, phase: 'begun', plannedAt: NOW, begunAt: NOW, ...rest };
}

function needs(
  given: Decision,
  existing: readonly WarmUpStatus[] = [],
  of = policy,
  now = NOW,
  ofSiblings = existing,
) {
  const parts = { workload: 'ml/chat/d', policy: of, leadTime: of.leadTime, decision: given };
  return needsOf({ ...parts, existing, ofSiblings, now, startsOf: createStarts() });
}

describe('what a forecast needs of the planner', () => {
  test('is a warm-up for two lead times where it asks for more than the load and more than runs', () => {
    const { forecast } = needs(decision(stages(['demand', 2], ['forecast', 5]), 2));
    expect(forecast).toEqual({
      steps: [{ at: NOW, replicas: 5 }],
      until: NOW + 8 * MINUTE,
      why: 'forecast: forecast says 5',
    });
  });

  test.each([
    ['the load itself asks for as many', stages(['demand', 5], ['forecast', 5]), 2],
    ['as many run already', stages(['demand', 2], ['forecast', 5]), 5],
    ['it asks for fewer', stages(['demand', 5], ['forecast', 2]), 2],
  ])('is nothing where %s', (_why, given, reporting) => {
    expect(needs(decision(given, reporting)).forecast?.steps).toEqual([]);
  });

  test('goes on while the forecast adds to the load, and keeps its end once the load has come', () => {
    const warm = held({});
    const adding = needs(decision(stages(['demand', 2], ['forecast', 5]), 5), [warm]);
    expect(adding.forecast).toMatchObject({ steps: [{ replicas: 5 }], until: NOW + 8 * MINUTE });
    const came = needs(decision(stages(['demand', 5], ['forecast', 5]), 5), [warm]);
    expect(came.forecast).toMatchObject({ steps: [{ replicas: 5 }], until: warm.warmUp.holdUntil });
    const fewer = needs(decision(stages(['demand', 2], ['forecast', 3]), 5), [warm]);
    expect(fewer.forecast).toMatchObject({ steps: [{ replicas: 3 }], until: warm.warmUp.holdUntil });
  });

  test('is no more than can come: a sleep window or a ceiling is above it', () => {
    const given = stages(['demand', 2], ['forecast', 5], ['ceiling', 3]);
    expect(needs(decision(given, 2)).forecast?.steps).toEqual([{ at: NOW, replicas: 3 }]);
    const asleep = stages(['demand', 2], ['forecast', 5], ['ceiling', 0]);
    expect(needs(decision(asleep, 2)).forecast?.steps).toEqual([]);
  });

  test('is not known without a word of the forecast, which is not the same as nothing', () => {
    expect(needs(decision(stages(['demand', 2]))).forecast).toBe(null);
    expect(
      needs(decision(stages(['demand', 2], ['forecast', 5])), [], { ...policy, forecast: 'off' }).forecast,
    ).toBe(null);
  });
});

describe('what windows need of the planner', () => {
  const windowed: Policy = {
    ...policy,
    leadTime: 10 * MINUTE,
    maxReplicas: 3,
    schedule: {
      timezone: 'UTC',
      warm: [{ start: '0 8 * * *', length: 2 * HOUR, replicas: 4 }],
      sleep: [],
    },
  };
  const at = (time: string) => Date.parse(`2026-11-23T${time}:00Z`);
  const fixed = (now: Millis, existing: readonly WarmUpStatus[] = [], ofSiblings = existing) =>
    needs(decision(stages(['demand', 0])), existing, windowed, now, ofSiblings).fixed;

  test('is the whole window, from a minute before its lead time on, and never more than maxReplicas', () => {
    expect(fixed(at('07:48'))).toEqual([]);
    expect(fixed(at('07:49'))).toEqual([
      {
        source: 'window',
        from: at('08:00'),
        until: at('10:00'),
        replicas: 3,
        why: 'warm window 0 8 * * *: at least 4 from Mon 08:00 UTC',
      },
    ]);
  });

  test('once it has begun, it is needed only where it was prepared', () => {
    expect(fixed(at('08:30'))).toEqual([]);
    expect(fixed(at('08:30'), [held({ source: 'window', holdUntil: at('10:00') })])).toHaveLength(1);
    expect(fixed(at('10:00'), [held({ source: 'window', holdUntil: at('10:00') })])).toEqual([]);
  });

  test('once it has begun, a trigger that takes the place of another goes on with it', () => {
    const ofAnother = held({ workload: 'ml/chat/e', source: 'window', holdUntil: at('10:00') });
    expect(fixed(at('08:30'), [], [ofAnother])).toHaveLength(1);
  });
});

describe('what the load alone asks for', () => {
  test.each([
    [stages(['demand', 2], ['burst', 3]), 3],
    [stages(['demand', 2], ['burst', 3], ['forecast', 5], ['floor', 6]), 3],
    [stages(['demand', 0], ['floor', 4]), 0],
    [stages(['forecast', 4]), 0],
    // Four that start because of a floor are not the load's.
    [stages(['absence', 4], ['floor', 5]), 0],
  ])('%#: is what stands before the stages that look ahead', (given, replicas) => {
    expect(reactiveReplicas(decision(given), policy)).toBe(replicas);
  });

  test('is what the wake signal asks for while no pod reports', () => {
    const wake = {
      profile: 'gateway',
      kind: 'extensive',
      unit: 'requests/s',
      target: 2,
      activation: 1,
    } as const;
    const woken = {
      ...policy,
      wake: { ...wake, absence: 'idle', freshFor: 60_000, sized: true, required: false },
    } as const;
    const none = { unsound: 0, stale: 0, duplicate: 0 };
    const given = (raw: number) => {
      const report = {
        profile: 'gateway',
        role: 'wake',
        evidence: 'fresh',
        raw,
        unit: 'requests/s',
        target: 2,
      } as const;
      const signals = [{ ...report, demand: raw / 2, pods: 0, age: 0, faults: none, why: '' }];
      return { ...decision(stages(['absence', 4], ['floor', 5]), 0), signals };
    };
    expect([0, 1, 5].map((raw) => reactiveReplicas(given(raw), woken))).toEqual([0, 0, 3]);
  });

  test('is within the trigger’s own bounds', () => {
    const bounded = { ...policy, minReplicas: 2, maxReplicas: 4 };
    expect(reactiveReplicas(decision(stages(['demand', 0], ['floor', 2], ['floor', 3])), bounded)).toBe(2);
    expect(reactiveReplicas(decision(stages(['demand', 9], ['forecast', 9], ['ceiling', 4])), bounded)).toBe(
      4,
    );
  });
});
