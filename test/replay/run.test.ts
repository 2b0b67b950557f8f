import { describe, expect, it } from 'vitest';
import { loadOf } from '../../src/replay/load.js';
import type { Observation, ReplayPolicy } from '../../src/replay/policy.js';
import { simulate, startReplicas } from '../../src/replay/run.js';
import { checkSetup, defaultScoreFrom, onWholeSeconds, type Setup } from '../../src/replay/setup.js';

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

function policy(tick: ReplayPolicy['tick'], fields: Partial<ReplayPolicy> = {}): ReplayPolicy {
  return { name: 'test', minReplicas: 0, every: 15, tick, ...fields };
}

const steady = (replicas: number) => policy(() => replicas, { minReplicas: replicas });
const burst = (seconds: number, at: number, requests: number) =>
  loadOf(Array.from({ length: seconds }, (_, t) => (t === at ? requests : 0)));

describe('simulate', () => {
  it('starts with the first ten minutes’ load at 70 %, within minimum and maximum', () => {
    const load = loadOf(Array<number>(1200).fill(1)); // 1 a second ÷ 0.25 a second ÷ 0.7 = 5.7
    expect(startReplicas(load, SETUP, 0)).toBe(6);
    expect(startReplicas(load, SETUP, 7)).toBe(7);
    expect(startReplicas(load, { ...SETUP, maxReplicas: 3 }, 0)).toBe(3);
    expect(startReplicas(loadOf([0, 0]), SETUP, 0)).toBe(0);
  });

  it('measures waits from arrival to the start of service', () => {
    // Two slots of 8 s: 2 wait 0, 2 wait 8, 2 wait 16.
    const score = simulate(burst(100, 10, 6), SETUP, steady(1));
    expect(score).toMatchObject({
      requests: 6,
      inTime: 4,
      p50: 8,
      p95: 16,
      p99: 16,
      coldRequests: 0,
      wakeups: 0,
    });
    expect(score.attainment).toBeCloseTo(4 / 6);
  });

  it('counts cost and requests from scoreFrom to the end of the load', () => {
    const load = loadOf(Array<number>(1000).fill(0).with(5, 1).with(600, 1));
    const score = simulate(load, { ...SETUP, scoreFrom: 400 }, steady(2));
    expect(score).toMatchObject({ nodeSeconds: 1200, podSeconds: 1200, requests: 1 });
  });

  it('goes on after the end until the queue is empty, free of charge', () => {
    const score = simulate(burst(50, 49, 8), SETUP, steady(1));
    expect(score).toMatchObject({ nodeSeconds: 50, requests: 8, inTime: 4, p99: 24 });
  });

  it('gives up after two hours: what never starts is late, and its wait has no end', () => {
    const score = simulate(
      burst(1000, 700, 3),
      SETUP,
      policy(() => 0),
    );
    expect(score).toMatchObject({ requests: 3, inTime: 0, attainment: 0, p50: Infinity, coldRequests: 3 });
  });

  it('wakes: the first request waits for node and model', () => {
    const score = simulate(
      burst(2000, 900, 1),
      SETUP,
      policy((_, { samples }) => (samples.some(({ queue }) => queue > 0) ? 1 : null)),
    );
    // Seen in the sample of 900 at 915, the node at 1095, ready at 1155. It stays: nobody scales down.
    expect(score).toMatchObject({
      p50: 255,
      wakeups: 1,
      coldRequests: 1,
      nodeSeconds: 1085,
      podSeconds: 905,
    });
  });

  it('caps what a policy asks for', () => {
    const seen: number[] = [];
    simulate(
      burst(60, 0, 1),
      SETUP,
      policy(() => 50),
      (_t, _from, to) => seen.push(to),
    );
    expect(seen).toEqual([8]);
  });

  it('shows the metrics a scrape late, each sample once, with the seconds that it covers', () => {
    const seen: [number, Observation][] = [];
    const tick: ReplayPolicy['tick'] = (t, observation) => {
      seen.push([t, observation]);
      return null;
    };
    simulate(loadOf(Array<number>(700).fill(1)), SETUP, policy(tick));
    const times = seen.map(([t, { samples }]) => [t, samples.map((sample) => [sample.t, sample.secs])]);
    expect(times.slice(0, 4)).toEqual([
      [0, []],
      [15, [[0, 1]]],
      [30, [[15, 15]]],
      [45, [[30, 15]]],
    ]);
    // One a second for 8 s on 6 replicas of 2 slots: 8 of 12 slots, and more requests than replicas.
    expect(seen[2]?.[1].samples[0]).toEqual({
      t: 15,
      secs: 15,
      arrivals: 15,
      queue: 0,
      running: 8,
      ready: 6,
      spec: 6,
      util: (2 + 3 + 4 + 5 + 6 + 7 + 8 * 9) / (15 * 12),
      duty: (2 + 3 + 4 + 5 + 6 * 11) / (15 * 6),
    });
  });

  it('has no utilisation, rather than none at all, while no replica is ready', () => {
    const utils: (number | null)[] = [];
    const tick: ReplayPolicy['tick'] = (_, { samples }) => {
      utils.push(...samples.map(({ util }) => util));
      return null;
    };
    simulate(loadOf(Array<number>(60).fill(0)), SETUP, policy(tick));
    expect(utils).toEqual([null, null, null]);
  });

  it('tells a policy what is ready, loading and waiting for a node', () => {
    const states: string[] = [];
    simulate(
      burst(300, 0, 0),
      { ...SETUP, maxReplicas: 3 },
      policy(
        (t, { current, ready, starting, pending }) => {
          states.push(`${t}: ${current} = ${ready} + ${starting} + ${pending}`);
          return t < 60 ? 1 : 3;
        },
        { every: 60 },
      ),
    );
    expect(states).toEqual([
      '0: 0 = 0 + 0 + 0',
      '60: 1 = 0 + 0 + 1',
      '120: 3 = 0 + 0 + 3',
      '180: 3 = 0 + 1 + 2',
      '240: 3 = 1 + 2 + 0',
    ]);
  });
});

describe('a setup', () => {
  it.each([
    ['slots', 0],
    ['slots', 1.5],
    ['serviceTime', 0],
    ['maxReplicas', 0],
    ['gpusPerNode', -1],
    ['modelLoad', Number.NaN],
  ] as const)('with %s %d is refused', (field, value) => {
    expect(() => checkSetup({ ...SETUP, [field]: value })).toThrow(
      new RegExp(`^${field} is ${value}: expected`),
    );
  });

  it('scores from the second day on, or after an hour or a quarter', () => {
    expect([172_800, 172_799, 14_400, 3437].map(defaultScoreFrom)).toEqual([86_400, 3600, 3600, 859]);
  });

  it.each([
    [4, 0.5, 8, 1],
    [4, 8, 4, 8],
    [8, 7.6, 8, 8],
    [1, 0.3, 3, 1],
    [1, 29.4, 1, 29],
  ])('%i slots of %f s are %i slots of %i s', (slots, serviceTime, wholeSlots, wholeTime) => {
    expect(onWholeSeconds(slots, serviceTime)).toEqual({ slots: wholeSlots, serviceTime: wholeTime });
  });
});
