import { describe, expect, test } from 'vitest';
import { MOST_REPLICAS } from '../../src/core/policy.js';
import {
  every,
  follow,
  hpaAsking,
  inCluster,
  nothing,
  pods,
  policyWith,
  queue,
  sourceGone,
  whole,
} from './timeline.js';

const backlog = policyWith({ signals: [queue], burst: false });

describe('bounds', () => {
  test('no decision leaves them', () => {
    const policy = { ...backlog, minReplicas: 2, maxReplicas: 5 };
    const { decisions } = follow(policy, [
      [0, whole(0), { desired: 2, active: true, metrics: [2] }],
      [15, whole(30), 3],
      [30, whole(1000), { desired: 5, metrics: [5] }],
      [45, whole(30), 3],
    ]);
    expect(decisions[0]?.reason).toContain('minReplicas 2');
    expect(decisions[2]?.reason).toContain('capped at maxReplicas 5, wanted 100');
  });

  test('a maximum holds although the HPA would take one more: 11 at 10 is ignored, and 11.001 gives 12', () => {
    const { last } = follow({ ...backlog, maxReplicas: 11 }, [
      [0, inCluster(whole(100), { current: 10, ready: 10 }), 10],
      [15, inCluster(whole(150), { current: 10, ready: 10 }), { desired: 11, metrics: [10] }],
    ]);
    expect(last.reason).toContain('the HPA ignores 11 at 10 (tolerance 0.1) and would go to 12; kept at 10');
  });

  test('more than the maximum is brought down, though the HPA cannot stop there', () => {
    follow({ ...backlog, maxReplicas: 20 }, [
      [0, inCluster(whole(500), { current: 21, ready: 21 }), { desired: 20, metrics: [18.899] }],
    ]);
  });

  test('no maximum is what a cluster holds: KEDA turns larger values into 0', () => {
    const { last } = follow(backlog, [[0, whole(Number.MAX_SAFE_INTEGER), MOST_REPLICAS]]);
    expect(last.metrics).toEqual([MOST_REPLICAS]);
    expect(last.reason).toContain('capped at what a cluster holds');
    follow({ ...backlog, maxReplicas: 10 ** 12 }, [[0, whole(10 ** 15), MOST_REPLICAS]]);
  });

  test('a load that no number can hold neither hangs nor falls', () => {
    const huge = { ...queue, target: 1e-9 };
    follow(policyWith({ signals: [huge] }), every(5, 0, 50, whole(Number.MAX_SAFE_INTEGER), MOST_REPLICAS));
  });
});

describe('the scale-down window', () => {
  const policy = { ...backlog, scaleDownWindow: 300_000 };

  test('the largest recommendation in it holds', () => {
    const { last } = follow(policy, [
      [0, whole(50), 5],
      [60, whole(80), 8],
      [120, whole(20), 8],
      [180, whole(60), 8],
      [359, whole(20), 8],
      [360, whole(20), 6],
      [479, whole(10), 6],
      [480, whole(10), 2],
    ]);
    expect(last.reason).toContain('2 was wanted within the scale-down window of 5 min');
  });

  test('it holds from zero too', () => {
    follow(policy, [
      [0, whole(10), 1],
      [299, whole(0), { desired: 1, active: true }],
      [300, whole(0), { desired: 0, active: false }],
    ]);
  });

  test('what is held for want of data is not a recommendation', () => {
    const { state } = follow(policy, [
      [0, pods(40), 4],
      [60, sourceGone, { desired: 4, verdict: 'held' }],
      [120, sourceGone, { desired: 4, verdict: 'held' }],
    ]);
    expect(state.recommendations).toHaveLength(1);
  });
});

describe('a dry run', () => {
  const dry = { ...backlog, dryRun: true };

  test('decides and publishes what runs', () => {
    const { last } = follow(dry, [
      [0, inCluster(whole(100), { current: 3, ready: 3 }), { desired: 10, active: true, metrics: [3] }],
      [15, inCluster(whole(0), { current: 3, ready: 3 }), { desired: 0, active: true, metrics: [3] }],
      [30, inCluster(whole(90), { current: 0, ready: 0 }), { desired: 9, active: false, metrics: [0] }],
    ]);
    expect(last.reason).toContain('dryRun: publishes the current 0');
  });

  test('with the signal as output it publishes what the HPA makes the current count of, for each', () => {
    const both = policyWith({
      signals: [queue, { ...queue, profile: 'other', target: 0.7 }],
      dryRun: true,
      output: 'signal',
    });
    follow(both, [[0, inCluster(whole(100), { current: 3, ready: 3 }), { desired: 10, metrics: [30, 2.1] }]]);
  });

  test('without a count it does not answer', () => {
    const { last, state } = follow(dry, [[0, whole(100), { verdict: 'blind', active: false }]]);
    expect(last.reason).toContain('dryRun: the current replica count is not known');
    expect(last.metrics).toEqual([0]);
    expect(state.asked).toBeNull();
    follow(dry, [[0, hpaAsking(nothing), { verdict: 'blind' }]]);
  });

  test('without cluster access the pods that report are the count', () => {
    follow(dry, [
      [0, pods(50, 50), { desired: 10, metrics: [2] }],
      [15, pods(50, 50, 50), { desired: 15, metrics: [3] }],
    ]);
  });
});
