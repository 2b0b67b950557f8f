import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createForecastMemory, type ForecastMemory } from '../../../src/core/forecast/memory.js';
import { observe, type LoadSample } from '../../../src/core/forecast/observe.js';
import { BEAT, horizonBeats } from '../../../src/core/forecast/settings.js';
import { forecast } from '../../../src/core/forecast/forecast.js';
import { DAY, HOUR, MINUTE, SECOND, type Millis } from '../../../src/core/time.js';
import {
  beatOf,
  BEATS_AN_HOUR,
  bytesOf,
  MONDAY,
  PER_BEAT,
  seen,
  seeded,
  SETTINGS,
  unsoundIn,
} from './drive.js';

const QUIET = { waiting: 0, running: 0, ready: 1 };

function fresh(): ForecastMemory {
  return createForecastMemory(SETTINGS.maxReplicas);
}

/** Any request needs the first level. */
function requestsIn({ levels }: ForecastMemory): number {
  return levels.late[1] ?? 0;
}

/** Requests by the second, seen in samples of so many seconds. */
function sampled(perSecond: readonly number[], every: number, memory = fresh()): ForecastMemory {
  for (let end = every; end <= perSecond.length; end += every) {
    const arrivals = perSecond.slice(end - every, end).reduce((sum, each) => sum + each, 0);
    observe(memory, SETTINGS, { ...QUIET, at: MONDAY + end * SECOND, length: every * SECOND, arrivals });
  }
  return memory;
}

/** Two hours of a load that comes and goes, at times of its own. */
function waves(): number[] {
  const random = seeded(5);
  return Array.from({ length: 7200 }, (_, t) => {
    const rate = Math.max(0, 1.4 * Math.sin(t / 500) + 0.6 * Math.sin(t / 130));
    return random() < rate - Math.floor(rate) ? Math.floor(rate) + 1 : Math.floor(rate);
  });
}

describe('a load', () => {
  it('leaves the same memory in samples of 5 s as in those of 15 s', () => {
    expect(bytesOf(sampled(waves(), 5))).toBe(bytesOf(sampled(waves(), 15)));
  });

  it.each([30, 60, 300])('leaves nearly the same in samples of %d s as in those of 15 s', (every) => {
    const [fine, coarse] = [sampled(waves(), 15), sampled(waves(), every)];
    expect(coarse.beat).toBe(fine.beat);
    expect(requestsIn(coarse)).toBeCloseTo(requestsIn(fine), 6);
    expect(coarse.averages.hour).toBeCloseTo(fine.averages.hour, 1);
    expect(Math.abs(coarse.price.ideal / fine.price.ideal - 1)).toBeLessThan(0.3);
    expect(Math.abs(coarse.levels.highest - fine.levels.highest)).toBeLessThanOrEqual(1);
  });

  it('loses and gains no request, however samples and beats cross', () => {
    const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat(60)), { maxLength: 60 });
    fc.assert(
      fc.property(lengths, (samples) => {
        const memory = fresh();
        let [at, requests] = [MONDAY, 0];
        for (const [seconds, arrivals] of samples) {
          at += seconds * SECOND;
          requests += arrivals;
          observe(memory, SETTINGS, { ...QUIET, at, length: seconds * SECOND, arrivals });
        }
        expect(requestsIn(memory) + memory.partial.arrivals).toBeCloseTo(requests, 6);
        expect(memory.beat * BEAT + memory.partial.length).toBe(at - MONDAY);
        expect(memory.partial.arrivals).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('leaves no rest of a request behind where a sample ends with a beat', () => {
    const random = seeded(9);
    for (const length of [7, 11, 13, 33, 47]) {
      const memory = fresh();
      for (let i = 1; i <= 600; i += 1) {
        const arrivals = random() * 50;
        observe(memory, SETTINGS, {
          ...QUIET,
          at: MONDAY + i * length * SECOND,
          length: length * SECOND,
          arrivals,
        });
        if (memory.partial.length === 0) expect(memory.partial.arrivals).toBe(0);
      }
    }
  });
});

describe('what is no sample', () => {
  const sound = beatOf(10, 3);
  const bad: Partial<LoadSample>[] = [
    ...[NaN, Infinity, -Infinity].flatMap((value) =>
      (['at', 'length', 'arrivals', 'waiting', 'running', 'ready'] as const).map((field) => ({
        [field]: value,
      })),
    ),
    { length: 0 },
    { length: -BEAT },
    { arrivals: -1 },
  ];

  it.each(bad)('is ignored: %o', (change) => {
    const memory = seen([1, 2, 3]);
    const before = bytesOf(memory);
    observe(memory, SETTINGS, { ...sound, ...change });
    expect(bytesOf(memory)).toBe(before);
  });

  it('is one that is no newer than the last', () => {
    const memory = seen([1, 2, 3]);
    const before = bytesOf(memory);
    for (const beat of [2, 1, -50]) observe(memory, SETTINGS, beatOf(beat, 9));
    expect(bytesOf(memory)).toBe(before);
  });

  it('is not one with a little less than nothing in the queue, as differences have', () => {
    const memory = fresh();
    observe(memory, SETTINGS, { ...beatOf(0, 1), waiting: -1e-12 });
    expect(memory).toMatchObject({ beat: 1, inSystem: 0 });
    expect(memory.price.late).toBe(0);
  });
});

describe('a clock', () => {
  it('that was set back a little is waited for', () => {
    const memory = seen(Array.from({ length: 300 }, () => 5));
    for (let beat = 250; beat < 310; beat += 1) observe(memory, SETTINGS, beatOf(beat, 5));
    expect(memory.beat).toBe(310);
    expect(requestsIn(memory)).toBe(310 * 5);
  });

  it('that was set back by hours goes on from there', () => {
    const memory = seen(Array.from({ length: 3000 }, () => 5));
    for (let beat = 100; beat < 310; beat += 1) observe(memory, SETTINGS, beatOf(beat, 5));
    expect(memory.seenUntil).toBe(beatOf(309, 5).at);
    expect(memory.beat).toBe(3209);
  });

  it('that was set forward is a time of which nothing is known', () => {
    const memory = seen(Array.from({ length: 300 }, () => 5));
    observe(memory, SETTINGS, beatOf(300 + BEATS_AN_HOUR, 5));
    expect(memory.beat).toBe(301 + BEATS_AN_HOUR);
    expect([memory.track.beats, requestsIn(memory)]).toEqual([301, 301 * 5]);
  });

  it('before the epoch is one like any other', () => {
    const before = fresh();
    for (let beat = 0; beat < 100; beat += 1) observe(before, SETTINGS, beatOf(beat, 5, -DAY));
    const { levels, price, beat, averages } = seen(Array.from({ length: 100 }, () => 5));
    expect(before).toMatchObject({ beat, averages, price });
    expect(before.levels).toEqual(levels);
  });
});

describe('a gap', () => {
  it('of two minutes is filled with what came after it', () => {
    const memory = seen([5]);
    observe(memory, SETTINGS, beatOf(9, 5));
    expect(memory.beat).toBe(10);
    expect(requestsIn(memory)).toBeCloseTo(50, 9);
  });

  it('that is longer is passed over: neither idle nor busy', () => {
    const memory = seen([5]);
    const { activity } = memory.levels;
    const before = activity[1];
    observe(memory, SETTINGS, beatOf(10, 5));
    expect(memory.beat).toBe(11);
    expect([memory.track.beats, requestsIn(memory)]).toEqual([2, 10]);
    expect(activity[1]).toBeLessThan(3 * (before ?? 0));
  });

  it('empties the queues and forgets what was asked, for nobody saw the answer', () => {
    const memory = seen([300]);
    forecast(memory, SETTINGS, 0, MONDAY + BEAT);
    expect(memory.questions.size).toBeGreaterThan(0);
    expect(memory.levels.backlog.some((each) => each > 0)).toBe(true);
    observe(memory, SETTINGS, beatOf(100, 0));
    expect(memory.questions.size).toBe(0);
    expect(memory.levels.backlog.some((each) => each > 0)).toBe(false);
  });

  it('of a week leaves what was learnt', () => {
    const memory = seen(Array.from({ length: 3 * BEATS_AN_HOUR }, (_, beat) => (beat % 100 < 20 ? 20 : 0)));
    const { late } = structuredClone(memory.levels);
    observe(memory, SETTINGS, beatOf(3 * BEATS_AN_HOUR + (7 * DAY) / BEAT, 0));
    expect(memory.levels.late).toEqual(late);
    expect(forecast(memory, SETTINGS, 0, MONDAY + 3 * HOUR + 7 * DAY + BEAT)).not.toBeNull();
  });
});

describe('a sample that overlaps or is very long', () => {
  it('counts what was not seen before', () => {
    const memory = fresh();
    for (let beat = 0; beat < 100; beat += 1)
      observe(memory, SETTINGS, { ...beatOf(beat, 20), length: 4 * BEAT });
    expect(memory.beat).toBe(103);
    expect(requestsIn(memory)).toBeCloseTo(103 * 5, 6);
  });

  it('counts its last quarter of an hour, at its rate', () => {
    const memory = seen([0]);
    observe(memory, SETTINGS, { ...beatOf(BEATS_AN_HOUR, 480), length: HOUR });
    expect(memory.beat).toBe(1 + BEATS_AN_HOUR);
    expect(requestsIn(memory)).toBeCloseTo(120, 6);
  });

  it('is no harm, however long', () => {
    const memory = fresh();
    observe(memory, SETTINGS, { ...beatOf(0, 1e6), length: Number.MAX_SAFE_INTEGER });
    expect(memory.beat).toBe(60);
  });
});

describe('a count that cannot be', () => {
  it.each([1e9, 1e300, Number.MAX_VALUE])(
    'is taken for much, and not for all there ever was: %d',
    (arrivals) => {
      const memory = seen([5, 5, arrivals, 5]);
      expect(requestsIn(memory)).toBeLessThan(1e6);
      expect(memory.levels.late[1]).toBeLessThan(1e6);
    },
  );

  it('widens the levels no further than there are replicas', () => {
    const wide = (maxReplicas: number) =>
      seen([1e12], { ...SETTINGS, maxReplicas }, createForecastMemory(maxReplicas)).levels.width;
    expect([20, 48, 49, 96, 97, 1000].map(wide)).toEqual([1, 1, 2, 2, 4, 32]);
  });
});

describe('levels that a load outgrows', () => {
  const settings = { ...SETTINGS, maxReplicas: 200 };

  it('become twice as wide, and what was asked of the narrow ones is forgotten', () => {
    const memory = seen([47 * PER_BEAT], settings);
    forecast(memory, settings, 0, MONDAY + BEAT);
    expect([memory.levels.width, memory.questions.size > 0]).toEqual([1, true]);
    for (let beat = 1; beat < 40; beat += 1) observe(memory, settings, beatOf(beat, 60 * PER_BEAT));
    expect([memory.levels.width, memory.questions.size]).toEqual([2, 0]);
    // A little of what waits is in time, so that not quite all 60 are needed.
    expect(memory.levels.needed * memory.levels.width).toBeGreaterThan(55);
    expect(memory.levels.needed * memory.levels.width).toBeLessThanOrEqual(62);
  });
});

describe('the questions of a horizon ago', () => {
  const horizon = horizonBeats(SETTINGS);
  const asking = (later: (beat: number) => number): ForecastMemory => {
    const memory = seen(Array.from({ length: 10 }, () => 0));
    forecast(memory, SETTINGS, 0, MONDAY + 10 * BEAT);
    for (let beat = 10; beat < 10 + horizon; beat += 1) observe(memory, SETTINGS, beatOf(beat, later(beat)));
    return memory;
  };

  it('are answered after the horizon and not before', () => {
    const memory = asking(() => 0);
    expect(memory.questions.size).toBe(0);
    expect(memory.mixer.counts.some((count) => count > 0)).toBe(true);
    const early = seen(Array.from({ length: 10 }, () => 0));
    forecast(early, SETTINGS, 0, MONDAY + 10 * BEAT);
    for (let beat = 10; beat < 9 + horizon; beat += 1) observe(early, SETTINGS, beatOf(beat, 0));
    expect(early.mixer.counts.some((count) => count > 0)).toBe(false);
  });

  it('teach what a level was worth where it was needed', () => {
    const memory = asking((beat) => (beat === 15 ? 4 : 0));
    expect(memory.levels.harms[1]).toBeGreaterThan(0);
    expect(memory.levels.harm[1]).toBe(4);
    expect(asking(() => 0).levels.harms[1]).toBe(0);
  });
});

describe('late requests', () => {
  const late = (waiting: number, ready: number, arrivals = 5) => {
    const memory = fresh();
    observe(memory, SETTINGS, { ...beatOf(0, arrivals), waiting, ready });
    return Number(memory.price.late.toFixed(3));
  };

  it('are those that come while the ones before them take longer than is in time', () => {
    // One replica starts half a request a second: 5 are through in 10 s.
    expect([late(0, 1), late(5, 1), late(5.1, 1), late(10, 2), late(10.1, 2)]).toEqual([0, 0, 5, 0, 5]);
    expect([late(0, 0), late(1, 0)]).toEqual([0, 5]);
    expect(late(100, 1, 0)).toBe(0);
  });
});

function manySamples(start: Millis): fc.Arbitrary<LoadSample[]> {
  const step = fc.record({
    later: fc.oneof(fc.integer({ min: -MINUTE, max: 5 * MINUTE }), fc.integer({ min: 0, max: 9 * DAY })),
    length: fc.oneof(fc.integer({ min: 0, max: 5 * MINUTE }), fc.double()),
    arrivals: fc.oneof(fc.nat(2000), fc.double()),
    waiting: fc.oneof(fc.nat(100), fc.double()),
    running: fc.nat(100),
    ready: fc.nat(30),
  });
  return fc.array(step, { maxLength: 25 }).map((steps) => {
    let at = start;
    return steps.map(({ later, ...sample }) => ({ ...sample, at: (at += later) }));
  });
}

/** The same memory with columns that hold nothing. */
function emptied<T extends object>(from: T): T {
  const fields = Object.entries(from).map(([field, value]: [string, unknown]) => {
    if (ArrayBuffer.isView(value)) return [field, (value as Float64Array).slice(0, 0)];
    return [field, typeof value === 'object' && value !== null ? emptied(value) : value];
  });
  return Object.fromEntries(fields) as T;
}

describe('whatever comes', () => {
  it('the memory holds numbers, and the forecast is a count within the bounds', () => {
    fc.assert(
      fc.property(manySamples(MONDAY), fc.nat(40), (samples, current) => {
        const memory = fresh();
        for (const sample of samples) {
          observe(memory, SETTINGS, sample);
          forecast(memory, SETTINGS, current, memory.seenUntil ?? MONDAY);
          expect(Number.isInteger(memory.planned)).toBe(true);
          expect(memory.planned).toBeGreaterThanOrEqual(0);
          expect(memory.planned).toBeLessThanOrEqual(SETTINGS.maxReplicas);
        }
        expect(unsoundIn(memory)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('a memory without room learns nothing and asks for what is there', () => {
    const memory = emptied(fresh());
    for (let beat = 0; beat < 300; beat += 1) {
      observe(memory, SETTINGS, { ...beatOf(beat, beat % 50 < 25 ? 40 : 0), waiting: 3 });
      forecast(memory, SETTINGS, 3, MONDAY + (beat + 1) * BEAT);
    }
    expect(unsoundIn(memory)).toEqual([]);
    expect(memory.planned).toBeGreaterThanOrEqual(1);
    expect(memory.planned).toBeLessThanOrEqual(SETTINGS.maxReplicas);
  });
});
