import { describe, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/core/time.js';
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
  type Row,
} from './timeline.js';

/** Absence is not zero: nothing scales down because data are missing. */

const three: Row = [0, pods(40, 40, 40), 3];

describe('one of three pods without data', () => {
  test('counts at the target when the rest say down, for however long', () => {
    follow(policyWith(), [three, ...every(60, 15, 3600, pods(38, 38, null), 3)]);
  });

  test('keeps all replicas for holdFor when the rest are idle, and its own after that', () => {
    const { decisions } = follow(policyWith(), [
      three,
      ...every(15, 15, 300, pods(0, 0, null), { desired: 3, verdict: 'fresh', active: true }),
      [301, pods(0, 0, null), 1],
    ]);
    expect(decisions[1]?.reason).toContain('1 of 3 fell silent: no scale-down for 5 min after that');
  });

  test('two silent pods are not taken for gone one after the other', () => {
    follow(policyWith(), [three, ...every(5, 5, 300, pods(0, null, null), { desired: 3, active: true })]);
  });

  test('a pod that leaves after the scale-down that was asked for is gone', () => {
    follow(policyWith(), [
      three,
      [15, pods(20, 20, 20), 2],
      [30, pods(20, 20), 1],
      [45, pods(20), 1],
      [60, pods(0), 0],
    ]);
  });

  test('a pod that was replaced is not missing', () => {
    const replaced = reads((now) => answered(perPod([null, 20, 20, 20], now)));
    follow(policyWith(), [three, [15, pods(null, 20, 20), 3], [60, replaced, 2]]);
  });

  test('counts at zero when the rest say up: the two need 6, and the third may be idle', () => {
    follow(policyWith({ burst: false }), [three, [15, pods(120, 120, null), 6]]);
  });

  test('does not turn a rise into a fall: 1.2 times on two of three is not enough', () => {
    follow(policyWith(), [three, [15, pods(48, 48, null), 3]]);
  });

  test('does not turn a fall into a rise', () => {
    follow(policyWith(), [three, [15, pods(38, 38, null), 3]]);
  });

  test('a queue counts it at the target too', () => {
    const policy = policyWith({ signals: [queue] });
    follow(policy, [
      [0, inCluster(pods(10, 10, 10), { current: 3, ready: 3 }), 3],
      [15, inCluster(pods(4, 4, null), { current: 3, ready: 3 }), 2],
      [30, inCluster(pods(4, 4), { current: 2, ready: 2 }), 1],
    ]);
  });

  test('a queue does not turn a fall into a rise, and is not corrected upwards', () => {
    const policy = policyWith({ signals: [queue], burst: false });
    follow(policy, [
      [0, pods(10, 10, 10), 3],
      [15, pods(14, 14, null), 3], // 2.8 and one at the target: 3.8 would be a rise
      [30, pods(20, 20, null), 4], // 4, and nothing on top
    ]);
  });

  test('with cluster access the ready pods say how many are missing', () => {
    follow(policyWith(), [
      [0, inCluster(pods(0, null, null), { current: 3, ready: 3 }), 2],
      [15, inCluster(pods(0, 0, 0), { current: 3, ready: 3 }), 0],
    ]);
  });

  test('exactly at the target on two of three leaves three', () => {
    follow(policyWith(), [[0, inCluster(pods(40, 40, null), { current: 3, ready: 3 }), 3]]);
  });

  test('is only said where it makes a difference', () => {
    const { decisions } = follow(policyWith({ burst: false }), [three, [15, pods(200, 200, null), 10]]);
    expect(decisions.map((each) => each.stages.map(({ stage }) => stage))).toEqual([['demand'], ['demand']]);
  });

  test('a pod that reports one signal and not the other is missing for the other', () => {
    const policy = policyWith({ signals: [gpu, queue] });
    const both = (second: (number | null)[]) =>
      reads(
        (now) => answered(perPod([0, 0, 0], now)),
        (now) => answered(perPod(second, now)),
      );
    follow(policy, [
      [0, both([9, 9, 9]), 3],
      [15, both([0, 0, null]), 1],
      [30, both([0, 0, null]), 1],
      [45, both([0, 0, 0]), 0],
    ]);
  });
});

describe('all pods without data', () => {
  const blinding: [string, Row[1]][] = [
    ['a source that answers without them', nothing],
    ['a source that is gone', sourceGone],
    ['a source that lost the metric altogether', reads(answered([], false))],
    ['a source that has not been asked', reads(unread)],
    ['no reading at all', reads()],
    ['NaN', pods(NaN, NaN, NaN)],
    ['+Inf', pods(Infinity, Infinity, Infinity)],
    ['negative values', pods(-1, -0.5, -Infinity)],
    ['values beyond all measure', pods(1e300, 1e17, 2 ** 54)],
    ['samples of two minutes ago', reads((now) => answered(perPod([0, 0, 0], now - 2 * MINUTE)))],
    ['samples of tomorrow', reads((now) => answered(perPod([0, 0, 0], now + 86_400_000)))],
    ['samples without a time', reads(answered(perPod([0, 0, 0], NaN)))],
  ];

  test.each(blinding)('%s: held for holdFor, then blind, then back', (_, blind) => {
    const { decisions } = follow(policyWith({ wake: gateway }), [
      three,
      ...every(15, 15, 315, andWake(blind, 0), { desired: 3, verdict: 'held', active: true, metrics: [3] }),
      [316, andWake(blind, 0), { desired: 3, verdict: 'blind' }],
      [7200, andWake(blind, 0), { desired: 3, verdict: 'blind' }],
      [7215, pods(40, 40, 40), 3],
    ]);
    expect(decisions[1]?.reason).toMatch(/gpu-util: .*the last decision stands for another/);
    expect(decisions.at(-2)?.reason).toMatch(/^blind: gpu-util: .*holdFor is 5 min/);
    expect(decisions.at(-1)?.reason).toContain('gpu-util mean 40 percent on 3 pods');
  });

  test.each(blinding)('%s with cluster access', (_, blind) => {
    const ready = { current: 3, ready: 3 };
    follow(policyWith({ wake: gateway }), [
      [0, inCluster(pods(40, 40, 40), ready), 3],
      ...every(15, 15, 315, inCluster(andWake(blind, 0), ready), { desired: 3, verdict: 'held' }),
      [330, inCluster(andWake(blind, 0), ready), { desired: 3, verdict: 'blind' }],
      [345, inCluster(pods(40, 40, 40), ready), 3],
    ]);
  });

  test('holdFor 0 is blind after the first silent moment, and never idle', () => {
    follow(policyWith({ holdFor: 0, wake: gateway }), [
      three,
      [15, andWake(nothing, 0), { desired: 3, verdict: 'held' }],
      [30, andWake(nothing, 0), { desired: 3, verdict: 'blind' }],
      [45, andWake(nothing, 0), { desired: 3, verdict: 'blind' }],
    ]);
  });

  test('a process that slept for an hour wakes up blind, not at zero', () => {
    follow(policyWith({ wake: gateway }), [
      three,
      [3600, andWake(nothing, 0), { desired: 3, verdict: 'held' }],
      [3915, andWake(nothing, 0), { desired: 3, verdict: 'blind' }],
    ]);
  });

  test('a queue that belongs to no pod is held as well', () => {
    const policy = policyWith({ signals: [queue], wake: gateway });
    const backlog = reads((now) => answered([{ pod: null, value: 50, at: now }]));
    follow(policy, [
      [0, backlog, 5],
      [700, andWake(sourceGone, 0), { desired: 5, verdict: 'held' }],
      [1015, andWake(sourceGone, 0), { desired: 5, verdict: 'blind' }],
    ]);
  });

  test('after holdFor a push may still wake what somebody scaled to zero by hand', () => {
    follow(policyWith({ wake: gateway, holdFor: 0 }), [
      three,
      [15, andWake(nothing, 2), { verdict: 'held', active: true }],
      [30, andWake(nothing, 2), { verdict: 'blind', active: true }],
      [45, andWake(nothing, 0), { verdict: 'blind', active: false }],
    ]);
  });
});

describe('a source that fails', () => {
  const lastSeen = (ago: number) =>
    reads((now) => failed('no answer within 4000 ms', perPod([27, 27, 27], now - ago * SECOND)));

  test('its last values count until they are too old, and the decision says so', () => {
    const { decisions } = follow(policyWith(), [
      [0, pods(27, 27, 27), 3],
      [60, lastSeen(60), 3],
      [90, lastSeen(90), 3],
      [91, lastSeen(91), { desired: 3, verdict: 'held' }],
    ]);
    expect(decisions[1]?.reason).toContain('on values up to 60 s old: no answer within 4000 ms');
    expect(decisions[3]?.reason).toContain('no sample younger than 90 s; no answer within 4000 ms');
  });

  test('samples two minutes ahead count: a clock that runs ahead is no outage', () => {
    follow(policyWith(), [[0, reads((now) => answered(perPod([27, 27, 27], now + 2 * MINUTE))), 3]]);
  });

  test('single bad values leave the others', () => {
    const { last } = follow(policyWith(), [three, [15, pods(40, NaN, 40), 3]]);
    expect(last.signals[0]).toMatchObject({ pods: 2, faults: { unsound: 1, stale: 0, duplicate: 0 } });
  });

  test('of two values for one pod the larger stands', () => {
    const twice = reads((now) =>
      answered([...perPod([0, 0], now), ...perPod([40, 40], now), ...perPod([3], now)]),
    );
    const { last } = follow(policyWith(), [[0, twice, 2]]);
    expect(last.signals[0]?.faults.duplicate).toBe(3);
  });

  test('the age is that of the oldest sample', () => {
    const uneven = reads((now) =>
      answered([
        { pod: 'a', value: 40, at: now - 80 * SECOND },
        { pod: 'b', value: 40, at: now },
      ]),
    );
    expect(follow(policyWith(), [[0, uneven, 2]]).last.signals[0]?.age).toBe(80 * SECOND);
  });
});

describe('one of two signals', () => {
  const policy = policyWith({ signals: [gpu, queue], burst: false });
  const both = (percent: number, waiting: Row[1]): Row[1] => {
    return (now) => ({
      ...pods(percent, percent, percent)(now),
      readings: [...pods(percent, percent, percent)(now).readings, ...waiting(now).readings],
    });
  };

  test.each([
    ['fails', sourceGone],
    ['has not been read', reads(unread)],
    ['has no reading', reads()],
    ['answers for nobody', reads(answered([], false))],
  ])('%s: the other may raise and not lower', (_, silent) => {
    const { decisions } = follow(policy, [
      [0, both(40, pods(10, 10, 10)), 3],
      [15, both(20, silent), 3],
      [30, both(0, silent), { desired: 3, verdict: 'fresh', active: true }],
      [45, both(80, silent), 6],
      [60, both(0, pods(0, 0, 0)), 0],
    ]);
    expect(decisions[1]?.reason).toContain('no scale-down without it');
  });

  test('silent from the first moment, nothing goes to zero', () => {
    follow(policy, [[0, both(0, reads(unread)), { desired: 3, active: true }]]);
  });

  test('a rollout that shows old and new pods asks for no more', () => {
    const six = (now: number) => answered(perPod([20, 20, 20, 20, 20, 20], now));
    follow(policy, [
      [0, both(40, pods(10, 10, 10)), 3],
      [15, reads(six, failed('gone')), 3],
    ]);
  });

  test('with cluster access what runs stands', () => {
    const ready = { current: 5, ready: 5 };
    follow(policy, [
      [0, inCluster(both(40, pods(10, 10, 10)), { current: 3, ready: 3 }), 3],
      [15, inCluster(both(10, sourceGone), ready), 5],
    ]);
  });

  test('with cluster access what was asked for stands although it has not come', () => {
    follow(policy, [
      [0, inCluster(both(40, pods(10, 10, 20)), { current: 3, ready: 3 }), 4],
      [15, inCluster(both(10, sourceGone), { current: 3, ready: 3 }), 4],
    ]);
  });

  test("at zero the pods' own signal is silent, and that wakes nobody", () => {
    const backlog = (value: number) =>
      reads(answered([]), (now) => answered([{ pod: null, value, at: now }]));
    follow(policy, [
      [0, both(0, pods(0, 0, 0)), 0],
      [15, hpaAsking(backlog(0)), 0],
      [90, backlog(0), { desired: 0, verdict: 'fresh', active: false }],
      [105, inCluster(backlog(0), { current: 0, ready: 0 }), 0],
      [120, backlog(25), 3],
    ]);
  });

  test('and keeps at least one where nobody knows that nothing runs', () => {
    const backlog = reads(answered([]), (now) => answered([{ pod: null, value: 0, at: now }]));
    follow(policy, [[0, backlog, { desired: 1, active: true }]]);
  });
});

describe('a clock that is set back', () => {
  const before = (seconds: number): number => seconds - 86_400;

  test('does not stretch what was held', () => {
    const policy = policyWith({ scaleDownWindow: 60_000 });
    const { state } = follow(policy, [
      [0, pods(10), 1],
      [5, pods(200), 5],
      [10, nothing, { verdict: 'held' }],
    ]);
    const rows: Row[] = [
      [before(0), nothing, { desired: 5, verdict: 'held' }],
      [before(300), nothing, { desired: 5, verdict: 'held' }],
      [before(301), nothing, { verdict: 'blind' }],
    ];
    follow(policy, rows, state);
    follow(
      policy,
      [
        [before(0), pods(10), 5],
        [before(59), pods(10), 5],
        [before(119), pods(10), 1],
      ],
      state,
    );
  });

  test('leaves no moment ahead in the state', () => {
    const policy = policyWith({ scaleDownWindow: 60_000 });
    const { state } = follow(policy, [
      [0, pods(10), 1],
      [5, pods(200), 5],
    ]);
    const { state: after } = follow(policy, [[before(0), pods(10), { verdict: 'fresh' }]], state);
    const moments =
      JSON.stringify(after)
        .match(/\d{12,}/g)
        ?.map(Number) ?? [];
    expect(Math.max(...moments)).toBeLessThanOrEqual(START + (before(0) + 60) * SECOND);
    expect(moments.length).toBeGreaterThan(0);
  });
});
