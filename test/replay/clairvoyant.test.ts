import { describe, expect, it } from 'vitest';
import { BASELINES } from '../../src/replay/baselines/all.js';
import { nodeSecondsBound } from '../../src/replay/bound.js';
import { clairvoyant } from '../../src/replay/clairvoyant.js';
import { loadOf } from '../../src/replay/load.js';
import { simulate } from '../../src/replay/run.js';
import type { Setup } from '../../src/replay/setup.js';

const SETUP: Setup = {
  slots: 2,
  serviceTime: 8,
  slo: 10,
  nodeProvision: 180,
  modelLoad: 60,
  nodeIdle: 600,
  gpusPerNode: 1,
  maxReplicas: 8,
  scrape: 15,
  lag: 15,
  scoreFrom: 0,
};

/** Bursts of ten minutes at different heights, two hours apart. */
const LOAD = loadOf(
  Array.from({ length: 15_000 }, (_, t) =>
    t % 7200 >= 3600 && t % 7200 < 4200 ? 1 + (Math.floor(t / 7200) % 2) : 0,
  ),
);

describe('the schedule that knows the future', () => {
  it('reaches the share, between the bound and what anybody else needs for it', () => {
    const found = clairvoyant(LOAD, SETUP, 0.99);
    expect(found?.score.attainment).toBeGreaterThanOrEqual(0.99);
    const cost = found?.score.nodeSeconds ?? Number.NaN;
    expect(cost).toBeGreaterThanOrEqual(nodeSecondsBound(LOAD, SETUP, 0.99));
    expect(cost).toBeLessThan(1.3 * nodeSecondsBound(LOAD, SETUP, 0.99));
    for (const [name, baseline] of Object.entries(BASELINES)) {
      const other = simulate(LOAD, SETUP, baseline(LOAD, SETUP));
      if ((other.attainment ?? 0) >= 0.99) expect([name, other.nodeSeconds > cost]).toEqual([name, true]);
    }
  });

  it('does not exist where the replicas do not suffice', () => {
    expect(clairvoyant(LOAD, { ...SETUP, maxReplicas: 1 }, 0.99)).toBeNull();
  });

  it('is nothing for a load without requests', () => {
    expect(clairvoyant(loadOf([0, 0, 0]), SETUP, 0.99)?.score.nodeSeconds).toBe(0);
  });
});
