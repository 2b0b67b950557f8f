import { describe, expect, test } from 'vitest';
import type { Decision } from '../../../src/core/decision.js';
import { grantIn, isRoundDue, roundOf, wantedBy } from '../../../src/core/capacity/rounds.js';

const share = { id: 'a', wanted: 4, granted: 4, claim: 9, pools: [], why: null };

describe('a round of sharing out', () => {
  const last = roundOf([share], 60_000);

  test('is due at first, every 15 s, and when the clock was set back', () => {
    expect(isRoundDue(null, [], 0)).toBe(true);
    expect(isRoundDue(last, [], 74_999)).toBe(false);
    expect(isRoundDue(last, [], 75_000)).toBe(true);
    expect(isRoundDue(last, [], 0)).toBe(true);
  });

  test('is due at once for who wants more than its claim, or is new', () => {
    expect(isRoundDue(last, [{ id: 'a', wanted: 9 }], 65_000)).toBe(false);
    expect(isRoundDue(last, [{ id: 'a', wanted: 10 }], 65_000)).toBe(true);
    expect(isRoundDue(last, [{ id: 'b', wanted: 0 }], 65_000)).toBe(false);
    expect(isRoundDue(last, [{ id: 'b', wanted: 1 }], 65_000)).toBe(true);
  });
});

describe('what a workload wants', () => {
  const decision = { verdict: 'fresh', desired: 3, replicas: { current: 5 } } as Decision;

  test('is what it would have without a limit', () => {
    expect(wantedBy(decision, 7, false)).toBe(3);
    expect(wantedBy({ ...decision, wanted: 8 }, 7, false)).toBe(8);
  });

  test('is what it has while it does not move', () => {
    expect(wantedBy(decision, 7, true)).toBe(7);
    expect(wantedBy({ ...decision, verdict: 'blind' }, 7, false)).toBe(7);
    expect(wantedBy({ ...decision, verdict: 'blind' }, null, false)).toBe(5);
    expect(wantedBy(null, 7, false)).toBe(7);
    expect(wantedBy(null, null, false)).toBe(0);
  });
});

test('a share that suffices is no grant', () => {
  expect(grantIn(share)).toBeNull();
  expect(grantIn({ granted: 2, why: 'wanted 4, 2 fit' })).toEqual({ replicas: 2, why: 'wanted 4, 2 fit' });
});
