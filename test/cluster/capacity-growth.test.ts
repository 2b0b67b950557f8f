import { describe, expect, test } from 'vitest';
import { growing, isHelpedByNode, type Grower } from '../../src/cluster/capacity-growth.js';
import type { ReplicaShape } from '../../src/cluster/capacity-shape.js';
import { roomFor, viewOf } from '../../src/cluster/capacity.js';
import { finished } from '../../src/core/steps.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { Pod } from '../../src/ports/cluster-objects.js';
import { node, NOW, pod, shape } from './cluster-objects.js';

const GPU = 'nvidia.com/gpu';
const match = { pool: 'a100' };
const { pools } = parseCapacityConfig({ pools: [{ name: 'a100', match, maxNodes: 2 }] }, 'test');
const nodes = [node('n0', { labels: match, allocatable: { cpu: 32, pods: 110, [GPU]: 2 } })];

/** What pool a100 of one node with two GPUs, and a place for another, needs for one workload. */
function need(wanted: number, pods: readonly Pod[], asks: ReplicaShape = shape({ [GPU]: 1 })) {
  const free = viewOf({ now: NOW, nodes, pods: [], pools });
  const grower: Grower = { id: 'team-a/llm', wanted, shape: asks, pools: roomFor(asks, free).pools };
  const owned = pods.map((each) => ({ pod: each, id: grower.id }));
  const [found] = finished(growing(viewOf({ now: NOW, nodes, pods, pools }), [grower], owned));
  return { waiting: found?.waiting, asking: found?.asking };
}

const running = () => pod('n0', { [GPU]: 1 });
const waiting = (more: Partial<Pod> = {}) => pod(null, { [GPU]: 1 }, more);
const FULL = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.';

describe('a pod waits for a new node of a pool', () => {
  test('where no node that is there has room for it', () => {
    const pods = [running(), running(), waiting({ detail: FULL })];
    expect(need(3, pods)).toEqual({ waiting: ['team-a'], asking: [] });
    expect(need(2, pods.slice(1))).toEqual({ waiting: [], asking: [] });
  });

  test('where a new one would have room for it', () => {
    const pods = [pod(null, { [GPU]: 4 }, { detail: FULL })];
    expect(need(1, pods, shape({ [GPU]: 4 }))).toEqual({ waiting: [], asking: [] });
  });

  test('unless it waits for something else, or is going', () => {
    const detail = '0/1 nodes are available: 1 node(s) had volume node affinity conflict.';
    for (const more of [{ detail }, { detail: FULL, deleting: true }]) {
      expect(need(2, [running(), running(), waiting(more)]).waiting).toEqual([]);
    }
  });
});

test('a workload asks for nodes while it has fewer pods than it wants', () => {
  expect(need(3, [running(), running()])).toEqual({ waiting: [], asking: ['team-a'] });
  expect(need(2, [running(), running()])).toEqual({ waiting: [], asking: [] });
});

test.each([
  [
    '1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found.',
    true,
  ],
  ['3 Too many pods.', true],
  ["1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node affinity/selector.", true],
  // A pool without nodes: all that there are are others'.
  [
    "2 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {role: infra}.",
    true,
  ],
  ["1 Insufficient nvidia.com/gpu, 1 node(s) didn't match pod anti-affinity rules.", false],
  ["1 node(s) didn't satisfy existing pods anti-affinity rules.", false],
  ["1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints.", false],
  ['pod has unbound immediate PersistentVolumeClaims.', false],
  ['1 Insufficient cpu, 1 node(s) had volume node affinity conflict.', false],
  ["1 node(s) didn't have free ports for the requested pod ports.", false],
  ['3 cannot allocate all claims.', false],
  [null, true],
])('%j: a new node helps: %s', (detail, helps) => {
  expect(isHelpedByNode(detail)).toBe(helps);
});
