import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrivalQuery,
  loadOfRange,
  MOST_POINTS,
  rangeChunks,
  SeriesError,
  type Point,
  type Range,
} from '../../../src/replay/pilotlight/prometheus-range.js';
import { readManifest, replayTrigger } from '../../../src/replay/pilotlight/manifest.js';
import { requestsBetween } from '../../../src/replay/load.js';
import { profiles, scaledObject, type Given } from './scaled-objects.js';

const FROM = 1_700_000_000;

function rangeOf(steps: number, step = 15): Range {
  return { from: FROM, to: FROM + steps * step, step };
}

function pointsOf(values: readonly (number | null)[], step = 15): Point[] {
  return values.flatMap((value, index): Point[] =>
    value === null ? [] : [[FROM + (index + 1) * step, value]],
  );
}

function fault(values: readonly (number | null)[]): string {
  try {
    loadOfRange(rangeOf(values.length), pointsOf(values), 'rate');
  } catch (error) {
    if (error instanceof SeriesError) return error.message;
    throw error;
  }
  return 'none';
}

describe('a load from a Prometheus range', () => {
  it('asks for every point once, in parts that Prometheus answers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 300 }), (steps, step) => {
        const chunks = rangeChunks(rangeOf(steps, step));
        let next = FROM + step;
        for (const { start, end } of chunks) {
          expect(start).toBe(next);
          expect((end - start) / step + 1).toBeLessThanOrEqual(MOST_POINTS);
          next = end + step;
        }
        expect(next).toBe(FROM + (steps + 1) * step);
      }),
    );
  });

  it('spreads a step evenly over its seconds', () => {
    const load = loadOfRange(rangeOf(2, 4), pointsOf([0.5, 2], 4), 'rate');
    expect([...load.at]).toEqual([1, 3, 4, 5, 6, 7]);
    expect([...load.requests]).toEqual([1, 1, 2, 2, 2, 2]);
    expect(load.seconds).toBe(8);
  });

  it('keeps what rounding leaves over for the next step', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 200 }),
        (values) => {
          const range = rangeOf(values.length);
          const exact = values.reduce((sum, value) => sum + value, 0);
          for (const [unit, total] of [
            ['increase', exact],
            ['rate', exact * 15],
          ] as const) {
            const load = loadOfRange(range, pointsOf(values), unit);
            expect(Math.abs(requestsBetween(load, 0, load.seconds) - total)).toBeLessThanOrEqual(0.5 + 1e-6);
            for (const count of load.requests) expect(Number.isInteger(count) && count > 0).toBe(true);
          }
        },
      ),
    );
  });

  it('names a gap, and how much is missing in all', () => {
    expect(fault([1, null, null, 4])).toMatch(
      /^no data from 2023-11-14T22:13:35Z to 2023-11-14T22:14:05Z; choose a range without it/,
    );
    expect(fault([null, 2, 3, null])).toMatch(/22:13:20Z to 2023-11-14T22:13:35Z; 2 of 4 steps have none/);
    expect(fault([null, null])).toBe('no data in the whole range; check the query and the range');
  });

  it('refuses what is no number of requests', () => {
    expect(fault([1, Number.NaN])).toBe(
      'the value at 2023-11-14T22:13:50Z is NaN; expected requests, 0 or more',
    );
    expect(fault([-1])).toMatch(/is -1/);
    expect(fault([Number.POSITIVE_INFINITY])).toMatch(/is Infinity/);
  });

  it('asks for the Service of the workload alone', () => {
    const query = (given: Given, step = 15) => {
      const manifest = readManifest(scaledObject(given), 'a.yaml');
      return arrivalQuery(replayTrigger(manifest, manifest, 20, profiles), manifest.object, step);
    };
    expect(query({})).toMatch(/^sum\(\(sum by \(namespace, service\)/);
    expect(query({})).toContain('"namespace", "llm", "", "")');
    expect(query({})).toContain('"service", "chat", "", "")');
    expect(query({})).toContain('[60s]');
    expect(query({}, 300)).toContain('[300s]');
    expect(query({ metadata: { service: 'front' } })).toContain('"service", "front", "", "")');
    expect(query({ metadata: { workload: 'deployment/other' } })).toContain('"service", "other", "", "")');
    expect(query({ metadata: { wake: 'none' } })).toBeNull();
  });
});
