import type { Actor } from './history.js';
import type { ScaledObjectRef, ScalerClient } from './scaler-client.js';
import type { StoryClock } from './story-clock.js';

/** As much of a ScaledObject as the stand-ins need. Times in seconds of the story. */
export interface ScaledObject {
  readonly ref: ScaledObjectRef;
  readonly pollingInterval: number;
  readonly cooldownPeriod: number;
  readonly maxReplicaCount: number;
  /** `scaleDown.stabilizationWindowSeconds`; null: no `behavior` at all, and the controller's 300 s. */
  readonly scaleDownWindow: number | null;
}

/** What KEDA and the HPA scale: the scale subresource of a Deployment. */
export interface ScaleSubresource {
  counts(): { readonly spec: number; readonly status: number; readonly ready: number };
  scale(replicas: number, by: Actor): void;
}

/** All that works on one ScaledObject, until `signal` is aborted. */
export interface Controlled {
  readonly object: ScaledObject;
  readonly target: ScaleSubresource;
  readonly client: ScalerClient;
  readonly clock: StoryClock;
  readonly signal: AbortSignal;
}
