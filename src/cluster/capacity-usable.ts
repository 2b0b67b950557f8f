import { MINUTE, type Millis } from '../core/time.js';
import type { Node } from '../ports/cluster-objects.js';
import { repartitioning } from './capacity-gpu.js';
import { needsOf, type ReplicaShape } from './capacity-shape.js';
import { stateOf, type Unusable } from './capacity-taints.js';

/** A node that is older and still not usable is broken: the cluster autoscaler's max-node-provision-time. */
const NODE_COMES_WITHIN: Millis = 15 * MINUTE;

/** Null: pods of the shape can be scheduled on the node now, as far as it is concerned. */
export function unusable(shape: ReplicaShape, node: Node): Unusable | null {
  if (node.unschedulable) return { why: 'cordoned', starting: false };
  const { gpu } = needsOf(shape);
  const why = gpu === null ? null : repartitioning(node);
  if (why !== null) return { why, starting: false };
  if (!node.ready) return { why: 'not ready', starting: true };
  for (const taint of node.taints) {
    const state = stateOf(taint);
    if (state !== null) return state;
  }
  if (gpu !== null && node.allocatable[gpu.resource] === undefined) {
    // A node is ready before its device plugin has registered the GPUs.
    return { why: `no ${gpu.resource}`, starting: !hasDevices(node) };
  }
  return null;
}

/** Whether a node that is not usable yet is young enough to become so. */
export function isComing(node: Node, now: Millis): boolean {
  return now - node.createdAt < NODE_COMES_WITHIN;
}

/** Whether some shape may find the node to be on its way, when it is young enough. */
export function looksComing(node: Node): boolean {
  return !node.ready || !hasDevices(node) || node.taints.some((taint) => stateOf(taint)?.starting === true);
}

function hasDevices({ allocatable }: Node): boolean {
  for (const name in allocatable) if (name.startsWith('nvidia.com/')) return true;
  return false;
}
