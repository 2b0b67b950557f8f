import { describe, expect, test } from 'vitest';
import { arrivalsSince, type LoadSeen } from '../../../src/core/forecast/arrivals.js';
import { planLoad, type LoadPlan, type LoadRole } from '../../../src/core/forecast/load-plan.js';
import {
  loadNow,
  type CountedByPod,
  type LoadEvidence,
  type LoadNow,
} from '../../../src/core/forecast/load.js';
import type { LoadSample } from '../../../src/core/forecast/observe.js';
import { NO_FAULTS, type Evidence } from '../../../src/core/read.js';

const NOW = 1_800_000_000_000;
/** 4 slots of 8 s: a replica serves 0.5 requests/s. */
const WORK = { slots: 4, serviceTime: 8000 };
const unread: Evidence = { kind: 'unread' };
const idle: Evidence = { kind: 'idle', why: 'no series' };
const absent: Evidence = { kind: 'absent', nobody: false, why: 'gone', faults: NO_FAULTS };

/** Values by pod; a number alone is that of the workload as a whole. */
function fresh(values: Readonly<Record<string, number>> | number, at = NOW - 5000): Evidence {
  const samples =
    typeof values === 'number'
      ? [{ pod: null, value: values, at }]
      : Object.entries(values).map(([pod, value]) => ({ pod, value, at }));
  return { kind: 'fresh', samples, age: NOW - at, faults: NO_FAULTS, failing: null };
}

function planOf(...roles: (LoadRole | `${LoadRole}+served`)[]): LoadPlan | null {
  return planLoad(
    roles.map((role) => ({
      role: role.replace('+served', '') as LoadRole,
      tellsServed: role.endsWith('+served'),
    })),
  );
}

/** Counts of 20 s ago, by pod, so that a rate of 0.4 has counted 8 more by now. */
function countedBefore(counts: Readonly<Record<string, number>>): CountedByPod {
  return new Map(Object.entries(counts).map(([pod, count]) => [pod, { count, at: NOW - 25_000 }]));
}

function look(
  plan: LoadPlan | null,
  known: Partial<LoadEvidence>,
  before: CountedByPod = new Map(),
): LoadNow | null {
  const nothing: LoadEvidence = {
    signals: [],
    served: unread,
    wake: unread,
    wakeRole: 'none',
    replicas: null,
    current: 0,
    full: 1,
  };
  return loadNow(plan!, { ...nothing, ...known }, before, WORK, NOW);
}

describe('which signals tell the load', () => {
  test('none of those that are times or ratios, where nothing counts what is served', () => {
    expect(planOf('none')).toBeNull();
    expect(planOf()).toBeNull();
  });

  test('requests at the door before requests inside, and nothing is asked of what leaves', () => {
    expect(planOf('inSystem+served', 'arrivals')).toMatchObject({ arrivals: 1, inSystem: 0, served: null });
  });

  test('both together before either, and each part where there is no whole', () => {
    expect(planOf('waiting', 'inSystem+served')).toMatchObject({ inSystem: 1, waiting: null, served: 1 });
    expect(planOf('waiting+served', 'running')).toMatchObject({ waiting: 0, running: 1, served: 0 });
    expect(planOf('none+served', 'waiting')).toMatchObject({ waiting: 1, served: 0 });
  });

  test.each([
    ['running', /requests that run/],
    ['none+served', /requests served/],
    ['busy', /utilisation/],
  ] as const)('%s says that a saturated server hides demand', (role, words) => {
    expect(planOf(role)?.caveat).toMatch(words);
    expect(planOf(role)?.caveat).toMatch(/a saturated server hides demand/);
  });

  test.each(['arrivals', 'inSystem', 'waiting'] as const)('%s hides nothing', (role) => {
    expect(planOf(role)?.caveat).toBeNull();
  });

  test('utilisation only where there is nothing better', () => {
    expect(planOf('busy', 'waiting')?.busy).toBeNull();
    expect(planOf('busy+served')).toMatchObject({ busy: null, served: 0 });
    expect(planOf('none', 'busy')?.busy).toBe(1);
  });
});

describe('the load at one moment', () => {
  test('waiting and running together are told apart by the slots of each pod', () => {
    const signals = [fresh({ a: 10, b: 1 })];
    const load = look(
      planOf('inSystem+served'),
      { signals, served: fresh({ a: 108, b: 52 }) },
      countedBefore({ a: 100, b: 50 }),
    );
    expect(load).toMatchObject({ at: NOW - 5000, arriving: null, waiting: 6, running: 5, ready: 2 });
    expect(load?.pods.map(({ served }) => served)).toEqual([0.4, 0.1]);
  });

  test('what leaves a pod that does not tell is what Little’s law says of those that run', () => {
    const load = look(
      planOf('inSystem+served'),
      { signals: [fresh({ a: 10, b: 2, c: 1, d: 3 })], served: fresh({ a: 108, b: 7, c: 3 }) },
      countedBefore({ a: 100, b: 9, d: 4 }), // b began anew or lost a series, c is new, d is silent
    );
    expect(load?.pods.map(({ served }) => served)).toEqual([0.4, 2 / 8, 1 / 8, 3 / 8]);
    expect(load?.counted.get('b')).toEqual({ count: 7, at: NOW - 5000 });
  });

  test('a count that has not been read anew tells nothing', () => {
    const before = new Map([['a', { count: 100, at: NOW - 5000 }]]);
    const load = look(
      planOf('inSystem+served'),
      { signals: [fresh({ a: 2 })], served: fresh({ a: 108 }) },
      before,
    );
    expect(load?.pods[0]?.served).toBe(2 / 8);
  });

  test('a queue for the whole workload has the slots of all that are ready', () => {
    const replicas = { current: 3, ready: 2 };
    expect(look(planOf('inSystem'), { signals: [fresh(20)], replicas })).toMatchObject({
      waiting: 12,
      running: 8,
      ready: 2,
    });
    expect(look(planOf('inSystem'), { signals: [fresh(20)], current: 1 })).toMatchObject({ running: 4 });
  });

  test('a queue that is gone where absence means zero is empty', () => {
    expect(look(planOf('inSystem'), { signals: [idle] })).toMatchObject({ at: NOW, waiting: 0, running: 0 });
  });

  test('waiting and running apart count the pods that have both', () => {
    const signals = [fresh({ a: 7, b: 3 }), fresh({ a: 4 }, NOW - 1000)];
    expect(look(planOf('waiting', 'running'), { signals })).toMatchObject({
      at: NOW - 1000,
      waiting: 7,
      running: 4,
    });
    expect(look(planOf('waiting', 'running'), { signals: [fresh({ a: 7 }), absent] })).toBeNull();
    expect(look(planOf('waiting', 'running'), { signals: [fresh({ a: 7 }), idle] })).toBeNull();
  });

  test('those that run beside a queue follow from what leaves, are all slots while some wait, and else not known', () => {
    const plan = planOf('waiting+served');
    const signals = [fresh({ a: 3, b: 5, c: 0 })];
    const load = look(plan, { signals, served: fresh({ a: 5 }) }, countedBefore({ a: 0 }));
    expect(load?.pods).toMatchObject([
      { pod: 'a', waiting: 3, running: 2 },
      { pod: 'b', waiting: 5, running: 4, served: 0.5 },
    ]);
    expect(look(plan, { signals: [fresh({ c: 0 })], served: absent })).toBeNull();
    expect(look(plan, { signals: [fresh({ c: 0 })], served: fresh({ c: 9 }) })).toMatchObject({
      arriving: 'unknown',
      counted: new Map([['c', { count: 9, at: NOW - 5000 }]]),
    });
    expect(look(plan, { signals: [absent, fresh({ a: 1 })], served: fresh({ c: 9 }) })?.pods).toEqual([]);
    expect(look(planOf('inSystem+served', 'none'), { signals: [absent, fresh({ a: 1 })] })).toBeNull();
    expect(
      look(planOf('inSystem+served', 'none'), {
        signals: [absent, fresh({ a: 1 })],
        served: fresh({ a: 1 }),
      }),
    ).toBeNull();
  });

  test('running alone is what is there', () => {
    expect(look(planOf('running'), { signals: [fresh({ a: 3 })] })).toMatchObject({ waiting: 0, running: 3 });
  });

  test('requests at the door come as they are, with what is inside where that is known', () => {
    const plan = planOf('arrivals', 'inSystem');
    expect(look(plan, { signals: [fresh(2), fresh({ a: 9 })] })).toMatchObject({
      arriving: 2,
      waiting: 5,
      running: 4,
    });
    // 2 requests/s of 8 s would keep 16 slots busy; one replica has 4.
    expect(look(plan, { signals: [fresh(2), absent], current: 1 })).toMatchObject({ running: 4, waiting: 0 });
    expect(look(plan, { signals: [absent, fresh({ a: 9 })] })).toBeNull();
    expect(look(planOf('arrivals'), { signals: [idle] })).toMatchObject({ arriving: 0, at: NOW });
  });

  test('served requests stand for those that come where nothing else is known', () => {
    const plan = planOf('none+served');
    const signals = [fresh({ a: 50 })];
    const served = fresh({ a: 10, b: 5, c: 900 });
    expect(look(plan, { signals, served }, countedBefore({ a: 0, b: 0 }))).toMatchObject({ arriving: 0.75 });
    expect(look(plan, { signals, served })).toMatchObject({ arriving: 'unknown' });
    expect(look(plan, { signals, served: absent })).toBeNull();
  });

  test('a mean of 60 % on 5 ready replicas is 3 replicas full of requests', () => {
    const signals = [fresh({ a: 80, b: 40 })];
    const replicas = { current: 6, ready: 5 };
    const load = look(planOf('busy'), { signals, replicas, full: 100 });
    expect(load?.arriving).toBeCloseTo(1.5, 12); // 3 × 4 slots ÷ 8 s
    expect(load).toMatchObject({ waiting: 0, running: 12 });
    expect(look(planOf('busy', 'none'), { signals: [absent, fresh({ a: 1 })] })).toBeNull();
  });

  test('a sample from ahead of the clock is true now', () => {
    expect(look(planOf('running'), { signals: [fresh({ a: 3 }, NOW + 5000)] })?.at).toBe(NOW);
  });
});

describe('the load while no pod says anything', () => {
  const plan = planOf('inSystem+served');
  const signals = [absent];

  test('is that of the wake signal, where it counts requests', () => {
    const wake = fresh(0.2);
    expect(look(plan, { signals, wake, wakeRole: 'arrivals' })).toMatchObject({
      arriving: 0.2,
      running: 0,
      ready: 0,
    });
    const queue = look(plan, { signals, wake: fresh(7), wakeRole: 'inSystem' });
    expect(queue).toMatchObject({ waiting: 7, running: 0, arriving: null });
    expect(look(plan, { signals, wake: fresh(7), wakeRole: 'waiting' })?.waiting).toBe(7);
  });

  test('is zero where the wake signal is idle or says zero', () => {
    expect(look(plan, { signals, wake: idle, wakeRole: 'arrivals' })).toMatchObject({ arriving: 0, at: NOW });
    expect(look(plan, { signals, wake: fresh(0), wakeRole: 'busy' })?.arriving).toBe(0);
  });

  test('is not known else', () => {
    expect(look(plan, { signals, wake: absent, wakeRole: 'arrivals' })).toBeNull();
    expect(look(plan, { signals, wake: fresh(5), wakeRole: 'busy' })).toBeNull();
    expect(look(plan, { signals })).toBeNull();
  });
});

describe('arrivals', () => {
  interface Seen {
    readonly pods?: Readonly<Record<string, readonly [inSystem: number, served: number]>>;
    readonly arriving?: number | 'unknown';
    readonly ready?: number;
  }

  /** The samples of looks at seconds after NOW. */
  function samplesOf(looks: readonly (readonly [second: number, seen: Seen])[]): (LoadSample | null)[] {
    let kept: LoadSeen | null = null;
    return looks.map(([second, { pods = {}, arriving = null, ready = 1 }]) => {
      const there = Object.entries(pods).map(([pod, [inSystem, served]]) => {
        return { pod, waiting: inSystem, running: 0, served };
      });
      const waiting = there.reduce((sum, pod) => sum + pod.waiting, 0);
      const at = NOW + second * 1000;
      const counted = new Map([['a', { count: second, at }]]);
      const load = { at, arriving, pods: there, waiting, running: 0, ready, counted };
      const { seen, sample } = arrivalsSince(kept, load);
      kept = seen;
      return sample;
    });
  }
  const arrivals = (looks: Parameters<typeof samplesOf>[0]) =>
    samplesOf(looks).map((sample) => sample?.arrivals ?? null);

  test('are what left and what the queue grew by: a saturated server does not look flat', () => {
    const looks = [0, 15, 30, 45].map((t) => [t, { pods: { a: [10 + (t / 15) * 20, 2] } }] as const);
    expect(arrivals(looks)).toEqual([null, 50, 50, 50]);
  });

  test('of a burst stay as many, however late what leaves is seen', () => {
    const steady = (second: number, there: number, served: number) =>
      [second, { pods: { a: [there, served] } }] as const;
    const seen = arrivals([
      steady(0, 0, 0),
      steady(15, 100, 0),
      steady(30, 0, 100 / 60),
      steady(45, 0, 100 / 60),
      steady(60, 0, 100 / 60),
      steady(75, 0, 100 / 60),
      steady(90, 0, 0),
    ]);
    expect(seen.reduce<number>((sum, each) => sum + (each ?? 0), 0)).toBeCloseTo(100, 9);
    expect(seen[1]).toBe(100);
  });

  test('that never come are not waited for longer than two minutes', () => {
    // The pod's process died with 50 requests in it.
    const looks = [0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 150].map(
      (t) => [t, { pods: { a: [t === 0 ? 50 : 0, 0.1] } }] as const,
    );
    const seen = arrivals(looks);
    expect(seen.slice(1, 9)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(seen.at(-1)).toBeCloseTo(1.5, 9);
  });

  test('do not come with a pod that is back, nor leave with one that is gone', () => {
    const both = { a: [5, 0], b: [30, 0] } as const;
    const one = { a: [5, 0] } as const;
    expect(
      arrivals([
        [0, { pods: both }],
        [15, { pods: one }],
        [30, { pods: both }],
      ]),
    ).toEqual([null, 0, 0]);
    expect(
      arrivals([
        [0, { pods: one }],
        [15, { pods: both }],
      ]),
    ).toEqual([null, 30]);
  });

  test('are taken once a beat, from the times of the samples', () => {
    const at = (second: number) => [second, { arriving: 2 }] as const;
    expect(arrivals([at(0), at(5), at(10), at(14.2), at(20), at(29.2), at(20)])).toEqual([
      null,
      null,
      null,
      28.4,
      null,
      30,
      null,
    ]);
  });

  test('of a time without data are not made up', () => {
    const at = (second: number) => [second, { arriving: 2 }] as const;
    expect(arrivals([at(0), at(130), at(145)])).toEqual([null, null, 30]);
  });

  test('that are not known yet are counted from when they were', () => {
    const at = (second: number, arriving: number | 'unknown' = 2) => [second, { arriving }] as const;
    expect(arrivals([at(0), at(15, 'unknown'), at(30)])).toEqual([null, null, 60]);
  });

  test('at zero replicas wait', () => {
    const asleep = (second: number, arriving: number) => [second, { arriving, ready: 0 }] as const;
    expect(samplesOf([asleep(0, 0), asleep(15, 0.2)]).at(-1)).toMatchObject({ arrivals: 3, waiting: 3 });
  });
});
