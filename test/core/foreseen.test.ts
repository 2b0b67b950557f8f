import { describe, expect, test } from 'vitest';
import type { Advice } from '../../src/core/observation.js';
import {
  answered,
  failed,
  follow,
  gpu,
  inCluster,
  nothing,
  perPod,
  pods,
  policyWith,
  queue,
  reads,
  sourceGone,
  whole,
  type View,
} from './timeline.js';

const backlog = policyWith({ signals: [queue], burst: false, forecast: 'on' });

function foreseeing(view: View, forecast: Advice | null): View {
  return (now) => ({ ...view(now), forecast });
}

function advice(replicas: number, standsBack?: boolean): Advice {
  return { replicas, why: `needed with ${replicas} %`, ...(standsBack === undefined ? {} : { standsBack }) };
}

function stagesOf(view: View, policy = backlog): string[] {
  return follow(policy, [[0, view, {}]]).last.stages.map(({ stage, replicas }) => `${stage} ${replicas}`);
}

describe('on whole data', () => {
  test('the forecast’s word replaces the demand, in both directions', () => {
    const { decisions } = follow(backlog, [
      [0, foreseeing(whole(30), advice(5)), 5],
      [15, foreseeing(whole(30), advice(2)), 2],
      [30, foreseeing(whole(30), advice(0)), { desired: 0, active: false }],
      [45, foreseeing(whole(0), advice(4)), { desired: 4, active: true }],
    ]);
    expect(decisions.map(({ reason }) => reason.includes('needed with'))).toEqual([true, true, true, true]);
  });

  test('it says so where both say the same', () => {
    expect(stagesOf(foreseeing(whole(30), advice(3)))).toEqual(['demand 3', 'forecast 3']);
  });

  test('it stays within the bounds', () => {
    const bounded = { ...backlog, minReplicas: 2, maxReplicas: 6 };
    follow(bounded, [
      [0, foreseeing(whole(30), advice(50)), 6],
      [15, foreseeing(whole(30), advice(0)), 2],
    ]);
  });

  test('it goes before a burst, which holds for want of better knowledge', () => {
    const policy = { ...backlog, burst: true };
    follow(policy, [
      [0, foreseeing(whole(10), advice(1)), 1],
      [5, foreseeing(whole(200), advice(9)), 9],
    ]);
  });
});

describe('where something is not known', () => {
  const half = { ...backlog, signals: [queue, gpu] };
  const silentGpu = reads((now) => answered([{ pod: null, value: 30, at: now }]), answered([]));

  test('it may raise while a signal is silent, and not lower', () => {
    const view = inCluster(silentGpu, { current: 3, ready: 3 });
    follow(half, [[0, foreseeing(view, advice(7)), 7]]);
    const { last } = follow(half, [[0, foreseeing(view, advice(1)), 3]]);
    expect(last.stages.some(({ stage }) => stage === 'forecast')).toBe(false);
  });

  test('it may raise on what a failing source said last, and not lower', () => {
    const last = reads((now) => failed('connection refused', [{ pod: null, value: 30, at: now - 30_000 }]));
    follow(backlog, [[0, foreseeing(last, advice(7)), 7]]);
    follow(backlog, [[0, foreseeing(last, advice(1)), 3]]);
  });

  test('it may wake what is at zero, and keep what starts', () => {
    const asleep = inCluster(nothing, { current: 0, ready: 0 });
    const starting = inCluster(nothing, { current: 2, ready: 0 });
    const woken = policyWith({ forecast: 'on', burst: false });
    follow(woken, [
      [0, foreseeing(asleep, advice(0)), { desired: 0, active: false }],
      [15, foreseeing(asleep, advice(2)), { desired: 2, active: true }],
      [30, foreseeing(starting, advice(0)), { desired: 2, active: true }],
      [45, foreseeing(starting, advice(4)), 4],
    ]);
  });

  test('it may raise what is held, and leaves a blind decision alone', () => {
    const policy = policyWith({ forecast: 'on', burst: false, holdFor: 60_000 });
    const { decisions } = follow(policy, [
      [0, foreseeing(pods(40, 40), advice(2)), 2],
      [200, foreseeing(sourceGone, advice(1)), { desired: 2, verdict: 'held' }],
      [215, foreseeing(sourceGone, advice(5)), { desired: 5, verdict: 'held' }],
      [500, foreseeing(sourceGone, advice(9)), { desired: 5, verdict: 'blind' }],
    ]);
    expect(decisions.at(-1)?.reason).not.toContain('needed with');
  });
});

describe('a forecast that does not count', () => {
  test('is one that stands back: it says so, and the signals decide', () => {
    const { last } = follow(backlog, [[0, foreseeing(whole(30), advice(9, true)), 3]]);
    expect(last.reason).toContain('needed with 9 %');
    expect(stagesOf(foreseeing(whole(30), advice(9, false)))).toContain('forecast 9');
  });

  test('is any where the trigger wants none', () => {
    expect(stagesOf(foreseeing(whole(30), advice(9)), { ...backlog, forecast: 'off' })).toEqual(['demand 3']);
  });

  test('is none', () => {
    expect(stagesOf(foreseeing(whole(30), null))).toEqual(['demand 3']);
    expect(stagesOf(whole(30))).toEqual(['demand 3']);
  });
});

describe('until the forecast speaks', () => {
  const after = (advised: Advice | null, policy = backlog) =>
    follow(policy, [
      [0, foreseeing(whole(80), advised), {}],
      [15, foreseeing(whole(10), advised), {}],
      [200, foreseeing(whole(10), advised), {}],
      [320, foreseeing(whole(10), advised), {}],
    ]).decisions.map(({ desired }) => desired);

  test('replicas are held for five minutes, as an HPA would', () => {
    expect(after(null)).toEqual([8, 8, 8, 1]);
    expect(after(null, { ...backlog, forecast: 'auto' })).toEqual([8, 8, 8, 1]);
  });

  test('they are held while it stands back', () => {
    expect(after(advice(2, true), { ...backlog, forecast: 'auto' })).toEqual([8, 8, 8, 1]);
  });

  test('they are held for longer where the trigger says so', () => {
    expect(after(null, { ...backlog, scaleDownWindow: 600_000 })).toEqual([8, 8, 8, 8]);
  });

  test('and from then on its word holds at once', () => {
    const { decisions } = follow(backlog, [
      [0, foreseeing(whole(80), advice(8)), 8],
      [15, foreseeing(whole(10), advice(1)), 1],
    ]);
    expect(decisions).toHaveLength(2);
    follow({ ...backlog, scaleDownWindow: 60_000 }, [
      [0, foreseeing(whole(80), advice(8)), 8],
      [15, foreseeing(whole(10), advice(1)), 8],
      [75, foreseeing(whole(10), advice(1)), 1],
    ]);
  });

  test('a trigger without one is left to the HPA', () => {
    expect(after(null, { ...backlog, forecast: 'off' })).toEqual([8, 1, 1, 1]);
  });
});

test('pods that fell silent keep the forecast from lowering, since nobody knows that they are gone', () => {
  const policy = policyWith({ forecast: 'on', burst: false });
  const one = reads((now) => answered(perPod([40], now)));
  follow(policy, [
    [0, foreseeing(pods(40, 40, 40), advice(3)), 3],
    [120, foreseeing(one, advice(1)), 3],
    [135, foreseeing(one, advice(5)), 5],
  ]);
});
