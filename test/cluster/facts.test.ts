import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countReplicas } from '../../src/cluster/facts.js';
import { podReader, type SeenPod } from '../../src/cluster/objects/pod.js';
import { pod, type PodState } from '../support/cluster-under-test.js';

const read = podReader();

function pods(...states: PodState[]): SeenPod[] {
  return states.flatMap((state, index) => read(pod('llm', `${index}`, state)) ?? []);
}

const READY: PodState = { node: 'n', started: 1, ready: 2 };
const anyState: fc.Arbitrary<PodState> = fc.constantFrom<PodState>(
  READY,
  {},
  { unschedulable: 'no room' },
  { node: 'n' },
  { node: 'n', started: 1 },
  { node: 'n', waiting: { reason: 'ErrImagePull' } },
  { ...READY, deleting: true },
  { node: 'n', deleting: true },
  { ...READY, phase: 'Failed' },
  { node: 'n', phase: 'Succeeded' },
);

describe('the replicas of a workload', () => {
  it('are counted by where they are on their way, with the reasons', () => {
    const found = countReplicas(
      8,
      pods(
        READY,
        READY,
        { unschedulable: 'no GPU' },
        { unschedulable: 'no GPU' },
        {},
        { node: 'n', started: 1 },
        { node: 'n' },
      ),
    );
    expect(found.replicas).toEqual({ current: 8, ready: 2, starting: 2, pending: 4 });
    expect(found.waiting).toEqual([
      { reason: 'unschedulable', pods: 2, detail: 'no GPU' },
      { reason: 'scheduling', pods: 1, detail: null },
      { reason: 'not-ready', pods: 1, detail: null },
      { reason: 'creating', pods: 1, detail: null },
      { reason: 'not-created', pods: 1, detail: null },
    ]);
  });

  it('do not include pods that drain or have ended', () => {
    const { replicas } = countReplicas(
      1,
      pods(READY, { ...READY, deleting: true }, { ...READY, phase: 'Failed' }),
    );
    expect(replicas).toEqual({ current: 1, ready: 1, starting: 0, pending: 0 });
  });

  it('of a rollout include both revisions', () => {
    const { replicas } = countReplicas(
      2,
      pods(READY, READY, { ...READY, hash: 'new456' }, { node: 'n', hash: 'new456' }),
    );
    expect(replicas).toEqual({ current: 2, ready: 3, starting: 1, pending: 0 });
  });

  it('add up to what was asked for, unless there are more pods, and each that is not ready has a reason', () => {
    fc.assert(
      fc.property(fc.array(anyState, { maxLength: 12 }), fc.nat(12), (states, current) => {
        const all = pods(...states);
        const { replicas, waiting } = countReplicas(current, all);
        const { ready, starting, pending } = replicas;
        const alive = all.filter(
          ({ deleting, phase }) => !deleting && phase !== 'Failed' && phase !== 'Succeeded',
        );
        expect(ready + starting + pending).toBe(Math.max(current, alive.length));
        expect(ready).toBe(alive.filter((each) => each.ready).length);
        expect(waiting.reduce((sum, each) => sum + each.pods, 0)).toBe(starting + pending);
      }),
    );
  });
});
