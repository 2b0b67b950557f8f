import type { Decision } from '../core/decision.js';
import type { Observation } from '../core/observation.js';
import type { Policy } from '../core/policy.js';
import type { Millis } from '../core/time.js';

/** One step as it was taken. A trigger's steps in order, from its first, decide the same again byte for byte. */
export interface Step {
  /** Namespace, name and a digest of the metadata: constant for the life of a trigger. */
  readonly trigger: string;
  /** Present in a trigger's first step, and in the first on another scale target, where its state begins anew. */
  readonly policy?: Policy;
  /** The lead time as it was learned, in place of the policy's; absent: the policy's. */
  readonly leadTime?: Millis;
  readonly now: Millis;
  readonly observation: Observation;
  readonly decision: Decision;
}

/** Keeps steps. Never throws: a log that cannot be written says so elsewhere and does not stop a decision. */
export interface DecisionLog {
  append(step: Step): void;
  close(): Promise<void>;
}
