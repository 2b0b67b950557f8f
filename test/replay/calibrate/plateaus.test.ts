import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepsFrom, type Measurements } from '../../../src/replay/calibrate/measurements.js';
import { plateausOf } from '../../../src/replay/calibrate/plateaus.js';

const OPTIONS = { tolerance: 0.2, least: 60, settle: 60 };
const SCRAPE = 15;

/** A staircase seen through rates over a minute: each change is smeared over four scrapes. */
function staircase(levels: readonly number[], scrapes: number, noise: (index: number) => number) {
  const raw = levels.flatMap((level) => Array.from({ length: scrapes }, () => level));
  return raw.map((_, index) => {
    const window = raw.slice(Math.max(0, index - 3), index + 1);
    const mean = window.reduce((sum, each) => sum + each, 0) / window.length;
    return { t: index * SCRAPE, level: mean * noise(index) };
  });
}

describe('plateaus', () => {
  it('are the steps of a staircase, each with only its own level in it', () => {
    const doublings = fc.uniqueArray(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 6 });
    const noises = fc.array(fc.double({ min: 0.95, max: 1.05, noNaN: true }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(doublings, fc.integer({ min: 12, max: 20 }), noises, (powers, scrapes, factors) => {
        const levels = powers.toSorted((a, b) => a - b).map((power) => 2 ** power);
        const moments = staircase(levels, scrapes, (index) => factors[index % 8]!);
        const found = plateausOf(moments, OPTIONS);
        expect(found).toHaveLength(levels.length);
        for (const [index, { from, to }] of found.entries()) {
          const own = moments.slice(from, to).map(({ level }) => level / levels[index]!);
          expect(Math.min(...own)).toBeGreaterThan(0.9);
          expect(Math.max(...own)).toBeLessThan(1.1);
        }
      }),
    );
  });

  it('are not made of a ramp, nor of nothing', () => {
    const ramp = Array.from({ length: 100 }, (_, index) => ({ t: index * SCRAPE, level: 1.15 ** index }));
    expect(plateausOf(ramp, OPTIONS)).toEqual([]);
    expect(
      plateausOf(
        Array.from({ length: 100 }, (_, t) => ({ t, level: 0 })),
        OPTIONS,
      ),
    ).toEqual([]);
    expect(plateausOf([], OPTIONS)).toEqual([]);
  });

  it('go on after a hiccup', () => {
    const moments = staircase([4], 30, (index) => (index === 15 ? 3 : 1));
    expect(plateausOf(moments, OPTIONS)).toHaveLength(1);
  });
});

describe('measurements over time', () => {
  const nothing = (count: number) => Array.from({ length: count }, () => null);

  /** Four slots of 0.5 s under 1, 2, 4, 8 and 16 in flight. */
  function recording(withLatency: boolean): Measurements {
    const levels = staircase([1, 2, 4, 8, 16], 16, () => 1);
    const throughput = levels.map(({ level }) => Math.min(level, 4) / 0.5);
    const mean = levels.map(({ level }, index) => level / throughput[index]!);
    const none = nothing(levels.length);
    return {
      t: levels.map(({ t }) => 1_700_000_000 + t),
      throughput,
      mean: withLatency ? mean : none,
      p99: withLatency ? mean : none,
      queue: none,
      service: none,
      inFlight: withLatency ? none : levels.map(({ level }) => level),
      signals: { 'a-signal': levels.map(({ level }, index) => (index % 2 === 0 ? level : null)) },
    };
  }

  it.each([true, false])(
    'become steps by what is in flight, past the knee too (latencies: %s)',
    (withLatency) => {
      const { steps } = stepsFrom(recording(withLatency), 'shop/pod', 'vLLM', { window: 60, least: 60 });
      expect(steps.map(({ load }) => Math.round(load))).toEqual([1, 2, 4, 8, 16]);
      expect(steps.map(({ throughput }) => Math.round(throughput))).toEqual([2, 4, 8, 8, 8]);
      expect(steps.map(({ signals }) => Math.round(signals['a-signal']!))).toEqual([1, 2, 4, 8, 16]);
      expect(steps[0]?.place).toMatch(/^2023-11-14T22:1\d:\d\dZ to 2023-11-14T22:1\d:\d\dZ$/);
    },
  );

  it('take each load once, though the test came down again', () => {
    const up = recording(true);
    const twice = Object.fromEntries(
      Object.entries(up).map(([key, column]) => [
        key,
        Array.isArray(column) ? [...column, ...column] : column,
      ]),
    ) as unknown as Measurements;
    const t = twice.throughput.map((_, index) => index * SCRAPE);
    const { steps } = stepsFrom({ ...twice, t, signals: {} }, 'shop/pod', null, { window: 60, least: 60 });
    expect(steps).toHaveLength(5);
  });

  it('say when nothing tells steps apart, and when nothing stood still', () => {
    const silent = { ...recording(false), inFlight: nothing(80) };
    expect(() => stepsFrom(silent, 'shop/pod', null, { window: 60, least: 60 })).toThrow('neither latencies');
    expect(() => stepsFrom(recording(true), 'shop/pod', null, { window: 60, least: 600 })).toThrow(
      'never stood still',
    );
  });
});
