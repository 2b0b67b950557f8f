import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ABSENT, CHARGED, cheapestRuns, scratchFor, type LevelCosts } from '../../src/replay/bound-levels.js';

interface Case {
  costs: LevelCosts;
  requests: Float64Array;
}

/** What a choice of blocks costs: each run its start, its stop, `run` for its blocks 3 to m − 1, less what it is paid. */
function costOf({ costs, requests }: Case, present: readonly boolean[]): { cost: number; charged: number[] } {
  let cost = 0;
  const charged: number[] = [];
  let from = -1;
  for (let block = 0; block <= present.length; block += 1) {
    if (present[block]) {
      if (from === -1) from = block;
      if (block === from) cost += costs.start[block] ?? 0;
      cost -= (requests[block] ?? 0) * (costs.pay[block] ?? 0);
    } else if (from !== -1) {
      for (let inner = from + 2; inner < block - 1; inner += 1) charged.push(inner);
      if (block < present.length) cost += costs.stop[block] ?? 0;
      from = -1;
    }
  }
  return { cost: cost + charged.reduce((sum, block) => sum + (costs.run[block] ?? 0), 0), charged };
}

const amounts = (length: number) =>
  fc.array(fc.nat(20), { minLength: length, maxLength: length }).map((list) => Float64Array.from(list));
const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 9 }).chain((length) =>
  fc.record({
    costs: fc.record({
      pay: amounts(length),
      run: amounts(length),
      start: amounts(length),
      stop: amounts(length),
    }),
    requests: fc
      .array(fc.nat(3), { minLength: length, maxLength: length })
      .map((list) => Float64Array.from(list)),
  }),
);

describe('the cheapest runs', () => {
  it('are those that trying all choices finds', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const length = one.requests.length;
        const choices = Array.from({ length: 2 ** length }, (_, bits) =>
          Array.from({ length }, (__, block) => ((bits >> block) & 1) === 1),
        );
        const plan = cheapestRuns(one.costs, one.requests, scratchFor(length));
        expect(plan.cost).toBe(Math.min(...choices.map((choice) => costOf(one, choice).cost)));
        const chosen = costOf(
          one,
          [...plan.blocks].map((state) => state !== ABSENT),
        );
        expect(chosen.cost).toBe(plan.cost);
        expect(chosen.charged).toEqual(
          [...plan.blocks].flatMap((state, block) => (state === CHARGED ? [block] : [])),
        );
      }),
    );
  });
});
