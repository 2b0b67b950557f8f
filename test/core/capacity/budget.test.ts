import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inMoney, withinBudget, type Spender } from '../../../src/core/capacity/budget.js';

const NOW = 1_772_445_600_000;

function spender(id: string, wanted: number, more: Partial<Spender> = {}): Spender {
  return { id, tier: 2, wanted, minimum: 0, price: 3.67, ...more };
}

function spending(budget: number, ...spenders: Spender[]) {
  return withinBudget({}, { namespace: 'team-a', budget, currency: 'USD', spenders, now: NOW });
}

describe('a budget', () => {
  test('cuts what it does not cover, and says so', () => {
    const { grants, perHour, cut, over } = spending(20, spender('team-a/bert', 9));
    expect(grants[0]).toMatchObject({
      granted: 5,
      why: 'wanted 9, 5 fit: the budget of namespace team-a is 20 USD/h',
    });
    expect(perHour).toBeCloseTo(18.35, 9);
    expect(cut).toBeCloseTo(14.68, 9);
    expect(over).toBe(false);
  });

  test('serves tier 1 first, and dearer replicas take more of it', () => {
    const { grants } = spending(10, spender('a', 4, { tier: 1, price: 2 }), spender('b', 4, { price: 0.5 }));
    expect(grants.map(({ granted }) => granted)).toEqual([4, 4]);
    const short = spending(9, spender('a', 4, { tier: 1, price: 2 }), spender('b', 4, { price: 0.5 }));
    expect(short.grants.map(({ granted }) => granted)).toEqual([4, 2]);
  });

  test('never takes a guaranteed minimum, and says that it is not kept', () => {
    const { grants, over, perHour } = spending(5, spender('a', 4, { minimum: 2 }), spender('b', 4));
    expect(grants.map(({ granted }) => granted)).toEqual([2, 0]);
    expect(over).toBe(true);
    expect(perHour).toBeCloseTo(7.34, 9);
  });

  test('caps nothing whose price is not known, and names it', () => {
    const { grants, unpriced } = spending(
      1,
      spender('a', 40, { price: null }),
      spender('free', 4, { price: 0 }),
    );
    expect(grants.map(({ granted }) => granted)).toEqual([40, 4]);
    expect(unpriced).toEqual(['a']);
  });

  test('says how many replicas it cut', () => {
    const { cut, cutReplicas } = spending(
      10,
      spender('a', 8, { price: 2 }),
      spender('b', 40, { price: null }),
    );
    expect([cutReplicas, cut]).toEqual([3, 6]);
  });

  test('is never exceeded but by minimums', () => {
    const some = fc.array(
      fc.record({
        tier: fc.constantFrom(1 as const, 2 as const),
        wanted: fc.nat(20),
        minimum: fc.nat(2),
        price: fc.double({ min: 0.01, max: 40, noNaN: true }),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(some, fc.double({ min: 0, max: 200, noNaN: true }), (list, budget) => {
        const spenders = list.map((each, index): Spender => ({ id: `w${index}`, ...each }));
        const { perHour, grants, over } = spending(budget, ...spenders);
        const least = spenders.reduce(
          (sum, { price, minimum, wanted }) => sum + (price ?? 0) * Math.min(minimum, wanted),
          0,
        );
        expect(perHour).toBeLessThanOrEqual(Math.max(budget, least) + 1e-6);
        expect(over).toBe(least > budget);
        for (const [index, { granted }] of grants.entries()) {
          const { wanted, minimum } = spenders[index]!;
          expect(granted).toBeGreaterThanOrEqual(Math.min(wanted, minimum));
        }
      }),
    );
  });

  test('is written as money is', () => {
    expect([0, 20, 3.666, 0.004].map(inMoney)).toEqual(['0', '20', '3.67', '0.0040']);
  });
});
