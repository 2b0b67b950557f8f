import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findKnee, gainPerDoubling, LEAST_GAIN } from '../../../src/replay/calibrate/knee.js';
import { stepOf, type Step } from '../../../src/replay/calibrate/step.js';

function steps(...pairs: [load: number, throughput: number, p99?: number][]): Step[] {
  return pairs.map(([load, throughput, p99]) =>
    stepOf({ place: 'test', held: 'concurrency', load, throughput, p99: p99 ?? null }),
  );
}

function rates(...pairs: [load: number, throughput: number][]): Step[] {
  return pairs.map(([load, throughput]) => stepOf({ place: 'test', held: 'rate', load, throughput }));
}

describe('the knee', () => {
  it('is the last step that brings more than 5 % a doubling', () => {
    const found = findKnee(steps([1, 10], [2, 20], [4, 39], [8, 60], [16, 62], [32, 63]), null);
    expect(found).toEqual({ kind: 'reached', index: 3, next: 4, why: 'flat' });
  });

  it('is where p99 is still within the objective, though throughput goes on rising', () => {
    const test = steps([1, 10, 0.1], [2, 20, 0.1], [4, 39, 0.2], [8, 60, 0.4]);
    expect(findKnee(test, 0.25)).toEqual({ kind: 'reached', index: 2, next: 3, why: 'slo' });
    expect(findKnee(test, null)).toEqual({ kind: 'open' });
  });

  it('is not in data that end before it', () => {
    expect(findKnee(steps([1, 10], [2, 20], [4, 40]), 1)).toEqual({ kind: 'open' });
  });

  it('is below the lowest step where that one misses the objective', () => {
    expect(findKnee(steps([4, 10, 2], [8, 12, 3]), 1)).toEqual({ kind: 'below', why: 'slo' });
  });

  it('is not in one step', () => {
    expect(findKnee(steps([4, 10]), null)).toEqual({ kind: 'few' });
    expect(findKnee([], null)).toEqual({ kind: 'few' });
  });

  it('is not moved by one bad step between good ones', () => {
    const hiccup = steps([1, 10, 0.1], [2, 20, 9], [4, 40, 0.1], [8, 60, 0.2], [16, 60, 0.3]);
    expect(findKnee(hiccup, 1)).toMatchObject({ kind: 'reached', index: 3 });
    const dip = steps([1, 10], [2, 20], [4, 19], [8, 60], [16, 61]);
    expect(findKnee(dip, null)).toMatchObject({ kind: 'reached', index: 3 });
  });

  it('does not creep along a plateau in small steps', () => {
    const creeping = steps([16, 100], [32, 103], [64, 106], [128, 109]);
    expect(findKnee(creeping, null)).toMatchObject({ kind: 'reached', index: 0, why: 'flat' });
  });

  it('takes 6 % a doubling for rising and 4 % for flat', () => {
    expect(findKnee(steps([1, 100], [2, 106], [4, 112.4]), null)).toEqual({ kind: 'open' });
    expect(findKnee(steps([1, 100], [2, 104], [4, 108.2]), null)).toMatchObject({ index: 0, why: 'flat' });
  });

  it('is not pushed on by the recovery from a dip', () => {
    const dip = steps([1, 10], [2, 20], [4, 19], [8, 21], [16, 21]);
    expect(findKnee(dip, null)).toMatchObject({ index: 1, why: 'flat' });
  });

  it('of an open loop is the last rate that is answered', () => {
    const found = findKnee(rates([100, 100], [200, 199], [300, 297], [400, 310], [500, 305]), null);
    expect(found).toEqual({ kind: 'reached', index: 2, next: 3, why: 'behind' });
  });

  it('is before requests fail', () => {
    const failing = steps([1, 10], [2, 20], [4, 40]).map((step) => ({
      ...step,
      failed: step.load === 4 ? 0.03 : 0.001,
    }));
    expect(findKnee(failing, null)).toEqual({ kind: 'reached', index: 1, next: 2, why: 'failures' });
  });

  it('rose up to its step by more than the least gain, and no later step rises against it', () => {
    const curve = fc
      .array(
        fc.tuple(fc.double({ min: 1.01, max: 4, noNaN: true }), fc.double({ min: 0.5, max: 4, noNaN: true })),
        {
          minLength: 2,
          maxLength: 12,
        },
      )
      .map((factors) => {
        let [load, throughput] = [1, 10];
        return factors.map(([by, up]) => {
          [load, throughput] = [load * by, throughput * up];
          return stepOf({ place: 'test', held: 'concurrency', load, throughput });
        });
      });
    fc.assert(
      fc.property(curve, (test) => {
        const knee = findKnee(test, null);
        const index = knee.kind === 'reached' ? knee.index : test.length - 1;
        const at = test[index]!;
        for (const later of test.slice(index + 1))
          expect(gainPerDoubling(at, later)).toBeLessThanOrEqual(LEAST_GAIN);
        const before = test.slice(0, index);
        if (index > 0) expect(before.some((step) => gainPerDoubling(step, at) > LEAST_GAIN)).toBe(true);
      }),
    );
  });
});
