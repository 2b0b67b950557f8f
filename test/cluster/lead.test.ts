import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { LeadBook } from '../../src/cluster/lead/book.js';
import { leadTimeOf, leadTimesOf, MOST_STARTS, quantile } from '../../src/cluster/lead/history.js';
import { groundOf, lengthOf, startOf, type Start } from '../../src/cluster/lead/starts.js';
import { LeadTracker } from '../../src/cluster/lead/tracker.js';
import { nodeReader } from '../../src/cluster/objects/node.js';
import { podReader, type SeenPod } from '../../src/cluster/objects/pod.js';
import type { Node } from '../../src/ports/cluster-objects.js';
import { node, pod, T0, type PodState } from '../support/cluster-under-test.js';

const moment = fc.integer({ min: 0, max: 10_000_000 });
const start: fc.Arbitrary<Start> = fc.record({
  at: moment,
  schedule: moment,
  image: moment,
  start: moment,
  model: moment,
});

describe('a start', () => {
  it('has parts that are not negative and add up, however the clocks differ', () => {
    fc.assert(
      fc.property(
        moment,
        moment,
        fc.option(moment),
        moment,
        moment,
        (createdAt, scheduledAt, pulledAt, startedAt, readyAt) => {
          const found = startOf({ createdAt, scheduledAt, pulledAt, startedAt, readyAt });
          expect(Math.min(found.schedule, found.image, found.start, found.model)).toBeGreaterThanOrEqual(0);
          expect(createdAt + lengthOf(found)).toBe(Math.max(createdAt, scheduledAt, readyAt));
        },
      ),
    );
  });

  it('takes a day at most, and was Ready when it was', () => {
    const hours = (count: number) => count * 3_600_000;
    const odd = {
      createdAt: 0,
      scheduledAt: hours(20),
      pulledAt: null,
      startedAt: hours(160),
      readyAt: hours(168),
    };
    expect(startOf(odd)).toEqual({
      at: hours(168),
      schedule: hours(20),
      image: hours(4),
      start: 0,
      model: 0,
    });
  });

  it('is cold on a node that came after the pod, contended where room was waited for, else warm', () => {
    expect(groundOf(0, 180_000, 120_000)).toBe('cold');
    expect(groundOf(0, 1000, -3_600_000)).toBe('warm');
    expect(groundOf(0, 180_000, -3_600_000)).toBe('contended');
    expect(groundOf(0, 180_000, null)).toBe('cold');
    expect(groundOf(0, 1000, null)).toBe('warm');
  });
});

describe('lead times', () => {
  it('have the nearest-rank quantiles, on the side of asking early', () => {
    const ten = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
    expect(quantile(ten, 0.5)).toBe(50);
    expect(quantile(ten, 0.9)).toBe(90);
    expect(quantile([7], 0.9)).toBe(7);
    expect(quantile([1, 2], 0.9)).toBe(2);
  });

  it('are a value that was seen, and one that the share does not exceed', () => {
    fc.assert(
      fc.property(
        fc.array(moment, { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const found = quantile(values, share);
          expect(values).toContain(found);
          expect(values.filter((value) => value <= found).length / values.length).toBeGreaterThanOrEqual(
            share - 1e-6,
          );
        },
      ),
    );
  });

  it('are null without a start, and never mix warm and cold', () => {
    const one = { at: 5, schedule: 1, image: 2, start: 3, model: 4 };
    expect(leadTimeOf([])).toBeNull();
    expect(leadTimesOf({ warm: [], cold: [] })).toBeNull();
    expect(leadTimesOf({ warm: [one], cold: [] })).toEqual({
      warmNode: { p50: 10, p90: 10, parts: { schedule: 1, image: 2, start: 3, model: 4 }, samples: 1, at: 5 },
      coldNode: null,
    });
  });
});

describe('the book of lead times', () => {
  it('comes back from its JSON as it was, and holds the last of each', () => {
    const note = fc.record({
      workload: fc.constantFrom('ns/deployment/a', 'ns/deployment/b', '__proto__'),
      gpu: fc.constantFrom('l4', 'a100', null),
      ground: fc.constantFrom('warm', 'cold'),
      start,
    });
    fc.assert(
      fc.property(fc.array(note, { maxLength: 120 }), (notes) => {
        const book = new LeadBook();
        for (const { workload, gpu, ground, start } of notes) book.note(workload, gpu, ground, start);
        book.noteNode('l4', { at: 3, provision: 1, device: 2 });
        const back = new LeadBook();
        expect(back.restore(JSON.parse(JSON.stringify(book.snapshot())))).toBe(true);
        expect(back.snapshot()).toEqual(book.snapshot());
        const mine = notes.filter(
          ({ workload, ground }) => workload === 'ns/deployment/a' && ground === 'cold',
        );
        expect(back.workload('ns/deployment/a').cold).toEqual(
          mine.slice(-MOST_STARTS).map(({ start }) => start),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('has of one workload at most its last five starts on a GPU type', () => {
    const book = new LeadBook();
    const one = (at: number) => ({ at, schedule: 1, image: 1, start: 1, model: 1 });
    for (let at = 0; at < 60; at += 1) {
      if (at % 20 === 0) book.note('ns/deployment/rare', 'l4', 'warm', one(at));
      else book.note('ns/deployment/often', 'l4', 'warm', one(at));
    }
    expect(book.gpu('l4').warm.map(({ at }) => at)).toEqual([0, 20, 40, 55, 56, 57, 58, 59]);
    expect(book.workload('ns/deployment/often').warm).toHaveLength(MOST_STARTS);
  });

  it('forgets the workload that started longest ago, beyond a thousand', () => {
    const book = new LeadBook();
    const one = { at: 1, schedule: 1, image: 1, start: 1, model: 1 };
    for (let index = 0; index < 1001; index += 1) book.note(`ns/deployment/${index}`, null, 'warm', one);
    expect(book.workload('ns/deployment/0').warm).toEqual([]);
    expect(book.workload('ns/deployment/1').warm).toEqual([one]);
  });

  it('leaves out what it cannot read of a document, and refuses another’s', () => {
    const book = new LeadBook();
    expect(book.restore({ version: 2 })).toBe(false);
    expect(book.restore('text')).toBe(false);
    const odd = {
      version: 1,
      workloads: { a: { warm: [[1, 2, 3, 4, 5], [1, -2, 3, 4, 5], [1], 'x', [1, 2, 3, 4, null]], cold: 7 } },
    };
    expect(book.restore(odd)).toBe(true);
    expect(book.workload('a')).toEqual({
      warm: [{ at: 1, schedule: 2, image: 3, start: 4, model: 5 }],
      cold: [],
    });
    fc.assert(
      fc.property(fc.anything(), (document) => typeof new LeadBook().restore(document) === 'boolean'),
    );
  });
});

describe('the tracker', () => {
  const [readPod, readNode] = [podReader(), nodeReader()];
  let book: LeadBook;
  let tracker: LeadTracker;
  let pods: Map<string, SeenPod>;
  let nodes: Map<string, Node>;

  const show = (id: string, { gpus = 1, ...state }: PodState & { readonly gpus?: number }) => {
    const seen = readPod(pod('llm', id, state));
    const after = seen === null || gpus > 0 ? seen : { ...seen, requests: { cpu: 1 } };
    const changed = tracker.pod(pods.get(id) ?? null, after);
    if (after !== null) pods.set(id, after);
    return changed;
  };
  const showNode = (name: string, created: number, gpus: number, seen: number) => {
    const after = readNode(node(name, created, gpus));
    tracker.node(nodes.get(name) ?? null, after, T0 + seen * 1000);
    if (after !== null) nodes.set(name, after);
  };

  beforeEach(() => {
    book = new LeadBook();
    [pods, nodes] = [new Map(), new Map()];
    tracker = new LeadTracker({
      book,
      workloadOf: ({ namespace, owner }) => (owner?.name === 'llm' ? `${namespace}/deployment/llm` : null),
      nodeOf: (name) => nodes.get(name) ?? null,
    });
  });

  it('follows a pod through a cold start: the node, its GPUs, the image, the model', () => {
    show('a', { created: 0 });
    show('a', { created: 0, unschedulable: 'no GPU' });
    show('b', { created: 10, unschedulable: 'no GPU' });
    showNode('new', 120, 0, 121);
    showNode('new', 120, 4, 165);
    show('b', { created: 10, node: 'new', scheduled: 166 });
    show('a', { created: 0, node: 'new', scheduled: 167 });
    tracker.pulled('uid-ns-llm-abc123-b', T0 + 230_000);
    show('b', { created: 10, node: 'new', scheduled: 166, started: 232 });
    expect(show('b', { created: 10, node: 'new', scheduled: 166, started: 232, ready: 300 })).toBe(true);
    const cold = { at: T0 + 300_000, schedule: 156_000, image: 64_000, start: 2000, model: 68_000 };
    expect(book.workload('ns/deployment/llm')).toEqual({ warm: [], cold: [cold] });
    expect(book.gpu('nvidia-l4').cold).toEqual([{ ...cold, workload: 'ns/deployment/llm' }]);
    // Asked for by the oldest pod that went there.
    expect(book.node('nvidia-l4')).toEqual([{ at: T0 + 165_000, provision: 120_000, device: 45_000 }]);
    show('a', { created: 0, node: 'new', scheduled: 167, started: 232, ready: 301 });
    expect(book.workload('ns/deployment/llm').cold).toHaveLength(2);
    expect(book.node('nvidia-l4')).toHaveLength(1);
  });

  it('learns nothing of a GPU type, nor of its nodes, from a pod that asks for no GPU', () => {
    show('a', { created: 0, unschedulable: 'no room', gpus: 0 });
    showNode('new', 120, 0, 121);
    showNode('new', 120, 4, 165);
    show('a', { created: 0, node: 'new', scheduled: 166, gpus: 0 });
    expect(show('a', { created: 0, node: 'new', scheduled: 166, started: 170, ready: 180, gpus: 0 })).toBe(
      true,
    );
    expect(book.workload('ns/deployment/llm').cold).toHaveLength(1);
    expect([book.gpu('nvidia-l4'), book.node('nvidia-l4')]).toEqual([{ warm: [], cold: [] }, []]);
  });

  it('keeps the earliest binding, when a later write moves the condition', () => {
    showNode('old', -5000, 4, -4000);
    show('a', { created: 0 });
    show('a', { created: 0, node: 'old', scheduled: 1 });
    show('a', { created: 0, node: 'old', scheduled: 12, started: 12, ready: 12 });
    expect(book.workload('ns/deployment/llm').warm).toMatchObject([{ schedule: 1000, image: 11_000 }]);
  });

  it.each([
    ['was Ready when it was first seen', [{ node: 'old', started: 5, ready: 9 }]],
    [
      'was Ready before and has flapped',
      [
        { node: 'old', unready: 60, started: 5 },
        { node: 'old', started: 5, ready: 900 },
      ],
    ],
    ['crashed on its way', [{ node: 'old' }, { node: 'old', started: 50, ready: 60, restarts: 1 }]],
    [
      'drained before it was Ready',
      [
        { node: 'old' },
        { node: 'old', deleting: true },
        { node: 'old', started: 5, ready: 9, deleting: true },
      ],
    ],
    [
      'waited for another pod to go',
      [{}, { node: 'old', scheduled: 100 }, { node: 'old', scheduled: 100, started: 105, ready: 109 }],
    ],
  ])('learns nothing of a pod that %s', (_what, states: PodState[]) => {
    showNode('old', -5000, 4, -4000);
    for (const state of states) expect(show('a', state)).toBe(false);
    expect(book.snapshot()).toEqual(new LeadBook().snapshot());
  });

  it('takes a pod of the same name for another when its uid is', () => {
    showNode('old', -5000, 4, -4000);
    const first = readPod(pod('llm', 'a', { created: 0 }));
    const second = readPod(pod('llm', 'a', { created: 50, node: 'old', started: 5, ready: 60 }));
    if (first === null || second === null) throw new Error('unreadable');
    tracker.pod(null, first);
    expect(tracker.pod(first, { ...second, uid: 'another' })).toBe(false);
  });

  it('does not guess since when a node had the GPUs that it had when it was first seen', () => {
    show('a', { created: 0, unschedulable: 'no GPU' });
    showNode('new', 120, 4, 165);
    showNode('new', 120, 4, 170);
    show('a', { created: 0, node: 'new', scheduled: 166 });
    show('a', { created: 0, node: 'new', scheduled: 166, started: 200, ready: 250 });
    expect(book.workload('ns/deployment/llm').cold).toHaveLength(1);
    expect(book.node('nvidia-l4')).toEqual([]);
  });
});
