import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.js';
import type { Decision } from '../../src/core/decision.js';
import { MOST_REPLICAS, type Policy } from '../../src/core/policy.js';
import { initialState, type State } from '../../src/core/state.js';
import { anyPolicy, anyTrace, type Moment } from './arbitraries.js';
import { follow, pods, policyWith, queue, START, whole } from './timeline.js';

function run(policy: Policy, trace: readonly Moment[]): { state: State; decisions: Decision[] } {
  let state = initialState;
  const decisions = trace.map(({ now, observation }) => {
    const step = decide(state, observation, policy, now);
    ({ state } = step);
    return step.decision;
  });
  return { state, decisions };
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
}

describe('decide is pure', () => {
  test('the same arguments give the same result, and are left as they were', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(true), (policy, trace) => {
        const first = run(frozen(policy), frozen(trace));
        expect(run(policy, trace)).toEqual(first);
        expect(decide(frozen(first.state), trace[0]!.observation, policy, START)).toEqual(
          decide(first.state, trace[0]!.observation, policy, START),
        );
      }),
    );
  });

  test('a state that has been JSON gives the same next decision', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(true), (policy, trace) => {
        let state = initialState;
        for (const { now, observation } of trace) {
          const restored = JSON.parse(JSON.stringify(state)) as State;
          expect(restored).toEqual(state);
          const next = decide(state, observation, policy, now);
          expect(JSON.stringify(decide(restored, observation, policy, now))).toBe(JSON.stringify(next));
          ({ state } = next);
        }
      }),
    );
  });

  test('the state stays small, whatever comes', () => {
    const policy = policyWith({ signals: [queue], scaleDownWindow: 3_600_000, holdFor: 86_400_000 });
    let state = initialState;
    let seed = 1;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let step = 0; step < 10_000; step += 1) {
      const now = START + step * 1000 * Math.floor(random() * 4);
      const samples = Array.from({ length: 5 }, () => ({
        pod: `pod-${random()}`,
        value: random() * 1e4,
        at: now,
      }));
      const observation = {
        readings: [{ kind: 'answered' as const, samples, exists: true }],
        wake: { kind: 'unread' as const },
        replicas: null,
        hpaAsks: false,
      };
      ({ state } = decide(state, observation, policy, now));
    }
    expect(Object.keys(state.pods).length).toBeLessThanOrEqual(105);
    expect(state.loads.length).toBeLessThanOrEqual(120);
    expect(state.recommendations.length).toBeLessThan(1000);
    expect(JSON.stringify(state).length).toBeLessThan(100_000);
  });
});

describe('whatever is observed', () => {
  test('the decision is sound', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(true), (policy, trace) => {
        for (const decision of run(policy, trace).decisions) expectSound(decision, policy);
      }),
      { numRuns: 200 },
    );
  });

  test('the reason is one line of words and figures', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(true), (policy, trace) => {
        for (const { reason, stages, signals } of run(policy, trace).decisions) {
          for (const text of [
            reason,
            ...stages.map((each) => each.why),
            ...signals.map((each) => each.why),
          ]) {
            expect(text).not.toMatch(/undefined|null|NaN(?!,)|Infinity|\[object|[\n\r]|;\s*;|: *$|^\s*$/);
          }
        }
      }),
    );
  });
});

function expectSound(decision: Decision, policy: Policy): void {
  const { desired, active, verdict, metrics, replicas } = decision;
  expect(Number.isInteger(desired)).toBe(true);
  expect(desired).toBeGreaterThanOrEqual(0);
  expect(metrics).toHaveLength(policy.output === 'signal' ? policy.signals.length : 1);
  for (const value of metrics) {
    expect(Number.isFinite(value)).toBe(true);
    expect(value).toBeGreaterThanOrEqual(0);
    // The 64-bit thousandths of a quantity.
    expect(value * 1000).toBeLessThan(2 ** 63);
  }
  expect(decision.signals.length).toBe(policy.signals.length + (policy.wake === null ? 0 : 1));
  const { current, reporting, missing, starting } = replicas;
  expect(Math.min(current, reporting, missing, starting)).toBeGreaterThanOrEqual(0);
  if (replicas.source !== 'asked') expect(reporting + missing + starting).toBe(current);
  if (policy.dryRun || verdict === 'blind') return;
  expect(active).toBe(desired > 0);
  expect(desired).toBeLessThanOrEqual(policy.maxReplicas ?? MOST_REPLICAS);
  expect(desired).toBeGreaterThanOrEqual(policy.minReplicas);
}

describe('the reason', () => {
  test('names profile, figures and rule', () => {
    const { decisions } = follow(policyWith({ maxReplicas: 4 }), [
      [0, pods(82), 3],
      [15, pods(1234.567, 0.1239), 4],
    ]);
    expect(decisions.map((each) => each.reason)).toEqual([
      '3 replicas: gpu-util mean 82 percent on 1 pod, target 40 → 2.05',
      '4 replicas: gpu-util mean 617 percent on 2 pods, target 40 → 30.9, with 1 pod silent or starting, counted at 0: 30.9; ' +
        '1 asked for and not ready yet count as capacity; capped at maxReplicas 4, wanted 31',
    ]);
  });

  test('of two profiles that ask for as much, the first speaks', () => {
    const both = policyWith({ signals: [queue, { ...queue, profile: 'other' }] });
    const view = (now: number) => ({
      ...whole(30)(now),
      readings: [...whole(30)(now).readings, ...whole(29)(now).readings],
    });
    expect(follow(both, [[0, view, 3]]).last.reason).toContain('queue 30 requests in all');
  });

  test('one replica is one', () => {
    expect(follow(policyWith({ signals: [queue] }), [[0, whole(3), 1]]).last.reason).toBe(
      '1 replica: queue 3 requests in all, target 10 each → 0.3',
    );
  });
});
