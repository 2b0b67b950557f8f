import { describe, expect, it } from 'vitest';
import {
  withFallback,
  type Fallback,
  type KedaMetric,
  type ScalerAnswer,
} from '../../src/replay/keda-fallback.js';
import {
  KEDA_DEFAULTS,
  metricForHpa,
  newScaledObject,
  poll,
  pushActive,
  type KedaSpec,
  type KedaState,
} from '../../src/replay/keda.js';

const METRIC: KedaMetric = { metricType: 'AverageValue', target: 10, useCachedMetrics: false };
const SPEC: KedaSpec = { ...KEDA_DEFAULTS, metrics: [METRIC] };
const FALLBACK: Fallback = { failureThreshold: 3, replicas: 6, behavior: 'static' };
const active: ScalerAnswer = { kind: 'answered', value: 20, active: true };
const idle: ScalerAnswer = { kind: 'answered', value: 50, active: false };
const failed: ScalerAnswer = { kind: 'failed' };
const at = (spec: number) => ({ spec, ready: spec });

function pollOnce(
  spec: KedaSpec,
  current: number,
  answers: ScalerAnswer[],
  state: Partial<KedaState> = {},
  now = 1000,
) {
  return poll({ ...newScaledObject(spec, 0), ...state }, spec, at(current), answers, now);
}

describe('a poll', () => {
  it('wakes to one, or to the minimum, never to what the value asks for', () => {
    expect(pollOnce(SPEC, 0, [active]).replicas).toBe(1);
    expect(pollOnce({ ...SPEC, minReplicaCount: 3 }, 0, [active]).replicas).toBe(3);
    expect(pollOnce(SPEC, 0, [active]).state.lastActiveTime).toBe(1000);
  });

  it('leaves everything above zero to the HPA while active', () => {
    const step = pollOnce(SPEC, 5, [active]);
    expect(step).toMatchObject({ replicas: 5, reason: 'ScalerActive' });
    expect(step.state.lastActiveTime).toBe(1000);
  });

  it('goes to zero in one step once the cooldown is over, whatever the value', () => {
    expect(pollOnce(SPEC, 5, [idle], { lastActiveTime: 701 })).toMatchObject({
      replicas: 5,
      reason: 'ScalerCooldown',
    });
    expect(pollOnce(SPEC, 5, [idle], { lastActiveTime: 700 })).toMatchObject({
      replicas: 0,
      reason: 'ScalerNotActive',
    });
  });

  it('keeps the last activity in whole seconds, so that a poll early by milliseconds finds the cooldown over', () => {
    const { state } = pollOnce(SPEC, 5, [active], {}, 1000.9);
    expect(poll(state, SPEC, at(5), [idle], 1300.2).replicas).toBe(0);
  });

  it('ignores the cooldown of what was never active, but for the initial one', () => {
    expect(pollOnce(SPEC, 5, [idle]).replicas).toBe(0);
    expect(pollOnce({ ...SPEC, initialCooldownPeriod: 1001 }, 5, [idle]).reason).toBe('ScalerCooldown');
    expect(pollOnce({ ...SPEC, initialCooldownPeriod: 1000 }, 5, [idle]).replicas).toBe(0);
  });

  it('keeps a minimum above zero, and restores it', () => {
    const spec = { ...SPEC, minReplicaCount: 2 };
    expect(pollOnce(spec, 5, [idle]).replicas).toBe(5);
    expect(pollOnce(spec, 1, [idle]).replicas).toBe(2);
  });

  it('rests at idleReplicaCount and rises from it to the minimum', () => {
    const spec = { ...SPEC, idleReplicaCount: 0, minReplicaCount: 3 };
    expect(pollOnce(spec, 5, [idle]).replicas).toBe(0);
    expect(pollOnce(spec, 0, [idle]).replicas).toBe(0);
    expect(pollOnce(spec, 0, [active]).replicas).toBe(3);
    expect(pollOnce({ ...spec, idleReplicaCount: 1 }, 1, [active]).replicas).toBe(3);
  });

  it('is active when any metric is', () => {
    const spec = { ...SPEC, metrics: [METRIC, METRIC] };
    expect(pollOnce(spec, 0, [idle, active]).replicas).toBe(1);
  });

  it('keeps the replicas on an error, both at zero and above, and suspends the cooldown', () => {
    for (const current of [0, 5]) {
      expect(pollOnce(SPEC, current, [failed], { lastActiveTime: 0 })).toMatchObject({
        replicas: current,
        reason: 'TriggerError',
      });
    }
  });

  it('does not count as active in part: an error beside an active metric keeps the time of the last activity', () => {
    const spec = { ...SPEC, metrics: [METRIC, METRIC] };
    const step = pollOnce(spec, 4, [active, failed], { lastActiveTime: 12 });
    expect(step).toMatchObject({ replicas: 4, reason: 'PartialTriggerError' });
    expect(step.state.lastActiveTime).toBe(12);
  });

  it('waits for the fallback on an error, but with fallback.replicas 0 goes to zero', () => {
    const spec = { ...SPEC, fallback: FALLBACK };
    expect(pollOnce(spec, 5, [failed])).toMatchObject({ replicas: 5, reason: 'WaitingForFallback' });
    const zero = { ...SPEC, fallback: { ...FALLBACK, replicas: 0 } };
    expect(pollOnce(zero, 5, [failed])).toMatchObject({ replicas: 0, reason: 'ScalerNotActive' });
  });
});

describe('a push of true', () => {
  it('wakes at once and refreshes the last activity', () => {
    const step = pushActive(newScaledObject(SPEC, 0), SPEC, 0, 77);
    expect(step.replicas).toBe(1);
    expect(step.state.lastActiveTime).toBe(77);
    expect(pushActive(step.state, SPEC, 4, 90)).toMatchObject({ replicas: 4, state: { lastActiveTime: 90 } });
  });
});

describe('fallback', () => {
  const answer = (fallback: Fallback | null, failures: number, replicas = at(4), metric = METRIC) =>
    withFallback(failed, failures, fallback, metric, replicas);

  it('answers from the failure after the threshold on, with the value that the HPA turns into its replicas', () => {
    expect(answer(FALLBACK, 2)).toMatchObject({ answer: failed, failures: 3 });
    expect(answer(FALLBACK, 3)).toMatchObject({
      answer: { value: 60, active: true },
      failures: 4,
      usesFallback: true,
    });
  });

  it('forgets the failures with the first answer, and counts none without a fallback', () => {
    expect(withFallback(active, 9, FALLBACK, METRIC, at(4))).toMatchObject({ answer: active, failures: 0 });
    expect(answer(null, 0)).toMatchObject({ answer: failed, failures: 0 });
  });

  it.each([
    ['static', 4, 6],
    ['currentReplicas', 4, 4],
    ['currentReplicasIfHigher', 4, 6],
    ['currentReplicasIfHigher', 9, 9],
    ['currentReplicasIfLower', 4, 4],
    ['currentReplicasIfLower', 9, 6],
  ] as const)('%s at %i replicas holds %i', (behavior, current, expected) => {
    expect(answer({ ...FALLBACK, behavior }, 3, at(current))).toMatchObject({
      answer: { value: expected * 10 },
    });
  });

  it('divides by the ready replicas for metricType Value, and fails with none', () => {
    const metric: KedaMetric = { ...METRIC, metricType: 'Value' };
    expect(answer(FALLBACK, 3, { spec: 4, ready: 3 }, metric)).toMatchObject({ answer: { value: 20 } });
    expect(answer(FALLBACK, 3, { spec: 4, ready: 0 }, metric)).toMatchObject({ answer: failed });
  });
});

describe('what the HPA gets', () => {
  const live = () => active;

  it('is the live answer', () => {
    expect(metricForHpa(newScaledObject(SPEC, 0), SPEC, 0, at(1), live).answer).toEqual(active);
  });

  it('is that of the last poll with useCachedMetrics, and the live one before it', () => {
    const spec = { ...SPEC, metrics: [{ ...METRIC, useCachedMetrics: true }] };
    expect(metricForHpa(newScaledObject(spec, 0), spec, 0, at(1), live).answer).toEqual(active);
    const polled = pollOnce(spec, 1, [idle]).state;
    expect(metricForHpa(polled, spec, 0, at(1), live).answer).toEqual(idle);
  });

  it('is live again once a cached error was served', () => {
    const spec = { ...SPEC, metrics: [{ ...METRIC, useCachedMetrics: true }] };
    const polled = pollOnce(spec, 1, [failed]).state;
    const first = metricForHpa(polled, spec, 0, at(1), live);
    expect(first.answer).toEqual(failed);
    expect(metricForHpa(first.state, spec, 0, at(1), live).answer).toEqual(active);
  });

  it('counts failures together with the polls', () => {
    const spec = { ...SPEC, fallback: { ...FALLBACK, failureThreshold: 1 } };
    const polled = pollOnce(spec, 2, [failed]).state;
    expect(metricForHpa(polled, spec, 0, at(2), () => failed).answer).toMatchObject({ value: 60 });
    expect(metricForHpa(polled, spec, 7, at(2), live).answer).toEqual(failed);
  });
});
