import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeSecondsBound } from '../../src/replay/bound.js';
import { loadOf, type Load } from '../../src/replay/load.js';
import type { ReplayPolicy } from '../../src/replay/policy.js';
import { simulate } from '../../src/replay/run.js';
import type { Setup } from '../../src/replay/setup.js';

const SETUP: Setup = {
  slots: 2,
  serviceTime: 8,
  slo: 10,
  nodeProvision: 60,
  modelLoad: 20,
  nodeIdle: 60,
  gpusPerNode: 1,
  maxReplicas: 6,
  scrape: 15,
  lag: 15,
  scoreFrom: 0,
};

/** A policy that follows a written plan: [second, replicas], the first holding from the start. */
function planned(plan: readonly (readonly [number, number])[]): ReplayPolicy {
  const steps = plan.toSorted(([a], [b]) => a - b);
  return {
    name: 'planned',
    minReplicas: steps[0]?.[1] ?? 0,
    every: 1,
    tick: (t) => steps.findLast(([from]) => from <= t)?.[1] ?? null,
  };
}

const setups: fc.Arbitrary<Setup> = fc
  .record({
    slots: fc.integer({ min: 1, max: 3 }),
    serviceTime: fc.integer({ min: 1, max: 20 }),
    slo: fc.nat(15),
    nodeProvision: fc.nat(60),
    modelLoad: fc.nat(30),
    nodeIdle: fc.nat(90),
    gpusPerNode: fc.integer({ min: 1, max: 2 }),
    scoreFrom: fc.constantFrom(0, 0, 100),
  })
  .map((fields) => ({ ...SETUP, ...fields }));

/** Bursts with silence between, as sparse loads are. */
const loads: fc.Arbitrary<Load> = fc
  .array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 90 }), fc.nat(3), fc.nat(3)), {
    minLength: 1,
    maxLength: 4,
  })
  .map((bursts) =>
    loadOf(
      bursts.flatMap(([silence, length, most, every]) => [
        ...Array<number>(silence).fill(0),
        ...Array.from({ length }, (_, t) => (t % (every + 1) === 0 ? most : 0)),
      ]),
    ),
  );

const plans = fc.array(fc.tuple(fc.nat(900), fc.nat(6)), { minLength: 1, maxLength: 12 });

describe('the lower bound', () => {
  it('is not beaten by any schedule, at the share of requests that it serves in time', () => {
    fc.assert(
      fc.property(loads, setups, plans, (load, setup, plan) => {
        const score = simulate(load, setup, planned(plan));
        if (score.attainment === null) return;
        const bound = nodeSecondsBound(load, setup, score.attainment);
        expect(score.nodeSeconds).toBeGreaterThanOrEqual(bound - 1e-6);
      }),
      { numRuns: 150 },
    );
  });

  it('knows that a request far from others costs a node a start, its service and its idle time', () => {
    const perSecond = new Float64Array(3000);
    perSecond[1500] = 1;
    const setup = { ...SETUP, nodeProvision: 180, modelLoad: 60, nodeIdle: 600 };
    const bound = nodeSecondsBound(loadOf(perSecond), setup, 1);
    expect(bound).toBeGreaterThan(835);
    expect(bound).toBeLessThanOrEqual(180 + 60 + 8 + 600);
  });

  it('comes near the work of a load that keeps its nodes full', () => {
    const load = loadOf(new Float64Array(20_000).fill(4));
    // 4 a second × 8 s ÷ 2 slots are 16 nodes, of which 99 % are needed.
    const work = 16 * 20_000 * 0.99;
    const bound = nodeSecondsBound(load, { ...SETUP, maxReplicas: 40 }, 0.99);
    expect(bound / work).toBeGreaterThan(0.98);
    expect(bound / work).toBeLessThan(1.02);
  });

  it('grows with the share that has to be in time, and is 0 where nothing has to be', () => {
    const load = loadOf(Array.from({ length: 4000 }, (_, t) => (t % 700 < 100 ? 1 : 0)));
    const bounds = [0, 0.5, 0.9, 0.99, 1].map((share) => nodeSecondsBound(load, SETUP, share));
    expect(bounds[0]).toBe(0);
    for (const [index, bound] of bounds.slice(1).entries()) expect(bound).toBeGreaterThan(bounds[index] ?? 0);
  });

  it('is the bare work when nodes cost nothing to start and stop', () => {
    const setup = { ...SETUP, nodeProvision: 0, modelLoad: 0, nodeIdle: 0 };
    const load = loadOf(Array.from({ length: 1000 }, (_, t) => (t < 900 ? 1 : 0)));
    expect(nodeSecondsBound(load, setup, 1)).toBe((900 * 8) / 2);
  });

  it('is 0 for a load without requests', () => {
    expect(nodeSecondsBound(loadOf([0, 0, 0]), SETUP, 0.99)).toBe(0);
  });
});
