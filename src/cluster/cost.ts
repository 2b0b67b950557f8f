import { stepwise, type Steps } from '../core/steps.js';
import type { PoolConfig } from '../policy/capacity-config.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import type { ClusterView } from './capacity.js';
import { nodeKind } from './capacity-kind.js';
import { gpuWeights, nodePrice, shareOf, type GpuPrices, type GpuWeights } from './cost-price.js';

/** Money per hour, now. */
export interface CostReport {
  /** Of all GPU nodes that have a price. */
  readonly total: number;
  readonly workloads: ReadonlyMap<string, number>;
  /** Of all pods with GPUs, whoever they belong to, save placeholders. */
  readonly namespaces: ReadonlyMap<string, number>;
  /** Held by placeholders. */
  readonly held: number;
  /** Of GPUs that nobody has. */
  readonly idle: number;
  /** GPU nodes whose price is not known: they are in none of the sums. */
  readonly unpriced: readonly string[];
  /** Workloads with a replica on such a node: their sum is not all that they cost. */
  readonly incomplete: ReadonlySet<string>;
}

export interface CostInput {
  /** With all pods in it. */
  readonly view: ClusterView;
  readonly prices: GpuPrices;
  readonly ownerOf: (pod: Pod) => string | null;
  readonly isPlaceholder: (pod: Pod) => boolean;
}

/** Who costs what. A pod pays its share of its node's GPUs from the moment it has the node; CPU-only pods pay nothing of it. */
export function* costNow({ view, prices, ownerOf, isPlaceholder }: CostInput): Steps<CostReport> {
  const workloads = new Map<string, number>();
  const namespaces = new Map<string, number>();
  const unpriced: string[] = [];
  const incomplete = new Set<string>();
  let [total, held, idle] = [0, 0, 0];
  const add = (to: Map<string, number>, key: string, amount: number) =>
    to.set(key, (to.get(key) ?? 0) + amount);
  for (const { nodes, config } of view.pools) {
    const kinds = new Map<string, Priced>();
    yield* stepwise(nodes, 16, (node) => {
      const { price, weights } = pricedAs(node, config, prices, kinds);
      if (weights.all === 0 && price === null) return;
      let free = 1;
      for (const pod of view.podsOn.get(node.name) ?? []) {
        const share = shareOf(pod.requests, weights);
        if (share <= 0) continue;
        const owner = isPlaceholder(pod) ? null : ownerOf(pod);
        if (price === null) {
          if (owner !== null) incomplete.add(owner);
          continue;
        }
        // Pods of a node that has lost GPUs may ask for more than is left of it.
        const paid = price * Math.min(share, free);
        free = Math.max(0, free - share);
        if (isPlaceholder(pod)) held += paid;
        else {
          if (owner !== null) add(workloads, owner, paid);
          add(namespaces, pod.namespace, paid);
        }
      }
      if (price === null) unpriced.push(node.name);
      else {
        total += price;
        idle += price * free;
      }
    });
  }
  return { total, workloads, namespaces, held, idle, unpriced, incomplete };
}

interface Priced {
  readonly price: number | null;
  readonly weights: GpuWeights;
}

/** Of nodes that are alike only the first is looked at. */
function pricedAs(
  node: Node,
  config: PoolConfig | null,
  prices: GpuPrices,
  kinds: Map<string, Priced>,
): Priced {
  const kind = nodeKind(node, config?.gpuMemory ?? null);
  const known = kinds.get(kind) ?? { price: nodePrice(node, config, prices), weights: gpuWeights(node) };
  kinds.set(kind, known);
  return known;
}

/** What a workload costs now beside what its most replicas would cost all the time. */
export interface Saving {
  readonly perHour: number;
  readonly alwaysOn: number;
  /** From 0 to 1, of always-on; negative where it costs more than that. */
  readonly share: number;
}

/** @returns null where there is no price, or no maximum above 0 to compare with */
export function savingOf(perHour: number, price: number | null, maxReplicas: number | null): Saving | null {
  if (price === null || price <= 0 || maxReplicas === null || maxReplicas <= 0) return null;
  const alwaysOn = price * maxReplicas;
  return { perHour, alwaysOn, share: 1 - perHour / alwaysOn };
}

/** @param perSecond inferences; @returns money per thousand of them, null where either is not known or none are made */
export function costPerThousand(perHour: number | null, perSecond: number | null): number | null {
  if (perHour === null || perSecond === null || !(perSecond > 0)) return null;
  return (perHour / (perSecond * 3600)) * 1000;
}
