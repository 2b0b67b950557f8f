import { describe, expect, test } from 'vitest';
import { createBoard } from '../../src/server/board.js';
import { observe } from '../../src/server/observe.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import type { Workload } from '../../src/server/workload.js';

const SECOND = 1000;
const START = 1_790_000_000_000;

const permissions = {
  prometheus: () => null,
  queue: () => null,
  query: (_: string, query: string) => ({ query }),
};

function setUp() {
  let now = START;
  const clock = { now: () => now };
  const registry = new Registry(loadProfiles(undefined), permissions, clock);
  const ref = { namespace: 'shop', name: 'llm', metadata: { profile: 'vllm-waiting' } };
  const workload = registry.find(ref) as Workload;
  const board = createBoard(clock);
  return {
    /** Moves the clock, and lets KEDA poll or the HPA ask then. */
    at: (seconds: number, who?: 'poll' | 'hpa') => {
      now = START + seconds * SECOND;
      if (who !== undefined) registry.find(ref);
      if (who === 'hpa') workload.hpaAskedAt = now;
    },
    hpaAsks: () =>
      observe(workload, { signals: [], wake: null, served: null }, board, { replicas: () => null }, now)
        .hpaAsks,
  };
}

describe('whether the HPA asks', () => {
  test('not before it has, and no longer after four syncs of silence while KEDA polls', () => {
    const { at, hpaAsks } = setUp();
    at(30, 'poll');
    expect(hpaAsks()).toBe(false);
    at(40, 'hpa');
    expect(hpaAsks()).toBe(true);
    at(90, 'poll');
    expect(hpaAsks()).toBe(true);
    at(105, 'poll');
    expect(hpaAsks()).toBe(false);
  });

  test('while nobody calls at all, its silence says nothing', () => {
    const { at, hpaAsks } = setUp();
    at(0, 'hpa');
    at(20, 'poll');
    at(500);
    expect(hpaAsks()).toBe(true); // KEDA is away
    at(505, 'poll');
    expect(hpaAsks()).toBe(false); // and is back, without the HPA
  });
});
