import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addWaits, noWaits, waitedAtMost, waitQuantile } from '../../src/replay/waits.js';

describe('waits', () => {
  it('give the percentiles and shares of the list of all of them', () => {
    const list = fc.array(fc.nat(700), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        list,
        fc.nat(20),
        fc.integer({ min: 1, max: 100 }),
        fc.nat(800),
        (list, unserved, percent, limit) => {
          const waits = noWaits();
          for (const wait of list) addWaits(waits, wait, 1);
          const all = [...list.toSorted((a, b) => a - b), ...Array<number>(unserved).fill(Infinity)];
          const rank = Math.max(1, Math.ceil((percent * all.length) / 100));
          expect(waitQuantile(waits, percent / 100, all.length)).toBe(all[rank - 1]);
          expect(waitedAtMost(waits, limit)).toBe(list.filter((wait) => wait <= limit).length);
          expect(waits.started).toBe(list.length);
        },
      ),
    );
  });

  it('have no percentile without requests', () => {
    expect(waitQuantile(noWaits(), 0.5, 0)).toBeNull();
  });
});
