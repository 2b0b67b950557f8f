import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createLevels,
  harmOf,
  idleBeats,
  learnHarm,
  narrow,
  MOST_LEVELS,
  takeArrivals,
  widen,
  type Levels,
} from '../../../src/core/forecast/levels.js';
import { BEAT, horizonBeats, type ForecastSettings } from '../../../src/core/forecast/settings.js';
import { SECOND } from '../../../src/core/time.js';
import { SETTINGS } from './drive.js';

const GAP = horizonBeats(SETTINGS);
/** A request takes 2 replica-seconds, a replica gives 15 of them in a beat. */
const WORK = 2;
const SECONDS = BEAT / SECOND;

function fed(arrivals: readonly number[], levels: Levels = createLevels(8)): Levels {
  for (const [beat, each] of arrivals.entries()) takeArrivals(levels, SETTINGS, beat, each, GAP);
  return levels;
}

/** What waits for so many replicas after the last beat: the worst that any run of beats up to it adds up to. */
function waitingFor(servers: number, arrivals: readonly number[]): number {
  let most = 0;
  for (let from = 0; from < arrivals.length; from += 1) {
    const run = arrivals.slice(from);
    most = Math.max(most, run.reduce((sum, each) => sum + each * WORK, 0) - run.length * servers * SECONDS);
  }
  return most;
}

describe('a level', () => {
  it('is needed when what waits for the replicas below it takes longer than is in time', () => {
    // 40 requests bring 80 replica-seconds; 2 replicas serve 30, and 20 more are in time: 50 are too many for them.
    const levels = fed([40]);
    expect([...levels.backlog.subarray(0, 5)]).toEqual([0, 0, 65, 50, 35]);
    // 35 for 3 replicas are 12 s, 20 for 4 are 5 s.
    expect([...levels.neededAt.subarray(1, 7)]).toEqual([0, 0, 0, 0, -1, -1]);
    expect(levels).toMatchObject({ needed: 4, highest: 4 });
  });

  it('has the queue that all runs of arrivals add up to', () => {
    const beats = fc.array(fc.double({ min: 0, max: 12, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(beats, fc.integer({ min: 2, max: 6 }), (arrivals, k) => {
        const servers = k - 1;
        const levels = createLevels(8);
        for (const [beat, each] of arrivals.entries()) {
          takeArrivals(levels, SETTINGS, beat, each, GAP);
          const waits = waitingFor(servers, arrivals.slice(0, beat + 1));
          // More than a minute beyond what is in time is not kept: by then another would have come.
          if (waits > servers * 70) return;
          expect(levels.backlog[k]).toBeCloseTo(waits, 6);
          if (Math.abs(waits - servers * 10) > 1e-6)
            expect(levels.neededAt[k] === beat).toBe(waits > servers * 10);
        }
      }),
    );
  });

  it('is needed by no more than the one below it', () => {
    const beats = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(beats, (arrivals) => {
        const { late } = fed(arrivals);
        for (let k = 2; k <= 8; k += 1) expect(late[k]).toBeLessThanOrEqual(late[k - 1] ?? 0);
      }),
    );
  });

  it('counts all requests of the beats that need it, and the first one every request', () => {
    const { late } = fed([3, 0, 40, 0.5]);
    expect(late[1]).toBe(43.5);
    expect(late[4]).toBe(40);
  });

  it('has a queue that does not outlast a minute beyond what is in time', () => {
    const levels = fed([1e9]);
    expect(levels.backlog[3]).toBe(2 * 70);
  });

  it('tells how long it was idle, and since the beginning where it was never needed', () => {
    const levels = fed([1, 0, 0]);
    expect([idleBeats(levels, 1, 1), idleBeats(levels, 1, 3), idleBeats(levels, 2, 3)]).toEqual([0, 2, 3]);
  });

  it('begins a new run after a gap longer than a horizon, and not after a shorter one', () => {
    const pulses = (gap: number) => fed([1, ...Array.from({ length: gap - 1 }, () => 0), 1]).onsetAt[1];
    expect(pulses(GAP)).toBe(0);
    expect(pulses(GAP + 1)).toBe(GAP + 1);
  });

  it('is active for the share of the last hour or so in which it was needed', () => {
    const steady = fed(Array.from({ length: 2000 }, (_, beat) => (beat % 4 === 0 ? 1 : 0)));
    expect(steady.activity[1]).toBeCloseTo(0.25, 2);
    expect(steady.activity[2]).toBe(0);
  });

  it('is one of 48 at most, and one at least', () => {
    expect([0, 1, 7, 48, 1000].map((most) => createLevels(most).count)).toEqual([1, 1, 7, 48, MOST_LEVELS]);
  });
});

/** All ways to hold one replica, of which each covers the beats that need it; the cheapest. */
function cheapest(needs: readonly boolean[], restart: number): number {
  const last = needs.lastIndexOf(true);
  let best = Infinity;
  for (let held = 0; held < 2 ** (last + 1); held += 1) {
    const isHeld = (beat: number) => beat < 0 || Math.floor(held / 2 ** beat) % 2 === 1;
    if (needs.some((need, beat) => need && !isHeld(beat))) continue;
    let cost = 0;
    for (let beat = 0; beat <= last; beat += 1)
      if (isHeld(beat)) cost += isHeld(beat - 1) ? SECONDS : restart;
    best = Math.min(best, cost);
  }
  return last < 0 ? 0 : best;
}

describe('the cheapest schedule', () => {
  it('is that of one who tries all ways to hold a replica through gaps or to start it anew', () => {
    const restarts = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 9 }), restarts, (needs, beats) => {
        const settings: ForecastSettings = { ...SETTINGS, leadTime: BEAT, nodeIdle: (beats - 1) * BEAT };
        const levels = createLevels(1);
        const costs = needs.map((need, beat) => takeArrivals(levels, settings, beat, need ? 1 : 0, GAP));
        expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeCloseTo(cheapest(needs, beats * SECONDS), 9);
      }),
    );
  });

  it('pays for each level, and for all replicas of a wide one', () => {
    const levels = createLevels(8);
    expect(takeArrivals(levels, SETTINGS, 0, 40, GAP)).toBe(4 * SECONDS);
    const wide = createLevels(8);
    wide.width = 4;
    expect(takeArrivals(wide, SETTINGS, 0, 1, GAP)).toBe(4 * SECONDS);
  });
});

describe('the harm of a level that is missing', () => {
  it('is the mean of the first times, and then follows the recent ones', () => {
    const levels = createLevels(4);
    for (const requests of [10, 20, 60]) learnHarm(levels, 2, requests);
    expect(harmOf(levels, 2, 99)).toBeCloseTo(30, 4);
    for (let i = 0; i < 70_000; i += 1) learnHarm(levels, 2, 7);
    expect(harmOf(levels, 2, 99)).toBeCloseTo(7, 3);
    expect(levels.harms[2]).toBe(65_535);
  });

  it('is taken from the level below, and from the rate before anything was needed', () => {
    const levels = createLevels(4);
    learnHarm(levels, 1, 30);
    expect(harmOf(levels, 2, 99)).toBe(60);
    expect(harmOf(levels, 3, 99)).toBe(99);
    expect(harmOf(levels, 3, 0.2)).toBe(1);
    expect(harmOf(createLevels(4), 1, 99)).toBe(1);
  });
});

it('of a level beyond the room nothing is known', () => {
  const levels = fed([40], createLevels(4));
  learnHarm(levels, 99, 50);
  expect([idleBeats(levels, 99, 7), harmOf(levels, 99, 5)]).toEqual([7, 5]);
  levels.harms[4] = 1;
  expect(harmOf({ ...levels, harm: new Float32Array(0) }, 4, 5)).toBe(0);
});

const COLUMNS = ['backlog', 'neededAt', 'onsetAt', 'activity', 'late', 'harm', 'harms'] as const;

describe('wider levels', () => {
  const load = Array.from({ length: 60 }, (_, beat) => 20 + 15 * Math.sin(beat / 3));

  it('are as if they had always been so wide, as far as there was room', () => {
    const widened = fed(load, createLevels(9));
    const wide = createLevels(9);
    wide.width = 2;
    fed(load, wide);
    for (const levels of [widened, wide]) learnHarm(levels, 1, 10);
    widen(widened);
    expect([widened.width, widened.needed, widened.highest]).toEqual([2, wide.needed, wide.highest]);
    for (const column of COLUMNS)
      expect([column, ...widened[column].subarray(0, 6)]).toEqual([column, ...wide[column].subarray(0, 6)]);
  });

  it('know nothing of those beyond', () => {
    const levels = fed(load, createLevels(9));
    for (let k = 1; k <= 9; k += 1) learnHarm(levels, k, 10 * k);
    widen(levels);
    for (const column of COLUMNS) {
      const unknown = column === 'neededAt' || column === 'onsetAt' ? -1 : 0;
      expect([...levels[column].subarray(6)]).toEqual([unknown, unknown, unknown, unknown]);
    }
  });

  it('become narrow again, and know of the first of each two what they knew', () => {
    const levels = fed(load, createLevels(9));
    const before = structuredClone(levels);
    widen(levels);
    narrow(levels, 3);
    expect(levels).toMatchObject({ width: 1, highest: 6, needed: 2 * Math.ceil(before.needed / 2) });
    for (const column of COLUMNS)
      for (const k of [1, 3, 5, 7, 9])
        expect([column, k, levels[column][k]]).toEqual([column, k, before[column][k]]);
  });

  it('without room stay without', () => {
    const empty = { ...createLevels(4), late: new Float64Array(0) };
    widen(empty);
    narrow(empty, 0);
    expect([empty.width, empty.late.length]).toEqual([1, 0]);
  });
});
