import type { Millis } from './time.js';

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
  readonly output: 'replicas' | 'signal';
  /** Decide and explain, but publish the current replica count. */
  readonly dryRun: boolean;
}
