import type { ReplicaShape } from '../../src/cluster/capacity-shape.js';
import type { Node, Pod } from '../../src/ports/cluster-objects.js';

/** Nodes, pods and shapes as plain data, each with what a test does not care about. */

export const NOW = Date.parse('2026-03-02T10:00:00Z');

export function node(name: string, more: Partial<Node> = {}): Node {
  return {
    name,
    labels: {},
    taints: [],
    unschedulable: false,
    ready: true,
    allocatable: { cpu: 32, memory: 128 * 2 ** 30, pods: 110, 'nvidia.com/gpu': 1 },
    createdAt: NOW - 3_600_000,
    ...more,
  };
}

let count = 0;

export function pod(on: string | null, requests: Record<string, number>, more: Partial<Pod> = {}): Pod {
  count += 1;
  return {
    namespace: 'inference',
    name: `pod-${count}`,
    uid: `uid-${count}`,
    node: on,
    phase: on === null ? 'Pending' : 'Running',
    ready: on !== null,
    deleting: false,
    requests,
    priority: 0,
    owner: { kind: 'Deployment', name: 'tritonserver' },
    labels: {},
    createdAt: NOW - 600_000,
    scheduledAt: on === null ? null : NOW - 590_000,
    startedAt: on === null ? null : NOW - 560_000,
    readyAt: on === null ? null : NOW - 500_000,
    waiting: on === null ? 'unschedulable' : null,
    ...more,
  };
}

export function shape(requests: Record<string, number>, more: Partial<ReplicaShape> = {}): ReplicaShape {
  return { requests, nodeSelector: {}, affinity: null, tolerations: [], gpuMemory: null, ...more };
}
