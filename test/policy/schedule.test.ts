import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../src/core/policy.js';
import { HOUR, MINUTE, type Millis } from '../../src/core/time.js';
import { nextStart, windowClock, windowsAt } from '../../src/policy/schedule.js';
import { createStarts, type StartsOf } from '../../src/policy/starts.js';
import { parseSleepWindows, parseWarmWindows } from '../../src/policy/windows.js';

function scheduleOf(warm: string, sleep = '', timezone = 'UTC'): Schedule {
  return {
    timezone,
    warm: warm === '' ? [] : (parseWarmWindows(warm) ?? []),
    sleep: sleep === '' ? [] : (parseSleepWindows(sleep) ?? []),
  };
}

const at = (text: string): Millis => Date.parse(text);
const LEAD = 10 * MINUTE;

/** The least replicas and sleep at a moment. */
function seen(schedule: Schedule, moment: string, lead = LEAD): number | 'asleep' {
  const { floors, sleep } = windowsAt(schedule, lead, at(moment));
  return sleep === null ? Math.max(0, ...floors.map(({ replicas }) => replicas)) : 'asleep';
}

describe('a warm window', () => {
  const office = scheduleOf('0 8 * * 1-5/10h=2');

  test.each([
    ['2026-03-09T07:49:59.999Z', 0],
    ['2026-03-09T07:50:00.000Z', 2],
    ['2026-03-09T08:00:00.000Z', 2],
    ['2026-03-09T17:59:59.999Z', 2],
    ['2026-03-09T18:00:00.000Z', 0],
    ['2026-03-07T12:00:00.000Z', 0],
  ])('of office hours holds at %s: %s', (moment, replicas) => {
    expect(seen(office, moment)).toBe(replicas);
  });

  test('says from when, since when it is asked for, and until when', () => {
    const berlin = { ...office, timezone: 'Europe/Berlin' };
    expect(windowsAt(berlin, LEAD, at('2026-03-09T06:55:00Z'))).toEqual({
      floors: [
        {
          by: 'window',
          replicas: 2,
          until: at('2026-03-09T17:00:00Z'),
          why: 'warm window 0 8 * * 1-5: at least 2 from Mon 08:00 Europe/Berlin, asked for 10 min before, the lead time',
        },
      ],
      sleep: null,
      until: at('2026-03-09T07:00:00Z'),
    });
    expect(windowsAt(berlin, LEAD, at('2026-03-09T12:00:00Z'))).toMatchObject({
      floors: [{ why: 'warm window 0 8 * * 1-5: at least 2 until Mon 18:00 Europe/Berlin' }],
      until: at('2026-03-09T17:00:00Z'),
    });
  });

  test('without a lead begins on its start', () => {
    expect(seen(office, '2026-03-09T07:59:59.999Z', 0)).toBe(0);
    expect(seen(office, '2026-03-09T08:00:00Z', 0)).toBe(2);
  });

  test('beside others: each has its floor', () => {
    const two = scheduleOf('0 8 * * */10h=2; 0 12 * * */1h=5');
    expect(seen(two, '2026-03-09T11:00:00Z')).toBe(2);
    expect(seen(two, '2026-03-09T11:50:00Z')).toBe(5);
    expect(seen(two, '2026-03-09T13:00:00Z')).toBe(2);
  });

  test('longer than the time to its next start never ends', () => {
    const always = scheduleOf('0 * * * */1h30m=3');
    for (let minute = 0; minute < 180; minute += 1) {
      expect(seen(always, new Date(at('2026-03-09T07:00:00Z') + minute * MINUTE).toISOString())).toBe(3);
    }
  });

  test('of a leap day is known between two of them', () => {
    const leap = scheduleOf('0 0 29 2 */24h=1');
    expect(seen(leap, '2028-02-29T12:00:00Z')).toBe(1);
    expect(seen(leap, '2027-02-28T12:00:00Z')).toBe(0);
  });
});

describe('summer time in New York, 2026: 2:00 to 3:00 is left out on 8 March and 1:00 to 2:00 comes twice on 1 November', () => {
  const night = (hours: string) => scheduleOf(`${hours} * * */10h=1`, '', 'America/New_York');

  test('ten hours over the spring change are ten hours, and end an hour later by the clock', () => {
    const { floors } = windowsAt(night('0 22'), 0, at('2026-03-08T05:00:00Z'));
    expect(floors).toMatchObject([{ until: at('2026-03-08T03:00:00Z') + 10 * HOUR }]);
    expect(floors[0]?.why).toContain('until Sun 09:00 America/New_York');
    expect(windowsAt(night('0 22'), 0, at('2026-11-01T05:00:00Z')).floors[0]?.why).toContain(
      'until Sun 07:00',
    );
  });

  test('a start inside the missing hour comes right after it', () => {
    const schedule = night('30 2');
    expect(seen(schedule, '2026-03-08T06:59:59Z', 0)).toBe(0);
    expect(seen(schedule, '2026-03-08T07:00:00Z', 0)).toBe(1);
    expect(nextStart(schedule, at('2026-03-08T06:00:00Z'))?.at).toBe(at('2026-03-08T07:00:00Z'));
    expect(nextStart(schedule, at('2026-03-08T07:00:00Z'))?.at).toBe(at('2026-03-09T06:30:00Z'));
    expect(nextStart(night('30 2,14'), at('2026-03-08T06:00:00Z'))?.at).toBe(at('2026-03-08T07:00:00Z'));
  });

  test('a start in the hour that comes twice comes once, the first time', () => {
    const schedule = scheduleOf('30 1 * * */20m=1', '', 'America/New_York');
    expect(seen(schedule, '2026-11-01T05:30:00Z', 0)).toBe(1);
    expect(seen(schedule, '2026-11-01T06:30:00Z', 0)).toBe(0);
    expect(nextStart(schedule, at('2026-11-01T05:30:00Z'))?.at).toBe(at('2026-11-02T06:30:00Z'));
  });
});

describe('a sleep window', () => {
  const nights = scheduleOf('', '0 22 * * */9h');

  test('begins on its start and not before, and lasts', () => {
    expect(seen(nights, '2026-03-09T21:59:59Z')).toBe(0);
    expect(seen(nights, '2026-03-09T22:00:00Z')).toBe('asleep');
    expect(seen(nights, '2026-03-10T06:59:59Z')).toBe('asleep');
    expect(seen(nights, '2026-03-10T07:00:00Z')).toBe(0);
    const { sleep } = windowsAt(nights, LEAD, at('2026-03-10T03:00:00Z'));
    expect(sleep).toEqual({
      until: at('2026-03-10T07:00:00Z'),
      why: 'sleep window 0 22 * * *: zero until Tue 07:00 UTC',
    });
  });

  test('of two the one that lasts longer is said', () => {
    const both = scheduleOf('', '0 22 * * */9h;0 0 * * 6/48h');
    expect(windowsAt(both, LEAD, at('2026-03-14T01:00:00Z')).sleep?.until).toBe(at('2026-03-16T00:00:00Z'));
  });
});

describe('the next start', () => {
  test('is the earliest, with the most replicas where two start at once', () => {
    const schedule = scheduleOf('0 8 * * */1h=2;0 9 * * */1h=1;0 8 * * 1/1h=4');
    expect(nextStart(schedule, at('2026-03-08T07:00:00Z'))).toEqual({
      at: at('2026-03-08T08:00:00Z'),
      replicas: 2,
    });
    expect(nextStart(schedule, at('2026-03-09T07:00:00Z'))?.replicas).toBe(4);
    expect(nextStart(schedule, at('2026-03-09T08:00:00Z'))).toEqual({
      at: at('2026-03-09T09:00:00Z'),
      replicas: 1,
    });
  });

  test('is none without warm windows', () => {
    expect(nextStart(scheduleOf('', '0 22 * * */9h'), 0)).toBeNull();
  });
});

describe('a clock of windows', () => {
  const cron = fc
    .record({
      minute: fc.constantFrom('0', '*/15', '30', '5,50'),
      hour: fc.constantFrom('*', '8', '2', '1-3', '22', '*/6'),
      day: fc.constantFrom('* *', '1 *', '* 3,11'),
      weekday: fc.constantFrom('*', '1-5', '0'),
    })
    .map(({ minute, hour, day, weekday }) => `${minute} ${hour} ${day} ${weekday}`);
  const length = fc.constantFrom(5 * MINUTE, 30 * MINUTE, HOUR, 10 * HOUR, 48 * HOUR);
  const schedule: fc.Arbitrary<Schedule> = fc.record({
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
    warm: fc.array(fc.record({ start: cron, length, replicas: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 2,
    }),
    sleep: fc.array(fc.record({ start: cron, length }), { maxLength: 2 }),
  });
  const moments = fc.array(fc.integer({ min: -2 * HOUR, max: 5 * HOUR }), { minLength: 1, maxLength: 12 });
  const from = fc.constantFrom('2026-03-07T20:00:00Z', '2026-10-31T20:00:00Z', '2026-03-28T20:00:00Z');

  test('says what an evaluation from scratch says, whatever it has been asked before', () => {
    fc.assert(
      fc.property(
        schedule,
        moments,
        from,
        fc.constantFrom(0, LEAD, 12 * HOUR),
        (given, steps, begin, lead) => {
          const clock = windowClock(given, createStarts());
          let now = at(begin);
          for (const step of steps) {
            now += step;
            expect({ ...clock(lead, now), until: 0 }).toEqual({ ...windowsAt(given, lead, now), until: 0 });
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a floor holds exactly where a start lies less than its length behind, or less than the lead ahead', () => {
    fc.assert(
      fc.property(schedule, fc.nat(48 * 60), from, (given, minutes, begin) => {
        const now = at(begin) + minutes * MINUTE;
        const { floors, until } = windowsAt(given, LEAD, now);
        const wanted = given.warm.filter((window) => startsWithin(given, window, now));
        expect(floors.map(({ replicas }) => replicas)).toEqual(wanted.map(({ replicas }) => replicas));
        expect(until).toBeGreaterThan(now);
      }),
      { numRuns: 60 },
    );
  });

  /** Walks minute by minute with `nextStart`, which knows nothing of lengths. */
  function startsWithin(given: Schedule, window: Schedule['warm'][number], now: Millis): boolean {
    const starts = createStarts();
    const only = { ...given, warm: [window] };
    const next = nextStart(only, now - window.length, starts);
    return next !== null && next.at <= now + LEAD;
  }

  test('evaluates a cron pattern once from one start to the next, however many workloads tick', () => {
    let evaluations = 0;
    const startsOf = createStarts();
    const counted: StartsOf = (...given) => {
      evaluations += 1;
      return startsOf(...given);
    };
    const office = scheduleOf('0 8 * * 1-5/10h=2');
    const clocks = Array.from({ length: 100 }, () => windowClock(office, counted));
    for (let now = at('2026-03-09T09:00:00Z'); now < at('2026-03-09T17:00:00Z'); now += 5 * MINUTE) {
      for (const clock of clocks) expect(clock(LEAD, now).floors).toHaveLength(1);
    }
    expect(evaluations).toBe(100);
  });

  test('forgets patterns when there are too many of them', () => {
    const startsOf = createStarts();
    const now = at('2026-03-09T09:30:00Z');
    for (let index = 0; index < 2100; index += 1) {
      const pattern = `${index % 60} ${Math.floor(index / 60) % 24} ${1 + Math.floor(index / 1440)} * *`;
      expect(startsOf(pattern, 'UTC', now).next).toBeGreaterThan(now);
    }
  });
});
