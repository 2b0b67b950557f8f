import { inWords, MINUTE, type Millis } from '../core/time.js';
import type { PoolConfig } from '../policy/capacity-config.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import { repartitioning } from './capacity-gpu.js';
import { fitsOn } from './capacity-node.js';
import { poolsOf, type NodePool } from './capacity-pools.js';
import { needsOf, refusedBy, type ReplicaShape } from './capacity-shape.js';

/** What the cluster looks like at one moment, and how pods count in it. */
export interface ClusterView {
  readonly now: Millis;
  readonly pools: readonly NodePool[];
  /** Pods that hold resources, by node. */
  readonly podsOn: ReadonlyMap<string, readonly Pod[]>;
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

/** A node that is older and still not usable is broken: the cluster autoscaler's max-node-provision-time. */
const NODE_COMES_WITHIN: Millis = 15 * MINUTE;

export function viewOf(input: ViewInput): ClusterView {
  const podsOn = new Map<string, Pod[]>();
  for (const pod of input.pods) {
    if (pod.node === null || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
    if (input.released?.(pod) === true) continue;
    const there = podsOn.get(pod.node);
    if (there === undefined) podsOn.set(pod.node, [pod]);
    else there.push(pod);
  }
  return {
    now: input.now,
    pools: poolsOf(input.nodes, input.pools),
    podsOn,
    memoryOf: input.memoryOf ?? (() => null),
    extendedResourceToleration: input.extendedResourceToleration ?? true,
    blocked: input.blocked ?? new Map(),
  };
}

/** How many more pods of the shape could be scheduled now, on nodes that come, and on nodes that can be added. */
export function roomFor(shape: ReplicaShape, view: ClusterView): Room {
  const pools = view.pools.map((pool) => poolRoom(shape, view, pool)).filter((room) => room !== null);
  return {
    now: sum(pools.map(({ now }) => now)),
    coming: sum(pools.map(({ coming }) => coming)),
    growth: pools.some(({ growth }) => growth === null) ? null : sum(pools.map(({ growth }) => growth ?? 0)),
    pools,
  };
}

/** Null when no node of the pool, there or to come, could ever take a pod of the shape. */
function poolRoom(shape: ReplicaShape, view: ClusterView, pool: NodePool): PoolRoom | null {
  const fresh = freshNode(shape, view, pool);
  const notes = new Map<string, number>();
  const note = (why: string) => notes.set(why, (notes.get(why) ?? 0) + 1);
  let now = 0;
  let coming = 0;
  let suitable = false;
  for (const node of pool.nodes) {
    if (refusedBy(shape, node, view.extendedResourceToleration) !== null) continue;
    suitable = true;
    const why = unusable(shape, node);
    if (why === null) {
      const { fits, short } = fitsOn(shape, node, {
        pods: view.podsOn.get(node.name) ?? NOBODY,
        memoryOf: view.memoryOf,
        gpuMemory: pool.config?.gpuMemory ?? null,
      });
      now += fits;
      if (short !== null) note(short);
    } else if (why.starting && view.now - node.createdAt < NODE_COMES_WITHIN && fresh.perNode !== null) {
      coming += fresh.perNode;
      note(`on its way, since ${inWords(view.now - node.createdAt)}`);
    } else {
      note(why.why);
    }
  }
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
    notes: [
      ...[...notes].map(([why, count]) => `${count} ${count === 1 ? 'node' : 'nodes'}: ${why}`),
      ...(view.blocked.has(pool.name) ? [view.blocked.get(pool.name) ?? ''] : []),
    ],
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

/** Whether pods of the shape can be scheduled on a node now, as far as the node is concerned. */
export function isUsable(shape: ReplicaShape, node: Node): boolean {
  return unusable(shape, node) === null;
}

/** Why nothing can be scheduled on a node now. `starting`: a young node may look like that on its way. */
function unusable(
  shape: ReplicaShape,
  node: Node,
): { readonly why: string; readonly starting: boolean } | null {
  if (node.unschedulable) return { why: 'cordoned', starting: false };
  const { gpu } = needsOf(shape);
  const why = gpu === null ? null : repartitioning(node);
  if (why !== null) return { why, starting: false };
  if (!node.ready) return { why: 'not ready', starting: true };
  if (gpu !== null && node.allocatable[gpu.resource] === undefined) {
    // A node is ready before its device plugin has registered the GPUs.
    return {
      why: `no ${gpu.resource}`,
      starting: Object.keys(node.allocatable).every((each) => !each.startsWith('nvidia.com/')),
    };
  }
  return null;
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
function freshNode(
  shape: ReplicaShape,
  view: ClusterView,
  { config, nodes }: NodePool,
): { readonly suitable: boolean; readonly perNode: number | null } {
  const declared = config === null ? null : declaredNode(config, view.now);
  if (declared !== null) {
    return taken(declared, NOBODY);
  }
  let like: Node | undefined;
  for (const node of nodes) {
    if (like !== undefined && !isYounger(node, like)) continue;
    if (unusable(shape, node) === null) like = node;
  }
  if (like !== undefined) {
    const daemons = daemonsOf(view.podsOn.get(like.name) ?? NOBODY);
    return taken(like, daemons);
  }
  // An empty pool of which nothing is known is not ruled out unless its own labels do.
  const clash = Object.entries(config?.match ?? {}).some(
    ([key, value]) => (shape.nodeSelector[key] ?? value) !== value,
  );
  return {
    suitable: config !== null && nodes.length === 0 && config.maxNodes !== 0 && !clash,
    perNode: null,
  };

  function taken(node: Node, pods: readonly Pod[]): { suitable: boolean; perNode: number | null } {
    if (refusedBy(shape, node, view.extendedResourceToleration) !== null)
      return { suitable: false, perNode: 0 };
    const { fits } = fitsOn(shape, node, {
      pods,
      memoryOf: view.memoryOf,
      gpuMemory: config?.gpuMemory ?? null,
    });
    return { suitable: fits > 0, perNode: fits };
  }
}

function isYounger(a: Node, b: Node): boolean {
  return a.createdAt > b.createdAt || (a.createdAt === b.createdAt && a.name < b.name);
}

/** One view asks for the same pods once for each shape. */
const daemons = new WeakMap<readonly Pod[], readonly Pod[]>();

function daemonsOf(pods: readonly Pod[]): readonly Pod[] {
  const known = daemons.get(pods) ?? pods.filter(({ owner }) => owner?.kind === 'DaemonSet');
  daemons.set(pods, known);
  return known;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
