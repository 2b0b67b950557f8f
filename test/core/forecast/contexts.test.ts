import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SameTime } from '../../../src/core/forecast/calendar.js';
import {
  binsOf,
  contextsOf,
  createBins,
  createContexts,
  DAY_WEIGHTS,
  IDLE_WEIGHTS,
  TABLES,
  type Bins,
  type Contexts,
  type Now,
} from '../../../src/core/forecast/contexts.js';
import { createLevels, type Levels } from '../../../src/core/forecast/levels.js';
import { DAY, HOUR, MINUTE } from '../../../src/core/time.js';
import { MONDAY, PER_BEAT } from './drive.js';

const NO_DAYS: SameTime = { days: 0, needed: 0, nearly: 0, lastWeek: null };
const BEAT = 20_000;

function now(changes: Partial<Now> = {}): Now {
  const averages = { beat: 0, minute: 0, tenMinutes: 0, hour: 0 };
  return { at: MONDAY, beat: BEAT, averages, requestsPerBeat: PER_BEAT, ...changes };
}

/** A level that was needed last so many beats ago, since a run that began so many ago. */
function levelsWith({ idle = 0, since = 0, activity = 0, k = 1 }): Levels {
  const levels = createLevels(48);
  levels.neededAt[k] = BEAT - 1 - idle;
  levels.onsetAt[k] = BEAT - since;
  levels.activity[k] = activity;
  return levels;
}

function bins(levels: Levels, k = 1, at: Now = now(), days: SameTime = NO_DAYS): Bins {
  return binsOf(createBins(), levels, k, at, days);
}

function rising(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
}

describe('how long a level was idle', () => {
  it.each([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2880, 5760, 11_520])(
    'ends a bin with beat %d',
    (end) => {
      const at = (idle: number) => bins(levelsWith({ idle })).idle;
      expect(at(end + 1)).toBe(at(end) + 1);
      expect(at(end - 1)).toBeLessThanOrEqual(at(end));
    },
  );

  it('has a bin of its own for the level below, and one for having none', () => {
    const levels = levelsWith({ idle: 1, k: 1 });
    expect([bins(levels, 1).idleBelow, bins(levels, 2).idleBelow]).toEqual([15, 1]);
  });
});

describe('the load', () => {
  it.each([0, 0.1, 0.25, 0.5, 0.65, 0.8, 0.9, 1, 1.1, 1.3, 1.6])(
    'ends a bin at %d of what the replicas below the level carry',
    (end) => {
      const at = (share: number) => {
        const averages = { beat: 4 * share, minute: 4 * share, tenMinutes: 4 * share, hour: 4 * share };
        return bins(createLevels(48), 5, now({ averages }));
      };
      const below = at(end * (1 - 1e-9));
      const above = at(end * (1 + 1e-9) + 1e-9);
      for (const window of ['beat', 'minute', 'tenMinutes', 'hour'] as const)
        expect(above[window]).toBe(below[window] + 1);
    },
  );

  it('is shared out among all replicas of a wide level', () => {
    const averages = { beat: 8, minute: 8, tenMinutes: 8, hour: 8 };
    const wide = createLevels(48);
    wide.width = 4;
    expect(bins(wide, 3, now({ averages })).beat).toBe(bins(createLevels(48), 9, now({ averages })).beat);
  });

  it('is counted in requests of its window for the first level', () => {
    const averages = { beat: 1, minute: 1 / 4, tenMinutes: 1 / 40, hour: 1 / 240 };
    const { beat, minute, tenMinutes, hour } = bins(createLevels(48), 1, now({ averages }));
    expect([minute, tenMinutes, hour]).toEqual([beat, beat, beat]);
  });
});

describe('the other bins', () => {
  it('tell the sizes 1, 2, up to 4, and more apart', () => {
    expect([1, 2, 3, 4, 5, 48].map((k) => bins(createLevels(48), k).size)).toEqual([0, 1, 2, 2, 3, 3]);
  });

  it('tell how often earlier days needed the level: not known, never, up to always', () => {
    const day = (days: number, needed: number, nearly = 0) =>
      bins(createLevels(2), 1, now(), { days, needed, nearly, lastWeek: null }).day;
    expect([day(0, 0), day(3, 0), day(3, 3)]).toEqual([0, 1, 7]);
    expect(day(1, 0, 0.4)).toBeGreaterThan(day(1, 0));
    const shares = Array.from({ length: 50 }, (_, i) => day(49, i));
    expect(rising(shares)).toBe(true);
    expect(new Set(shares)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
  });

  it('tell last week: not known, no, yes', () => {
    const week = (lastWeek: boolean | null) => bins(createLevels(2), 1, now(), { ...NO_DAYS, lastWeek }).week;
    expect([null, false, true].map(week)).toEqual([0, 1, 2]);
  });

  it.each([MONDAY, 0, -9 * DAY])('tell the minute of the hour, at %d too', (hour) => {
    const minute = (at: number) => bins(createLevels(2), 1, now({ at })).minuteOfHour;
    expect([0, 59_999, MINUTE, 35 * MINUTE, HOUR - 1, HOUR].map((ms) => minute(hour + ms))).toEqual([
      0, 0, 1, 35, 59, 0,
    ]);
  });

  it('rise with the activity, from a bin for hardly ever to one for always', () => {
    const found = Array.from({ length: 1001 }, (_, i) => bins(levelsWith({ activity: i / 1000 })).activity);
    expect(rising(found)).toBe(true);
    expect([found[0], found[1000]]).toEqual([0, 9]);
  });

  it('rise with the time since the last run of need began, and end in one for all that is longer', () => {
    const phase = (since: number) => bins(levelsWith({ since })).phase;
    const found = Array.from({ length: 6000 }, (_, since) => phase(since));
    expect(rising(found)).toBe(true);
    expect([found[0], found[3], found[4], found[4095], found[4096], found[5999]]).toEqual([
      0, 0, 1, 59, 63, 63,
    ]);
    expect(bins(createLevels(2), 1, now({ beat: 10 })).phase).toBe(2);
  });

  it('make coarse ones of the idle time that rise with it', () => {
    const coarse = Array.from({ length: 16 }, (_, idle) => {
      const { rows } = contextsOf(createContexts(), { ...createBins(), idle });
      return (rows[2] ?? 0) % 6;
    });
    expect(rising(coarse)).toBe(true);
    expect(new Set(coarse)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });
});

function anyBins(): fc.Arbitrary<Bins> {
  const past = fc.integer({ min: -1, max: BEAT - 1 });
  const load = fc.double({ min: 0, max: 1e9, noNaN: true });
  const state = fc.record({
    k: fc.integer({ min: 1, max: 48 }),
    neededAt: past,
    neededBelowAt: past,
    onsetAt: past,
    activity: fc.double({ min: 0, max: 1, noNaN: true }),
    averages: fc.record({ beat: load, minute: load, tenMinutes: load, hour: load }),
    at: fc.integer({ min: -1e12, max: 4e12 }),
    needed: fc.double({ min: 0, max: 1, noNaN: true }),
    days: fc.double({ min: 0, max: 3.47, noNaN: true }),
    lastWeek: fc.constantFrom(null, false, true),
    width: fc.constantFrom(1, 2, 64),
  });
  return state.map(({ k, neededAt, neededBelowAt, onsetAt, activity, averages, at, ...rest }) => {
    const levels = createLevels(48);
    levels.width = rest.width;
    levels.neededAt[k - 1] = neededBelowAt;
    levels.neededAt[k] = neededAt;
    levels.onsetAt[k] = onsetAt;
    levels.activity[k] = activity;
    const { days, lastWeek } = rest;
    const sameTime = { days, needed: rest.needed * days, nearly: (1 - rest.needed) * days * 0.4, lastWeek };
    return bins(levels, k, now({ at, averages }), sameTime);
  });
}

describe('contexts', () => {
  it('have rows within their tables, whatever the state', () => {
    fc.assert(
      fc.property(anyBins(), (found) => {
        for (const bin of Object.values(found) as number[]) {
          expect(Number.isInteger(bin)).toBe(true);
          expect(bin).toBeGreaterThanOrEqual(0);
          expect(bin).toBeLessThan(256);
        }
        expectWithin(contextsOf(createContexts(), found));
      }),
      { numRuns: 1000 },
    );
  });

  it('tell the first level from the others', () => {
    const first = contextsOf(createContexts(), createBins());
    const second = contextsOf(createContexts(), { ...createBins(), size: 1 });
    expect([first.size, second.size]).toEqual([0, 1]);
    expect(first.weightsByIdle).not.toBe(second.weightsByIdle);
  });
});

function expectWithin({ rows, weightsByIdle, weightsByDay, size }: Contexts): void {
  for (const [table, row] of rows.entries()) expect(row).toBeLessThan(TABLES[table] ?? 0);
  expect(weightsByIdle).toBeLessThan(IDLE_WEIGHTS);
  expect(weightsByDay).toBeLessThan(DAY_WEIGHTS);
  expect(size).toBeLessThan(4);
}
