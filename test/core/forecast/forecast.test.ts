import { describe, expect, it } from 'vitest';
import { chancesNow, quantileOf } from '../../../src/core/forecast/chances.js';
import { FIRST_BEATS, forecast } from '../../../src/core/forecast/forecast.js';
import { createForecastMemory } from '../../../src/core/forecast/memory.js';
import { observe } from '../../../src/core/forecast/observe.js';
import { BEAT, horizonBeats } from '../../../src/core/forecast/settings.js';
import { HOUR } from '../../../src/core/time.js';
import {
  beatOf,
  BEATS_A_DAY,
  BEATS_AN_HOUR,
  bytesOf,
  drive,
  hoursOf,
  MONDAY,
  PER_BEAT,
  seen,
  seeded,
  SETTINGS,
  sumOf,
  type Drive,
  type Step,
} from './drive.js';

const hourOf = (beat: number) => (beat % BEATS_A_DAY) / BEATS_AN_HOUR;
const dayOf = (beat: number) => Math.floor(beat / BEATS_A_DAY);
/** 9 to 17 o'clock, from nothing to what five replicas carry and back. */
const office = (beat: number) => (hourOf(beat) >= 9 && hourOf(beat) < 17 ? 4.5 * PER_BEAT : 0);

function day({ steps }: Drive, number: number): readonly Step[] {
  return steps.slice(number * BEATS_A_DAY, (number + 1) * BEATS_A_DAY);
}

function lateShare(steps: readonly Step[]): number {
  return sumOf(steps, 'late') / sumOf(steps, 'arrivals');
}

describe('the forecast', () => {
  it('says nothing until it has seen a quarter of an hour of load', () => {
    const { steps } = drive(80, () => 5);
    expect(steps.findIndex(({ advice }) => advice !== null)).toBe(FIRST_BEATS - 1);
    expect(FIRST_BEATS * BEAT).toBe(HOUR / 4);
  });

  it('does not take a silence for having seen something', () => {
    const memory = seen([5]);
    observe(memory, SETTINGS, beatOf(500, 5));
    expect(forecast(memory, SETTINGS, 1, MONDAY + 501 * BEAT)).toBeNull();
  });

  it('keeps nothing for a workload that never had a request', () => {
    const { steps } = drive(BEATS_AN_HOUR, () => 0);
    expect(steps.at(-1)?.advice).toMatchObject({ replicas: 0, price: 0 });
  });

  it('keeps what a steady load needs, and says how likely that is', () => {
    const { steps } = drive(6 * BEATS_AN_HOUR, () => 3.5 * PER_BEAT);
    const last = steps.slice(-BEATS_AN_HOUR);
    expect(new Set(last.map(({ wanted }) => wanted))).toEqual(new Set([4]));
    expect(last.at(-1)?.advice).toMatchObject({ chance: expect.closeTo(1, 0) as number });
    expect(last.at(-1)?.advice?.why).toMatch(
      /^needed within 5 min with \d+ %; one more with [\d.]+ %, worth it from [\d.]+ %$/,
    );
  });

  it('says that it serves who is there, where that takes more than it foresaw', () => {
    const memory = seen(Array.from({ length: 100 }, () => 1));
    observe(memory, SETTINGS, { ...beatOf(100, 1), waiting: 100, running: 4 });
    // Each of 4 slots takes one now and 1.25 more within 10 s: 104 ÷ 4 ÷ 2.25 = 11.6.
    const found = forecast(memory, SETTINGS, 1, MONDAY + 101 * BEAT);
    expect(found).toMatchObject({
      replicas: 12,
      chance: 1,
      why: '12 to serve the 104 requests there in time',
    });
    expect(memory.planned).toBe(12);
  });

  it('never asks for more than there may be, nor for part of one', () => {
    for (const maxReplicas of [1, 7, 60, 200]) {
      const settings = { ...SETTINGS, maxReplicas };
      const random = seeded(maxReplicas);
      const { steps } = drive(2000, () => random() ** 8 * 400 * PER_BEAT, settings);
      for (const { advice, wanted } of steps) {
        expect(wanted).toBeLessThanOrEqual(maxReplicas);
        expect(wanted).toBeGreaterThanOrEqual(0);
        if (advice !== null) expect(Number.isInteger(advice.replicas)).toBe(true);
      }
      expect(Math.max(...steps.map(({ wanted }) => wanted))).toBe(maxReplicas);
    }
  });

  it('is the same for the same samples, byte by byte', () => {
    const run = () => {
      const random = seeded(3);
      return drive(BEATS_A_DAY, (beat) => office(beat) * random());
    };
    const [one, other] = [run(), run()];
    expect(bytesOf(one.memory)).toBe(bytesOf(other.memory));
    expect(one.steps).toEqual(other.steps);
  });

  it('of one workload does not depend on another that takes turns with it', () => {
    const alone = drive(1000, (beat) => (beat % 90 < 9 ? 30 : 0));
    const memories = [createForecastMemory(20), createForecastMemory(20)] as const;
    let wanted = 0;
    const advices = alone.steps.map(({ beat, arrivals, ready, wanted: then, advice }) => {
      const sample = { ...beatOf(beat, arrivals), ready };
      observe(memories[0], SETTINGS, sample);
      observe(memories[1], SETTINGS, sample);
      const found = forecast(memories[0], SETTINGS, wanted, sample.at);
      forecast(drive(1, () => 1e5).memory, SETTINGS, 20, sample.at);
      forecast(memories[1], SETTINGS, wanted, sample.at);
      wanted = advice?.replicas ?? then;
      return found;
    });
    expect(advices.at(-1)).not.toBeNull();
    expect(bytesOf(memories[0])).toBe(bytesOf(memories[1]));
  }, 60_000);
});

describe('the distribution behind it', () => {
  const memory = drive(8 * BEATS_AN_HOUR, (beat) => (2 + (beat % 40 < 20 ? 3 : 0)) * PER_BEAT).memory;
  const at = MONDAY + 8 * HOUR;

  it('has a chance for each level, and is certain of those under load all the while', () => {
    const { first, last, of } = chancesNow(memory, SETTINGS, 5, at);
    for (let k = 0; k < first; k += 1) expect(of[k]).toBe(1);
    for (let k = first; k <= last; k += 1) expect((of[k] ?? 0) > 0 && (of[k] ?? 0) < 1).toBe(true);
    expect(last).toBeGreaterThanOrEqual(5);
  });

  it('has quantiles that rise with the probability', () => {
    const chances = chancesNow(memory, SETTINGS, 5, at);
    const quantiles = [0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.9999].map((share) => quantileOf(chances, share));
    expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
    const { median, nearlySure } = forecast(memory, SETTINGS, 5, at) ?? {};
    expect(median).toBe(quantileOf(chances, 0.5));
    expect(nearlySure).toBe(quantileOf(chances, 0.95));
  });

  it('has a quantile of nothing where nothing is likely', () => {
    const idle = chancesNow(seen(Array.from({ length: 200 }, () => 0)), SETTINGS, 0, at);
    expect(quantileOf(idle, 0.5)).toBe(0);
    expect(quantileOf({ first: 1, last: 3, of: new Float64Array(0) }, 0.5)).toBe(0);
  });

  it('is asked a few questions in each horizon, of high levels in turn', () => {
    const high = { ...SETTINGS, maxReplicas: 48 };
    const busy = seen(
      Array.from({ length: 300 }, (_, beat) => (beat % 50 === 0 ? 80 * PER_BEAT : 0)),
      high,
      createForecastMemory(48),
    );
    const asked = new Set<number>();
    const horizon = horizonBeats(high);
    for (let beat = 300; beat < 300 + horizon; beat += 1) {
      observe(busy, high, beatOf(beat, 0));
      forecast(busy, high, 40, MONDAY + beat * BEAT);
      for (let i = 0; i < busy.questions.size; i += 1) asked.add(busy.questions.level[i] ?? 0);
    }
    expect(asked.size).toBeGreaterThan(30);
    expect(busy.questions.size).toBeLessThanOrEqual(128);
  });
});

describe('a load by the clock', () => {
  const week = drive(7 * BEATS_A_DAY, office);

  it('finds its replicas ready from the third day on', () => {
    for (let number = 2; number < 7; number += 1) {
      const opening = week.steps[number * BEATS_A_DAY + 9 * BEATS_AN_HOUR];
      expect(opening?.ready).toBe(5);
      expect(lateShare(day(week, number))).toBeLessThan(0.001);
    }
  });

  it('costs little more than its hours, and nothing at night', () => {
    for (let number = 2; number < 7; number += 1) {
      expect(hoursOf(day(week, number))).toBeLessThan(1.1 * 5 * 8);
      expect(week.steps[number * BEATS_A_DAY + 3 * BEATS_AN_HOUR]?.wanted).toBe(0);
    }
  });

  it('that stays away costs at most a day’s worth of replicas, and finds them again soon after', () => {
    const away = drive(10 * BEATS_A_DAY, (beat) => (dayOf(beat) === 5 ? 0 : office(beat)));
    expect(hoursOf(day(away, 5))).toBeLessThan(hoursOf(day(away, 4)) / 2);
    expect(lateShare(day(away, 6))).toBeLessThan(0.03);
    expect(lateShare([7, 8, 9].flatMap((number) => day(away, number)))).toBeLessThan(0.01);
  });

  it('that starts every ten minutes finds its replicas, though each gap is longer than the start', () => {
    const burst = drive(3 * BEATS_A_DAY, (beat) => (beat % 40 < 2 ? 20 : 0));
    expect(lateShare(day(burst, 2))).toBeLessThan(0.01);
    const starts = day(burst, 2).filter(({ arrivals }) => arrivals > 0);
    for (const { ready } of starts) expect(ready).toBeGreaterThan(0);
  });

  it('that starts every half hour is awaited, and let go in between', () => {
    const burst = drive(4 * BEATS_A_DAY, (beat) => (beat % 120 < 2 ? 20 : 0));
    expect(lateShare(day(burst, 3))).toBeLessThan(0.01);
    expect(hoursOf(day(burst, 3))).toBeLessThan(24);
  });
});

describe('a load without a pattern', () => {
  it('that comes a few times a day keeps nothing', () => {
    const random = seeded(1);
    const sparse = drive(7 * BEATS_A_DAY, () => (random() < 4 / BEATS_A_DAY ? 1 : 0));
    expect(hoursOf(sparse.steps.slice(2 * BEATS_A_DAY))).toBeLessThan(0.1 * 5 * 24);
    expect(sparse.steps.filter(({ wanted }) => wanted === 0).length).toBeGreaterThan(6 * BEATS_A_DAY);
  });

  it('that goes away for ever leaves nothing behind', () => {
    const gone = drive(6 * BEATS_A_DAY, (beat) =>
      dayOf(beat) < 3 ? Math.round(10 * (1 + Math.sin(beat / 900))) : 0,
    );
    expect(sumOf(gone.steps.slice(4 * BEATS_A_DAY), 'wanted')).toBe(0);
    expect(hoursOf(day(gone, 3))).toBeLessThan(0.1 * hoursOf(day(gone, 2)));
  });

  it('is served nearly as well as was asked, for little more than it takes', () => {
    const random = seeded(2);
    const busy = drive(3 * BEATS_A_DAY, (beat) => Math.round(10 * (1 + Math.sin(beat / 900)) + random() * 5));
    const last = day(busy, 2);
    expect(lateShare(last)).toBeLessThan(0.02);
    expect(hoursOf(last)).toBeLessThan((2 * sumOf(last, 'arrivals')) / PER_BEAT / BEATS_AN_HOUR);
  });
});

describe('a day of nonsense', () => {
  const nonsense = (share: number, size: number) => {
    const random = seeded(3);
    const reported = (beat: number, arrivals: number) =>
      dayOf(beat) === 3 && random() < share ? size : arrivals;
    return drive(8 * BEATS_A_DAY, office, SETTINGS, createForecastMemory(20), reported);
  };

  it.each([
    [0.0003, 1e300],
    [0.01, 1e9],
  ])('is forgotten within three: %d of the samples say %d requests', (share, size) => {
    const run = nonsense(share, size);
    const before = hoursOf(day(run, 2));
    expect(hoursOf(day(run, 3))).toBeGreaterThan(before);
    for (const number of [6, 7]) {
      expect(hoursOf(day(run, number))).toBeLessThan(1.15 * before);
      expect(lateShare(day(run, number))).toBeLessThan(0.02);
    }
  });
});

describe('one count gone wrong where there may be any number of replicas', () => {
  const settings = { ...SETTINGS, maxReplicas: 1000 };
  const memory = createForecastMemory(1000);
  const run = drive(11 * BEATS_A_DAY, office, settings, memory, (beat, arrivals) =>
    beat === 1.5 * BEATS_A_DAY ? 1e9 : arrivals,
  );

  it('makes the levels wide for as long as it is remembered, and no longer', () => {
    expect(Math.max(...run.steps.map(({ wanted }) => wanted))).toBeGreaterThan(30);
    expect(memory.levels.width).toBe(1);
    expect(hoursOf(day(run, 3))).toBeGreaterThan(5 * 5 * 8);
    expect(hoursOf(day(run, 10))).toBeLessThan(1.5 * 5 * 8);
    expect(lateShare(day(run, 10))).toBeLessThan(0.02);
  });
});

describe('a fleet of more than 48 replicas', () => {
  const settings = { ...SETTINGS, maxReplicas: 150 };
  const fleet = drive(2 * BEATS_A_DAY, (beat) => 50 * PER_BEAT * (1 + Math.sin(beat / 917)), settings);

  it('is served in wider levels', () => {
    expect(fleet.memory.levels.width).toBe(4);
    expect(lateShare(day(fleet, 1))).toBeLessThan(0.03);
  });

  it('costs little more than it needs', () => {
    const needed = sumOf(day(fleet, 1), 'arrivals') / PER_BEAT / BEATS_AN_HOUR;
    expect(hoursOf(day(fleet, 1))).toBeLessThan(1.4 * needed);
  });
});
