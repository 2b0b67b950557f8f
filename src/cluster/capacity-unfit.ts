import type { Steps } from '../core/steps.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import { isGpu, repartitioning } from './capacity-gpu.js';
import { fitsOn, gib, lackOn, type Lack } from './capacity-node.js';
import { needsOf, refusedBy, type ReplicaShape } from './capacity-shape.js';
import { declaredNode, isUnknown, type ClusterView, type Room } from './capacity.js';
import { isComing, unusable } from './capacity-usable.js';

/** A kind of node that does not take the shape, and what is in the way. */
interface Obstacle {
  readonly pool: string;
  readonly node: Node;
  readonly lack: Lack | null;
  /** Null: only what it has is too little. */
  readonly refused: string | null;
  /** Of GPU memory; null: that is not it. */
  readonly short: string | null;
  /** From 0 to 1 for what is large enough, to 2 for what lets it in, to 3 for what does neither. */
  readonly distance: number;
}

/**
 * Why no node could hold a pod of the shape, there or declared, if nobody but DaemonSets were on it; null: one could, or it
 * is not known of all of them. Named is the kind of node that comes nearest: one that is large enough and does not let it
 * in, else the one that has the most of what is missing.
 */
export function* noNodeFits(shape: ReplicaShape, view: ClusterView, room: Room): Steps<string | null> {
  if (room.pools.some(({ now, coming, perNode }) => now + coming + (perNode ?? 0) > 0)) return null;
  let nearest: Obstacle | null = null;
  for (const pool of view.pools) {
    if (isUnknown(shape, pool)) return null;
    const declared = pool.config === null ? null : declaredNode(pool.config, view.now);
    const kinds: { readonly node: Node; readonly daemons: readonly Pod[] }[] = [
      ...(yield* view.groups.of(pool, shape)),
      ...(declared === null ? [] : [{ node: declared, daemons: [] }]),
    ];
    for (const { node, daemons } of kinds) {
      yield;
      if (isInFlux(shape, node, view)) return null;
      const { fits, short } = fitsOn(shape, node, {
        pods: daemons,
        memoryOf: view.memoryOf,
        gpuMemory: pool.config?.gpuMemory ?? null,
      });
      const refused = refusedBy(shape, node, view.extendedResourceToleration);
      if (fits > 0 && refused === null) return null;
      const lack = lackOn(shape, node, daemons);
      const distance = distanceOf(shape, node, { lack, refused, short });
      if (nearest === null || distance < nearest.distance)
        nearest = { pool: pool.name, node, lack, refused, short, distance };
    }
  }
  return `no node takes its pods: ${nearest === null ? 'there is none, and none is declared' : inLine(nearest)}`;
}

/** What such a node will have cannot be told yet. */
function isInFlux(
  shape: ReplicaShape,
  node: Node,
  { now, extendedResourceToleration }: ClusterView,
): boolean {
  if (needsOf(shape).gpu === null || refusedBy(shape, node, extendedResourceToleration) !== null)
    return false;
  if (repartitioning(node) !== null) return true;
  return !node.ready && unusable(shape, node)?.starting === true && isComing(node, now);
}

function distanceOf(
  shape: ReplicaShape,
  node: Node,
  { lack, refused, short }: Pick<Obstacle, 'lack' | 'refused' | 'short'>,
): number {
  if (lack === null && short === null) return 0;
  const missing = lack === null ? 0 : 1 - lack.has / lack.asked;
  // Where no node has the MIG profile, those that have others say more than those that have none.
  const strange = needsOf(shape).gpu !== null && gpusOf(node).length === 0 ? 0.5 : 0;
  return (refused === null ? 1 : 2) + (missing + strange) / 2;
}

function inLine({ pool, node, lack, refused, short }: Obstacle): string {
  const there = `nodes of pool ${pool}`;
  if (lack === null && short === null) return `${there} are large enough, but ${refused ?? ''}`;
  const others = lack === null || lack.has > 0 ? [] : gpusOf(node);
  const has =
    lack === null
      ? `on ${there} ${short ?? ''}`
      : `each asks for ${amount(lack.asked, lack.resource)}, and ${there} have ${
          lack.has > 0 ? amount(lack.has, lack.resource) : 'none'
        }${others.length === 0 ? '' : ` but ${others.join(', ')}`}`;
  return refused === null ? has : `${has}; besides, ${refused}`;
}

function gpusOf({ allocatable }: Node): string[] {
  return Object.entries(allocatable).flatMap(([name, units]) =>
    isGpu(name) && units > 0 ? [`${units} ${name}`] : [],
  );
}

function amount(value: number, resource: string): string {
  if (resource === 'memory' || resource === 'ephemeral-storage') return `${gib(value)} of ${resource}`;
  return `${Math.round(value * 100) / 100} ${resource}`;
}
