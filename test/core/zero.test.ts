import { describe, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.js';
import { SECOND } from '../../src/core/time.js';
import {
  andWake,
  answered,
  every,
  failed,
  follow,
  gateway,
  gpu,
  hpaAsking,
  inCluster,
  nothing,
  perPod,
  pods,
  policyWith,
  queue,
  reads,
  sourceGone,
  START,
  unread,
  whole,
  type Row,
} from './timeline.js';

/** To zero and back. KEDA moves between 0 and 1 on `active` alone, the HPA above that on the value. */

const atZero: Row[] = [
  [0, pods(40), 1],
  [15, andWake(pods(0), 0), { desired: 0, active: false }],
];

describe('to zero', () => {
  test('with idle pods and an idle wake signal', () => {
    follow(policyWith({ wake: gateway }), [
      ...atZero,
      [120, andWake(nothing, 0), { desired: 0, active: false }],
    ]);
  });

  test('not while the wake signal would bring the pods back at once', () => {
    const { last } = follow(policyWith({ wake: gateway }), [
      [0, pods(40), 1],
      [5, pods(0), 0], // the wake signal is read from here on
      ...every(5, 10, 60, andWake(pods(0), 3), { desired: 1, active: true }),
    ]);
    expect(last.needsWake).toBe(true);
    expect(last.reason).toContain('woken: gateway 3 requests/s is above 0');
  });

  test('not above the maximum while the wake signal has load for more', () => {
    const wake = { ...gateway, target: 2, sized: true };
    follow(policyWith({ wake, maxReplicas: 3 }), [[0, andWake(pods(0), 20), 3]]);
    follow(policyWith({ wake }), [[0, andWake(pods(0), 20), 10]]);
  });

  test('not without the wake signal that the trigger names', () => {
    const policy = policyWith({ wake: { ...gateway, required: true } });
    const { decisions } = follow(policy, [
      [0, pods(40), 1],
      [5, pods(0), { desired: 1, active: true }],
      [10, andWake(pods(0), failed('gateway: connection refused')), { desired: 1, active: true }],
      [15, andWake(pods(0), answered([], false)), { desired: 1, active: true }],
      [20, andWake(pods(0), 0), { desired: 0, active: false }],
      [25, andWake(pods(0), answered([])), { desired: 0, active: false }],
    ]);
    expect(decisions[1]?.reason).toContain('nothing would wake it: gateway is being read');
    expect(decisions[2]?.reason).toContain('connection refused');
    expect(decisions.map((each) => each.needsWake)).toEqual([false, true, true, true, true, true]);
  });

  test('an inherited wake signal that nobody has stops nothing', () => {
    follow(policyWith({ wake: gateway }), [
      [0, pods(0), 0],
      [5, andWake(pods(0), answered([], false)), 0],
      [120, andWake(nothing, answered([], false)), { desired: 0, verdict: 'fresh', active: false }],
    ]);
  });

  test('at or below the activation', () => {
    const policy = policyWith({ signals: [{ ...queue, activation: 3 }] });
    follow(policy, [
      [0, pods(3), { desired: 0, active: false }],
      [5, pods(3.5), { desired: 1, active: true }],
    ]);
  });

  test('a series that is missing where absence means idle', () => {
    const policy = policyWith({ signals: [{ ...queue, absence: 'idle' }] });
    const { last } = follow(policy, [[0, nothing, { desired: 0, verdict: 'fresh', active: false }]]);
    expect(last.signals[0]).toMatchObject({ evidence: 'idle', raw: 0, demand: 0 });
    expect(last.reason).toBe('0 replicas: queue: no series, which means no load');
  });

  test('but not where the whole metric is missing, nor with bad values', () => {
    const policy = policyWith({ signals: [{ ...queue, absence: 'idle' }] });
    follow(policy, [
      [0, pods(30, 30), 6],
      [5, reads(answered([], false)), { desired: 6, verdict: 'held' }],
      [10, pods(NaN), { desired: 6, verdict: 'held' }],
      [15, reads((now) => answered(perPod([0], now - 91 * SECOND))), { desired: 6, verdict: 'held' }],
      [20, sourceGone, { desired: 6, verdict: 'held' }],
    ]);
  });

  test('all signals must be idle', () => {
    const policy = policyWith({ signals: [gpu, queue] });
    const both = (percent: number, waiting: number) =>
      reads(
        (now) => answered(perPod([percent], now)),
        (now) => answered(perPod([waiting], now)),
      );
    follow(policy, [
      [0, both(0, 1), 1],
      [5, both(1, 0), 1],
      [10, both(0, 0), 0],
    ]);
  });
});

describe('at zero', () => {
  test('the wake signal wakes one, and the start is waited for', () => {
    follow(policyWith({ wake: gateway }), [
      ...atZero,
      [120, andWake(nothing, 0), 0],
      [130, andWake(nothing, 0.2), { desired: 1, active: true, metrics: [1] }],
      ...every(15, 145, 715, andWake(hpaAsking(nothing), 0), { desired: 1, verdict: 'fresh', active: true }),
      [718, pods(40), 1],
    ]);
  });

  test('a signal with a target of its own says how many', () => {
    const policy = policyWith({ wake: { ...gateway, target: 2, sized: true }, maxReplicas: 8 });
    follow(policy, [
      ...atZero,
      [120, andWake(nothing, 9), { desired: 5, active: true, metrics: [5] }],
      [135, andWake(nothing, 30), 8],
      [150, andWake(nothing, 1), 8],
    ]);
  });

  test('at or below its activation nothing wakes', () => {
    const policy = policyWith({ wake: { ...gateway, activation: 2 } });
    const { last } = follow(policy, [...atZero, [120, andWake(nothing, 2), { desired: 0, active: false }]]);
    expect(last.reason).toBe('0 replicas: at zero: gateway 2 requests/s, wakes above 2');
  });

  test('no wake signal: zero stands', () => {
    const { last } = follow(policyWith(), [
      [0, pods(0), 0],
      [600, nothing, { desired: 0, verdict: 'fresh', active: false }],
    ]);
    expect(last.reason).toContain('there is no wake signal');
  });

  test.each([
    ['fails', failed('timeout')],
    ['has not been read', unread],
    ['gives NaN', answered([{ pod: null, value: NaN, at: START }])],
  ])('a wake signal that %s: held at zero, then blind', (_, wake) => {
    follow(policyWith({ wake: gateway }), [
      ...atZero,
      [120, andWake(nothing, wake), { desired: 0, verdict: 'held', active: false }],
      [420, andWake(nothing, wake), { desired: 0, verdict: 'held', active: false }],
      [421, andWake(nothing, wake), { desired: 0, verdict: 'blind', active: false }],
      [436, andWake(nothing, 1), { desired: 1, verdict: 'fresh', active: true }],
    ]);
  });

  test('a start that never reports becomes blind while the HPA sees it, and is up to the wake signal otherwise', () => {
    const woken: Row[] = [...atZero, [120, andWake(nothing, 1), 1]];
    follow(policyWith({ wake: gateway }), [
      ...woken,
      [719, andWake(hpaAsking(nothing), 0), 1],
      [720, andWake(hpaAsking(nothing), 0), { desired: 1, verdict: 'held', active: true }],
      [1021, andWake(hpaAsking(nothing), 0), { desired: 1, verdict: 'blind' }],
    ]);
    follow(policyWith({ wake: gateway }), [
      ...woken,
      [720, andWake(nothing, 0), { desired: 0, verdict: 'fresh', active: false }],
    ]);
  });

  test('an HPA that asks proves replicas: held and then blind, not idle for ever', () => {
    const { decisions } = follow(policyWith({ wake: gateway }), [
      ...atZero,
      [120, andWake(hpaAsking(nothing), 0), { desired: 0, verdict: 'held', active: false }],
      [421, andWake(hpaAsking(nothing), 0), { desired: 0, verdict: 'blind' }],
      [500, andWake(nothing, 0), { desired: 0, verdict: 'fresh', active: false }],
    ]);
    expect(decisions[3]?.reason).toMatch(/^blind: gpu-util: no series for this workload; blind for 5 min/);
  });

  test('a request that comes while the HPA still asks wakes all the same', () => {
    follow(policyWith({ wake: gateway }), [
      ...atZero,
      [120, andWake(hpaAsking(nothing), 0), { desired: 0, verdict: 'held' }],
      [125, andWake(hpaAsking(nothing), 4), { desired: 1, verdict: 'fresh', active: true }],
      [600, andWake(hpaAsking(nothing), 0), { desired: 1, verdict: 'fresh', active: true }],
    ]);
  });

  test('a queue of its own speaks at zero too', () => {
    follow(policyWith({ signals: [queue] }), [
      [0, whole(0), { desired: 0, active: false }],
      [15, whole(25), { desired: 3, active: true }],
    ]);
  });
});

describe('with cluster access', () => {
  const zero = { current: 0, ready: 0 };

  test('zero is known, from the first moment', () => {
    const { last } = follow(policyWith({ wake: gateway }), [
      [0, inCluster(andWake(nothing, 0), zero), { desired: 0, verdict: 'fresh', active: false }],
      [15, inCluster(andWake(nothing, 3), zero), { desired: 1, active: true, metrics: [1] }],
    ]);
    expect(last.presumesZero).toBe(false);
  });

  test('none ready yet: what was asked for stands, and no less than what the cluster has', () => {
    follow(policyWith({ wake: gateway }), [
      [0, inCluster(nothing, { current: 3, ready: 0 }), { desired: 3, verdict: 'fresh' }],
      [15, inCluster(nothing, { current: 3, ready: 0 }), 3],
      [30, inCluster(nothing, { current: 1, ready: 0 }), 3],
      [45, inCluster(nothing, { current: 1, ready: 1 }), { desired: 3, verdict: 'held' }],
    ]);
  });

  test('replicas that have never reported are blind', () => {
    follow(policyWith({ wake: gateway }), [
      [0, inCluster(andWake(nothing, 0), { current: 3, ready: 3 }), { verdict: 'blind' }],
    ]);
  });
});

describe('a scaler that has never seen data', () => {
  test('is blind without a wake signal', () => {
    const { last } = follow(policyWith(), [[0, nothing, { verdict: 'blind', active: false }]]);
    expect(last.reason).toContain('absence is not zero');
    expect(last.presumesZero).toBe(true);
    expect(last.needsWake).toBe(true);
  });

  test('presumes zero where the sources answer and the wake signal is idle, and goes on presuming', () => {
    const presumed = { desired: 0, verdict: 'fresh', active: false } as const;
    const { decisions, state } = follow(policyWith({ wake: gateway }), [
      [0, andWake(nothing, 0), presumed],
      [5, andWake(nothing, 0), presumed],
      [10, andWake(hpaAsking(nothing), 0), { verdict: 'blind' }],
    ]);
    expect(decisions.map((each) => each.presumesZero)).toEqual([true, true, false]);
    expect(decisions[2]?.reason).toContain('no earlier decision to stand on');
    expect(state.asked).toBeNull();
  });

  test.each([
    ['fails', sourceGone],
    ['has not been asked', reads(unread)],
    ['has no reading', reads()],
    ['has old samples', reads((now) => answered(perPod([5, 5], now - 600 * SECOND)))],
    ['has bad samples', pods(NaN)],
  ])('presumes nothing while a source %s', (_, view) => {
    follow(policyWith({ wake: gateway }), [[0, andWake(view, 0), { verdict: 'blind', active: false }]]);
  });

  test.each([
    ['fails', failed('timeout')],
    ['has not been read', unread],
    ['is nowhere', answered([], false)],
  ])('presumes nothing while the wake signal %s', (_, wake) => {
    follow(policyWith({ wake: gateway }), [[0, andWake(nothing, wake), { verdict: 'blind', active: false }]]);
  });

  test('wakes on the wake signal, but an HPA must not take the 1 for what to scale down to', () => {
    const { decisions, state } = follow(policyWith({ wake: gateway }), [
      [0, andWake(sourceGone, 3), { desired: 1, verdict: 'fresh', active: true }],
      [5, andWake(nothing, 0), { desired: 1, verdict: 'fresh', active: true }],
      [599, andWake(hpaAsking(nothing), 0), { desired: 1, active: true }],
      [600, andWake(hpaAsking(nothing), 0), { verdict: 'blind' }],
      [605, andWake(nothing, 0), { desired: 0, active: false }],
    ]);
    expect(decisions.map((each) => each.presumesZero)).toEqual([true, true, true, false, true]);
    expect(state.asked).toBeNull();
  });

  test('an HPA that has not asked for four syncs proves zero, and the next wake is answered to it too', () => {
    const { decisions, state } = follow(policyWith({ wake: gateway }), [
      [0, andWake(nothing, 0), { desired: 0, active: false }],
      [60, andWake(nothing, 0), { desired: 0, active: false }],
      [65, andWake(nothing, 0), { desired: 0, active: false }],
      [70, andWake(nothing, 3), { desired: 1, active: true }],
      [75, andWake(hpaAsking(nothing), 3), { desired: 1, verdict: 'fresh', active: true }],
    ]);
    expect(decisions.map((each) => each.presumesZero)).toEqual([true, true, true, false, false]);
    expect(state.asked).toBe(1);
  });

  test('takes zero for proven after four syncs without the HPA, so that the next wake-up is sized', () => {
    const policy = policyWith({ wake: { ...gateway, target: 2, sized: true } });
    const { decisions } = follow(policy, [
      [0, andWake(nothing, 0), 0],
      [40, hpaAsking(andWake(nothing, 0)), { verdict: 'blind' }],
      [45, andWake(nothing, 0), 0],
      [109, andWake(nothing, 0), 0],
      [110, andWake(nothing, 0), 0],
      [115, andWake(nothing, 9), { desired: 5, active: true }],
      [130, hpaAsking(andWake(nothing, 0)), 5],
    ]);
    expect(decisions.map((each) => each.presumesZero)).toEqual([true, false, true, true, true, false, false]);
  });

  test('an HPA that asks while pods start proves nothing', () => {
    const { state } = follow(policyWith({ wake: gateway }), [
      [0, andWake(nothing, 1), 1],
      ...every(15, 15, 590, hpaAsking(andWake(nothing, 0)), 1),
    ]);
    expect(state.asked).toBeNull();
  });

  test('knows what it sees at once', () => {
    const { last } = follow(policyWith({ wake: gateway }), [[0, pods(40, 40, 40), 3]]);
    expect(last).toMatchObject({ presumesZero: false, needsWake: false });
  });

  test('the minimum is published on the presumption, and blindness is not covered up by it', () => {
    const policy = policyWith({ wake: gateway, minReplicas: 2 });
    follow(policy, [[0, andWake(nothing, 0), { desired: 2, verdict: 'fresh', active: true }]]);
    follow(policy, [[0, andWake(sourceGone, 0), { verdict: 'blind' }]]);
  });
});

/** With no data at all there is no way to `active: false` on a fresh verdict but these. */
test('a first decision is never idle on nothing', () => {
  const views = [nothing, sourceGone, reads(unread), reads(), pods(NaN), reads(answered([], false))];
  for (const wake of [null, gateway, { ...gateway, required: true }]) {
    for (const view of views) {
      const policy = policyWith({ wake });
      const { decision } = decide(
        follow(policy, [[0, pods(40, 40), 2]]).state,
        view(START + 5000),
        policy,
        START + 5000,
      );
      expect(decision).toMatchObject({ desired: 2, verdict: 'held', active: true });
    }
  }
});
