import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.js';
import type { Floor, Observation, Sleep } from '../../src/core/observation.js';
import { initialState } from '../../src/core/state.js';
import { SECOND, type Millis } from '../../src/core/time.js';
import { anyPolicy, anyTrace } from './arbitraries.js';
import {
  andWake,
  every,
  failed,
  follow,
  gateway,
  hpaAsking,
  inCluster,
  nothing,
  policyWith,
  queue,
  reads,
  START,
  whole,
  type View,
} from './timeline.js';

const policy = policyWith({ signals: [queue], burst: false });
const HOUR = 3600 * SECOND;

/** Until so many seconds after the start of the line. */
function withFloor(view: View, replicas: number, seconds = 3600, by: Floor['by'] = 'window'): View {
  return (now) => {
    const seen = view(now);
    const floor: Floor = { by, replicas, until: START + seconds * SECOND, why: `${by} ${replicas}` };
    return { ...seen, floors: [...(seen.floors ?? []), floor] };
  };
}

function asleep(view: View, seconds = 3600): View {
  const sleep: Sleep = { until: START + seconds * SECOND, why: 'sleep window' };
  return (now) => ({ ...view(now), sleep });
}

describe('a floor', () => {
  test('lifts what the load asks for, and no more', () => {
    const { decisions } = follow(policy, [
      [0, withFloor(whole(10), 3), { desired: 3, verdict: 'fresh', active: true, metrics: [3] }],
      [15, withFloor(whole(50), 3), 5],
    ]);
    expect(decisions[0]?.stages.at(-1)).toEqual({ stage: 'floor', replicas: 3, why: 'window 3' });
    expect(decisions[1]?.reason).not.toContain('window 3');
  });

  test('is named while what it asked for starts, which the load did not ask for', () => {
    const woken = (view: View) => withFloor(view, 1, 3600, 'wake');
    const { decisions } = follow(policyWith({ signals: [queue], wake: gateway, burst: false }), [
      [0, woken(andWake(nothing, 0)), 1],
      [15, woken(andWake(nothing, 0)), 1],
      [60, woken(whole(10)), 1],
    ]);
    expect(decisions[1]?.reason).toMatch(/1 starting.*wake 1/);
    expect(decisions[2]?.reason).not.toContain('wake 1');
  });

  test('the highest of several counts, whichever comes first', () => {
    follow(policy, [
      [0, withFloor(withFloor(whole(10), 2), 4, 3600, 'wake'), 4],
      [15, withFloor(withFloor(whole(10), 4), 2, 3600, 'wake'), 4],
    ]);
  });

  test('ends on its moment, and the scale-down window does not remember it', () => {
    follow({ ...policy, scaleDownWindow: 300_000 }, [
      [0, withFloor(whole(10), 6, 60), 6],
      [59, withFloor(whole(10), 6, 60), 6],
      [60, withFloor(whole(10), 6, 60), 1],
    ]);
  });

  test('goes no higher than the most, and says so', () => {
    const { last } = follow({ ...policy, maxReplicas: 4 }, [[0, withFloor(whole(10), 9), 4]]);
    expect(last.reason).toContain('window 9; capped at 4');
  });

  test('of nothing is none', () => {
    follow(policy, [[0, withFloor(whole(0), 0), { desired: 0, active: false }]]);
  });

  test('wakes from zero, with no signal to wake it', () => {
    const empty = inCluster(nothing, { current: 0, ready: 0 });
    follow(policy, [
      [0, empty, { desired: 0, verdict: 'fresh', active: false }],
      [5, withFloor(empty, 2), { desired: 2, verdict: 'fresh', active: true, metrics: [2] }],
      [10, withFloor(inCluster(nothing, { current: 2, ready: 0 }), 2), 2],
    ]);
  });

  test('wakes from zero though the sources are gone for longer than a decision stands', () => {
    const gone = inCluster(andWake(reads(failed('connection refused')), failed('connection refused')), {
      current: 0,
      ready: 0,
    });
    const waking = { ...policy, wake: gateway };
    follow(waking, [
      [0, inCluster(whole(0), { current: 0, ready: 0 }), 0],
      ...every(100, 10, 510, gone, {}),
      [520, gone, { verdict: 'blind', active: false }],
      [525, withFloor(gone, 2), { desired: 2, verdict: 'fresh', active: true }],
    ]);
  });

  test('wakes after zero was asked for, where nobody counts the replicas', () => {
    const gone = reads(failed('connection refused'));
    follow(policy, [
      [0, whole(0), 0],
      [5, withFloor(gone, 2), { desired: 2, verdict: 'fresh', active: true }],
    ]);
    follow(policy, [
      [0, whole(0), 0],
      [5, withFloor(hpaAsking(gone), 2), { desired: 2, verdict: 'held', active: true }],
    ]);
    follow(policy, [
      [0, whole(0), 0],
      [5, hpaAsking(gone), { desired: 0, verdict: 'held' }],
      [400, withFloor(hpaAsking(gone), 2), { desired: 2, verdict: 'fresh', active: true }],
    ]);
  });

  test('is no answer where replicas run and nobody knows how many are needed: the HPA keeps what it has', () => {
    const gone = inCluster(reads(failed('connection refused')), { current: 8, ready: 8 });
    const { decisions } = follow(policy, [
      [0, inCluster(whole(80), { current: 8, ready: 8 }), 8],
      [10, withFloor(gone, 2), { desired: 8, verdict: 'held' }],
      [400, withFloor(gone, 2), { desired: 8, verdict: 'blind', active: true }],
      [410, withFloor(gone, 12), { desired: 12, verdict: 'blind', active: true }],
    ]);
    expect(decisions[3]?.reason).toContain('window 12');
  });

  test('lifts what is held', () => {
    const gone = inCluster(reads(failed('connection refused')), { current: 3, ready: 3 });
    follow(policy, [
      [0, inCluster(whole(30), { current: 3, ready: 3 }), 3],
      [10, withFloor(gone, 5), { desired: 5, verdict: 'held', metrics: [5] }],
    ]);
  });
});

describe('a sleep window', () => {
  test('is zero although load waits, and gives way on its end', () => {
    const { decisions } = follow(policy, [
      [0, whole(50), 5],
      [10, asleep(whole(50), 60), { desired: 0, verdict: 'fresh', active: false, metrics: [0] }],
      [60, asleep(whole(50), 60), { desired: 5, active: true }],
    ]);
    expect(decisions[1]?.stages.at(-1)).toEqual({ stage: 'ceiling', replicas: 0, why: 'sleep window' });
  });

  test('is zero below minReplicas, and without data', () => {
    follow({ ...policy, minReplicas: 2 }, [[0, asleep(whole(50)), { desired: 0, active: false }]]);
    follow(policy, [
      [0, inCluster(whole(50), { current: 5, ready: 5 }), 5],
      [
        400,
        asleep(inCluster(reads(failed('gone')), { current: 5, ready: 5 })),
        { desired: 0, verdict: 'fresh', active: false },
      ],
    ]);
  });

  test.each(['window', 'wake', 'announcement'] as const)('gives way to a %s, and to the load then', (by) => {
    follow(policy, [
      [0, asleep(withFloor(whole(0), 2, 60, by)), { desired: 2, active: true }],
      [10, asleep(withFloor(whole(50), 2, 60, by)), 5],
      [60, asleep(withFloor(whole(50), 2, 60, by)), { desired: 0, active: false }],
    ]);
  });

  test('does not give way to a forecast', () => {
    follow(policy, [[0, asleep(withFloor(whole(50), 2, 60, 'forecast')), { desired: 0, active: false }]]);
  });

  test('null is awake', () => {
    follow(policy, [[0, (now) => ({ ...whole(50)(now), sleep: null }), 5]]);
  });
});

describe('whatever comes', () => {
  const floor = fc.record({
    by: fc.constantFrom<Floor['by'][]>('window', 'wake', 'announcement', 'forecast'),
    replicas: fc.integer({ min: 0, max: 30 }),
    until: fc.integer({ min: -HOUR, max: 6 * HOUR }).map((after) => START + after),
    why: fc.constant('a floor'),
  });
  const sleep = fc.option(
    fc
      .integer({ min: -HOUR, max: 6 * HOUR })
      .map((after): Sleep => ({ until: START + after, why: 'asleep' })),
  );

  test('floors hold within the bounds, sleep is zero, and neither changes what is decided without', () => {
    fc.assert(
      fc.property(
        anyPolicy,
        anyTrace(false),
        fc.array(floor, { maxLength: 4 }),
        sleep,
        (given, trace, floors, sleep) => {
          let state = initialState;
          for (const { now, observation } of trace) {
            const ordered = decide(state, { ...observation, floors, sleep }, given, now);
            const plain = decide(state, observation, given, now);
            check(plain.decision.desired, ordered.decision, { floors, sleep, now, most: given.maxReplicas });
            state = ordered.state;
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  interface Orders {
    readonly floors: readonly Floor[];
    readonly sleep: Sleep | null;
    readonly now: Millis;
    readonly most: number | null;
  }

  function check(
    without: number,
    { desired, verdict, active }: ReturnType<typeof decide>['decision'],
    { floors, sleep, now, most }: Orders,
  ): void {
    const current = floors.filter(({ until, replicas }) => until > now && replicas > 0);
    const isAsleep = sleep !== null && sleep.until > now && current.every(({ by }) => by === 'forecast');
    if (isAsleep) {
      expect(desired).toBe(0);
      return;
    }
    const least = Math.min(most ?? Infinity, Math.max(0, ...current.map(({ replicas }) => replicas)));
    expect(desired).toBe(Math.max(without, least));
    if (least > 0 && verdict !== 'blind') expect(desired).toBeGreaterThan(0);
    if (current.length === 0) return;
    expect(verdict === 'blind' || desired > 0 || !active).toBe(true);
  }

  test('an observation without them is decided as ever', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(false, 4), (given, trace) => {
        let state = initialState;
        for (const { now, observation } of trace) {
          const empty: Observation = { ...observation, floors: [], sleep: null };
          const step = decide(state, observation, given, now);
          expect(decide(state, empty, given, now)).toEqual(step);
          state = step.state;
        }
      }),
    );
  });
});
