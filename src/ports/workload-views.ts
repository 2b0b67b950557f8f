import type { Decision } from '../core/decision.js';
import type { Policy } from '../core/policy.js';
import type { Millis } from '../core/time.js';
import type { MetricSpec } from '../policy/trigger.js';
import type { WorkloadClusterView } from './cluster-desk.js';
import type { ScaleTarget } from './workloads.js';

/** What a trigger's forecast knows, for a trigger that wants one. */
export interface ForecastView {
  /** Beats of 15 s of load that it has seen. */
  readonly beats: number;
  /** When the first of them was, and until when the load is known; null before the first. */
  readonly seenSince: Millis | null;
  readonly seenUntil: Millis | null;
  /** Requests that come each second, over about the last minute. */
  readonly requestsPerSecond: number;
  /** What its way of seeing the load cannot see; null: nothing. */
  readonly caveat: string | null;
  /** The last one made; null: there is none now. */
  readonly forecast: {
    readonly replicas: number;
    /** How likely the last of them is needed before another could be ready, 0 to 1. */
    readonly chance: number;
    /** The same of one more, and from which chance on that is worth its money. */
    readonly nextChance: number;
    readonly worthFrom: number;
    /** GPU-seconds that keeping one request in time may cost. */
    readonly price: number;
    /** It is on trial and does not pay: the signals alone decide. */
    readonly standsBack: boolean;
  } | null;
  /** Its grounds, or why there is none. */
  readonly why: string;
}

/** One trigger as the console, the metrics and `explain` see it. */
export interface WorkloadView {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly profiles: readonly string[];
  readonly target: ScaleTarget;
  readonly policy: Policy;
  readonly metricSpecs: readonly MetricSpec[];
  readonly askedAt: Millis;
  /** Null before the first evaluation. */
  readonly decision: Decision | null;
  /** Null: the trigger wants none. */
  readonly forecast: ForecastView | null;
  /** Null without access to the cluster. */
  readonly cluster: WorkloadClusterView | null;
}

/** Without what the cluster says, which is worked out for who asks for one workload and not for all. */
export type WorkloadSummary = Omit<WorkloadView, 'cluster'>;

/** What the server knows, to look at. */
export interface WorkloadViews {
  all(): WorkloadSummary[];
  named(namespace: string, name: string): WorkloadView[];
}
