import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadOf, type Load } from '../../../src/replay/load.js';
import { simulate } from '../../../src/replay/run.js';
import type { Score } from '../../../src/replay/score.js';
import type { Setup } from '../../../src/replay/setup.js';
import { newTimeline, type TimelineRow } from '../../../src/replay/report/timeline.js';
import { policyOf, SETUP, type Given } from './scaled-objects.js';

interface Run {
  readonly score: Score;
  /** `t: from → to` of each change of spec.replicas. */
  readonly changes: readonly string[];
  readonly rows: readonly TimelineRow[];
}

function run(load: Load, given: Given = {}, setup: Setup = SETUP): Run {
  const changes: string[] = [];
  const timeline = newTimeline(setup.scrape);
  const policy = policyOf(given, setup, (t, { decision }) => timeline.decided(t, decision));
  const onScale = (t: number, from: number, to: number) => changes.push(`${t}: ${from} → ${to}`);
  const score = simulate(load, setup, policy, onScale, timeline.recording);
  return { score, changes, rows: timeline.rows };
}

/** Requests per second by the second, 0 where nothing is said. */
function load(seconds: number, perSecond: (t: number) => number): Load {
  return loadOf(Array.from({ length: seconds }, (_, t) => perSecond(t)));
}

const quietStart = (t: number, then: number) => (t < 1000 ? 0 : then);

describe('a ScaledObject in a replay', () => {
  it('wakes by a push at the first tick that can see the request', () => {
    // It comes at 1001, is sampled at 1005 and seen at 1020: a tick of 5 s, and no poll of 30 s.
    const { changes } = run(load(1100, (t) => (t === 1001 ? 1 : 0)));
    expect(changes).toEqual(['1020: 0 → 1']);
  });

  it('wakes at the next poll where the trigger does not push', () => {
    // The rate shows the request for a minute, so that a poll every 40 s cannot miss it.
    const { changes } = run(
      load(1100, (t) => (t === 996 ? 1 : 0)),
      { trigger: { type: 'external' }, spec: { pollingInterval: 40 } },
    );
    expect(changes).toEqual(['1040: 0 → 1']);
  });

  it('wakes to one, and goes on by the HPA as far as the arrivals say', () => {
    // The sample of 1020 s, seen at 1035, has 42 requests in its minute, 0.7 a second: 2 replicas at 0.35 each.
    const decided: number[] = [];
    const policy = policyOf({}, SETUP, (t, { decision }) => t === 1035 && decided.push(decision.desired));
    const changes: string[] = [];
    const steady = load(1040, (t) => quietStart(t, 2));
    simulate(steady, SETUP, policy, (t, from, to) => changes.push(`${t}: ${from} → ${to}`));
    expect(decided).toEqual([2]);
    expect(changes.slice(0, 2)).toEqual(['1020: 0 → 1', '1035: 1 → 2']);
  });

  it('goes to zero at the first poll a cooldown after the last active one', () => {
    const active: number[] = [];
    const changes: string[] = [];
    const given = { spec: { cooldownPeriod: 600 } };
    const policy = policyOf(given, SETUP, (t, { decision }) => {
      if (decision.active && t % 30 === 0) active.push(t);
    });
    const onePulse = load(4000, (t) => (t < 8 ? 1 : 0));
    simulate(onePulse, SETUP, policy, (t, from, to) => changes.push(`${t}: ${from} → ${to}`));
    expect(active.length).toBeGreaterThan(0);
    expect(changes.at(-1)).toBe(`${(active.at(-1) ?? 0) + 600}: 1 → 0`);
  });

  it('holds the minimum, and with idleReplicaCount leaves it when idle', () => {
    const idle = load(3000, () => 0);
    const minimum = run(idle, { spec: { minReplicaCount: 2 } });
    expect(minimum.changes).toEqual([]);
    expect(minimum.rows.at(-1)?.spec).toBe(2);
    const withIdle = run(
      load(3000, (t) => (t === 1001 ? 1 : 0)),
      {
        spec: { minReplicaCount: 2, idleReplicaCount: 0 },
      },
    );
    expect(withIdle.changes[0]).toBe('1020: 0 → 2');
    expect(withIdle.changes.at(-1)).toMatch(/: 2 → 0$/);
  });

  it('follows the manifest’s behavior', () => {
    const heavy = load(2000, (t) => quietStart(t, 8));
    const steps = (given: Given) => run(heavy, given).changes.map((change) => Number(change.split('→ ')[1]));
    const slow = { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } };
    expect(Math.max(...steps({}))).toBe(20);
    const byOne = steps({ spec: { advanced: { horizontalPodAutoscalerConfig: { behavior: slow } } } });
    expect(byOne.length).toBeGreaterThan(10);
    // KEDA's wake-up and the HPA's first step fall into one second.
    expect(byOne).toEqual(byOne.map((_, index) => index + (byOne[0] ?? 0)));
    expect(byOne[0]).toBeLessThanOrEqual(2);
  });

  it('never asks for more than the most', () => {
    const { rows } = run(
      load(2000, (t) => quietStart(t, 30)),
      {},
      { ...SETUP, maxReplicas: 3 },
    );
    expect(Math.max(...rows.map(({ spec }) => spec))).toBe(3);
  });

  it('gives the HPA the raw signal where the trigger says so', () => {
    const { score } = run(
      load(2000, (t) => quietStart(t, 2)),
      { metadata: { output: 'signal' } },
    );
    expect(score.attainment).toBeGreaterThan(0);
    expect(score.wakeups).toBe(1);
  });

  it('leaves the replicas alone in a dry run', () => {
    expect(
      run(
        load(2000, (t) => quietStart(t, 2)),
        { metadata: { dryRun: 'true' } },
      ).changes,
    ).toEqual([]);
  });

  it('takes a fallback and a polling interval that is no multiple of the tick', () => {
    const fallback = { failureThreshold: 3, replicas: 6 };
    const { changes } = run(
      load(1100, (t) => (t === 1001 ? 1 : 0)),
      { spec: { fallback, pollingInterval: 7 } },
    );
    expect(changes).toEqual(['1020: 0 → 1']);
  });

  const shapes = fc.array(
    fc.record({ seconds: fc.integer({ min: 1, max: 400 }), rate: fc.integer({ min: 0, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  const loads = shapes.map((parts) =>
    loadOf(parts.flatMap(({ seconds, rate }) => Array<number>(seconds).fill(rate))),
  );

  it('does the same twice', () => {
    fc.assert(
      fc.property(
        loads,
        fc.constantFrom('vllm-concurrency', 'vllm-waiting', 'dcgm-gpu-util', 'triton-queue-time'),
        (each, profile) => {
          const once = run(each, { metadata: { profile } });
          expect(JSON.stringify(run(each, { metadata: { profile } }))).toBe(JSON.stringify(once));
        },
      ),
      { numRuns: 10 },
    );
  });

  it('loses no request and pays for every pod', () => {
    fc.assert(
      fc.property(loads, (each) => {
        const { score, rows } = run(each);
        const requests = each.requests.reduce((sum, count) => sum + count, 0);
        expect(score.requests).toBe(requests);
        expect(score.inTime).toBeLessThanOrEqual(requests);
        expect(score.nodeSeconds).toBeGreaterThanOrEqual(score.podSeconds);
        expect(rows.reduce((sum, { arrivals }) => sum + arrivals, 0)).toBe(requests);
        expect(rows.at(-1)?.paid).toBe(score.nodeSeconds);
        for (const row of rows) {
          expect(row.ready + row.starting).toBe(row.spec);
          expect(row.nodes).toBeGreaterThanOrEqual(row.ready);
          expect(row.spec).toBeLessThanOrEqual(SETUP.maxReplicas);
          expect(row.running).toBeLessThanOrEqual(row.ready * SETUP.slots);
        }
      }),
      { numRuns: 20 },
    );
  });
});
