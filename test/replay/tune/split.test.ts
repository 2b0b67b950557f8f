import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadOf, requestsBetween } from '../../../src/replay/load.js';
import { loadUntil, splitOf } from '../../../src/replay/tune/split.js';

const DAY = 86_400;
const even = (seconds: number) => loadOf(Array.from({ length: seconds }, (_, t) => (t % 600 === 0 ? 1 : 0)));
const inDays = (days: number, scoreFrom: number | null = null, searchDays: number | null = null) => {
  const { kind, search, check } = splitOf(even(days * DAY), scoreFrom, searchDays);
  return [kind, search.from / DAY, search.to / DAY, check === null ? null : check.to / DAY];
};

describe('splitOf', () => {
  it('warms up a day, searches half of the others and checks the rest', () => {
    expect(inDays(14)).toEqual(['days', 1, 8, 14]);
    expect(inDays(7)).toEqual(['days', 1, 4, 7]);
    expect(inDays(3)).toEqual(['days', 1, 2, 3]);
    expect(inDays(3.5)).toEqual(['days', 1, 2, 3.5]);
  });

  it('searches one of two days, but for its first hour', () => {
    expect(inDays(2)).toEqual(['days', 1 / 24, 1, 2]);
  });

  it('cuts what is shorter into halves, and says so', () => {
    const { kind, search, check } = splitOf(even(4 * 3600), null, null);
    expect(kind).toBe('halves');
    // A quarter of the search part warms up, and the scored parts are of one length.
    expect([search.from, search.to, check?.to]).toEqual([2057, 8229, 14_400]);
  });

  it('takes the user’s days', () => {
    expect(inDays(14, null, 12)).toEqual(['days', 1, 12, 14]);
    expect(inDays(14, 2 * DAY)).toEqual(['days', 2, 8, 14]);
    // Half a day is no day to check on.
    expect(inDays(1.5, null, 1)).toEqual(['halves', 1 / 24, 1, 1.5]);
    expect(() => inDays(3, null, 3)).toThrow(/--search-days: got 3, expected whole days, fewer than .*\(3\)/);
    expect(() => inDays(14, 8 * DAY, 4)).toThrow(/--score-from: got 691200 s, expected less than/);
  });

  it('holds nothing back where one part would have no requests', () => {
    const load = loadOf([...Array.from({ length: 4000 }, () => 1), ...Array.from({ length: 6000 }, () => 0)]);
    const split = splitOf(load, null, null);
    expect([split.kind, split.check]).toEqual(['none', null]);
    expect(split.search.requests).toBe(1500);
  });

  it('counts each request after the warm-up in one part alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 4 * DAY }), (seconds) => {
        const load = even(seconds);
        const { search, check } = splitOf(load, null, null);
        const scored = requestsBetween(load, search.from, seconds);
        expect(search.requests + (check?.requests ?? 0)).toBe(scored);
        expect(check === null || (check.from === search.to && check.to === seconds)).toBe(true);
        expect(loadUntil(load, search.to).requests.length).toBe(
          load.at.filter((at) => at < search.to).length,
        );
      }),
      { numRuns: 40 },
    );
  });
});
