import type { Claimant, Supply } from '../core/capacity/arbitrate.js';
import type { Option } from '../core/capacity/placement.js';
import { finished, stepwise, type Steps } from '../core/steps.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import { rooming, viewOf, type ClusterView, type PoolRoom, type ViewInput } from './capacity.js';
import { growing, type Grower, type OwnedPod, type PoolGrowth } from './capacity-growth.js';
import { textOf } from './capacity-kind.js';
import { needsOf, type ReplicaShape } from './capacity-shape.js';
import { noNodeFits } from './capacity-unfit.js';
import { unusable } from './capacity-usable.js';

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

/** What core's `arbitrate` takes, and what the cluster says besides. */
export interface CapacityTerms {
  readonly claimants: readonly Claimant[];
  readonly supplies: readonly Supply[];
  /** For core's `growthStep`. */
  readonly growth: readonly PoolGrowth[];
  /** Workloads of which no node that is there or declared could hold a pod, and why. */
  readonly unfit: ReadonlyMap<string, string>;
}

/**
 * What core's `arbitrate` takes, from the cluster: what each pool has for all of these workloads together, as if their
 * pods were not there, and what one replica of each takes of it.
 */
export function capacityTerms(input: ArbitrationInput): CapacityTerms {
  const owned = input.pods.flatMap((pod) => {
    const id = input.ownerOf(pod);
    return id === null ? [] : [{ pod, id }];
  });
  const released = (pod: Pod) => input.isPlaceholder(pod) || input.ownerOf(pod) !== null;
  const views = { free: viewOf({ ...input, released }), taken: viewOf(input) };
  return finished(termsIn(views, input.workloads, owned));
}

/** The same nodes, with and without those whose share is worked out. */
export interface ArbitrationViews {
  /** Without placeholders and the pods that are owned. */
  readonly free: ClusterView;
  readonly taken: ClusterView;
}

/** What is asked of a view for each shape; most workloads share theirs with others. */
interface ShapeTerms {
  readonly pools: readonly PoolRoom[];
  readonly unfit: string | null;
  /** Of a workload without replicas on nodes that take no new ones. */
  readonly options: readonly Option[];
}

export function* termsIn(
  { free: view, taken }: ArbitrationViews,
  workloads: readonly ManagedWorkload[],
  owned: readonly OwnedPod[],
): Steps<CapacityTerms> {
  const stranded = yield* strandedPods(view, workloads, owned);
  const supplies = new Map<string, Supply>();
  const terms = new Map<string, ShapeTerms>();
  const growers: Grower[] = [];
  const claimants: Claimant[] = [];
  const unfit = new Map<string, string>();
  for (const { shape, ...workload } of workloads) {
    const key = textOf(shape);
    const known = terms.get(key) ?? (yield* termsOfShape(shape, view, supplies, stranded));
    terms.set(key, known);
    growers.push({ id: workload.id, wanted: workload.wanted, shape, pools: known.pools });
    if (known.unfit !== null) unfit.set(workload.id, known.unfit);
    const own = stranded.replicas.get(workload.id);
    const options = own === undefined ? known.options : optionsOf(shape, known.pools, supplies, own);
    claimants.push({ ...workload, options });
    yield;
  }
  return {
    claimants,
    supplies: [...supplies.values()],
    growth: yield* growing(taken, growers, owned),
    unfit,
  };
}

function* termsOfShape(
  shape: ReplicaShape,
  view: ClusterView,
  supplies: Map<string, Supply>,
  stranded: Stranded,
): Steps<ShapeTerms> {
  const room = yield* rooming(shape, view);
  for (const { pool } of room.pools) {
    const { resource } = unitOf(shape);
    const name = supplyName(pool, resource);
    if (!supplies.has(name)) supplies.set(name, yield* supplyOf(view, pool, resource, stranded));
  }
  const options = optionsOf(shape, room.pools, supplies, NOBODY_STRANDED);
  return { pools: room.pools, unfit: yield* noNodeFits(shape, view, room), options };
}

const NOBODY_STRANDED: ReadonlyMap<string, number> = new Map();

/** @param stranded replicas of the workload, by pool */
function optionsOf(
  shape: ReplicaShape,
  pools: readonly PoolRoom[],
  supplies: ReadonlyMap<string, Supply>,
  stranded: ReadonlyMap<string, number>,
): readonly Option[] {
  const { resource, count } = unitOf(shape);
  return pools.map((room) => {
    const pool = supplyName(room.pool, resource);
    const most = total(room) + (stranded.get(room.pool) ?? 0);
    return { pool, units: unitsOf(shape, count, supplies.get(pool)?.units ?? 0, most), most };
  });
}

/** What is shared out is named by its node pool and the resource. */
function supplyName(pool: string, resource: string): string {
  return `${pool} ${resource}`;
}

/** The node pool of a supply's name. */
export function nodePoolOf(supply: string): string {
  return supply.slice(0, supply.lastIndexOf(' '));
}

/** What is counted out: GPUs; pods where none are asked for. */
function unitOf(shape: ReplicaShape): { readonly resource: string; readonly count: number } {
  return needsOf(shape).gpu ?? { resource: 'pods', count: 1 };
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

function* supplyOf(view: ClusterView, name: string, resource: string, stranded: Stranded): Steps<Supply> {
  // One unit, and let in everywhere: what bounds a workload besides is in its own room.
  const unit: ReplicaShape = {
    requests: { [resource]: 1 },
    nodeSelector: {},
    affinity: null,
    tolerations: [{ key: null, operator: 'Exists', value: '', effect: null }],
    gpuMemory: null,
  };
  const members = view.pools.filter((each) => each.name === name);
  const [room] = (yield* rooming(unit, { ...view, pools: members })).pools;
  const pool = supplyName(name, resource);
  const units = (room === undefined ? 0 : total(room)) + (stranded.units.get(pool) ?? 0);
  return { pool, units, limit: limitOf(name, room, view.blocked.get(name)) };
}

/** @param blocked why it grows no further; undefined: it does */
function limitOf(name: string, room: PoolRoom | undefined, blocked: string | undefined): string {
  if (room === undefined) return `pool ${name} has no room`;
  const { notes } = room;
  const bound = `pool ${name} ${boundOf(room, blocked)}`;
  return notes.length === 0 ? bound : `${bound} (${notes.join(', ')})`;
}

function boundOf({ nodes, maxNodes }: PoolRoom, blocked: string | undefined): string {
  if (maxNodes === null) return 'is full';
  if (blocked !== undefined && nodes < maxNodes) return blocked;
  return `at its maximum of ${maxNodes} ${maxNodes === 1 ? 'node' : 'nodes'}`;
}

/**
 * Replicas that run on nodes which take no new ones: cordoned, or not ready just now. They go when the node is drained; to
 * count them out before would take them down for nothing.
 */
interface Stranded {
  /** By workload and pool. */
  readonly replicas: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** What they take, by pool and resource. */
  readonly units: ReadonlyMap<string, number>;
}

function* strandedPods(
  view: ClusterView,
  workloads: readonly ManagedWorkload[],
  owned: readonly OwnedPod[],
): Steps<Stranded> {
  const shapes = new Map(workloads.map(({ id, shape }) => [id, shape]));
  const nodes = new Map<string, { readonly node: Node; readonly pool: string }>();
  for (const { name, nodes: members } of view.pools)
    yield* stepwise(members, 64, (node) => void nodes.set(node.name, { node, pool: name }));
  const replicas = new Map<string, Map<string, number>>();
  const units = new Map<string, number>();
  yield* stepwise(owned, 32, ({ pod, id }) => {
    const at = pod.node === null ? undefined : nodes.get(pod.node);
    const shape = shapes.get(id);
    if (at === undefined || shape === undefined || pod.deleting || unusable(shape, at.node) === null) return;
    const { resource, count } = unitOf(shape);
    const own = replicas.get(id) ?? new Map<string, number>();
    replicas.set(id, own);
    own.set(at.pool, (own.get(at.pool) ?? 0) + 1);
    const supply = supplyName(at.pool, resource);
    units.set(supply, (units.get(supply) ?? 0) + count);
  });
  return { replicas, units };
}
