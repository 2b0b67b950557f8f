import { describe, expect, test } from 'vitest';
import { every, follow, gpu, inCluster, pods, policyWith, queue } from './timeline.js';

/** Replicas that were asked for and do not work yet are not bought a second time. */

describe('the same load while pods start', () => {
  test('a utilisation that stays high on the one pod that works', () => {
    const { last } = follow(policyWith(), [[0, pods(40), 1], ...every(15, 15, 600, pods(100), 3)]);
    expect(last.replicas).toMatchObject({
      current: 3,
      reporting: 1,
      starting: 2,
      missing: 0,
      source: 'pods',
    });
    expect(last.reason).toContain('2 asked for and not ready yet count as capacity');
  });

  test('a queue that nobody has touched yet', () => {
    follow(policyWith({ signals: [queue] }), [[0, pods(8), 1], ...every(15, 15, 600, pods(55), 6)]);
  });

  test('with cluster access', () => {
    follow(policyWith(), [
      [0, inCluster(pods(100), { current: 1, ready: 1 }), 3],
      ...every(15, 15, 900, inCluster(pods(100), { current: 3, ready: 1 }), 3),
      [915, inCluster(pods(100, 100), { current: 3, ready: 2 }), 5],
      [930, inCluster(pods(100, 100), { current: 5, ready: 2 }), 5],
    ]);
  });

  test('more load than what is coming can carry is bought', () => {
    follow(policyWith(), [
      [0, pods(40, 40), 2],
      [15, pods(60, 60), 3],
      [30, pods(90, 90), 5],
    ]);
  });

  test('those that never come still count as capacity: the load is what one pod has, and two more were bought for it', () => {
    const { last } = follow(policyWith({ burst: false }), [
      [0, pods(40), 1],
      [15, pods(100), 3],
      [86_400, pods(100), 3],
    ]);
    expect(last.replicas).toMatchObject({ current: 3, reporting: 1, starting: 2, missing: 0 });
  });

  test('and are let go of as soon as the load has passed', () => {
    follow(policyWith({ burst: false }), [
      [0, pods(40), 1],
      [15, pods(200), 5],
      [900, pods(4), 1],
    ]);
  });

  test('pods that start do not keep idle ones from zero', () => {
    follow(policyWith({ burst: false }), [
      [0, pods(40), 1],
      [15, pods(100), 3],
      [30, pods(0), 0],
    ]);
  });

  test('a decision after a restart buys nothing it already has', () => {
    const { last } = follow(policyWith(), [[0, pods(80, 80, 80), 6]]);
    expect(follow(policyWith(), [[0, pods(40, 40, 40), 3]]).state.raisedAt).toBeNull();
    expect(last.replicas).toMatchObject({ current: 3, starting: 0, source: 'pods' });
    follow(policyWith({ signals: [{ ...gpu, target: 80 }] }), [[0, pods(80, 80, 80), 3]]);
  });
});
