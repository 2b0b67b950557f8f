import type { Millis } from '../core/time.js';
import type { ClusterHealth, LeadTimes, WorkloadFacts } from './cluster.js';

/** What one ScaledObject gets of what it wants. */
export interface GpuShare {
  readonly namespace: string;
  /** The ScaledObject's. */
  readonly name: string;
  readonly wanted: number;
  readonly granted: number;
  /** What is in the way; null when all of it is granted. */
  readonly why: string | null;
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

/** The cluster as the metrics see it. */
export interface ClusterDesk {
  /** Null: there is no access, or none is wanted. */
  health(): ClusterHealth | null;
  /** Of the last round; empty where nothing is shared out. */
  shares(): readonly GpuShare[];
  /** Null: no prices, or nodes and pods are not known. */
  money(): MoneyPerHour | null;
}

/** What the cluster says of one workload, as plain data. */
export interface WorkloadClusterView {
  /** Null: it is not known, and `why` says why not. */
  readonly facts: WorkloadFacts | null;
  readonly why: string | null;
  readonly leadTimes: LeadTimes | null;
  /** The lead time that decisions take where the trigger names none; null: too few starts have been seen. */
  readonly leadTime: Millis | null;
  /** Null: nobody shares GPUs out. */
  readonly share: GpuShare | null;
  /** What it costs per hour now; null: not known. `complete`: none of its replicas is on a node without a price. */
  readonly cost: {
    readonly perHour: number;
    readonly complete: boolean;
    readonly currency: string;
    /** Of its most replicas, all the time; null: no price, or no maximum. */
    readonly alwaysOn: number | null;
  } | null;
}
