import { describe, expect, test } from 'vitest';
import { capacityTerms, type ArbitrationInput, type ManagedWorkload } from '../../src/cluster/arbitration.js';
import { arbitrate } from '../../src/core/capacity/arbitrate.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { Node, Pod } from '../../src/ports/cluster-objects.js';
import { node, NOW, pod, shape } from './cluster-objects.js';

const GPU = 'nvidia.com/gpu';
const GIB = 2 ** 30;
const match = { 'cloud.google.com/gke-nodepool': 'a100' };
const declared = parseCapacityConfig({ pools: [{ name: 'a100', match, maxNodes: 3 }] }, 'test').pools;

function workload(id: string, wanted: number, more: Partial<ManagedWorkload> = {}): ManagedWorkload {
  return { id, tier: 2, wanted, minimum: 0, shape: shape({ [GPU]: 1 }), ...more };
}

function pair(name: string, more: Partial<Node> = {}): Node {
  return node(name, { labels: match, allocatable: { cpu: 64, pods: 110, [GPU]: 2 }, ...more });
}

function granting(
  input: Partial<ArbitrationInput> & { workloads: readonly ManagedWorkload[]; nodes: readonly Node[] },
) {
  const terms = capacityTerms({
    now: NOW,
    pods: [],
    pools: declared,
    ownerOf: ({ labels }: Pod) => labels['app'] ?? null,
    isPlaceholder: ({ labels }: Pod) => labels['placeholder'] === 'yes',
    ...input,
  });
  return arbitrate({}, { ...terms, now: NOW }).grants;
}

const brief = (grants: ReturnType<typeof granting>) => grants.map(({ granted, why }) => [granted, why]);
const of = (app: string) => ({ labels: { app } });

describe('granting what the cluster has', () => {
  test('counts nodes that are there and that can be added, without what others hold', () => {
    const nodes = [pair('n0'), pair('n1')];
    const pods = [pod('n0', { [GPU]: 1 })];
    expect(brief(granting({ workloads: [workload('a', 9)], nodes, pods }))).toEqual([
      [5, 'wanted 9, 5 fit: pool a100 at its maximum of 3 nodes'],
    ]);
  });

  test('the replicas that run are part of it, whoever has them now, and placeholders give way', () => {
    const nodes = [pair('n0'), pair('n1'), pair('n2')];
    const pods = [
      pod('n0', { [GPU]: 1 }, of('b')),
      pod('n0', { [GPU]: 1 }, of('b')),
      pod('n1', { [GPU]: 1 }, of('b')),
      pod('n1', { [GPU]: 1 }, { labels: { placeholder: 'yes' } }),
    ];
    const workloads = [workload('a', 4, { tier: 1 }), workload('b', 5)];
    expect(brief(granting({ workloads, nodes, pods }))).toEqual([
      [4, null],
      [2, 'wanted 5, 2 fit: pool a100 at its maximum of 3 nodes; tier 1 has 4'],
    ]);
  });

  test('replicas on a cordoned node are not taken down for it', () => {
    const nodes = [pair('n0'), pair('n1', { unschedulable: true }), pair('n2', { unschedulable: true })];
    const pods = [pod('n1', { [GPU]: 1 }, of('a')), pod('n1', { [GPU]: 1 }, of('a'))];
    expect(brief(granting({ workloads: [workload('a', 6)], nodes, pods }))).toEqual([
      [4, 'wanted 6, 4 fit: pool a100 at its maximum of 3 nodes (2 nodes: cordoned)'],
    ]);
    const drained = pods.map((each) => ({ ...each, deleting: true }));
    expect(granting({ workloads: [workload('a', 6)], nodes, pods: drained })[0]?.granted).toBe(2);
  });

  test('nothing is capped where nobody knows how far a pool grows', () => {
    const grants = granting({ workloads: [workload('a', 900)], nodes: [pair('n0')], pools: [] });
    expect(brief(grants)).toEqual([[900, null]]);
  });

  test('a pool in back-off says that, and its maximum only where it is there', () => {
    const blocked = new Map([['a100', 'grows no further for 5 min: no node has come within 15 min']]);
    const of = (...nodes: Node[]) => granting({ workloads: [workload('a', 9)], nodes, blocked })[0]?.why;
    expect(of(pair('n0'), pair('n1', { unschedulable: true }))).toBe(
      'wanted 9, 2 fit: pool a100 grows no further for 5 min: no node has come within 15 min (1 node: cordoned)',
    );
    expect(of(pair('n0'), pair('n1'), pair('n2'))).toBe(
      'wanted 9, 6 fit: pool a100 at its maximum of 3 nodes',
    );
  });

  test('two that share the memory of a GPU do not get it twice', () => {
    const t4 = node('t4', {
      labels: {
        ...match,
        'nvidia.com/gpu.product': 'Tesla-T4-SHARED',
        'nvidia.com/gpu.count': '1',
        'nvidia.com/gpu.replicas': '14',
        'nvidia.com/gpu.memory': '15360',
      },
      allocatable: { cpu: 64, pods: 110, [GPU]: 14 },
    });
    const one = parseCapacityConfig({ pools: [{ name: 't4', match, maxNodes: 1 }] }, 'test').pools;
    const big = shape({ [GPU]: 1 }, { gpuMemory: 4 * GIB });
    const workloads = [workload('a', 3, { shape: big, tier: 1 }), workload('b', 3, { shape: big })];
    expect(granting({ workloads, nodes: [t4], pools: one }).map(({ granted }) => granted)).toEqual([3, 0]);
    expect(granting({ workloads: workloads.slice(1), nodes: [t4], pools: one })[0]?.granted).toBe(3);
  });

  test('MIG profiles of one node are not each other’s capacity', () => {
    const nodes = [
      node('n0', {
        labels: match,
        allocatable: { cpu: 64, pods: 110, 'nvidia.com/mig-1g.5gb': 8, 'nvidia.com/mig-3g.20gb': 4 },
      }),
    ];
    const fixed = parseCapacityConfig({ pools: [{ name: 'a100', match, maxNodes: 1 }] }, 'test').pools;
    const workloads = [
      workload('small', 20, { shape: shape({ 'nvidia.com/mig-1g.5gb': 1 }) }),
      workload('large', 20, { shape: shape({ 'nvidia.com/mig-3g.20gb': 1 }) }),
    ];
    expect(granting({ workloads, nodes, pools: fixed }).map(({ granted }) => granted)).toEqual([8, 4]);
  });
});
