import { finished, stepwise, type Steps } from '../core/steps.js';
import { inWords, type Millis } from '../core/time.js';
import type { PoolConfig } from '../policy/capacity-config.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import { isYounger, NodeGroups, type NodeGroup } from './capacity-groups.js';
import { fitsOn } from './capacity-node.js';
import { poolsOf, type NodePool } from './capacity-pools.js';
import { refusedBy, type ReplicaShape } from './capacity-shape.js';
import { isComing, unusable } from './capacity-usable.js';

/** What the cluster looks like at one moment, and how pods count in it. */
export interface ClusterView {
  readonly now: Millis;
  readonly pools: readonly NodePool[];
  /** Pods that hold resources, by node. */
  readonly podsOn: ReadonlyMap<string, readonly Pod[]>;
  readonly groups: NodeGroups;
  /** GPU memory that a pod takes, as declared, in bytes; null: not said. */
  readonly memoryOf: (pod: Pod) => number | null;
  /** GKE and others let pods onto nodes tainted with the name of a resource that they request. */
  readonly extendedResourceToleration: boolean;
  /** Pools that do not grow just now, and why. */
  readonly blocked: ReadonlyMap<string, string>;
}

export interface ViewInput {
  readonly now: Millis;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly pools: readonly PoolConfig[];
  /** Pods that count as gone: placeholders, which yield at once, and what is to be arbitrated anew. */
  readonly released?: (pod: Pod) => boolean;
  readonly memoryOf?: (pod: Pod) => number | null;
  readonly extendedResourceToleration?: boolean;
  readonly blocked?: ReadonlyMap<string, string>;
}

/** How many more pods of one shape a pool takes. */
export interface PoolRoom {
  readonly pool: string;
  /** On the nodes there are. */
  readonly now: number;
  /** On nodes that have been asked for and are not usable yet. */
  readonly coming: number;
  /** On nodes that can be added; null: not known how far the pool grows. */
  readonly growth: number | null;
  /** On one new node; null: not known what a new node has. */
  readonly perNode: number | null;
  readonly nodes: number;
  readonly maxNodes: number | null;
  /** What does not count, and why: `2 nodes: cordoned`. */
  readonly notes: readonly string[];
}

/** How many more pods of one shape could be scheduled. The sums of its pools; only those that could ever take one. */
export interface Room {
  readonly now: number;
  readonly coming: number;
  readonly growth: number | null;
  readonly pools: readonly PoolRoom[];
}

const NOBODY: readonly Pod[] = [];

export function viewOf(input: ViewInput): ClusterView {
  return finished(viewing(input));
}

export function* viewing(input: ViewInput): Steps<ClusterView> {
  const podsOn = new Map<string, Pod[]>();
  yield* stepwise(input.pods, 64, (pod) => {
    if (pod.node === null || pod.phase === 'Succeeded' || pod.phase === 'Failed') return;
    if (input.released?.(pod) === true) return;
    const there = podsOn.get(pod.node);
    if (there === undefined) podsOn.set(pod.node, [pod]);
    else there.push(pod);
  });
  const memoryOf = input.memoryOf ?? (() => null);
  return {
    now: input.now,
    pools: yield* poolsOf(input.nodes, input.pools),
    podsOn,
    groups: new NodeGroups({ now: input.now, podsOn, memoryOf }),
    memoryOf,
    extendedResourceToleration: input.extendedResourceToleration ?? true,
    blocked: input.blocked ?? new Map(),
  };
}

/** The same nodes, with these pods counted as gone. */
export function* without(view: ClusterView, released: (pod: Pod) => boolean): Steps<ClusterView> {
  const podsOn = new Map<string, readonly Pod[]>();
  yield* stepwise(view.podsOn, 16, ([node, pods]) => {
    const left = pods.filter((pod) => !released(pod));
    if (left.length > 0) podsOn.set(node, left);
  });
  return { ...view, podsOn, groups: new NodeGroups({ now: view.now, podsOn, memoryOf: view.memoryOf }) };
}

/** How many more pods of the shape could be scheduled now, on nodes that come, and on nodes that can be added. */
export function roomFor(shape: ReplicaShape, view: ClusterView): Room {
  return finished(rooming(shape, view));
}

export function* rooming(shape: ReplicaShape, view: ClusterView): Steps<Room> {
  const pools: PoolRoom[] = [];
  for (const pool of view.pools) {
    const room = yield* poolRoom(shape, view, pool);
    if (room !== null) pools.push(room);
  }
  return {
    now: sum(pools.map(({ now }) => now)),
    coming: sum(pools.map(({ coming }) => coming)),
    growth: pools.some(({ growth }) => growth === null) ? null : sum(pools.map(({ growth }) => growth ?? 0)),
    pools,
  };
}

/** Null when no node of the pool, there or to come, could ever take a pod of the shape. */
function* poolRoom(shape: ReplicaShape, view: ClusterView, pool: NodePool): Steps<PoolRoom | null> {
  const groups = yield* view.groups.of(pool, shape);
  const fresh = yield* freshNode(shape, view, pool, groups);
  const gpuMemory = pool.config?.gpuMemory ?? null;
  const notes = new Map<string, number>();
  const note = (why: string, nodes: number) => notes.set(why, (notes.get(why) ?? 0) + nodes);
  let now = 0;
  let coming = 0;
  let suitable = false;
  yield* stepwise(groups, 8, ({ node, pods, count }) => {
    if (refusedBy(shape, node, view.extendedResourceToleration) !== null) return;
    suitable = true;
    const why = unusable(shape, node);
    if (why === null) {
      const { fits, short } = fitsOn(shape, node, { pods, memoryOf: view.memoryOf, gpuMemory });
      now += fits * count;
      if (short !== null) note(short, count);
    } else if (why.starting && isComing(node, view.now) && fresh.perNode !== null) {
      coming += fresh.perNode * count;
      note(`on its way, since ${inWords(view.now - node.createdAt)}`, count);
    } else {
      note(why.why, count);
    }
  });
  if (!suitable && !fresh.suitable) return null;
  const maxNodes = pool.config?.maxNodes ?? null;
  return {
    pool: pool.name,
    now,
    coming,
    growth: growthOf(view, pool, maxNodes, fresh.perNode),
    perNode: fresh.perNode,
    nodes: pool.nodes.length,
    maxNodes,
    notes: [...notes].map(([why, count]) => `${count} ${count === 1 ? 'node' : 'nodes'}: ${why}`),
  };
}

function growthOf(
  view: ClusterView,
  pool: NodePool,
  maxNodes: number | null,
  perNode: number | null,
): number | null {
  if (maxNodes === null) return null;
  const more = Math.max(0, maxNodes - pool.nodes.length);
  if (more === 0 || view.blocked.has(pool.name)) return 0;
  return perNode === null ? null : more * perNode;
}

/** A new node of a pool as its configuration describes it; null: it does not. */
export function declaredNode({ node, match }: PoolConfig, now: Millis): Node | null {
  if (node === null) return null;
  return {
    name: '',
    labels: { ...node.labels, ...match },
    taints: node.taints,
    unschedulable: false,
    ready: true,
    allocatable: node.resources,
    createdAt: now,
  };
}

/** What a new node of the pool takes: as declared, else as the youngest node that is in order, with its DaemonSets. */
function* freshNode(
  shape: ReplicaShape,
  view: ClusterView,
  pool: NodePool,
  groups: readonly NodeGroup[],
): Steps<{ readonly suitable: boolean; readonly perNode: number | null }> {
  const { config } = pool;
  const taken = (node: Node, pods: readonly Pod[]) => {
    if (refusedBy(shape, node, view.extendedResourceToleration) !== null)
      return { suitable: false, perNode: 0 };
    const gpuMemory = config?.gpuMemory ?? null;
    const { fits } = fitsOn(shape, node, { pods, memoryOf: view.memoryOf, gpuMemory });
    return { suitable: fits > 0, perNode: fits };
  };
  const declared = config === null ? null : declaredNode(config, view.now);
  if (declared !== null) return taken(declared, NOBODY);
  let like: NodeGroup | undefined;
  yield* stepwise(groups, 8, (group) => {
    if (like !== undefined && !isYounger(group.youngest, like.youngest)) return;
    if (unusable(shape, group.node) === null) like = group;
  });
  if (like !== undefined) return taken(like.youngest, like.daemons);
  return { suitable: isUnknown(shape, pool), perNode: null };
}

/** An empty pool of which nothing is known is not ruled out unless its own labels do. */
export function isUnknown({ nodeSelector }: ReplicaShape, { config, nodes }: NodePool): boolean {
  if (config === null || config.node !== null || nodes.length > 0 || config.maxNodes === 0) return false;
  return Object.entries(config.match).every(([key, value]) => (nodeSelector[key] ?? value) === value);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
