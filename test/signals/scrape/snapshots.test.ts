import { describe, expect, it } from 'vitest';
import { covers, needsOf, NO_NEEDS, withNeeds, type Needs } from '../../../src/signals/scrape/needs.js';
import { FORGET_AFTER, withPage, type History } from '../../../src/signals/scrape/snapshots.js';
import { profile, samplesOf } from './support.js';

const needs: Needs = { names: new Set(['c', 'g']), compared: new Set(['c']), over: 60_000 };

function run(times: readonly number[], of: Needs = needs): History {
  let history: History | null = null;
  for (const at of times) history = withPage(history, { at, samples: samplesOf(`c ${at}\ng 1\n`) }, of);
  if (history === null) throw new Error('no page');
  return history;
}

function ages({ page, earlier }: History): number[] {
  return earlier.map(({ at }) => page.at - at);
}

describe('the pages that are kept', () => {
  it('are of compared series only', () => {
    const [before] = run([0, 5000]).earlier;
    expect([...before!.points]).toEqual([['c', { value: 0, at: 0 }]]);
  });

  it('are the scrape before alone when nothing looks further back', () => {
    expect(ages(run([0, 5000, 10_000, 15_000], { ...needs, over: 0 }))).toEqual([5000]);
  });

  it('are few, however often is scraped, and one is near the age that is asked for', () => {
    for (const interval of [1000, 1700, 5000, 20_000]) {
      const kept = ages(run(Array.from({ length: 500 }, (_, i) => i * interval)));
      expect(kept.length).toBeLessThanOrEqual(14);
      expect(kept[0]).toBe(interval);
      const nearest = Math.min(...kept.map((age) => Math.abs(age - 60_000)));
      expect(nearest).toBeLessThanOrEqual((interval + 60_000 / 8) / 2);
      expect(Math.max(...kept)).toBeLessThanOrEqual(90_000);
    }
  });

  it('are forgotten after a long silence', () => {
    expect(ages(run([0, FORGET_AFTER]))).toEqual([FORGET_AFTER]);
    expect(ages(run([0, FORGET_AFTER + 1]))).toEqual([]);
  });

  it('do not have two of one tick: the later page replaces the one before', () => {
    const history = run([0, 5000, 5400]);
    expect(history.page.at).toBe(5400);
    expect(ages(history)).toEqual([5400]);
  });

  it('are not from the future when the clock is set back', () => {
    expect(ages(run([0, 5000, 10_000, 4000]))).toEqual([4000]);
  });

  it('end with the process', () => {
    const page = (at: number, start: number) => {
      return { at, samples: samplesOf(`process_start_time_seconds ${start}\nc 1\n`) };
    };
    const before = withPage(withPage(null, page(0, 1000), needs), page(5000, 1000), needs);
    expect(ages(before)).toEqual([5000]);
    expect(ages(withPage(before, page(10_000, 1009), needs))).toEqual([]);
  });

  it('do not end when a page speaks for several processes', () => {
    const page = (at: number, start: number) => {
      return {
        at,
        samples: samplesOf(
          `process_start_time_seconds{job="a"} ${start}\nprocess_start_time_seconds{job="b"} 5\nc 1\n`,
        ),
      };
    };
    expect(ages(withPage(withPage(null, page(0, 1000), needs), page(5000, 2000), needs))).toEqual([5000]);
  });
});

describe('what profiles need', () => {
  it('is found in every part of the expression and the weight', () => {
    const { scrape } = profile(
      {
        first: [
          { ratio: [{ rate: ['a'] }, { subtract: [{ constant: 1 }, { clampMax: [{ sum: ['b'] }, 1] }] }] },
          { multiply: [{ max: ['c'] }, { add: [{ mean: ['d'] }, { delta: ['e'], over: '1m30s' }] }] },
        ],
      },
      { scrape: { weight: { delta: ['f', 'g'], over: '30s' } } },
    );
    if ('none' in scrape) throw new Error('the profile has a direct form');
    const found = needsOf(scrape);
    expect([...found.names].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect([...found.compared].sort()).toEqual(['a', 'e', 'f', 'g']);
    expect(found.over).toBe(90_000);
  });

  it('adds up, and stays the same object when nothing is new', () => {
    const both = withNeeds(NO_NEEDS, needs);
    expect([...both.names].sort()).toEqual(['c', 'g', 'process_start_time_seconds']);
    expect(withNeeds(both, needs)).toBe(both);
    expect(covers(both, needs)).toBe(true);
    expect(covers(NO_NEEDS, needs)).toBe(false);
    expect(covers(both, { ...needs, over: 60_001 })).toBe(false);
    expect(covers(both, { ...needs, compared: new Set(['g']) })).toBe(false);
  });
});
