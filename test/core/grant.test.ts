import { describe, expect, test } from 'vitest';
import { initialState } from '../../src/core/state.js';
import {
  andWake,
  answered,
  every,
  follow,
  gateway,
  inCluster,
  nothing,
  policyWith,
  queue,
  sourceGone,
  whole,
  type View,
} from './timeline.js';

const policy = policyWith({ signals: [queue], burst: false });
const why = 'wanted 9, 6 fit, pool a100 at its maximum';

function granted(view: View, replicas: number): View {
  return (now) => ({ ...view(now), grant: { replicas, why } });
}

describe('where GPUs are short', () => {
  test('no more is asked for than there is room for, and what was wanted is kept', () => {
    const { last } = follow(policy, [[0, granted(whole(90), 6), 6]]);
    expect(last.wanted).toBe(9);
    expect(last.stages).toContainEqual({ stage: 'ceiling', replicas: 6, why });
  });

  test('a grant that suffices says nothing', () => {
    const { last } = follow(policy, [[0, granted(whole(60), 6), 6]]);
    expect(last).not.toHaveProperty('wanted');
    expect(last.reason).not.toContain(why);
  });

  test('it comes after the window, which may hold more than there is room for', () => {
    follow({ ...policy, scaleDownWindow: 300_000 }, [
      [0, whole(90), 9],
      [15, granted(whole(10), 4), 4],
    ]);
  });

  test('a blind workload keeps what runs', () => {
    const running = inCluster(granted(sourceGone, 1), { current: 5, ready: 5 });
    follow(policy, [[0, running, { verdict: 'blind' }]]);
  });
});

describe('a wake signal that the profile brings and nobody exports', () => {
  const absent = answered([], false);
  const idle = andWake(whole(0), absent);

  test('does not keep a GPU busy, but the reason says that nothing will wake it', () => {
    const inherited = { ...policy, wake: gateway };
    const { last } = follow(inherited, [[0, idle, { desired: 0, active: false }]]);
    expect(last.reason).toContain('only a hand or a window would wake it again');
  });

  test('is not warned of while it has not been read', () => {
    const { last } = follow({ ...policy, wake: gateway }, [[0, whole(0), { desired: 0 }]]);
    expect(last.reason).not.toContain('only a hand');
  });
});

describe('while nobody calls', () => {
  const unheard = andWake(nothing, 0);
  const away =
    (view: View): View =>
    (now) => ({ ...view(now), kedaAsks: false });

  test('the silence of the HPA does not prove zero', () => {
    const woken = { ...policy, wake: gateway };
    const heard = follow(woken, every(5, 0, 90, unheard, {}), initialState);
    const alone = follow(woken, every(5, 0, 90, away(unheard), {}), initialState);
    expect(heard.state.asked).toBe(0);
    expect(alone.state.asked).toBeNull();
  });
});
