import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binsFor, inBins, startsOf } from '../../../src/replay/report/html-bins.js';
import { loadIn, nodeHoursIn, secondsOf } from '../../../src/replay/report/html-series.js';
import { timeline } from './html-fixture.js';

const samples = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 0, max: 1000 })), {
    minLength: 1,
    maxLength: 200,
  })
  .map((steps) => {
    let at = -1;
    const t = steps.map(([apart]) => (at += apart));
    return { t, values: steps.map(([, value]) => value), end: at + 1 };
  });

describe('bins', () => {
  it('are as the worked example says', () => {
    expect(binsFor(14 * 86_400, 15, 2000)).toEqual({ width: 900, count: 1344 });
    expect(binsFor(3600, 15, 2000)).toEqual({ width: 15, count: 240 });
    expect(startsOf({ width: 15, count: 3 })).toEqual([0, 15, 30]);
  });

  it('cover the whole in at most so many', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40_000_000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 3000 }),
        (end, apart, most) => {
          const { width, count } = binsFor(end, apart, most);
          expect(count).toBeLessThanOrEqual(most);
          expect(width).toBeGreaterThanOrEqual(apart);
          expect(width * count).toBeGreaterThanOrEqual(end);
          expect(width * (count - 1)).toBeLessThan(end);
        },
      ),
    );
  });

  it('hold every value between their least and most, and the mean with them', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 50 }), ({ t, values, end }, most) => {
        const bins = binsFor(end, 1, most);
        const { least, mean, most: highest } = inBins(bins, t, values);
        for (const [index, value] of values.entries()) {
          const bin = Math.floor(t[index]! / bins.width);
          expect(least[bin]!).toBeLessThanOrEqual(value);
          expect(highest[bin]!).toBeGreaterThanOrEqual(value);
        }
        const filled = new Set(t.map((at) => Math.floor(at / bins.width)));
        for (let bin = 0; bin < bins.count; bin += 1) {
          expect(mean[bin] === null).toBe(!filled.has(bin));
          if (mean[bin] === null) continue;
          expect(mean[bin]!).toBeGreaterThanOrEqual(least[bin]! - 1e-9);
          expect(mean[bin]!).toBeLessThanOrEqual(highest[bin]! + 1e-9);
        }
      }),
    );
  });

  it('leave out what is no number', () => {
    const { mean } = inBins({ width: 10, count: 2 }, [1, 2, 11], [NaN, Infinity, null]);
    expect(mean).toEqual([null, null]);
  });
});

describe('a timeline', () => {
  it('covers the seconds from the sample before', () => {
    const { t } = timeline('x');
    expect([secondsOf({ t }, 0), secondsOf({ t }, 1)]).toEqual([15, 15]);
    expect(secondsOf({ t: [0, 15] }, 0)).toBe(1);
  });

  it('loses no request in bins: rates times seconds are the arrivals', () => {
    const bins = binsFor(3600, 15, 2000);
    const { mean } = loadIn(bins, timeline('x'));
    const requests = mean.reduce<number>((sum, rate) => sum + (rate ?? 0) * bins.width, 0);
    expect(requests).toBeCloseTo(239 * 30 + 150, 6);
  });

  it('has paid by the end of each bin what the run had by then', () => {
    const bins = binsFor(3600, 900, 2000);
    // Two nodes from second 900 on.
    expect(nodeHoursIn(bins, timeline('x'))).toEqual([0, 0.5, 1, 1.5]);
    expect(nodeHoursIn(bins, { ...timeline('x'), paid: undefined as never })).toBeNull();
  });
});
