import { describe, expect, test } from 'vitest';
import { every, follow, gateway, inCluster, pods, policyWith, andWake, whole } from './timeline.js';

/** A mean over pods, target 40 percent: the figures of the published GPU autoscaling set-ups. */

describe.each([
  ['without cluster access', false],
  ['with cluster access', true],
])('a GPU utilisation %s', (_, withAccess) => {
  const seen = (current: number, ready: number, ...values: (number | null)[]) =>
    withAccess ? inCluster(pods(...values), { current, ready }) : pods(...values);

  test('82 on one pod asks for 3, and 41 on three leaves them', () => {
    follow(policyWith(), [
      [0, seen(1, 1, 40), 1],
      [15, seen(1, 1, 82), 3],
      [30, seen(3, 1, 82), 3],
      [90, seen(3, 3, 41, 41, 41), 3],
    ]);
  });

  test('27 on three still takes three', () => {
    follow(policyWith(), [[0, seen(3, 3, 27, 27, 27), 3]]);
  });

  test('26 on three takes two', () => {
    follow(policyWith(), [[0, seen(3, 3, 26, 26, 26), 2]]);
  });

  test.each([36, 38, 40, 42, 44])('%d lies in the dead band and leaves five', (mean) => {
    follow(policyWith(), [[0, seen(5, 5, mean, mean, mean, mean, mean), 5]]);
  });

  test('never above four where four are the most', () => {
    const { last } = follow(policyWith({ maxReplicas: 4 }), [
      [0, seen(1, 1, 100), 3],
      [15, seen(3, 3, 100, 100, 100), 4],
      [30, seen(4, 4, 100, 100, 100, 100), { desired: 4, metrics: [4] }],
    ]);
    expect(last.reason).toContain('capped at maxReplicas 4, wanted 10');
  });

  test('0 falls to the minimum once the window has passed', () => {
    const policy = policyWith({ minReplicas: 1, scaleDownWindow: 120_000, burst: false });
    follow(policy, [
      [0, seen(3, 3, 40, 40, 40), 3],
      ...every(15, 15, 105, seen(3, 3, 0, 0, 0), 3),
      [120, seen(3, 3, 0, 0, 0), 1],
    ]);
  });

  test('0 without a minimum goes to zero', () => {
    const policy = policyWith({ wake: gateway });
    follow(policy, [
      [0, seen(3, 3, 40, 40, 40), 3],
      [15, andWake(seen(3, 3, 0, 0, 0), 0), { desired: 0, verdict: 'fresh', active: false, metrics: [0] }],
    ]);
  });

  test('some other pod at work keeps one', () => {
    follow(policyWith(), [[0, seen(3, 3, 0, 0, 0.5), 1]]);
  });
});

describe('one mean for the whole workload', () => {
  test('counts for all that are ready', () => {
    follow(policyWith(), [
      [0, inCluster(whole(82), { current: 3, ready: 3 }), 7],
      [15, inCluster(whole(82), { current: 7, ready: 3 }), 7],
      [30, inCluster(whole(41), { current: 7, ready: 7 }), 7],
      [45, inCluster(whole(20), { current: 7, ready: 7 }), 4],
    ]);
  });

  test('counts as that of one replica at zero', () => {
    follow(policyWith(), [[0, inCluster(whole(82), { current: 0, ready: 0 }), 3]]);
  });

  test('says nothing without the replica count', () => {
    const { last } = follow(policyWith(), [[0, whole(82), { verdict: 'blind' }]]);
    expect(last.reason).toContain('one value for all pods');
  });
});
