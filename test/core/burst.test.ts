import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BURST_WINDOW, watchForBurst } from '../../src/core/burst.js';
import { every, follow, pods, policyWith, queue, START, whole } from './timeline.js';

const policy = policyWith({ signals: [queue] });

describe('a demand of twice the last minute', () => {
  test('opens a burst that holds until a minute has passed without another', () => {
    const { decisions } = follow(policy, [
      ...every(15, 0, 60, whole(10), 1),
      [75, whole(100), 10],
      ...every(5, 80, 130, whole(10), 10),
      [135, whole(10), 1],
    ]);
    expect(decisions.at(-2)?.reason).toContain('burst: 10 held until no jump for 60 s');
  });

  test('a second jump holds the larger for another minute', () => {
    follow(policy, [
      ...every(15, 0, 60, whole(10), 1),
      [75, whole(50), 5],
      [100, whole(10), 5],
      [105, whole(120), 12],
      [164, whole(10), 12],
      [165, whole(10), 1],
    ]);
  });

  test('an increase within the burst is held without prolonging it', () => {
    follow(policy, [
      ...every(15, 0, 60, whole(10), 1),
      ...every(5, 75, 120, whole(100), 10),
      [125, whole(120), 12],
      [134, whole(10), 12],
      [135, whole(10), 1],
    ]);
  });

  test('burst off follows the load down', () => {
    follow({ ...policy, burst: false }, [
      ...every(15, 0, 60, whole(10), 1),
      [75, whole(100), 10],
      [80, whole(10), 1],
    ]);
  });

  test('a slow rise is none', () => {
    follow(policy, [
      [0, whole(100), 10],
      [15, whole(150), 15],
      [30, whole(200), 20],
      [45, whole(100), 10],
    ]);
  });

  test('the first demand after a restart is none', () => {
    follow(policy, [
      [0, whole(100), 10],
      [5, whole(10), 1],
    ]);
  });

  test('what runs already is none, whatever the jump', () => {
    follow(policy, [
      [0, pods(1, 1, 1, 1, 1), 1],
      [5, pods(10, 10, 10, 0, 0), 3],
      [10, pods(0, 0, 0, 0, 0), 0],
    ]);
  });

  test('holds through idleness', () => {
    follow(policy, [
      ...every(15, 0, 60, whole(10), 1),
      [75, whole(100), 10],
      [80, whole(0), 10],
      [135, whole(0), 0],
    ]);
  });

  test('never holds above the maximum', () => {
    follow({ ...policy, maxReplicas: 4 }, [
      ...every(15, 0, 60, whole(10), 1),
      [75, whole(100), 4],
      [80, whole(0), 4],
    ]);
  });
});

const closed = { loads: [], burst: null };

describe('watchForBurst', () => {
  test('remembers at most 120 demands', () => {
    let state: Parameters<typeof watchForBurst>[0] = closed;
    for (let at = 0; at < 1000; at += 1) state = watchForBurst(state, 1, 1, 1, START + at).state;
    expect(state.loads).toHaveLength(120);
    expect(state.loads.at(-1)?.at).toBe(START + 999);
  });

  test('never holds for longer than its window, also after a clock that was set back', () => {
    const step = fc.record({
      demand: fc.nat(50),
      current: fc.nat(20),
      later: fc.integer({ min: -100_000, max: 30_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let now = START;
        let state: Parameters<typeof watchForBurst>[0] = closed;
        for (const { demand, current, later } of steps) {
          now += later;
          const burst = watchForBurst(state, demand, demand, current, now);
          ({ state } = burst);
          expect(burst.holds > 0).toBe(state.burst !== null && burst.holds > 0);
          if (state.burst === null) continue;
          expect(state.burst.until).toBeGreaterThan(now);
          expect(state.burst.until - now).toBeLessThanOrEqual(BURST_WINDOW);
          expect(burst.holds).toBeGreaterThanOrEqual(demand);
        }
      }),
    );
  });
});
