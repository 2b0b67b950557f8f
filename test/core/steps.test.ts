import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { finished, sorted, stepwise, type Steps } from '../../src/core/steps.js';

function yields(steps: Steps<unknown>): number {
  let count = 0;
  while (steps.next().done !== true) count += 1;
  return count;
}

test('acts on each item in order, and yields after so many', () => {
  const seen: number[] = [];
  expect(yields(stepwise([1, 2, 3, 4, 5], 2, (item) => void seen.push(item)))).toBe(2);
  expect(seen).toEqual([1, 2, 3, 4, 5]);
});

describe('sorting in parts', () => {
  const items = fc.array(fc.record({ key: fc.nat(9), at: fc.nat() }), { maxLength: 2000, size: 'max' });
  const byKey = (one: { key: number }, other: { key: number }) => one.key - other.key;

  test('gives what sorting at once gives, equals in their order', () => {
    fc.assert(
      fc.property(items, (list) => {
        expect(finished(sorted(list, byKey))).toEqual(list.toSorted(byKey));
      }),
      { numRuns: 30 },
    );
  });

  test('leaves the list as it was, and lets others have their turn', () => {
    const list = Array.from({ length: 5000 }, (_, index) => ({ key: -index }));
    expect(yields(sorted(list, byKey))).toBeGreaterThan(100);
    expect(list[0]).toEqual({ key: -0 });
  });
});
