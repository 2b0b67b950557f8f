import { describe, expect, test } from 'vitest';
import { roomFor, viewOf, type ViewInput } from '../../src/cluster/capacity.js';
import type { ReplicaShape } from '../../src/cluster/capacity-shape.js';
import { noNodeFits } from '../../src/cluster/capacity-unfit.js';
import { finished } from '../../src/core/steps.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { node, NOW, pod, shape } from './cluster-objects.js';

const GPU = 'nvidia.com/gpu';
const GIB = 2 ** 30;
const inPool = (pool: string) => ({ agentpool: pool });
const cpus = node('cpu-0', {
  labels: inPool('general'),
  allocatable: { cpu: 8, memory: 32 * GIB, pods: 110 },
});
const four = node('four-0', {
  labels: inPool('a100'),
  allocatable: { cpu: 96, memory: 400 * GIB, pods: 110, [GPU]: 4 },
});
const mig = node('mig-0', {
  labels: inPool('mig'),
  allocatable: { cpu: 96, pods: 110, 'nvidia.com/mig-1g.5gb': 7 },
});

function why(wanted: ReplicaShape, input: Partial<ViewInput>): string | null {
  const view = viewOf({ now: NOW, nodes: [cpus, four, mig], pods: [], pools: [], ...input });
  return finished(noNodeFits(wanted, view, roomFor(wanted, view)));
}

function declared(...pools: unknown[]) {
  return parseCapacityConfig({ pools }, 'test').pools;
}

describe('a shape that no node could hold', () => {
  test.each<[string, ReplicaShape, string]>([
    [
      'more GPUs than any node has',
      shape({ [GPU]: 8 }),
      'each asks for 8 nvidia.com/gpu, and nodes of pool a100 have 4 nvidia.com/gpu',
    ],
    [
      'a MIG profile that none offers',
      shape({ 'nvidia.com/mig-2g.10gb': 1 }),
      'each asks for 1 nvidia.com/mig-2g.10gb, and nodes of pool a100 have none but 4 nvidia.com/gpu',
    ],
    [
      'a selector that matches none',
      shape({ [GPU]: 1 }, { nodeSelector: { zone: 'elsewhere' } }),
      'nodes of pool a100 are large enough, but the node selector wants zone=elsewhere',
    ],
    [
      'a profile and a selector',
      shape({ 'nvidia.com/mig-2g.10gb': 1 }, { nodeSelector: { agentpool: 'mog' } }),
      'each asks for 1 nvidia.com/mig-2g.10gb, and nodes of pool a100 have none but 4 nvidia.com/gpu; besides, the node selector wants agentpool=mog',
    ],
    [
      'more memory than there is',
      shape({ [GPU]: 1, memory: 500 * GIB }),
      'each asks for 500 GiB of memory, and nodes of pool a100 have 400 GiB of memory',
    ],
  ])('is explained by what is nearest: %s', (_, wanted, note) => {
    expect(why(wanted, {})).toBe(`no node takes its pods: ${note}`);
  });

  test('is one that a taint keeps out of the only pool that is large enough', () => {
    const taints = [{ key: 'dedicated', value: 'training', effect: 'NoSchedule' }] as const;
    const eight = {
      ...four,
      name: 'eight-0',
      labels: inPool('h100'),
      taints,
      allocatable: { ...four.allocatable, [GPU]: 8 },
    };
    expect(why(shape({ [GPU]: 8 }), { nodes: [four, eight] })).toBe(
      'no node takes its pods: nodes of pool h100 are large enough, but the taint dedicated=training:NoSchedule is not tolerated',
    );
  });

  test('is one that only DaemonSets leave no place for', () => {
    const daemon = pod('four-0', { cpu: 1 }, { owner: { kind: 'DaemonSet', name: 'exporter' } });
    const whole = shape({ [GPU]: 4, cpu: 96 });
    expect(why(whole, { pods: [daemon] })).toBe(
      'no node takes its pods: each asks for 96 cpu, and nodes of pool a100 have 95 cpu',
    );
    expect(why(whole, { pods: [] })).toBeNull();
  });

  test('is one that takes more GPU memory than a shared GPU has', () => {
    const t4 = node('t4-0', {
      labels: {
        ...inPool('t4'),
        'nvidia.com/gpu.count': '1',
        'nvidia.com/gpu.replicas': '14',
        'nvidia.com/gpu.memory': '15360',
      },
      allocatable: { cpu: 32, pods: 110, [GPU]: 14 },
    });
    expect(why(shape({ [GPU]: 1 }, { gpuMemory: 20 * GIB }), { nodes: [t4] })).toMatch(
      /^no node takes its pods: on nodes of pool t4 14 slices are free, and 15 GiB of GPU memory hold 0 more of 20 GiB/,
    );
  });

  test('is any where there is no node and none is declared', () => {
    expect(why(shape({ [GPU]: 1 }), { nodes: [] })).toBe(
      'no node takes its pods: there is none, and none is declared',
    );
  });
});

describe('a shape that a node could hold', () => {
  test('is one for which all nodes are full, cordoned, or not in order just now', () => {
    const full = Array.from({ length: 4 }, () => pod('four-0', { [GPU]: 1 }));
    expect(why(shape({ [GPU]: 4 }), { pods: full })).toBeNull();
    const taints = [{ key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' }] as const;
    expect(why(shape({ [GPU]: 4 }), { nodes: [{ ...four, unschedulable: true, taints }] })).toBeNull();
    expect(why(shape({ [GPU]: 4 }), { nodes: [{ ...four, ready: false }] })).toBeNull();
  });

  test('is one for which a pool without nodes is declared, large enough or not described', () => {
    const h100 = { name: 'h100', match: inPool('h100'), maxNodes: 2 };
    const eight = shape({ [GPU]: 8 });
    expect(why(eight, { pools: declared({ ...h100, node: { resources: { [GPU]: 8 } } }) })).toBeNull();
    expect(why(eight, { pools: declared(h100) })).toBeNull();
    expect(why(eight, { pools: declared({ ...h100, maxNodes: 0 }) })).toContain('nodes of pool a100 have 4');
    expect(
      why(eight, { nodes: [], pools: declared({ ...h100, node: { resources: { [GPU]: 2 } } }) }),
    ).toContain('nodes of pool h100 have 2 nvidia.com/gpu');
  });

  test('may be one whose GPUs are not registered yet, or being divided anew', () => {
    const young = { ...cpus, ready: false, createdAt: NOW - 60_000 };
    expect(why(shape({ [GPU]: 8 }), { nodes: [young] })).toBeNull();
    expect(why(shape({ [GPU]: 8 }), { nodes: [{ ...young, createdAt: NOW - 3_600_000 }] })).not.toBeNull();
    const divided = {
      ...mig,
      labels: {
        ...mig.labels,
        'nvidia.com/mig.config': 'all-2g.10gb',
        'nvidia.com/mig.config.state': 'pending',
      },
    };
    expect(why(shape({ 'nvidia.com/mig-2g.10gb': 1 }), { nodes: [divided] })).toBeNull();
  });
});
