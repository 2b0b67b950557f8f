import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Setup } from '../../src/replay/setup.js';
import {
  arrive,
  beginSecond,
  inService,
  scale,
  startWaiting,
  workloadOf,
  type Workload,
} from '../../src/replay/workload.js';
import { NaiveWorkload, type Snapshot } from './naive-workload.js';

const SETUP: Setup = {
  slots: 2,
  serviceTime: 4,
  slo: 3,
  nodeProvision: 10,
  modelLoad: 5,
  nodeIdle: 20,
  gpusPerNode: 1,
  maxReplicas: 8,
  scrape: 15,
  lag: 15,
  scoreFrom: 0,
};

interface Story {
  setup: Setup;
  start: number;
  /** Arrivals and, now and then, a new spec.replicas, by second. */
  seconds: readonly (readonly [number, number | null])[];
}

const setups = fc.record({
  ...Object.fromEntries(Object.entries(SETUP).map(([field, value]) => [field, fc.constant(value)])),
  slots: fc.integer({ min: 1, max: 4 }),
  serviceTime: fc.integer({ min: 1, max: 7 }),
  nodeProvision: fc.nat(12),
  modelLoad: fc.nat(9),
  nodeIdle: fc.nat(15),
  gpusPerNode: fc.integer({ min: 1, max: 3 }),
}) as fc.Arbitrary<Setup>;

const second = fc.tuple(
  fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(9) }),
  fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(7) }),
);

const stories: fc.Arbitrary<Story> = fc.record({
  setup: setups,
  start: fc.nat(4),
  seconds: fc.array(second, { minLength: 1, maxLength: 120 }),
});

function snapshotOf(workload: Workload): Snapshot {
  return {
    queue: workload.queue.requests,
    serving: workload.lanes.inService,
    pending: workload.pending,
    starting: workload.starting.length,
    ready: workload.ready.length,
    draining: workload.draining.length,
    nodes: workload.pool.nodes.length,
  };
}

/** Every start as `arrival→start`, in the order in which the model told of them. */
function play(story: Story, look: (workload: Workload, t: number) => void): string[] {
  const workload = workloadOf(story.setup, story.start);
  const starts: string[] = [];
  story.seconds.forEach(([arrivals, spec], t) => {
    beginSecond(workload, t);
    arrive(workload, t, arrivals);
    startWaiting(workload, t, (arrival, start, requests) => {
      for (let i = 0; i < requests; i += 1) starts.push(`${arrival}→${start}`);
    });
    if (spec !== null) scale(workload, t, spec);
    look(workload, t);
  });
  return starts;
}

describe('the workload', () => {
  it('does what a plain simulator with an object for each request does, second by second', () => {
    fc.assert(
      fc.property(stories, (story) => {
        const naive = new NaiveWorkload(story.setup, story.start);
        const starts = play(story, (workload, t) => {
          const [arrivals, spec] = story.seconds[t] ?? [0, null];
          naive.second(t, arrivals, spec);
          expect({ t, ...snapshotOf(workload) }).toEqual({ t, ...naive.snapshot(t) });
        });
        const served = naive.requests.filter((request) => request.start !== null);
        expect(starts).toEqual(served.map(({ arrival, start }) => `${arrival}→${start}`));
      }),
      { numRuns: 300 },
    );
  });

  it('starts every request once, in the order of arrival, and loses none', () => {
    fc.assert(
      fc.property(stories, (story) => {
        let last: Workload | null = null;
        const starts = play(story, (workload) => {
          last = workload;
        });
        const arrivals = story.seconds.flatMap(([count], t) => Array<number>(count).fill(t));
        const waiting = last === null ? 0 : (last as Workload).queue.requests;
        expect(starts.map((start) => Number(start.split('→')[0]))).toEqual(arrivals.slice(0, starts.length));
        expect(starts.length + waiting).toBe(arrivals.length);
      }),
    );
  });

  it('never has more in service than slots, nor slots idle while requests wait', () => {
    fc.assert(
      fc.property(stories, (story) => {
        play(story, (workload, t) => {
          const slots = workload.ready.length * story.setup.slots;
          expect(inService(workload)).toBeLessThanOrEqual(slots);
          const scaled = (story.seconds[t]?.[1] ?? null) !== null;
          if (workload.queue.requests > 0 && !scaled) expect(inService(workload)).toBe(slots);
        });
      }),
    );
  });

  it('pays a node from the asking until its idle time is over', () => {
    const workload = workloadOf(SETUP, 0);
    const paid: number[] = [];
    for (let t = 0; t < 60; t += 1) {
      beginSecond(workload, t);
      arrive(workload, t, t === 3 ? 1 : 0);
      startWaiting(workload, t, () => {});
      if (t === 3) scale(workload, t, 1);
      if (t === 25) scale(workload, t, 0);
      if (workload.pool.nodes.length > 0) paid.push(t);
    }
    // Asked at 3, node ready at 13, replica at 18, the request until 22, removed at 25, gone at 25 + 20.
    expect([paid[0], paid.at(-1), paid.length]).toEqual([3, 44, 42]);
  });

  it('lets a busy replica finish, and gives its node back only then', () => {
    const workload = workloadOf(SETUP, 1);
    arrive(workload, 0, 1);
    startWaiting(workload, 0, () => {});
    scale(workload, 0, 0);
    expect(snapshotOf(workload)).toMatchObject({ ready: 0, draining: 1, serving: 1 });
    for (let t = 1; t <= 4; t += 1) beginSecond(workload, t);
    expect(snapshotOf(workload)).toMatchObject({ draining: 0, serving: 0, nodes: 1 });
    expect(workload.pool.nodes[0]?.emptySince).toBe(4);
  });

  it('takes pending replicas first, then the one that would be ready last, then the youngest ready one', () => {
    const workload = workloadOf({ ...SETUP, nodeIdle: 1000 }, 2);
    scale(workload, 0, 1);
    scale(workload, 5, 2); // on the node that the other left, ready at 10
    scale(workload, 6, 3); // no node: pending
    expect(snapshotOf(workload)).toMatchObject({ pending: 1, starting: 1, ready: 1 });
    scale(workload, 7, 2);
    expect(snapshotOf(workload)).toMatchObject({ pending: 0, starting: 1, ready: 1 });
    scale(workload, 8, 1);
    expect(snapshotOf(workload)).toMatchObject({ pending: 0, starting: 0, ready: 1 });
  });

  it('does not ask for a node while enough are on their way', () => {
    const workload = workloadOf(SETUP, 0);
    scale(workload, 0, 3);
    scale(workload, 1, 1);
    scale(workload, 2, 3);
    expect(workload.pool.nodes.length).toBe(3);
  });
});
