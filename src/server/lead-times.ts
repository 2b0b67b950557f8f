import { refusedBy } from '../cluster/capacity-shape.js';
import { gpuTypeOf } from '../cluster/objects/node.js';
import { MINUTE, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { Cluster, LeadTime, LeadTimes, PodShape } from '../ports/cluster.js';
import type { GpuStarts, LeadTimeFrom } from '../ports/cluster-desk.js';
import type { Workload } from './workload.js';

/** With fewer starts a p90 is one of them, and perhaps the odd one. */
const LEAST_STARTS = 3;
/** Node pools change slowly, and the question is asked at every evaluation. */
const STANDS_FOR: Millis = MINUTE;

export interface LearnedLeadTime {
  readonly leadTime: Millis;
  readonly from: Extract<LeadTimeFrom, 'own-starts' | 'gpu-type'>;
}

/**
 * The lead time to decide with: the workload's own starts, and while there are too few of them all starts on the GPUs that it
 * may run on. Of warm and cold nodes, and of several GPU types, the longest p90: who promises by a shorter one is late.
 */
export class LearnedLeadTimes {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  #typesByShape = new Map<string, readonly string[]>();
  #typesByWorkload = new Map<string, readonly string[]>();
  #at: Millis | null = null;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** @returns null: too few starts have been seen */
  of({ namespace, name }: Pick<Workload, 'namespace' | 'name'>): LearnedLeadTime | null {
    const own = longest(null, this.#cluster.leadTime(namespace, name));
    if (own !== null) return { leadTime: own, from: 'own-starts' };
    let ofGpus: Millis | null = null;
    for (const type of this.#typesOf(namespace, name))
      ofGpus = longest(ofGpus, this.#cluster.leadTimeOfGpu(type));
    return ofGpus === null ? null : { leadTime: ofGpus, from: 'gpu-type' };
  }

  /** The GPU types that it may run on, as far as anything is known of them. */
  gpusOf({ namespace, name }: Pick<Workload, 'namespace' | 'name'>): readonly GpuStarts[] {
    return this.#typesOf(namespace, name).flatMap((type) => {
      const [leadTimes, node] = [this.#cluster.leadTimeOfGpu(type), this.#cluster.nodeLeadTime(type)];
      return leadTimes === null && node === null ? [] : [{ type, leadTimes, node }];
    });
  }

  #typesOf(namespace: string, name: string): readonly string[] {
    const now = this.#clock.now();
    if (this.#at === null || Math.abs(now - this.#at) >= STANDS_FOR) {
      this.#typesByShape = new Map();
      this.#typesByWorkload = new Map();
      this.#at = now;
    }
    const id = `${namespace}/${name}`;
    const known = this.#typesByWorkload.get(id);
    if (known !== undefined) return known;
    const answer = this.#cluster.facts(namespace, name);
    const types = answer.kind === 'known' ? this.#typesFor(answer.facts.shape) : [];
    this.#typesByWorkload.set(id, types);
    return types;
  }

  /** Thousands of workloads have a few shapes, and each is compared with the nodes once. */
  #typesFor({ gpu, requests, nodeSelector, nodeAffinity, tolerations }: PodShape): readonly string[] {
    if (gpu === null) return [];
    const key = JSON.stringify([gpu.resource, nodeSelector, nodeAffinity, tolerations]);
    const known = this.#typesByShape.get(key);
    if (known !== undefined) return known;
    const shape = { requests, nodeSelector, affinity: nodeAffinity, tolerations, gpuMemory: null };
    const types = new Set<string>();
    // What it selects is known before there is such a node.
    const selected = gpuTypeOf({ labels: nodeSelector });
    if (selected !== null) types.add(selected);
    const nodes = this.#cluster.nodes();
    for (const node of nodes.kind === 'known' ? nodes.items : []) {
      const type = gpuTypeOf(node);
      if (type === null || types.has(type) || (node.allocatable[gpu.resource] ?? 0) === 0) continue;
      // With the toleration that most clusters add: a type too many errs on the side of asking early.
      if (refusedBy(shape, node, true) === null) types.add(type);
    }
    const found = [...types].sort();
    this.#typesByShape.set(key, found);
    return found;
  }
}

function longest(one: Millis | null, times: LeadTimes | null): Millis | null {
  if (times === null) return one;
  return longer(longer(one, times.warmNode), times.coldNode);
}

function longer(one: Millis | null, time: LeadTime | null): Millis | null {
  return time === null || time.samples < LEAST_STARTS ? one : Math.max(one ?? 0, time.p90);
}
