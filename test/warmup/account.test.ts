import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LedgerRecord, LoadTick } from '../../src/ports/ledger.js';
import { account, closed, NOTHING_SEEN } from '../../src/warmup/ledger/account.js';
import { leadTimesOf } from '../../src/warmup/ledger/lead-times.js';
import { reserve, type Reservations } from '../../src/warmup/pools.js';

const TERMS = { replicas: 5, leadTime: 60_000 };

function ticks(
  until: number,
  reactive: (t: number) => number,
  actual: (t: number) => number,
  every = 5,
): LoadTick[] {
  return Array.from({ length: Math.floor(until / every) + 1 }, (_, index) => {
    const t = index * every;
    return { at: t * 1000, reactive: reactive(t), actual: actual(t) };
  });
}

function summed(all: readonly LoadTick[], terms = TERMS) {
  return all.reduce((sum, tick) => account(sum, terms, tick), NOTHING_SEEN);
}

describe('the account of a warm-up', () => {
  test('is as its docstring works it out', () => {
    const sum = summed(
      ticks(
        300,
        (t) => (t >= 100 ? 5 : 1),
        () => 5,
      ),
    );
    expect(sum).toMatchObject({
      ahead: 400,
      aboveReactive: 400,
      avoided: 240,
      loadCameAt: 100_000,
      observedSeconds: 300,
    });
  });

  test('counts nothing as ahead before the replicas are ready, and nothing as avoided', () => {
    const sum = summed(
      ticks(
        100,
        () => 1,
        (t) => (t >= 50 ? 5 : 1),
      ),
    );
    expect(sum).toMatchObject({ ahead: 200, aboveReactive: 400, avoided: 0, loadCameAt: null });
  });

  test('takes a load of less than half of what was added for none', () => {
    expect(
      summed(
        ticks(
          100,
          (t) => (t > 20 ? 3 : 1),
          () => 5,
        ),
      ).loadCameAt,
    ).toBeNull();
    expect(
      summed(
        ticks(
          100,
          (t) => (t > 20 ? 4 : 1),
          () => 5,
        ),
      ).loadCameAt,
    ).toBe(25_000);
  });

  test('counts no silence that is longer than a minute', () => {
    const sum = summed([
      { at: 0, reactive: 1, actual: 5 },
      { at: 600_000, reactive: 1, actual: 5 },
    ]);
    expect(sum).toMatchObject({ observedSeconds: 60, ahead: 240 });
    expect(closed(sum, TERMS, 610_000).observedSeconds).toBe(70);
  });

  test('is the same when two replicas of the scaler write down the same time', () => {
    const all = ticks(
      200,
      (t) => t / 40,
      (t) => t / 30,
    );
    const once = summed(all);
    expect(summed([...all, ...all.slice(10)])).toEqual(once);
    const stored = JSON.parse(JSON.stringify(summed(all.slice(0, 20)))) as typeof once;
    expect(all.slice(20).reduce((sum, tick) => account(sum, TERMS, tick), stored)).toEqual(once);
  });

  test('finds the least of a lead time as a plain search does', () => {
    const load = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(load, load, fc.integer({ min: 0, max: 90 }), (reactive, actual, lead) => {
        const terms = { replicas: 5, leadTime: lead * 1000 };
        const all = ticks(
          (reactive.length - 1) * 5,
          (t) => reactive[t / 5] ?? 0,
          (t) => actual[(t / 5) % actual.length] ?? 0,
        );
        const sum = summed(all, terms);
        let avoided = 0;
        for (let index = 0; index + 1 < all.length; index += 1) {
          // In force at some moment of (t − L, t]: all points in it, and the one before them if it lasted into it.
          const from = all[index]!.at - terms.leadTime;
          let least = all[index]!.reactive;
          for (let back = 0; back < index; back += 1)
            if (all[back + 1]!.at > from) least = Math.min(least, all[back]!.reactive);
          if (from < 0) least = Math.min(least, all[0]!.reactive);
          avoided += Math.max(0, Math.min(all[index]!.reactive, all[index]!.actual, 5) - least) * 5;
        }
        expect(sum.avoided).toBeCloseTo(avoided, 6);
        expect(sum.ahead).toBeLessThanOrEqual(sum.aboveReactive + 1e-9);
        expect(sum.least.length).toBeLessThanOrEqual(10);
      }),
    );
  });
});

test('lead times are times that were measured, by workload', () => {
  const line = (workload: string, lead: number | null) =>
    ({ workload, begunAt: 1000, readyAt: lead === null ? null : 1000 + lead * 1000 }) as LedgerRecord;
  const records = [
    ...Array.from({ length: 10 }, (_, index) => line('a', index + 11)),
    line('a', null),
    line('a', 0),
    line('b', 7),
  ];
  const times = leadTimesOf(records);
  expect(times.get('a')).toEqual({ samples: 10, p50: 15_000, p90: 19_000, p95: 20_000, longest: 20_000 });
  expect(times.get('b')).toMatchObject({ samples: 1, p50: 7000, longest: 7000 });
  expect(leadTimesOf([line('c', null)]).size).toBe(0);
});

describe('the rate of a node pool', () => {
  const LIMIT = { most: 2, window: 60_000 };

  test('begins two at once and the third when the window has room', () => {
    let held: Reservations = [];
    const places = ['a', 'b', 'c', 'd', 'e'].map((id) => {
      const { at, reservations } = reserve(held, id, 0, LIMIT);
      held = reservations;
      return at;
    });
    expect(places).toEqual([0, 0, 60_000, 60_000, 120_000]);
    expect(reserve(held, 'c', 30_000, LIMIT).at).toBe(60_000);
  });

  test('forgets reservations that only a clock set back can have left', () => {
    const held: Reservations = [
      ['a', 9e9],
      ['b', 9e9],
    ];
    expect(reserve(held, 'c', 1000, LIMIT).at).toBe(1000);
  });

  test('never lets more than its number begin in a window', () => {
    const asks = fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 5 }), (gaps, most) => {
        let held: Reservations = [];
        let now = 0;
        const places: number[] = [];
        for (const [index, gap] of gaps.entries()) {
          now += gap;
          const { at, reservations } = reserve(held, String(index), now, { most, window: 60_000 });
          held = reservations;
          places.push(at);
          expect(at).toBeGreaterThanOrEqual(now);
        }
        const sorted = places.toSorted((a, b) => a - b);
        for (let index = most; index < sorted.length; index += 1)
          expect(sorted[index]! - sorted[index - most]!).toBeGreaterThanOrEqual(60_000);
      }),
    );
  });
});
