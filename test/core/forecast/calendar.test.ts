import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CALENDAR_DAYS,
  createCalendar,
  doublePeaks,
  halvePeaks,
  highestPeak,
  notePeak,
  peaksAt,
  sameTime,
  SLOT,
  type Calendar,
  type SameTime,
} from '../../../src/core/forecast/calendar.js';
import { DAY, HOUR, MINUTE, type Millis } from '../../../src/core/time.js';
import { MONDAY } from './drive.js';

const UNKNOWN_DAYS = Array.from({ length: CALENDAR_DAYS }, () => -1);

function at(calendar: Calendar, now: Millis, horizon: Millis = 0): number[] {
  return [...peaksAt(calendar, now, horizon, new Int16Array(CALENDAR_DAYS))];
}

function counted(peaks: readonly number[], k: number): SameTime {
  const into = { days: 9, needed: 9, nearly: 9, lastWeek: true };
  return sameTime(into, Int16Array.from(peaks), k);
}

/** Notes the peak of each slot from one moment up to another. */
function noted(
  from: Millis,
  to: Millis,
  peak: (at: Millis) => number,
  calendar = createCalendar(),
): Calendar {
  for (let time = from; time < to; time += SLOT) notePeak(calendar, time, peak(time));
  return calendar;
}

describe('the same time of earlier days', () => {
  it('is not known before anything was seen', () => {
    expect(at(createCalendar(), MONDAY)).toEqual(UNKNOWN_DAYS);
  });

  it.each([MONDAY, 0, -3 * DAY - 1, -30 * DAY + 7 * MINUTE])(
    'is that of yesterday up to last week, at %d',
    (start) => {
      const calendar = noted(start, start + 7 * DAY, (time) => 1 + Math.floor((time - start) / DAY));
      expect(at(calendar, start + 7 * DAY)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    },
  );

  it('is the highest from this time of day until the horizon', () => {
    const calendar = noted(MONDAY, MONDAY + DAY, (time) => (time === MONDAY + 9 * HOUR ? 5 : 1));
    const yesterday = (before: Millis, horizon: Millis) =>
      at(calendar, MONDAY + DAY + 9 * HOUR - before, horizon)[0];
    expect(yesterday(30 * MINUTE, 25 * MINUTE)).toBe(1);
    expect(yesterday(30 * MINUTE, 26 * MINUTE)).toBe(5);
    expect(yesterday(-4 * MINUTE, HOUR)).toBe(5);
    expect(yesterday(-5 * MINUTE, HOUR)).toBe(1);
  });

  it('keeps the highest of a slot', () => {
    const calendar = createCalendar();
    for (const level of [2, 7, 3]) notePeak(calendar, MONDAY + MINUTE, level);
    expect(at(calendar, MONDAY + DAY)[0]).toBe(7);
  });

  it('is not known for the slots of a gap, and known again after it', () => {
    const calendar = noted(MONDAY, MONDAY + DAY, () => 3);
    noted(MONDAY + 3 * DAY, MONDAY + 4 * DAY, () => 4, calendar);
    expect(at(calendar, MONDAY + 4 * DAY)).toEqual([4, -1, -1, 3, -1, -1, -1]);
  });

  it('is not known after more than eight days of silence', () => {
    const calendar = noted(MONDAY, MONDAY + 8 * DAY, () => 3);
    notePeak(calendar, MONDAY + 17 * DAY, 1);
    expect(at(calendar, MONDAY + 17 * DAY)).toEqual(UNKNOWN_DAYS);
    expect(at(calendar, MONDAY + 18 * DAY)[0]).toBe(1);
  });

  it('is that of the last seven days for as long as it goes on', () => {
    const calendar = noted(MONDAY, MONDAY + 30 * DAY, (time) => Math.floor((time - MONDAY) / DAY));
    expect(at(calendar, MONDAY + 30 * DAY, 4 * MINUTE)).toEqual([29, 28, 27, 26, 25, 24, 23]);
  });

  it('does not go back with what comes late', () => {
    const calendar = noted(MONDAY, MONDAY + HOUR, () => 2);
    notePeak(calendar, MONDAY + 30 * MINUTE, 9);
    notePeak(calendar, MONDAY + HOUR, 2);
    expect(at(calendar, MONDAY + DAY + 30 * MINUTE)[0]).toBe(9);
    expect(at(calendar, MONDAY + DAY + 35 * MINUTE)[0]).toBe(2);
  });

  it('is what a list of all peaks says', () => {
    const step = fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat(48));
    fc.assert(
      fc.property(
        fc.integer({ min: -5000, max: 5000 }),
        fc.array(step, { maxLength: 60 }),
        (first, steps) => {
          const calendar = createCalendar();
          const peaks = new Map<number, number>();
          let slot = first;
          for (const [later, peak] of steps) {
            slot += later;
            peaks.set(slot, peak);
            notePeak(calendar, slot * SLOT, peak);
          }
          const days = Array.from({ length: 7 }, (_, day) => peaks.get(slot - (day + 1) * 288) ?? -1);
          expect(at(calendar, slot * SLOT)).toEqual(days);
        },
      ),
    );
  });

  it('never takes a level for one that is not known', () => {
    const calendar = noted(MONDAY, MONDAY + HOUR, () => 100_000);
    expect(at(calendar, MONDAY + DAY)[0]).toBe(254);
  });
});

describe('how often a level was needed at this time', () => {
  it('counts the days that are known, later ones more', () => {
    const { days, needed, nearly, lastWeek } = counted([5, -1, 2, -1, -1, -1, -1], 3);
    expect([days, needed, lastWeek]).toEqual([1 + 0.75 ** 2, 1, null]);
    expect(nearly).toBe(0);
  });

  it('is 0 of 0 where nothing is known', () => {
    expect(counted(UNKNOWN_DAYS, 1)).toEqual({ days: 0, needed: 0, nearly: 0, lastWeek: null });
  });

  it('knows last week by itself', () => {
    expect(counted([-1, -1, -1, -1, -1, -1, 4], 4).lastWeek).toBe(true);
    expect(counted([9, 9, 9, 9, 9, 9, 3], 4).lastWeek).toBe(false);
  });

  it('counts a day that came near for something, and less than one that got there', () => {
    const near = counted([9, -1, -1, -1, -1, -1, -1], 10);
    expect(near.needed).toBe(0);
    expect(near.nearly).toBeGreaterThan(0);
    expect(near.nearly).toBeLessThan(near.days);
  });

  it('is never more than the days known, and falls as the level rises', () => {
    const peaks = fc.array(fc.integer({ min: -1, max: 48 }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(peaks, (days) => {
        let before = Infinity;
        for (let k = 1; k <= 48; k += 1) {
          const { days: known, needed, nearly } = counted(days, k);
          expect(needed + nearly).toBeLessThanOrEqual(known + 1e-12);
          expect(needed).toBeLessThanOrEqual(before);
          before = needed;
        }
      }),
    );
  });
});

it('halved peaks are rounded up, and what is not known stays so', () => {
  const calendar = noted(MONDAY, MONDAY + 4 * SLOT, (time) => (time - MONDAY) / SLOT);
  halvePeaks(calendar);
  const yesterday = [0, 1, 2, 3, 4].map((slot) => at(calendar, MONDAY + DAY + slot * SLOT)[0]);
  expect(yesterday).toEqual([0, 1, 1, 2, -1]);
});

it('doubled peaks are known no further than they can be told', () => {
  const calendar = noted(MONDAY, MONDAY + 3 * SLOT, (time) => ((time - MONDAY) / SLOT) * 100);
  expect(highestPeak(calendar)).toBe(200);
  doublePeaks(calendar);
  const yesterday = [0, 1, 2, 3].map((slot) => at(calendar, MONDAY + DAY + slot * SLOT)[0]);
  expect(yesterday).toEqual([0, 200, 254, -1]);
  expect(highestPeak(calendar)).toBe(254);
  expect(highestPeak(createCalendar())).toBe(0);
});

it('a calendar without room knows nothing', () => {
  const empty = { ...createCalendar(), peaks: new Uint8Array(0) };
  notePeak(empty, MONDAY, 3);
  halvePeaks(empty);
  doublePeaks(empty);
  expect(at(empty, MONDAY + DAY)).toEqual(UNKNOWN_DAYS);
  expect(counted([], 1)).toEqual({ days: 0, needed: 0, nearly: 0, lastWeek: null });
});
