import { MINUTE, type Millis } from './time.js';

/**
 * `extensive`: values add up over replicas (queue length, running requests, arrivals); demand = sum ÷ target.
 * `intensive`: values do not (utilisation, queue time, cache use); demand = replicas × mean ÷ target.
 */
export type SignalKind = 'extensive' | 'intensive';

/** How one profile's signal becomes demand. */
export interface SignalPolicy {
  /** The profile's name, for words only: core never branches on it. */
  readonly profile: string;
  readonly kind: SignalKind;
  readonly unit: string;
  /** What one replica should carry, in `unit`; > 0. */
  readonly target: number;
  /** The workload counts as idle while the signal's sum (extensive) or mean (intensive) is at or below this. */
  readonly activation: number;
  /**
   * What it means that the metric exists in the source but not for this workload. `unknown`: nothing.
   * `idle`: zero, as with a gateway that has seen no request for a service.
   */
  readonly absence: 'unknown' | 'idle';
  /** A sample older than this says nothing any more. */
  readonly freshFor: Millis;
  /** Jobs that wait or run, counted where they are queued: what a deadline is about. Absent: no. */
  readonly backlog?: boolean;
}

/** The signal that is read at zero replicas, when the pods that would report the load do not exist. */
export interface WakePolicy extends SignalPolicy {
  /**
   * Whether the signal's own target says how many replicas to wake. False wakes one: a request rate at the gateway
   * does not tell replicas until somebody has said how many requests a replica serves.
   */
  readonly sized: boolean;
  /** Named by the trigger itself: then nothing goes to zero while this signal could not wake it again. */
  readonly required: boolean;
}

/** What "in time" means: this share of the requests waits at most so long for a slot. */
export interface Slo {
  readonly wait: Millis;
  /** From 0.5 to 1. */
  readonly share: number;
}

/** A time that comes again: five cron fields in the schedule's time zone, and how long it lasts from then in real time. */
export interface Window {
  readonly start: string;
  readonly length: Millis;
}

/** When at least so many replicas are there, and when none is. Evaluated outside core, which gets what holds now. */
export interface Schedule {
  /** IANA name. */
  readonly timezone: string;
  readonly warm: readonly (Window & { readonly replicas: number })[];
  readonly sleep: readonly Window[];
}

/** More than a cluster holds (kubernetes.io, large clusters: 150 000 pods), and no decision asks for more. */
export const MOST_REPLICAS = 150_000;

/** One trigger's settings, validated; all that core needs to know to decide. */
export interface Policy {
  /** At least one; the largest demand wins. */
  readonly signals: readonly SignalPolicy[];
  readonly wake: WakePolicy | null;
  /** Dead band around the target and the HPA's own tolerance: a share, 0.1 by default, 0 ≤ tolerance < 1. */
  readonly tolerance: number;
  /** How long the last decision stands while blind. */
  readonly holdFor: Millis;
  readonly minReplicas: number;
  /** Null: unlimited. */
  readonly maxReplicas: number | null;
  readonly burst: boolean;
  /** The largest recommendation in this window holds replicas; 0 leaves it to the HPA. */
  readonly scaleDownWindow: Millis;
  /** How long a replica that was asked for may take to report before it no longer counts as coming. */
  readonly leadTime: Millis;
  /** Whether the trigger said so; else it is a guess until it has been measured. */
  readonly leadTimeGiven: boolean;
  /** Requests that one replica serves at once; null: not said. */
  readonly slots: number | null;
  /** Mean time that a request holds a slot; null: not said. */
  readonly serviceTime: Millis | null;
  readonly slo: Slo | null;
  /** `on` and `auto` only beside an `slo`. */
  readonly forecast: 'off' | 'on' | 'auto';
  /** Null: no windows. */
  readonly schedule: Schedule | null;
  /** Finish what is queued within so long of its coming, counted for the backlog signals; null: no such wish. */
  readonly deadline: Millis | null;
  /** 1 is served first when GPUs are short. Core only carries it along: who shares GPUs out sees all workloads. */
  readonly tier: 1 | 2;
  readonly output: 'replicas' | 'signal';
  /** Decide and explain, but publish the current replica count. */
  readonly dryRun: boolean;
}

/** From asking for a replica until it reports, at most: a cold GPU node, its image and the model take 4 to 12 minutes. */
const LEAD_TIME = 10 * MINUTE;

/** What a trigger that says nothing of it gets. */
export const POLICY_DEFAULTS: Omit<Policy, 'signals' | 'wake'> = {
  tolerance: 0.1,
  holdFor: 5 * MINUTE,
  minReplicas: 0,
  maxReplicas: null,
  burst: true,
  scaleDownWindow: 0,
  leadTime: LEAD_TIME,
  leadTimeGiven: false,
  slots: null,
  serviceTime: null,
  slo: null,
  forecast: 'off',
  schedule: null,
  deadline: null,
  tier: 2,
  output: 'replicas',
  dryRun: false,
};
