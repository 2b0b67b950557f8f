import { stepwise, type Steps } from '../core/steps.js';
import type { Pod } from '../ports/cluster-objects.js';
import type { ReplicaShape } from './capacity-shape.js';
import { rooming, type ClusterView, type PoolRoom } from './capacity.js';

/** A pod of one of the workloads. */
export interface OwnedPod {
  readonly pod: Pod;
  readonly id: string;
}

/** A workload as pools grow for it. */
export interface Grower {
  /** The ScaledObject's `namespace/name`. */
  readonly id: string;
  readonly wanted: number;
  readonly shape: ReplicaShape;
  /** Those that could ever take one of its pods. */
  readonly pools: readonly PoolRoom[];
}

/** How a declared pool grows: its nodes, and the namespaces that need more of them; for core's `growthStep`. */
export interface PoolGrowth {
  readonly pool: string;
  readonly nodes: number;
  /** Those with a pod that no node takes and a new one of this pool would. */
  readonly waiting: readonly string[];
  /** Those with a workload that wants more replicas than it has pods. */
  readonly asking: readonly string[];
}

/** @param view with all pods where they are */
export function* growing(
  view: ClusterView,
  growers: readonly Grower[],
  owned: readonly OwnedPod[],
): Steps<PoolGrowth[]> {
  const pods = new Map<string, number>();
  const stuck = new Set<string>();
  yield* stepwise(owned, 64, ({ pod, id }) => {
    if (pod.deleting || pod.phase === 'Succeeded' || pod.phase === 'Failed') return;
    pods.set(id, (pods.get(id) ?? 0) + 1);
    if (pod.waiting === 'unschedulable' && isHelpedByNode(pod.detail ?? null)) stuck.add(id);
  });
  const waiting = yield* withoutRoom(view, growers, stuck);
  const needs = new Map(view.pools.map(({ name }) => [name, { waiting: set(), asking: set() }]));
  yield* stepwise(growers, 64, ({ id, wanted, pools }) => {
    const waits = waiting.has(id);
    const asks = wanted > (pods.get(id) ?? 0);
    if (!waits && !asks) return;
    const [namespace = ''] = id.split('/', 1);
    for (const { pool, nodes, maxNodes, perNode } of pools) {
      if (maxNodes === null || nodes >= maxNodes || perNode === 0) continue;
      if (waits) needs.get(pool)?.waiting.add(namespace);
      if (asks) needs.get(pool)?.asking.add(namespace);
    }
  });
  return view.pools
    .filter(({ config }) => config !== null)
    .map(({ name, nodes }) => {
      const { waiting, asking } = needs.get(name) ?? { waiting: [], asking: [] };
      return { pool: name, nodes: nodes.length, waiting: [...waiting], asking: [...asking] };
    });
}

/** With room on a node that is there, a pod waits for something else. */
function* withoutRoom(
  view: ClusterView,
  growers: readonly Grower[],
  stuck: ReadonlySet<string>,
): Steps<ReadonlySet<string>> {
  const hasRoom = new Map<ReplicaShape, boolean>();
  const waiting = new Set<string>();
  for (const { id, shape } of growers) {
    if (!stuck.has(id)) continue;
    const room = hasRoom.get(shape) ?? (yield* rooming(shape, view)).now > 0;
    hasRoom.set(shape, room);
    if (!room) waiting.add(id);
  }
  return waiting;
}

function set(): Set<string> {
  return new Set();
}

/** Reasons of the scheduler's that a new node removes: too little of a resource, or nodes of other pools alone. */
const NODE_HELPS =
  /Insufficient |Too many pods|node affinity|node selector|\btaints?\b|no nodes available|^0\/0 nodes/i;
/** And those that it may well not. The first is spelt "node(s) had volume node affinity conflict", too. */
const NODE_MAY_NOT_HELP =
  /volume|persistent|\bpvc|pod affinity|anti-affinity|topology spread|free ports|resource ?claim/i;

/** @param detail the scheduler's message; null: it gave none, and nothing speaks against it */
export function isHelpedByNode(detail: string | null): boolean {
  return detail === null || (NODE_HELPS.test(detail) && !NODE_MAY_NOT_HELP.test(detail));
}
