import { describe, expect, it } from 'vitest';
import { BASELINES } from '../../src/replay/baselines/all.js';
import { loadOf, type Load } from '../../src/replay/load.js';
import { simulate } from '../../src/replay/run.js';
import type { Score } from '../../src/replay/score.js';
import type { Setup } from '../../src/replay/setup.js';

const SETUP: Setup = {
  slots: 4,
  serviceTime: 8,
  slo: 10,
  nodeProvision: 180,
  modelLoad: 60,
  nodeIdle: 600,
  gpusPerNode: 1,
  maxReplicas: 10,
  scrape: 15,
  lag: 15,
  scoreFrom: 0,
};
const DAY = 86_400;

type Change = [t: number, from: number, to: number];

function run(name: string, load: Load, setup: Setup = SETUP): { score: Score; changes: Change[] } {
  const changes: Change[] = [];
  const baseline = BASELINES[name];
  if (baseline === undefined) throw new Error(`no baseline ${name}`);
  const score = simulate(load, setup, baseline(load, setup), (...change) => changes.push(change));
  return { score, changes };
}

/** So many requests a second in [from, to), and none else. */
function block(seconds: number, from: number, to: number, rate: number): Load {
  return loadOf(Array.from({ length: seconds }, (_, t) => (t >= from && t < to ? rate : 0)));
}

describe('every baseline', () => {
  it.each(Object.keys(BASELINES))('%s carries its own name and serves a steady load in time', (name) => {
    const load = loadOf(Array<number>(4000).fill(1));
    expect(BASELINES[name]?.(load, SETUP).name).toBe(name);
    // One a second fills 2 of 4 replicas; a queue target waits for a queue, so that it alone may be late.
    const { score } = run(name, load, { ...SETUP, scoreFrom: 1500 });
    if (!name.includes('queue')) expect(score.attainment).toBe(1);
    expect(score.nodeSeconds).toBeGreaterThanOrEqual(2 * 2500);
  });

  it.each(Object.keys(BASELINES).filter((name) => /zero/.test(name)))('%s sleeps and wakes', (name) => {
    const { score, changes } = run(name, block(6000, 3000, 3100, 1));
    expect(changes.at(-1)?.[2]).toBe(0);
    expect(score.wakeups).toBe(1);
    expect(score.coldRequests).toBe(100);
  });

  it.each(Object.keys(BASELINES).filter((name) => /min1|hpa/.test(name)))('%s keeps one', (name) => {
    const { changes } = run(name, block(6000, 3000, 3100, 1));
    expect(Math.min(...changes.map(([, , to]) => to))).toBeGreaterThanOrEqual(1);
  });
});

describe('static-peak', () => {
  it('has what the busiest minute needs, from the start', () => {
    const load = block(1200, 620, 650, 4); // 120 in the minute from 600: 2 a second ÷ 0.5
    const { score, changes } = run('static-peak', load);
    expect(changes).toEqual([]);
    expect(score.nodeSeconds).toBe(4 * 1200);
  });

  it('does not go beyond the maximum', () => {
    expect(run('static-peak', block(600, 0, 600, 30)).score.nodeSeconds).toBe(10 * 600);
  });
});

describe('keda-conc70', () => {
  it('wakes one at a poll, then lets the HPA add max(4, twice as many)', () => {
    const { changes } = run('keda-conc70-zero', block(4000, 1000, 3000, 4));
    // 4 a second wait at the sample of 1005, seen at the poll of 1020; the HPA acts at its next syncs.
    expect(changes.slice(0, 4)).toEqual([[1020, 0, 1], [1035, 1, 5], [1050, 5, 10], expect.anything()]);
  });

  it('goes to zero a cooldown after the last poll that saw work', () => {
    const { changes } = run('keda-conc70-zero', block(4000, 900, 930, 1));
    const slept = changes.find(([, , to]) => to === 0)?.[0] ?? Number.NaN;
    const woke = changes.find(([, from]) => from === 0)?.[0] ?? Number.NaN;
    expect(slept).toBeGreaterThanOrEqual(woke + SETUP.nodeProvision + SETUP.modelLoad + 300);
    expect(slept % 30).toBe(0);
  });
});

describe('kpa', () => {
  it('panics: six seconds decide, and nothing shrinks for a minute', () => {
    const { changes } = run('kpa-min1', block(4000, 1000, 1010, 6));
    const peak = Math.max(...changes.map(([, , to]) => to));
    expect(peak).toBe(10);
    const rise = changes.findLast(([, from, to]) => to > from)?.[0] ?? Number.NaN;
    const fall = changes.find(([t, from, to]) => t > 1000 && to < from)?.[0] ?? Number.NaN;
    expect(rise).toBeLessThan(1020);
    expect(fall).toBeGreaterThanOrEqual(1060);
  });

  it('halves on the way down, and waits half a minute with the last', () => {
    const { changes } = run('kpa-zero', block(4000, 1000, 1060, 4));
    const down = changes.filter(([, from, to]) => to < from);
    for (const [, from, to] of down.slice(0, -1)) expect(to).toBeGreaterThanOrEqual(Math.floor(from / 2));
    const [beforeLast, last] = [down.at(-2), down.at(-1)];
    expect(last?.[2]).toBe(0);
    expect((last?.[0] ?? 0) - (beforeLast?.[0] ?? 0)).toBeGreaterThanOrEqual(30);
  });
});

describe('hpa-util60', () => {
  it('does not buy twice what is on its way: loading replicas count as idle', () => {
    // 2 a second are 16 busy slots of 4 each: 4 full replicas, 6.7 at 60 %.
    const { changes } = run('hpa-util60', block(3000, 1000, 3000, 2));
    expect(Math.max(...changes.filter(([t]) => t > 1000).map(([, , to]) => to))).toBeLessThanOrEqual(10);
    expect(changes.at(-1)?.[2]).toBe(7);
  });
});

describe('snaive', () => {
  const daily = loadOf(
    Array.from({ length: 2 * DAY + 7200 }, (_, t) => (t % DAY >= 3600 && t % DAY < 5400 ? 2 : 0)),
  );

  it('has the replicas ready when yesterday repeats', () => {
    const reactive = run('keda-conc70-zero', daily, { ...SETUP, scoreFrom: DAY });
    const forecast = run('snaive-zero', daily, { ...SETUP, scoreFrom: DAY });
    expect(reactive.score.coldRequests).toBeGreaterThan(0);
    expect(forecast.score.coldRequests).toBe(0);
    expect(forecast.score.attainment).toBe(1);
  });

  it('has no forecast on the first day', () => {
    const { changes } = run('snaive-zero', daily);
    const woke = changes.filter(([, from]) => from === 0).map(([t]) => t);
    expect(woke[0]).toBeGreaterThan(3600);
    expect(woke[1]).toBeLessThan(DAY + 3600 - SETUP.nodeProvision - SETUP.modelLoad);
  });

  it('takes last week once there is one', () => {
    // Every seventh day has a peak that the day before has not.
    const weekly = loadOf(
      Array.from({ length: 8 * DAY }, (_, t) => (t % (7 * DAY) >= 3600 && t % (7 * DAY) < 4200 ? 2 : 0)),
    );
    const setup = { ...SETUP, scoreFrom: 7 * DAY };
    expect(run('snaive-zero', weekly, setup).score.coldRequests).toBeGreaterThan(0);
    expect(run('snaive7-zero', weekly, setup).score.coldRequests).toBe(0);
  });
});
