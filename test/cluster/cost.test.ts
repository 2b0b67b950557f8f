import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { viewOf, type ClusterView } from '../../src/cluster/capacity.js';
import { costNow, costPerThousand, savingOf } from '../../src/cluster/cost.js';
import { instancesPerGpu, nodePrice, shareOfNode } from '../../src/cluster/cost-price.js';
import { replicaPrice } from '../../src/cluster/cost-replica.js';
import { finished } from '../../src/core/steps.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { Node, Pod } from '../../src/ports/cluster-objects.js';
import { node, NOW, pod, shape } from './cluster-objects.js';

const GPU = 'nvidia.com/gpu';
const match = { 'cloud.google.com/gke-nodepool': 't4' };
/** n1-standard-4 at 0.19 and one T4 at 0.35 an hour. */
const declared = parseCapacityConfig({ pools: [{ name: 't4', match, price: 0.54 }] }, 'test').pools;
const sliced = node('t4-0', {
  labels: {
    ...match,
    'nvidia.com/gpu.product': 'Tesla-T4-SHARED',
    'nvidia.com/gpu.count': '1',
    'nvidia.com/gpu.replicas': '14',
  },
  allocatable: { cpu: 4, pods: 110, [GPU]: 14 },
});
const balanced = node('a100-0', {
  labels: {
    'nvidia.com/gpu.product': 'A100-SXM4-40GB',
    'nvidia.com/gpu.count': '1',
    'nvidia.com/mig-1g.5gb.count': '2',
    'nvidia.com/mig-2g.10gb.count': '1',
    'nvidia.com/mig-3g.20gb.count': '1',
  },
  allocatable: {
    [GPU]: 0,
    'nvidia.com/mig-1g.5gb': 8,
    'nvidia.com/mig-2g.10gb': 3,
    'nvidia.com/mig-3g.20gb': 4,
  },
});

function cost(nodes: readonly Node[], pods: readonly Pod[], prices: Record<string, number> = {}) {
  return finished(
    costNow({
      view: viewOf({ now: NOW, nodes, pods, pools: declared }),
      prices,
      ownerOf: ({ labels }) => labels['app'] ?? null,
      isPlaceholder: ({ labels }) => labels['placeholder'] === 'yes',
    }),
  );
}

describe('the share of a node', () => {
  test('is a fourteenth for a time slice, and a seventh for one of seven instances', () => {
    expect(shareOfNode({ [GPU]: 1 }, sliced)).toBeCloseTo(1 / 14, 12);
    const sevenths = node('a', { allocatable: { [GPU]: 7 }, labels: { 'nvidia.com/gpu.count': '7' } });
    expect(shareOfNode({ [GPU]: 1 }, sevenths)).toBeCloseTo(1 / 7, 12);
  });

  test('is by compute slices where instances differ, divided by those who share one', () => {
    // 7 slices in all: 2 × 1g in 4 each, 2g in 3, 3g in 4.
    expect(shareOfNode({ 'nvidia.com/mig-1g.5gb': 1 }, balanced)).toBeCloseTo(1 / 7 / 4, 12);
    expect(shareOfNode({ 'nvidia.com/mig-2g.10gb': 1 }, balanced)).toBeCloseTo(2 / 7 / 3, 12);
    expect(shareOfNode({ 'nvidia.com/mig-3g.20gb': 1 }, balanced)).toBeCloseTo(3 / 7 / 4, 12);
    expect(shareOfNode(balanced.allocatable, balanced)).toBeCloseTo(1, 12);
  });

  test('is nothing without a GPU', () => {
    expect(shareOfNode({ cpu: 4 }, sliced)).toBe(0);
    expect(shareOfNode({ [GPU]: 1 }, node('cpu', { allocatable: { cpu: 4 } }))).toBe(0);
  });
});

describe('the price of a node', () => {
  const prices = { 'Tesla-T4': 0.35, 'A100-SXM4-40GB': 2.93 };

  test('is its pool’s, else that of the GPUs in it, however they are shared', () => {
    expect(nodePrice(sliced, declared[0]!, prices)).toBe(0.54);
    expect(nodePrice(sliced, null, prices)).toBe(0.35);
    const single = { 'nvidia.com/gpu.product': 'A100-SXM4-40GB-MIG-1g.5gb', 'nvidia.com/gpu.count': '14' };
    expect(nodePrice(node('a', { labels: single }), null, prices)).toBe(5.86);
  });

  test('is not known rather than nothing', () => {
    expect(nodePrice(sliced, null, {})).toBeNull();
    expect(nodePrice(node('a'), null, prices)).toBeNull();
    expect(
      nodePrice(node('a', { labels: { 'nvidia.com/gpu.product': 'constructor' } }), null, prices),
    ).toBeNull();
  });

  test.each([
    [
      'A100-SXM4-40GB',
      [
        [1, 5, 7],
        [1, 10, 4],
        [2, 10, 3],
        [3, 20, 2],
        [4, 20, 1],
        [7, 40, 1],
      ],
    ],
    [
      'NVIDIA-H100-80GB-HBM3',
      [
        [1, 10, 7],
        [1, 20, 4],
        [2, 20, 3],
        [3, 40, 2],
      ],
    ],
    [
      'NVIDIA-H200',
      [
        [1, 18, 7],
        [1, 35, 4],
        [2, 35, 3],
        [3, 71, 2],
        [7, 141, 1],
      ],
    ],
    [
      'NVIDIA-B200',
      [
        [1, 23, 7],
        [1, 45, 4],
        [2, 45, 3],
        [3, 90, 2],
      ],
    ],
    [
      'NVIDIA-A30',
      [
        [1, 6, 4],
        [2, 12, 2],
        [4, 24, 1],
      ],
    ],
  ] as const)('%s is cut as its MIG profiles say', (product, cuts) => {
    for (const [compute, memory, count] of cuts)
      expect(instancesPerGpu(product, compute, memory)).toBe(count);
  });
});

describe('who costs what', () => {
  test('four slices of fourteen, by workload and namespace, with the rest idle', () => {
    const pods = [
      pod('t4-0', { [GPU]: 1 }, { labels: { app: 'bert' } }),
      pod('t4-0', { [GPU]: 2 }, { labels: { app: 'densenet' }, namespace: 'vision' }),
      pod('t4-0', { [GPU]: 1 }, { labels: { placeholder: 'yes' }, namespace: 'pilotlight' }),
      pod('t4-0', { cpu: 2 }, { labels: { app: 'bert' } }),
    ];
    const { total, workloads, namespaces, held, idle } = cost([sliced], pods);
    expect(total).toBe(0.54);
    expect(workloads.get('bert')).toBeCloseTo(0.54 / 14, 12);
    expect(workloads.get('densenet')).toBeCloseTo((0.54 * 2) / 14, 12);
    expect([...namespaces.keys()]).toEqual(['inference', 'vision']);
    expect(held).toBeCloseTo(0.54 / 14, 12);
    expect(idle).toBeCloseTo((0.54 * 10) / 14, 12);
  });

  test('a node without a price is in no sum, and whoever is on it is told to be incomplete', () => {
    const unknown = node('x', { allocatable: { [GPU]: 1 } });
    const report = cost(
      [sliced, unknown, node('cpu', { allocatable: { cpu: 8 } })],
      [pod('x', { [GPU]: 1 }, { labels: { app: 'bert' } })],
    );
    expect(report).toMatchObject({ total: 0.54, unpriced: ['x'] });
    expect([...report.incomplete]).toEqual(['bert']);
  });

  test('all that is paid is what the nodes cost, whoever is on them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'yes'), fc.integer({ min: 1, max: 3 })), {
          maxLength: 10,
        }),
        (list) => {
          const pods = list.map(([who, count]) =>
            pod(
              't4-0',
              { [GPU]: count },
              { labels: who === 'yes' ? { placeholder: who } : { app: who }, namespace: who },
            ),
          );
          const { total, namespaces, held, idle } = cost([sliced], pods);
          const sum = [...namespaces.values()].reduce((a, b) => a + b, held + idle);
          expect(sum).toBeCloseTo(total, 9);
        },
      ),
    );
  });

  test('a replica that does not run yet costs what it will, there or on a node to come', () => {
    const priced = (gpus: number, view: ClusterView) =>
      finished(replicaPrice(shape({ [GPU]: gpus }), view, {}));
    const view = viewOf({ now: NOW, nodes: [sliced], pods: [], pools: declared });
    expect(priced(1, view)).toBeCloseTo(0.54 / 14, 12);
    const empty = parseCapacityConfig(
      { pools: [{ name: 'h100', match: { pool: 'h100' }, price: 80, node: { resources: { [GPU]: 8 } } }] },
      'test',
    ).pools;
    expect(priced(2, viewOf({ now: NOW, nodes: [], pods: [], pools: empty }))).toBe(20);
    expect(priced(2, viewOf({ now: NOW, nodes: [], pods: [], pools: [] }))).toBeNull();
  });

  test('a thousand inferences, and what always-on would cost', () => {
    // A T4 at 0.54 an hour and 50 inferences a second: 180 000 an hour.
    expect(costPerThousand(0.54, 50)).toBeCloseTo(0.003, 12);
    expect(costPerThousand(0.54, 0)).toBeNull();
    expect(costPerThousand(0.54, null)).toBeNull();
    expect(costPerThousand(null, 5)).toBeNull();
    expect(savingOf(0.54, 0.54, 4)).toEqual({ perHour: 0.54, alwaysOn: 2.16, share: 0.75 });
    expect(savingOf(0.54, null, 4)).toBeNull();
    expect(savingOf(0.54, 0.54, null)).toBeNull();
  });
});
