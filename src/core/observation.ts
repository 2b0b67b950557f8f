import type { Tolerance } from './hpa.js';
import type { Millis } from './time.js';

/** One pod's value of a signal. */
export interface Sample {
  /** Null when the value belongs to the workload as a whole (a queue, a gateway). */
  readonly pod: string | null;
  /** As it came: may be NaN, infinite or negative; reading drops and counts those. */
  readonly value: number;
  /** When the value was true, on our clock, worked out from the sample's own timestamp, not from its arrival. */
  readonly at: Millis;
  /**
   * How much the value counts in the mean of an intensive signal: for a time per request, the requests it is the
   * mean of. Absent means 1; weights that are all 0 count alike.
   */
  readonly weight?: number;
}

/** What a source said of one signal of one workload. */
export type Reading =
  /** The source answered. `exists`: it has this metric for some workload, so that its exporter is there. */
  | { readonly kind: 'answered'; readonly samples: readonly Sample[]; readonly exists: boolean }
  /** The source did not answer, or not usefully. `samples` are the last that came, with their ages. */
  | { readonly kind: 'failed'; readonly samples: readonly Sample[]; readonly why: string }
  /** Not asked: a wake signal while the pods report, or a source that has not been asked yet. */
  | { readonly kind: 'unread' };

/** Replica counts from the cluster, where there is access to it. */
export interface ClusterReplicas {
  /** spec.replicas of the scale target. */
  readonly current: number;
  readonly ready: number;
}

/** What KEDA and the HPA keep, whatever they are told. */
export interface ScaledObjectSettings {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Null: the minimum holds when idle too. */
  readonly idleReplicas: number | null;
  /** The HPA's. */
  readonly tolerance: Tolerance;
}

/** Replicas that are there at least, whatever the load. */
export interface Floor {
  /**
   * Whose wish it is. Whoever names a time or asks by hand (`window`, `wake`, `announcement`) means it, and wakes a workload
   * out of its sleep window too; a `forecast` does not.
   */
  readonly by: 'window' | 'wake' | 'announcement' | 'forecast';
  readonly replicas: number;
  readonly until: Millis;
  readonly why: string;
}

/** Zero, whatever the load. */
export interface Sleep {
  readonly until: Millis;
  readonly why: string;
}

/** What there is room and money for, where the cluster's GPUs are shared out. */
export interface Grant {
  /** At most so many. */
  readonly replicas: number;
  readonly why: string;
}

/** What the forecast asks for, worked out before the decision so that the record of it is complete. */
export interface Advice {
  readonly replicas: number;
  /** Its record does not pay: it says why, and the signals decide. */
  readonly standsBack?: boolean;
  readonly why: string;
}

/** All that is known of one workload at one moment. */
export interface Observation {
  /** In the order of the policy's signals. */
  readonly readings: readonly Reading[];
  readonly wake: Reading;
  /** Null without cluster access: then the pods with fresh data are the replicas. */
  readonly replicas: ClusterReplicas | null;
  /**
   * Whether the HPA has asked lately, which it only does above zero replicas (observed with KEDA 2.20). Without cluster
   * access this is what proves that replicas run although none reports. False proves nothing.
   */
  readonly hpaAsks: boolean;
  /** Whether anybody has called lately: while KEDA is away, the HPA's silence proves nothing. Absent: yes. */
  readonly kedaAsks?: boolean;
  /** Absent or null: not known, and the trigger's bounds stand alone. */
  readonly scaledObject?: ScaledObjectSettings | null;
  /** Absent or null: nobody shares GPUs out. */
  readonly grant?: Grant | null;
  /** Those that hold now; one whose `until` has come does not. Absent: none. */
  readonly floors?: readonly Floor[];
  /** Absent or null: there is none, and the signals alone decide. */
  readonly forecast?: Advice | null;
  /** Absent or null: awake. */
  readonly sleep?: Sleep | null;
}
