import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deletionCosts, type LoadedPod } from '../../src/cluster/deletion-cost.js';

function loaded(name: string, node: string, load: number | null, cost: number | null = null): LoadedPod {
  return { namespace: 'team-a', name, node, load, cost };
}

/** The names in the order in which they would go. */
function order(pods: readonly LoadedPod[], others: ReadonlyMap<string, number> = new Map()): string[] {
  const set = new Map(deletionCosts(pods, others).map(({ name, cost }) => [name, cost]));
  const cost = (pod: LoadedPod) => set.get(pod.name) ?? pod.cost ?? 0;
  return pods.toSorted((a, b) => cost(a) - cost(b)).map(({ name }) => name);
}

describe('which replicas go first', () => {
  test('those of the node that comes free with them, before an idle one beside a busy one', () => {
    const pods = [
      loaded('a-idle', 'a', 0),
      loaded('a-busy', 'a', 0.9),
      loaded('b-1', 'b', 0),
      loaded('b-2', 'b', 0),
    ];
    expect(order(pods)).toEqual(['b-1', 'b-2', 'a-idle', 'a-busy']);
  });

  test('an idle one before the last busy one of a node', () => {
    expect(order([loaded('alone', 'a', 0.3), loaded('idle', 'b', 0), loaded('busy', 'b', 1)])).toEqual([
      'idle',
      'alone',
      'busy',
    ]);
  });

  test('not those of a node that others keep, while there is another', () => {
    const pods = [loaded('shared', 'a', 0), loaded('own', 'b', 0)];
    expect(order(pods, new Map([['a', 1]]))).toEqual(['own', 'shared']);
  });

  test('one whose load is not known counts as busy', () => {
    expect(order([loaded('unknown', 'a', null), loaded('half', 'b', 0.5)])).toEqual(['half', 'unknown']);
  });

  test('an order that stands is not written again, and one that wavers within a step of load is none', () => {
    const pods = [loaded('a', 'n1', 0.1), loaded('b', 'n2', 0.6)];
    const first = new Map(deletionCosts(pods, new Map()).map(({ name, cost }) => [name, cost]));
    const after = pods.map((pod) => ({ ...pod, cost: first.get(pod.name) ?? pod.cost }));
    expect(deletionCosts(after, new Map())).toEqual([]);
    expect(
      deletionCosts(
        [
          { ...after[0]!, load: 0.2 },
          { ...after[1]!, load: 0.7 },
        ],
        new Map(),
      ),
    ).toEqual([]);
    // All idle: the order of the nodes is the same, whatever the figures.
    expect(
      deletionCosts(
        after.map((pod) => ({ ...pod, load: 0 })),
        new Map(),
      ),
    ).toEqual([]);
  });

  test('the busy ones are the first to be set: until it is, a pod costs nothing', () => {
    const pods = [loaded('idle', 'a', 0), loaded('half', 'b', 0.5), loaded('busy', 'c', 1)];
    const names = deletionCosts(pods, new Map()).map(({ name }) => name);
    expect(names).toEqual(['busy', 'half', 'idle']);
  });

  const somePods = fc
    .array(
      fc.record({
        node: fc.constantFrom('a', 'b', 'c', 'd'),
        load: fc.option(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1.5, noNaN: true }))),
        cost: fc.option(fc.integer({ min: -5, max: 500_000 })),
      }),
      { maxLength: 20 },
    )
    .map((list) => list.map((each, index) => ({ namespace: 'team-a', name: `p${index}`, ...each })));

  test('never a busy one before an idle one, and the idle ones node by node', () => {
    fc.assert(
      fc.property(somePods, (pods) => {
        const byName = new Map(pods.map((pod) => [pod.name, pod]));
        const gone = order(pods).map((name) => byName.get(name)!);
        const firstBusy = gone.findIndex(({ load }) => load !== 0);
        const idle = firstBusy < 0 ? gone : gone.slice(0, firstBusy);
        expect(idle.length).toBe(pods.filter(({ load }) => load === 0).length);
        const changes = idle.filter(({ node }, index) => node !== idle[index - 1]?.node).length;
        expect(changes).toBe(new Set(idle.map(({ node }) => node)).size);
      }),
    );
  });

  test('what has been set needs nothing more, and fits the annotation', () => {
    fc.assert(
      fc.property(somePods, (pods) => {
        const set = new Map(deletionCosts(pods, new Map()).map(({ name, cost }) => [name, cost]));
        for (const cost of set.values())
          expect(Number.isInteger(cost) && Math.abs(cost) < 2 ** 31).toBe(true);
        const after = pods.map((pod) => ({ ...pod, cost: set.get(pod.name) ?? pod.cost }));
        expect(deletionCosts(after, new Map())).toEqual([]);
      }),
    );
  });
});
