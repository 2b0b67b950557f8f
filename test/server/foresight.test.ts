import { describe, expect, test } from 'vitest';
import type { Observation, Reading } from '../../src/core/observation.js';
import { advise, forecastView, newForesight } from '../../src/server/foresight.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import type { Workload } from '../../src/server/workload.js';

const START = 1_800_000_000_000;
const MINUTE = 60_000;
const FORECAST = { slots: '4', serviceTime: '8s', slo: '10s@99%', forecast: 'on', leadTime: '5m' };
const unread: Reading = { kind: 'unread' };

function workloadOf(metadata: Readonly<Record<string, string>>): Workload {
  const permissions = {
    prometheus: () => null,
    queue: () => null,
    query: (_: string, query: string) => ({ query }),
  };
  const registry = new Registry(loadProfiles(undefined), permissions, { now: () => START });
  const found = registry.find({ namespace: 'shop', name: 'llm', metadata: { ...FORECAST, ...metadata } });
  if ('kind' in found) throw new Error(found.why);
  return found;
}

/** What some profiles need beside them. */
function companionsOf(profile: string): Record<string, string> {
  if (profile === 'bullmq-backlog') return { queue: 'shop.jobs' };
  if (profile === 'gateway-rps') return { target: '1' };
  return profile.startsWith('promql') ? { query: 'sum(x)', target: '1' } : {};
}

function answered(values: Readonly<Record<string, number>>, at: number): Reading {
  const samples = Object.entries(values).map(([pod, value]) => ({ pod, value, at }));
  return { kind: 'answered', samples, exists: true };
}

/** One step of a workload on `current` replicas, all ready. */
function step(workload: Workload, now: number, seen: Partial<Observation>, served = unread, current = 1) {
  const replicas = { current, ready: current };
  const observation: Observation = { readings: [], wake: unread, replicas, hpaAsks: true, ...seen };
  return advise(workload, observation, served, 5 * MINUTE, now);
}

/** A steady load of 2 running on one pod, each 15 s until the given minute. */
function steady(workload: Workload, minutes: number) {
  let advice = null;
  for (let now = START; now <= START + minutes * MINUTE; now += 15_000)
    advice = step(
      workload,
      now,
      { readings: [answered({ a: 2 }, now)] },
      answered({ a: (now - START) / 4000 }, now),
    );
  return advice;
}

function beats(workload: Workload): number {
  return forecastView(workload)?.beats ?? Number.NaN;
}

describe('a trigger', () => {
  test('that wants no forecast has none', () => {
    const workload = workloadOf({ profile: 'vllm-concurrency', forecast: 'off' });
    expect(workload.foresight).toBeNull();
    expect(forecastView(workload)).toBeNull();
    expect(step(workload, START, {})).toBeNull();
  });

  test.each([
    ['slots', { slots: null }],
    ['serviceTime', { serviceTime: null }],
    ['slots and serviceTime', { slots: null, serviceTime: null }],
  ])('without %s is told that the forecast waits for it', (missing, lacking) => {
    const { trigger } = workloadOf({ profile: 'vllm-concurrency' });
    const foresight = newForesight({ ...trigger, policy: { ...trigger.policy, ...lacking } });
    expect(foresight).toEqual({ kind: 'none', why: `the forecast waits for ${missing} in the trigger` });
  });

  test.each(['triton-queue-time-legacy', 'promql-mean'])('on %s alone cannot forecast', (profile) => {
    const workload = workloadOf({ profile, ...companionsOf(profile) });
    expect(forecastView(workload)).toMatchObject({
      forecast: null,
      why: expect.stringMatching(new RegExp(`${profile} does not tell how many requests come`)) as string,
    });
    expect(step(workload, START, {})).toBeNull();
  });

  test.each([
    ['vllm-kv-cache', /requests served/],
    ['vllm-running', /requests that run/],
    ['gke-duty-cycle', /utilisation/],
    ['promql', /the trigger's query is taken for the requests/],
    ['vllm-waiting', null],
    ['bullmq-backlog', null],
    ['gateway-rps', null],
  ])('on %s says what it cannot see', (profile, words) => {
    const { caveat } = forecastView(workloadOf({ profile, ...companionsOf(profile) }))!;
    if (words === null) expect(caveat).toBeNull();
    else expect(caveat).toMatch(words);
  });
});

test('a forecast asks for no more than the ScaledObject allows, where it is known', () => {
  const workload = workloadOf({ profile: 'vllm-concurrency', maxReplicas: '20' });
  const most = (maxReplicas: number | null) => {
    const bounds = { minReplicas: 0, idleReplicas: null, tolerance: { up: 0.1, down: 0.1 } };
    step(workload, START, maxReplicas === null ? {} : { scaledObject: { ...bounds, maxReplicas } });
    return workload.foresight?.kind === 'foreseeing'
      ? workload.foresight.foresight.settings.maxReplicas
      : null;
  };
  expect([most(null), most(8), most(50), most(0), most(null)]).toEqual([20, 8, 20, 1, 20]);
});

describe('the load of a live workload', () => {
  test('is seen once in 15 s, however often it is evaluated, and forecast after a quarter of an hour', () => {
    const workload = workloadOf({ profile: 'vllm-concurrency' });
    for (let now = START; now <= START + 5 * MINUTE; now += 5000)
      step(
        workload,
        now,
        { readings: [answered({ a: 2 }, now)] },
        answered({ a: (now - START) / 4000 }, now),
      );
    expect(beats(workload)).toBe(20);
    expect(forecastView(workload)).toMatchObject({
      forecast: null,
      seenSince: START,
      seenUntil: START + 5 * MINUTE,
    });
    expect(forecastView(workload)?.why).toMatch(/too little has been seen: 5 min/);
    const other = workloadOf({ profile: 'vllm-concurrency' });
    expect(steady(other, 16)).toMatchObject({ replicas: 1 });
    expect(forecastView(other)?.requestsPerSecond).toBeCloseTo(0.25, 2);
    expect(forecastView(other)?.why).toMatch(/needed within/);
  });

  test('is known by an empty queue and what leaves', () => {
    const workload = workloadOf({ profile: 'vllm-waiting' });
    for (let now = START; now <= START + 10 * MINUTE; now += 15_000)
      step(
        workload,
        now,
        { readings: [answered({ a: 0 }, now)] },
        answered({ a: (now - START) / 4000 }, now),
      );
    expect(beats(workload)).toBeGreaterThanOrEqual(38);
    expect(forecastView(workload)?.requestsPerSecond).toBeCloseTo(0.25, 2);
  });

  test('that is not seen teaches nothing', () => {
    const workload = workloadOf({ profile: 'vllm-concurrency' });
    expect(forecastView(workload)?.why).toBe('no load has been seen yet');
    const failed: Reading = { kind: 'failed', samples: [], why: 'no answer' };
    for (let now = START; now < START + 20 * MINUTE; now += 15_000)
      expect(step(workload, now, { readings: [failed] })).toBeNull();
    expect(beats(workload)).toBe(0);
  });

  test('that has not been seen for longer than a decision stands makes no forecast', () => {
    const workload = workloadOf({ profile: 'vllm-concurrency' });
    expect(steady(workload, 16)).not.toBeNull();
    const silent = { readings: [{ kind: 'failed', samples: [], why: 'no answer' } as const] };
    expect(step(workload, START + 20 * MINUTE, silent)).not.toBeNull();
    expect(step(workload, START + 22 * MINUTE, silent)).toBeNull();
    expect(forecastView(workload)?.why).toBe('the load has not been seen for 6 min');
  });

  test('at zero replicas is that of the gateway', () => {
    const workload = workloadOf({ profile: 'vllm-concurrency' });
    const gone: Reading = { kind: 'answered', samples: [], exists: false };
    const asleep = (now: number, wake: Reading) => step(workload, now, { readings: [gone], wake }, unread, 0);
    const quiet: Reading = { kind: 'answered', samples: [], exists: true };
    for (let now = START; now < START + 16 * MINUTE; now += 15_000) asleep(now, quiet);
    expect(beats(workload)).toBeGreaterThanOrEqual(60);
    expect(forecastView(workload)?.requestsPerSecond).toBe(0);
    const now = START + 16 * MINUTE;
    const request: Reading = {
      kind: 'answered',
      samples: [{ pod: null, value: 0.2, at: now }],
      exists: true,
    };
    expect(asleep(now, request)?.replicas).toBeGreaterThanOrEqual(1);
    expect(forecastView(workload)?.requestsPerSecond).toBeGreaterThan(0);
  });

  test('is weighed with the lead time as it is learned', () => {
    const workload = workloadOf({ profile: 'vllm-concurrency' });
    steady(workload, 1);
    expect(workload.foresight).toMatchObject({ foresight: { settings: { leadTime: 5 * MINUTE } } });
    const seen: Observation = { readings: [], wake: unread, replicas: null, hpaAsks: true };
    advise(workload, seen, unread, 7 * MINUTE, START + 2 * MINUTE);
    expect(workload.foresight).toMatchObject({ foresight: { settings: { leadTime: 7 * MINUTE } } });
  });

  test('on trial is only shown until its record pays', () => {
    const workload = workloadOf({ profile: 'vllm-concurrency', forecast: 'auto' });
    expect(steady(workload, 16)).toMatchObject({ standsBack: true });
    expect(forecastView(workload)?.forecast?.standsBack).toBe(true);
  });
});
