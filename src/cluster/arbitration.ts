import type { Claimant, Supply } from '../core/capacity/arbitrate.js';
import type { Option } from '../core/capacity/placement.js';
import type { Pod } from '../ports/cluster-objects.js';
import { gpuRequest } from './capacity-gpu.js';
import { isUsable, roomFor, viewOf, type ClusterView, type PoolRoom, type ViewInput } from './capacity.js';
import type { ReplicaShape } from './capacity-shape.js';

/** A workload whose replicas are to be granted. */
export interface ManagedWorkload extends Omit<Claimant, 'options'> {
  readonly shape: ReplicaShape;
}

export interface ArbitrationInput extends Omit<ViewInput, 'released'> {
  readonly workloads: readonly ManagedWorkload[];
  /** The workload a pod belongs to; null: to none of these. */
  readonly ownerOf: (pod: Pod) => string | null;
  readonly isPlaceholder: (pod: Pod) => boolean;
}

/**
 * What core's `arbitrate` takes, from the cluster: what each pool has for all of these workloads together, as if their
 * pods were not there, and what one replica of each takes of it.
 */
export function capacityTerms(input: ArbitrationInput): {
  claimants: Claimant[];
  supplies: Supply[];
  /** For core's `growthStep`. */
  growth: PoolGrowth[];
} {
  const owned = input.pods.filter((pod) => input.ownerOf(pod) !== null);
  const released = (pod: Pod) => input.isPlaceholder(pod) || input.ownerOf(pod) !== null;
  const view = viewOf({ ...input, released });
  const stranded = strandedPods(view, owned, input);
  const supplies = new Map<string, Supply>();
  const rooms = new Map<string, readonly PoolRoom[]>();
  const claimants = input.workloads.map(({ shape, ...workload }): Claimant => {
    const { resource, count } = gpuRequest(shape.requests) ?? { resource: 'pods', count: 1 };
    const key = JSON.stringify(shape);
    const known = rooms.get(key) ?? roomFor(shape, view).pools;
    rooms.set(key, known);
    const options = known.map((room): Option => {
      const pool = `${room.pool} ${resource}`;
      const supply = supplies.get(pool) ?? supplyOf(view, room.pool, pool, resource, stranded);
      supplies.set(pool, supply);
      const most = total(room) + (stranded.get(`${room.pool} ${workload.id}`) ?? 0);
      return { pool, units: unitsOf(shape, count, supply.units, most), most };
    });
    return { ...workload, options };
  });
  const roomsOf = new Map(
    input.workloads.map(({ id, shape }) => [id, rooms.get(JSON.stringify(shape)) ?? []]),
  );
  return {
    claimants,
    supplies: [...supplies.values()],
    growth: growthOf(view, owned, roomsOf, input.ownerOf),
  };
}

/** How a declared pool grows: its nodes, and the replicas that no node takes and a new one of this pool would. */
export interface PoolGrowth {
  readonly pool: string;
  readonly nodes: number;
  readonly waiting: number;
}

function growthOf(
  view: ClusterView,
  owned: readonly Pod[],
  roomsOf: ReadonlyMap<string, readonly PoolRoom[]>,
  ownerOf: ArbitrationInput['ownerOf'],
): PoolGrowth[] {
  const waiting = new Map<string, number>();
  for (const pod of owned) {
    if (pod.waiting !== 'unschedulable' || pod.deleting) continue;
    for (const { pool, nodes, maxNodes } of roomsOf.get(ownerOf(pod) ?? '') ?? []) {
      if (maxNodes !== null && nodes < maxNodes) waiting.set(pool, (waiting.get(pool) ?? 0) + 1);
    }
  }
  return view.pools
    .filter(({ config }) => config !== null)
    .map(({ name, nodes }) => ({ pool: name, nodes: nodes.length, waiting: waiting.get(name) ?? 0 }));
}

/**
 * Replicas that share a GPU's memory take of the slices what they take of the memory: of 14 slices of 15 GiB, one of 4 GiB
 * takes 14/3. Others take what they request.
 */
function unitsOf(shape: ReplicaShape, count: number, supply: number, most: number): number {
  if (shape.gpuMemory === null || most === 0 || !Number.isFinite(supply)) return count;
  return Math.max(count, supply / most);
}

function total({ now, coming, growth }: PoolRoom): number {
  return growth === null ? Infinity : now + coming + growth;
}

function supplyOf(
  view: ClusterView,
  name: string,
  pool: string,
  resource: string,
  stranded: ReadonlyMap<string, number>,
): Supply {
  // One unit, and let in everywhere: what bounds a workload besides is in its own room.
  const unit: ReplicaShape = {
    requests: { [resource]: 1 },
    nodeSelector: {},
    affinity: null,
    tolerations: [{ key: null, operator: 'Exists', value: '', effect: null }],
    gpuMemory: null,
  };
  const members = view.pools.filter((each) => each.name === name);
  const [room] = roomFor(unit, { ...view, pools: members }).pools;
  const units = (room === undefined ? 0 : total(room)) + (stranded.get(pool) ?? 0);
  return { pool, units, limit: limitOf(name, room) };
}

function limitOf(name: string, room: PoolRoom | undefined): string {
  if (room === undefined) return `pool ${name} has no room`;
  const { maxNodes, notes } = room;
  const bound =
    maxNodes === null
      ? `pool ${name} is full`
      : `pool ${name} at its maximum of ${maxNodes} ${maxNodes === 1 ? 'node' : 'nodes'}`;
  return notes.length === 0 ? bound : `${bound} (${notes.join(', ')})`;
}

/**
 * Replicas that run on nodes which take no new ones: cordoned, or not ready just now. They go when the node is drained; to
 * count them out before would take them down for nothing. By pool and workload, and their units by pool and resource.
 */
function strandedPods(
  view: ClusterView,
  owned: readonly Pod[],
  { workloads, ownerOf }: ArbitrationInput,
): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (key: string, amount: number) => counts.set(key, (counts.get(key) ?? 0) + amount);
  const shapes = new Map(workloads.map(({ id, shape }) => [id, shape]));
  const nodes = new Map(
    view.pools.flatMap(({ name, nodes }) => nodes.map((node) => [node.name, { node, pool: name }])),
  );
  for (const pod of owned) {
    const at = pod.node === null ? undefined : nodes.get(pod.node);
    const id = ownerOf(pod);
    const shape = id === null ? undefined : shapes.get(id);
    if (at === undefined || id === null || shape === undefined || pod.deleting) continue;
    if (isUsable(shape, at.node)) continue;
    const { resource, count } = gpuRequest(shape.requests) ?? { resource: 'pods', count: 1 };
    add(`${at.pool} ${id}`, 1);
    add(`${at.pool} ${resource}`, count);
  }
  return counts;
}
