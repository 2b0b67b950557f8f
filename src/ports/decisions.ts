import type { Decision } from '../core/decision.js';
import type { MetricSpec } from '../policy/trigger.js';

/** What KEDA says of a trigger: a workload is known by all three, for two triggers of one ScaledObject differ only in metadata. */
export interface TriggerRef {
  readonly namespace: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Who asks. The HPA only does above zero replicas, which proves that replicas run. */
export type Caller = 'poll' | 'hpa';

export type Refusal =
  /** The metadata or the names are wrong, and stay so until somebody edits the ScaledObject. */
  | { readonly kind: 'invalid'; readonly why: string }
  /** Right, but there is no answer now; KEDA keeps the replicas. */
  | { readonly kind: 'unavailable'; readonly why: string };

export type Specs = { readonly kind: 'specs'; readonly specs: readonly MetricSpec[] } | Refusal;
export type Answer =
  { readonly kind: 'decided'; readonly decision: Decision; readonly specs: readonly MetricSpec[] } | Refusal;

/**
 * Where the answers to KEDA come from. `current` answers from memory; only the first call for a trigger waits, for its
 * first evaluation and at most two seconds. Nothing here rejects.
 */
export interface Decisions {
  /** Needs no backend. An HPA that asks for them alone, as with `useCachedMetrics`, proves as much as one that asks for values. */
  specs(ref: TriggerRef, caller: Caller): Specs;
  current(ref: TriggerRef, caller: Caller): Answer | Promise<Answer>;
  /**
   * Calls `listener` with every new decision until the returned function is called; a watched trigger is not forgotten.
   * The first call is the decision at hand, as soon as there is one.
   */
  watch(ref: TriggerRef, listener: (decision: Decision) => void): (() => void) | Refusal;
}
