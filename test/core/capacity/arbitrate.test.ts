import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  arbitrate,
  type ArbitrationState,
  type Claimant,
  type Supply,
} from '../../../src/core/capacity/arbitrate.js';

const NOW = 1_772_445_600_000;

function claimant(id: string, wanted: number, more: Partial<Claimant> = {}): Claimant {
  return { id, tier: 2, wanted, minimum: 0, options: [{ pool: 'a100', units: 1, most: 1000 }], ...more };
}

function supply(units: number, pool = 'a100'): Supply {
  return { pool, units, limit: `pool ${pool} at its maximum` };
}

/** What each is granted, by name. */
function granted(claimants: readonly Claimant[], supplies: readonly Supply[], state: ArbitrationState = {}) {
  const { grants } = arbitrate(state, { claimants, supplies, now: NOW });
  return Object.fromEntries(grants.map(({ id, granted }) => [id, granted]));
}

/** Ticks of five seconds, each with what is wanted of whom. */
function follow(steps: readonly (readonly Claimant[])[], supplies: readonly Supply[]) {
  let state: ArbitrationState = {};
  return steps.map((claimants, index) => {
    const step = arbitrate(state, { claimants, supplies, now: NOW + index * 5000 });
    state = step.state;
    return Object.fromEntries(step.grants.map(({ id, granted }) => [id, granted]));
  });
}

describe('who gets the GPUs', () => {
  test('everybody all of it while it fits', () => {
    expect(granted([claimant('a', 4), claimant('b', 6)], [supply(10)])).toEqual({ a: 4, b: 6 });
  });

  test('a shortage says how much was wanted, how much fits and what is in the way', () => {
    const { grants } = arbitrate({}, { claimants: [claimant('a', 9)], supplies: [supply(6)], now: NOW });
    expect(grants[0]).toEqual({
      id: 'a',
      wanted: 9,
      granted: 6,
      claim: 9,
      pools: [{ pool: 'a100', replicas: 6 }],
      why: 'wanted 9, 6 fit: pool a100 at its maximum',
    });
  });

  test('it says who has the rest', () => {
    const claimants = [claimant('first', 5, { tier: 1 }), claimant('b', 4), claimant('c', 4)];
    const { grants } = arbitrate({}, { claimants, supplies: [supply(7)], now: NOW });
    expect(grants.map(({ why }) => why)).toEqual([
      null,
      'wanted 4, 1 fits: pool a100 at its maximum; tier 1 has 5; others of tier 2 have 1',
      'wanted 4, 1 fits: pool a100 at its maximum; tier 1 has 5; others of tier 2 have 1',
    ]);
  });

  test('the rest is shared in proportion, the largest remainder first and ties by name', () => {
    // Quotas of 10: 5.45, 2.73 and 1.82.
    expect(granted([claimant('a', 12), claimant('b', 6), claimant('c', 4)], [supply(10)])).toEqual({
      a: 5,
      b: 3,
      c: 2,
    });
    expect(granted([claimant('b', 1), claimant('a', 1), claimant('c', 1)], [supply(2)])).toEqual({
      a: 1,
      b: 1,
      c: 0,
    });
  });

  test('nobody is below its guaranteed minimum, and the others share what that leaves', () => {
    const claimants = [claimant('a', 4, { minimum: 3 }), claimant('b', 20), claimant('c', 20)];
    expect(granted(claimants, [supply(10)])).toEqual({ a: 3, b: 4, c: 3 });
  });

  test('where minimums do not fit, everybody’s first replica comes before anybody’s second', () => {
    const minimums = (...counts: number[]) =>
      counts.map((minimum, index) => claimant(`w${index}`, minimum, { minimum }));
    expect(granted(minimums(10_000, 1, 2), [supply(12)])).toEqual({ w0: 9, w1: 1, w2: 2 });
    expect(granted(minimums(10_000, 6, 6), [supply(12)])).toEqual({ w0: 4, w1: 4, w2: 4 });
    expect(granted(minimums(9, 9, 9), [supply(2)])).toEqual({ w0: 1, w1: 1, w2: 0 });
  });

  test('what the operator guarantees comes before minimums, whatever their tier', () => {
    const claimants = [
      claimant('large', 50, { tier: 1, minimum: 50 }),
      claimant('batch', 3, { guaranteed: 2 }),
      claimant('quiet', 0, { guaranteed: 1 }),
    ];
    expect(granted(claimants, [supply(10)])).toEqual({ large: 7, batch: 2, quiet: 0 });
  });

  test('a minimum is kept free while it is not wanted, and never given as more than is wanted', () => {
    const claimants = [claimant('idle', 0, { minimum: 3 }), claimant('first', 20, { tier: 1 })];
    expect(granted(claimants, [supply(10)])).toEqual({ idle: 0, first: 7 });
  });

  test('replicas of two GPUs take two', () => {
    const pair = claimant('pair', 4, { tier: 1, options: [{ pool: 'a100', units: 2, most: 4 }] });
    expect(granted([pair, claimant('single', 9)], [supply(9)])).toEqual({ pair: 4, single: 1 });
    expect(granted([{ ...pair, wanted: 9 }, claimant('single', 9)], [supply(20)])).toEqual({
      pair: 4,
      single: 9,
    });
  });

  test('where a pool has no known end, nothing is short', () => {
    expect(granted([claimant('a', 900), claimant('b', 1)], [supply(Infinity)])).toEqual({ a: 900, b: 1 });
  });

  test('a workload that no node could take gets none, and says so', () => {
    const { grants } = arbitrate(
      {},
      { claimants: [claimant('a', 2, { options: [] })], supplies: [], now: NOW },
    );
    expect(grants[0]?.why).toBe('wanted 2, 0 fit: no node could ever take it');
  });

  test('who can be elsewhere moves for who cannot, and loses nothing by it', () => {
    const either = [
      { pool: 'a100', units: 1, most: 1000 },
      { pool: 'h100', units: 1, most: 1000 },
    ];
    const claimants = [claimant('broad', 4, { tier: 1, options: either }), claimant('narrow', 4)];
    expect(granted(claimants, [supply(4), supply(4, 'h100')])).toEqual({ broad: 4, narrow: 4 });
  });
});

describe('the three bursts of a shared platform, with twelve GPUs', () => {
  const tiers = (one: number, two: number) => [
    claimant('one', one, { tier: 1, minimum: 1 }),
    claimant('two', two, { minimum: 1 }),
  ];
  const usual = tiers(4, 5);

  test('within what there is, both have what they want', () => {
    expect(follow([usual, tiers(6, 6), usual], [supply(12)])).toEqual([
      { one: 4, two: 5 },
      { one: 6, two: 6 },
      { one: 4, two: 5 },
    ]);
  });

  test('tier 1 bursts: tier 2 yields within the tick, and has its share back two minutes after', () => {
    const quiet = Array.from({ length: 24 }, () => usual);
    const grants = follow([usual, tiers(10, 5), tiers(20, 5), ...quiet], [supply(12)]);
    expect(grants.slice(0, 3)).toEqual([
      { one: 4, two: 5 },
      { one: 10, two: 2 },
      { one: 11, two: 1 },
    ]);
    // The burst's last tick is the third: its claim stands for 120 s, or 24 ticks of 5 s.
    expect(grants.slice(3, 26).every(({ two }) => two === 1)).toBe(true);
    expect(grants.at(-1)).toEqual({ one: 4, two: 5 });
  });

  test('tier 2 bursts: tier 1 notices nothing', () => {
    expect(follow([usual, tiers(4, 20), tiers(6, 20)], [supply(12)])).toEqual([
      { one: 4, two: 5 },
      { one: 4, two: 8 },
      { one: 6, two: 6 },
    ]);
  });
});

describe('a demand that wobbles', () => {
  test('moves nobody else: seats do not change hands between two that want about the same', () => {
    const steps = Array.from({ length: 60 }, (_, tick) => [
      claimant('a', 20 + (tick % 3)),
      claimant('b', 21),
      claimant('c', 20 + ((tick + 1) % 2)),
    ]);
    const settled = follow(steps, [supply(10)]).slice(3);
    expect(new Set(settled.map((each) => JSON.stringify(each))).size).toBe(1);
  });

  test('a clock that was set back holds no claim from the future', () => {
    const { state } = arbitrate(
      {},
      { claimants: [claimant('a', 50)], supplies: [supply(10)], now: NOW + 9e9 },
    );
    const { grants } = arbitrate(state, { claimants: [claimant('a', 1)], supplies: [supply(10)], now: NOW });
    expect(grants[0]?.claim).toBe(1);
  });
});

const option = fc.record({
  pool: fc.constantFrom('a', 'b', 'c'),
  units: fc.constantFrom(1, 1, 2, 0.5, 14 / 3),
  most: fc.integer({ min: 0, max: 40 }),
});
const options = fc.uniqueArray(option, { selector: ({ pool }) => pool, minLength: 1, maxLength: 3 });
const someClaimants = (shape: fc.Arbitrary<readonly Claimant['options'][number][]>) =>
  fc
    .array(
      fc.record({
        tier: fc.constantFrom(1 as const, 2 as const),
        wanted: fc.integer({ min: 0, max: 30 }),
        minimum: fc.integer({ min: 0, max: 3 }),
        options: shape,
      }),
      { minLength: 1, maxLength: 8 },
    )
    .map((list) => list.map((each, index): Claimant => ({ id: `w${index}`, ...each })));
const supplies = fc
  .tuple(...(['a', 'b', 'c'] as const).map(() => fc.integer({ min: 0, max: 40 })))
  .map((units) => units.map((each, index) => supply(each, 'abc'[index])));
const alone = fc.constant([{ pool: 'a', units: 1, most: 1000 }]);

describe('whatever is wanted', () => {
  test('never more than there is, nor more than fits, nor more than is wanted', () => {
    fc.assert(
      fc.property(someClaimants(options), supplies, (claimants, supplies) => {
        const { grants } = arbitrate({}, { claimants, supplies, now: NOW });
        for (const { pool, units } of supplies) {
          let used = 0;
          for (const [index, { pools }] of grants.entries()) {
            const option = claimants[index]!.options.find((each) => each.pool === pool);
            const here = pools.find((each) => each.pool === pool)?.replicas ?? 0;
            expect(here).toBeLessThanOrEqual(option?.most ?? 0);
            used += here * (option?.units ?? 0);
          }
          expect(used).toBeLessThanOrEqual(units + 1e-6);
        }
        for (const { granted, wanted } of grants) expect(granted).toBeLessThanOrEqual(wanted);
      }),
    );
  });

  test('minimums are kept wherever all of them fit', () => {
    fc.assert(
      fc.property(someClaimants(alone), fc.nat(40), (claimants, units) => {
        fc.pre(claimants.reduce((sum, { minimum }) => sum + minimum, 0) <= units);
        for (const { id, granted } of arbitrate({}, { claimants, supplies: [supply(units, 'a')], now: NOW })
          .grants) {
          const { wanted, minimum } = claimants.find((each) => each.id === id)!;
          expect(granted).toBeGreaterThanOrEqual(Math.min(wanted, minimum));
        }
      }),
    );
  });

  test('tier 1 gets the same whatever tier 2 wants', () => {
    fc.assert(
      fc.property(
        someClaimants(options),
        supplies,
        fc.array(fc.nat(200), { minLength: 8, maxLength: 8 }),
        (claimants, supplies, others) => {
          const changed = claimants.map((each, index) =>
            each.tier === 1 ? each : { ...each, wanted: others[index]! },
          );
          const first = (list: readonly Claimant[]) =>
            arbitrate({}, { claimants: list, supplies, now: NOW })
              .grants.filter((_, index) => list[index]!.tier === 1)
              .map(({ granted }) => granted);
          expect(first(changed)).toEqual(first(claimants));
        },
      ),
    );
  });

  test('nothing is left over while somebody wants it', () => {
    fc.assert(
      fc.property(someClaimants(alone), fc.nat(60), (claimants, units) => {
        const bare = claimants.map((each) => ({ ...each, minimum: 0 }));
        const { grants } = arbitrate({}, { claimants: bare, supplies: [supply(units, 'a')], now: NOW });
        const sum = grants.reduce((total, { granted }) => total + granted, 0);
        expect(sum).toBe(
          Math.min(
            units,
            bare.reduce((total, { wanted }) => total + wanted, 0),
          ),
        );
      }),
    );
  });

  test('a share is within one replica of its quota', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 8 }),
        fc.nat(100),
        (wants, units) => {
          const total = wants.reduce((sum, each) => sum + each, 0);
          fc.pre(units < total);
          const shares = granted(
            wants.map((wanted, index) => claimant(`w${index}`, wanted)),
            [supply(units)],
          );
          for (const [index, wanted] of wants.entries()) {
            expect(Math.abs(shares[`w${index}`]! - (units * wanted) / total)).toBeLessThan(1);
          }
        },
      ),
    );
  });

  test('as many replicas as any placement in the pools could hold, by the smallest cut', () => {
    const anywhere = fc
      .subarray(['a', 'b', 'c'], { minLength: 1 })
      .map((pools) => pools.map((pool) => ({ pool, units: 1, most: 1000 })));
    fc.assert(
      fc.property(someClaimants(anywhere), supplies, (claimants, supplies) => {
        const bare = claimants.map((each) => ({ ...each, minimum: 0 }));
        const { grants } = arbitrate({}, { claimants: bare, supplies, now: NOW });
        const cuts = Array.from({ length: 8 }, (_, mask) => {
          const cut = new Set(['a', 'b', 'c'].filter((_, index) => (mask & (1 << index)) !== 0));
          const full = supplies
            .filter(({ pool }) => cut.has(pool))
            .reduce((sum, { units }) => sum + units, 0);
          const beside = bare.filter(({ options }) => options.some(({ pool }) => !cut.has(pool)));
          return beside.reduce((sum, { wanted }) => sum + wanted, full);
        });
        expect(grants.reduce((sum, { granted }) => sum + granted, 0)).toBe(Math.min(...cuts));
      }),
      { numRuns: 300 },
    );
  });

  test('the order in which workloads are met changes nothing', () => {
    fc.assert(
      fc.property(someClaimants(options), supplies, (claimants, supplies) => {
        const forth = granted(claimants, supplies);
        expect(granted(claimants.toReversed(), supplies)).toEqual(forth);
      }),
    );
  });

  test('who wants the same all along keeps the same, however the others wobble within the window', () => {
    fc.assert(
      fc.property(
        someClaimants(options),
        supplies,
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
        (claimants, supplies, wobble) => {
          const steps = Array.from({ length: 40 }, (_, tick) =>
            claimants.map((each, index) =>
              index % 2 === 0 ? each : { ...each, wanted: each.wanted + (wobble[(tick + index) % 3] ?? 0) },
            ),
          );
          const settled = follow(steps, supplies).slice(3);
          for (const [index, { id }] of claimants.entries()) {
            if (index % 2 === 0) expect(new Set(settled.map((each) => each[id])).size).toBe(1);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
