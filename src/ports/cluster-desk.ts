import type { Bounds } from '../core/bounds.js';
import type { Millis } from '../core/time.js';
import type { ClusterHealth, LeadTimes, NodeLeadTime, Waiting, WorkloadFacts } from './cluster.js';

/** What one ScaledObject gets of what it wants. */
export interface GpuShare {
  readonly namespace: string;
  /** The ScaledObject's. */
  readonly name: string;
  readonly wanted: number;
  readonly granted: number;
  /** What is in the way; null when all of it is granted. */
  readonly why: string | null;
  /** The node pool of most of them; null: of none that is known. */
  readonly pool: string | null;
  /** Replicas that the namespace's budget cut, whatever pools cut besides. */
  readonly cutByBudget: number;
  /** Why no node that is there or declared could hold its pods, for which it is not capped; null: one could. */
  readonly note: string | null;
}

/** What a namespace with a budget may run. */
export interface BudgetUse {
  readonly namespace: string;
  readonly currency: string;
  /** Money per hour. */
  readonly budget: number;
  /** Money per hour of what the budget lets its workloads have now, before pools are looked at; at most `budget` but for minimums. */
  readonly perHour: number;
  /** Replicas that it cuts now, of workloads whose price is known. */
  readonly cut: number;
}

/** Money per hour, in `currency`. Nodes without a price are in none of the sums. */
export interface MoneyPerHour {
  readonly currency: string;
  readonly total: number;
  /** Of GPUs that placeholders hold, and of those that nobody has. */
  readonly held: number;
  readonly idle: number;
  readonly namespaces: ReadonlyMap<string, number>;
  /** GPU nodes whose price is not known. */
  readonly unpriced: number;
}

/** What one ScaledObject costs. */
export interface WorkloadCost {
  /** Money per hour now, in `currency`. */
  readonly perHour: number;
  /** None of its replicas is on a node without a price. */
  readonly complete: boolean;
  readonly currency: string;
  /** Of its most replicas, all the time; null: no price, or no maximum. */
  readonly alwaysOn: number | null;
}

/** What a workload makes for its money. */
export interface Inferences {
  /** Requests that leave its pods, over about five minutes. */
  readonly perSecond: number;
  /** Money now for a thousand of them, in the currency of the cost; null: none are made, or the cost is not known. */
  readonly moneyPerThousand: number | null;
}

/** One ScaledObject as the metrics see it. */
export interface ScaledObjectFigures {
  readonly namespace: string;
  readonly name: string;
  /** Empty too while it is not known. */
  readonly waiting: readonly Waiting[];
  readonly leadTimes: LeadTimes | null;
  /** Null: not known. */
  readonly cost: WorkloadCost | null;
  readonly inferences: Inferences | null;
}

/** Something that is changed in the cluster, and needs rights of its own. */
export interface FeatureStatus {
  /** Such as `placeholders`. */
  readonly feature: string;
  /** Which right it lacks; null: none that is known. */
  readonly why: string | null;
}

/** The cluster as the metrics see it. */
export interface ClusterDesk {
  /** Null: there is no access, or none is wanted. */
  health(): ClusterHealth | null;
  /** Those that are switched on; empty without access. */
  features(): readonly FeatureStatus[];
  /** Of the last round; empty where nothing is shared out. */
  shares(): readonly GpuShare[];
  /** Null: no prices, or nodes and pods are not known. */
  money(): MoneyPerHour | null;
  /** Of the last round; empty without budgets. */
  budgets(): readonly BudgetUse[];
  /** Of those that KEDA asks about, each worked out when it is taken; empty without access. */
  scaledObjects(): Iterable<ScaledObjectFigures>;
}

/**
 * Whose lead time it is: the trigger's own word, the workload's own starts, or those of all workloads on the GPU types that it
 * may run on.
 */
export type LeadTimeFrom = 'trigger' | 'own-starts' | 'gpu-type';

/** Starts on one GPU type, whichever workload's. */
export interface GpuStarts {
  /** As its nodes are labelled, such as `nvidia-l4`. */
  readonly type: string;
  readonly leadTimes: LeadTimes | null;
  /** How long a new node takes. */
  readonly node: NodeLeadTime | null;
}

/** What the cluster says of one workload, as plain data. */
export interface WorkloadClusterView {
  /** Null: it is not known, and `why` says why not. */
  readonly facts: WorkloadFacts | null;
  readonly why: string | null;
  /** What holds: the trigger's where it names them, else the ScaledObject's. */
  readonly bounds: Bounds;
  readonly leadTimes: LeadTimes | null;
  /** What the model server itself says its pods took to load, a part of the starts' `model`; null: it does not say. */
  readonly modelLoad: Millis | null;
  /** The lead time that decisions take; null: too few starts have been seen, and the default holds. */
  readonly leadTime: Millis | null;
  /** Null with `leadTime`. */
  readonly leadTimeFrom: LeadTimeFrom | null;
  /** The GPU types that it may run on, as far as starts on them have been seen. */
  readonly gpus: readonly GpuStarts[];
  /** Null: nobody shares GPUs out. */
  readonly share: GpuShare | null;
  /** Null: not known. */
  readonly cost: WorkloadCost | null;
  /** Null: not known, which is not none. */
  readonly inferences: Inferences | null;
}
