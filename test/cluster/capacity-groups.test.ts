import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { roomFor, viewOf } from '../../src/cluster/capacity.js';
import type { ReplicaShape } from '../../src/cluster/capacity-shape.js';
import type { Node, Pod } from '../../src/ports/cluster-objects.js';
import { node, NOW, pod, shape } from './cluster-objects.js';

const GPU = 'nvidia.com/gpu';
const GIB = 2 ** 30;

function room(wanted: ReplicaShape, nodes: readonly Node[], pods: readonly Pod[]): number {
  return roomFor(wanted, viewOf({ now: NOW, nodes, pods, pools: [] })).now;
}

/** Few kinds and many nodes, so that most have their like. */
const resource = fc.constantFrom(GPU, 'nvidia.com/mig-1g.5gb');
const kind = fc.record({
  labels: fc.constantFrom(
    {},
    {
      'nvidia.com/gpu.product': 'T4-SHARED',
      'nvidia.com/gpu.replicas': '4',
      'nvidia.com/gpu.memory': '15360',
    },
    {
      'nvidia.com/gpu.product': 'T4-SHARED',
      'nvidia.com/gpu.replicas': '4',
      'nvidia.com/gpu.memory': '40960',
    },
    { 'nvidia.com/mig.config.state': 'pending' },
  ),
  tainted: fc.boolean(),
  units: fc.constantFrom(4, 8),
  resource,
});
const one = fc.record({
  kind: fc.nat(1),
  zone: fc.constantFrom('a', 'b'),
  order: fc.constantFrom({}, {}, { unschedulable: true }, { ready: false }),
});
const somePod = fc.record({ on: fc.nat(11), cpu: fc.constantFrom(0.5, 8), gpus: fc.nat(2), resource });
const someShape = fc.record({
  requests: fc.record({ cpu: fc.constantFrom(1, 9) }),
  asks: fc.record({ resource, units: fc.constantFrom(1, 2) }),
  nodeSelector: fc.constantFrom({}, {}, { zone: 'a' }),
  named: fc.constantFrom(false, false, true),
  tolerant: fc.boolean(),
  gpuMemory: fc.constantFrom(null, 5 * GIB),
});

test('nodes that are alike count as often as they are there, and others are not taken for them', () => {
  fc.assert(
    fc.property(
      fc.tuple(kind, kind),
      fc.array(one, { minLength: 4, maxLength: 12 }),
      fc.array(somePod, { maxLength: 8 }),
      someShape,
      (kinds, ones, somePods, { requests, asks, nodeSelector, named, tolerant, gpuMemory }) => {
        const nodes = ones.map(({ kind, zone, order }, index) => {
          const { labels, tainted, units, resource } = kinds[kind] ?? kinds[0];
          return node(`n${index}`, {
            labels: { ...labels, zone },
            taints: tainted ? [{ key: 'dedicated', value: '', effect: 'NoSchedule' }] : [],
            allocatable: { cpu: 32, pods: 110, [resource]: units },
            ...order,
          });
        });
        const pods = somePods.map(({ on, cpu, gpus, resource }) => pod(`n${on}`, { cpu, [resource]: gpus }));
        const names = { key: 'metadata.name', operator: 'In', values: ['n1', 'n3'] } as const;
        const wanted = shape(
          { ...requests, [asks.resource]: asks.units },
          {
            nodeSelector,
            gpuMemory,
            affinity: named ? [{ labels: [], fields: [names] }] : null,
            tolerations: tolerant ? [{ key: null, operator: 'Exists', value: '', effect: null }] : [],
          },
        );
        const alone = nodes.map((each) => room(wanted, [each], pods));
        expect(room(wanted, nodes, pods)).toBe(alone.reduce((sum, now) => sum + now, 0));
      },
    ),
    { numRuns: 500 },
  );
});

test('nodes that differ by nothing but the memory of their GPUs are not alike', () => {
  const sliced = (name: string, mib: string) =>
    node(name, {
      labels: { 'nvidia.com/gpu.replicas': '4', 'nvidia.com/gpu.memory': mib },
      allocatable: { cpu: 32, pods: 110, [GPU]: 4 },
    });
  const wanted = shape({ [GPU]: 1 }, { gpuMemory: 5 * GIB });
  // 15 GiB hold three, 40 GiB all four slices.
  expect(room(wanted, [sliced('n0', '15360'), sliced('n1', '40960'), sliced('n2', '15360')], [])).toBe(10);
});
