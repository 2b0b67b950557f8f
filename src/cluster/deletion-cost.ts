/**
 * Which replicas go first when a ReplicaSet is scaled down: the annotation `controller.kubernetes.io/pod-deletion-cost`.
 * Among pods that are ready the ReplicaSet deletes the lowest cost first; those that are not ready go before all of them
 * whatever they cost (kube-controller-manager, `ActivePodsWithRanks`).
 */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

export interface LoadedPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** Share of what it can carry that it carries, from 0 up; null: not known, and then it may well be busy. */
  readonly load: number | null;
  /** The annotation as it is; null: none. */
  readonly cost: number | null;
}

export interface CostChange {
  readonly namespace: string;
  readonly name: string;
  readonly cost: number;
}

/** Loads that differ by less are the same: a cost that follows each request would be a request to the API server itself. */
const STEPS = 4;
/** Leaves room for as many nodes in each step. */
const STEP = 100_000;

/**
 * The costs to set for the replicas of one workload. An idle replica always goes before a busy one, in four steps of load;
 * among those of one step the replicas of the node that is nearest to being empty go first, node by node, so that whole
 * nodes come free. Nothing is set where the costs that are there give the same order already. The highest come first: a pod
 * without the annotation costs 0, and so the busy ones are safe although only some of the costs have been set.
 *
 * @param others pods by node that also keep it from coming free: GPU pods of other workloads
 */
export function deletionCosts(pods: readonly LoadedPod[], others: ReadonlyMap<string, number>): CostChange[] {
  const ranks = nodeRanks(pods, others);
  const wanted = pods.map((pod) => ({ pod, cost: stepOf(pod.load) * STEP + (ranks.get(pod.node) ?? 0) }));
  if (sameOrder(wanted)) return [];
  return wanted
    .filter(({ pod, cost }) => pod.cost !== cost)
    .toSorted((a, b) => b.cost - a.cost)
    .map(({ pod, cost }) => ({ namespace: pod.namespace, name: pod.name, cost }));
}

/** 0: idle. Anything at all is more, so that no replica with a request in it counts as idle. */
function stepOf(load: number | null): number {
  if (load === null || Number.isNaN(load)) return STEPS;
  return load <= 0 ? 0 : Math.min(STEPS, Math.max(1, Math.ceil(load * STEPS)));
}

/** The node that comes free soonest has rank 0: no pods of others, then the least load, then the fewest replicas. */
function nodeRanks(pods: readonly LoadedPod[], others: ReadonlyMap<string, number>): Map<string, number> {
  const nodes = new Map<string, { busy: number; replicas: number }>();
  for (const { node, load } of pods) {
    const sum = nodes.get(node) ?? { busy: 0, replicas: 0 };
    nodes.set(node, { busy: sum.busy + stepOf(load), replicas: sum.replicas + 1 });
  }
  const order = [...nodes].toSorted(
    ([a, one], [b, two]) =>
      (others.get(a) ?? 0) - (others.get(b) ?? 0) ||
      one.busy - two.busy ||
      one.replicas - two.replicas ||
      (a < b ? -1 : 1),
  );
  return new Map(order.map(([node], rank) => [node, rank]));
}

/** Whether every pair that must be in an order is in it with the costs that are there. */
function sameOrder(wanted: readonly { readonly pod: LoadedPod; readonly cost: number }[]): boolean {
  // A pod without the annotation costs 0.
  const sorted = wanted.toSorted((a, b) => a.cost - b.cost);
  return sorted.every(({ pod, cost }, index) => {
    const before = sorted[index - 1];
    if (before === undefined) return true;
    const is = (pod.cost ?? 0) - (before.pod.cost ?? 0);
    return cost === before.cost ? is === 0 : is > 0;
  });
}
