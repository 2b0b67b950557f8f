import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { earn, FULL, spend, type RetryBudget } from '../../../src/signals/prometheus/retry-budget.js';

it('pays ten retries at once and then one for every ten calls', () => {
  let budget: RetryBudget = FULL;
  for (let i = 0; i < 10; i += 1) budget = spend(budget) ?? expect.fail(`retry ${i + 1}`);
  expect(spend(budget)).toBeNull();
  for (let i = 0; i < 9; i += 1) budget = earn(budget);
  expect(spend(budget)).toBeNull();
  expect(spend(earn(budget))).toEqual({ tenths: 0 });
});

it('never grants more than ten retries and a tenth of the calls', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (failures) => {
      let budget: RetryBudget = FULL;
      let retries = 0;
      for (const failed of failures) {
        budget = earn(budget);
        const left = failed ? spend(budget) : null;
        if (left === null) continue;
        budget = left;
        retries += 1;
      }
      expect(retries).toBeLessThanOrEqual(10 + failures.length / 10);
    }),
  );
});
