import type { Node, Pod } from '../ports/cluster-objects.js';
import { gpuResource } from './capacity-gpu.js';
import { tenantsInMemory } from './capacity-memory.js';
import { needsOf, type ReplicaShape } from './capacity-shape.js';

/** Who is on a node, and what is known of its GPUs' memory besides its labels. */
export interface Occupants {
  readonly pods: readonly Pod[];
  /** GPU memory that a pod takes, as declared, in bytes; null: not said. */
  readonly memoryOf: (pod: Pod) => number | null;
  /** Bytes of one GPU, as declared for its pool; null: not said. */
  readonly gpuMemory: number | null;
}

/** How many pods of the shape fit beside those that are there, and what is in the way of more when it is the GPU memory. */
export function fitsOn(
  shape: ReplicaShape,
  node: Node,
  { pods, memoryOf, gpuMemory }: Occupants,
): { readonly fits: number; readonly short: string | null } {
  const used = usedBy(pods);
  let fits = Infinity;
  const { amounts, gpu } = needsOf(shape);
  for (const [resource, amount] of amounts) {
    const left = amountOn(node, resource) - (used.get(resource) ?? 0);
    fits = Math.min(fits, timesIn(left, amount));
  }
  fits = Math.max(0, fits);
  if (gpu === null || shape.gpuMemory === null) return { fits: finite(fits), short: null };
  const device = gpuResource(node, gpu.resource, gpuMemory);
  if (device === null) return { fits: finite(fits), short: null };
  const tenants = pods
    .filter((pod) => (pod.requests[gpu.resource] ?? 0) > 0)
    .map((pod) => ({ units: pod.requests[gpu.resource] ?? 0, memory: memoryOf(pod) }));
  const inMemory = tenantsInMemory(device, tenants, { units: gpu.count, memory: shape.gpuMemory });
  if (inMemory >= fits) return { fits: finite(fits), short: null };
  const memory = `${gib(device.memory ?? 0)} of GPU memory hold ${inMemory} more of ${gib(shape.gpuMemory)}`;
  return {
    fits: inMemory,
    short: `${fits} slices are free, and ${memory}: with more the neighbours would get OOM`,
  };
}

/** What a declared node leaves out is not what it lacks; a device that it leaves out, it does not have. */
function amountOn(node: Node, resource: string): number {
  return node.allocatable[resource] ?? (resource.includes('/') ? 0 : Infinity);
}

/** Sums of thousandths of cores are off by a last bit. */
function timesIn(left: number, amount: number): number {
  return Math.floor(left / amount + 1e-9);
}

export interface Lack {
  readonly resource: string;
  readonly asked: number;
  /** Less than is asked. */
  readonly has: number;
}

/** Of what a shape asks for, the resource of which a node with these pods has the smallest part; null: it has enough of all. */
export function lackOn(shape: ReplicaShape, node: Node, pods: readonly Pod[]): Lack | null {
  const used = usedBy(pods);
  let worst: Lack | null = null;
  for (const [resource, asked] of needsOf(shape).amounts) {
    const has = Math.max(0, amountOn(node, resource) - (used.get(resource) ?? 0));
    if (timesIn(has, asked) >= 1) continue;
    if (worst === null || has / asked < worst.has / worst.asked) worst = { resource, asked, has };
  }
  return worst;
}

/** A shape that asks for nothing fits as often as a node takes pods. */
function finite(count: number): number {
  return Math.min(count, 1000);
}

/** One view asks for the same pods once for each shape. */
const known = new WeakMap<readonly Pod[], ReadonlyMap<string, number>>();

function usedBy(pods: readonly Pod[]): ReadonlyMap<string, number> {
  const before = known.get(pods);
  if (before !== undefined) return before;
  const used = new Map<string, number>([['pods', pods.length]]);
  for (const { requests } of pods) {
    for (const [resource, amount] of Object.entries(requests)) {
      if (resource !== 'pods') used.set(resource, (used.get(resource) ?? 0) + amount);
    }
  }
  known.set(pods, used);
  return used;
}

export function gib(bytes: number): string {
  return `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`;
}
