import { describe, expect, it } from 'vitest';
import { noteGrant, noteReplicas, type Yield } from '../../../src/replay/shared/yields.js';

/** `current` of `wanted` replicas, and what it is granted now and would be without a memory; null: all. */
type Tick = readonly [t: number, current: number, wanted: number, granted: number | null, atOnce: number];

function follow(ticks: readonly Tick[], drain = 3): Yield[] {
  const yields: Yield[] = [];
  for (const [t, current, wanted, granted, atOnce] of ticks) {
    noteGrant(yields, t, { current, wanted, granted, atOnce: () => atOnce });
    const next = Math.min(wanted, granted ?? wanted);
    noteReplicas(yields, t, { bound: Math.max(current, next), running: next, wanted });
    noteReplicas(yields, t + drain, { bound: next, running: next, wanted });
  }
  return yields;
}

describe('when a ScaledObject gives GPUs up', () => {
  it('is told from the cut to the GPUs that are free, from the end of the need to what it has back', () => {
    const told = follow([
      [5, 8, 8, null, 8],
      [10, 8, 8, 2, 2],
      [15, 2, 8, 2, 2],
      [60, 2, 8, 2, 8],
      [180, 2, 8, null, 8],
    ]);
    expect(told).toEqual([{ at: 10, had: 8, to: 2, gaveAt: 13, overAt: 60, backAt: 180, wholeAt: 180 }]);
  });

  it('begins again where the others come back before it has its share', () => {
    const [first] = follow([
      [10, 8, 8, 2, 2],
      [60, 2, 8, 2, 8],
      [65, 2, 8, 2, 2],
      [90, 2, 8, 2, 8],
    ]);
    expect(first).toMatchObject({ overAt: 90, backAt: null, wholeAt: null });
  });

  it('is told once for each cut', () => {
    const told = follow([
      [10, 10, 20, 9, 9],
      [15, 9, 20, 8, 8],
      [60, 8, 20, 9, 9],
      [65, 9, 20, 12, 12],
    ]);
    expect(told).toMatchObject([
      { at: 10, had: 10, to: 9, backAt: 65 },
      { at: 15, had: 9, to: 8, backAt: 60 },
    ]);
  });

  it('ends where it wants no more than it has', () => {
    const told = follow([
      [10, 10, 20, 8, 8],
      [60, 8, 5, 8, 5],
    ]);
    expect(told).toMatchObject([{ overAt: null, backAt: 60 }]);
  });

  it('is nothing where it only gets less than it wants', () => {
    expect(follow([[10, 4, 20, 8, 8]])).toEqual([]);
  });
});
