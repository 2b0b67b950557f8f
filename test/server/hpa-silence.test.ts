import { describe, expect, test } from 'vitest';
import type { ScaledObjectFacts } from '../../src/ports/cluster.js';
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

const SCALED_OBJECT: ScaledObjectFacts = {
  uid: null,
  target: { kind: 'Deployment', name: 'llm' },
  minReplicas: 0,
  maxReplicas: 10,
  idleReplicas: null,
  pollingInterval: 30 * SECOND,
  cooldown: 300 * SECOND,
  tolerance: { up: 0.1, down: 0.1 },
  behavior: null,
  paused: false,
};

function setUp() {
  let now = START;
  const clock = { now: () => now };
  const registry = new Registry(loadProfiles(undefined), permissions, clock);
  const ref = { namespace: 'shop', name: 'llm', metadata: { profile: 'vllm-waiting' } };
  const workload = registry.find(ref) as Workload;
  const board = createBoard(clock);
  const nothing = { signals: [], wake: null, served: null };
  const seen = (scaledObject: ScaledObjectFacts | null) =>
    observe(workload, { ...nothing, scaledObject }, board, { replicas: () => null }, now);
  return {
    /** Moves the clock, and lets KEDA poll or the HPA ask then. */
    at: (seconds: number, who?: 'poll' | 'hpa') => {
      now = START + seconds * SECOND;
      if (who !== undefined) registry.find(ref);
      if (who === 'hpa') workload.hpaAskedAt = now;
    },
    hpaAsks: () => seen(null).hpaAsks,
    /** @param pollingInterval seconds, as the ScaledObject has it; null: not known */
    kedaAsks: (pollingInterval: number | null) =>
      seen(pollingInterval === null ? null : { ...SCALED_OBJECT, pollingInterval: pollingInterval * SECOND })
        .kedaAsks,
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

describe('whether KEDA asks', () => {
  test('it is silent after 65 s, and after two polls and 5 s where it polls more rarely', () => {
    const { at, kedaAsks } = setUp();
    at(0, 'poll');
    at(64);
    expect([kedaAsks(null), kedaAsks(15), kedaAsks(300)]).toEqual([true, true, true]);
    at(65);
    expect([kedaAsks(null), kedaAsks(30), kedaAsks(31), kedaAsks(300)]).toEqual([false, false, true, true]);
    at(604);
    expect([kedaAsks(31), kedaAsks(300)]).toEqual([false, true]);
    at(605);
    expect(kedaAsks(300)).toBe(false);
  });
});
