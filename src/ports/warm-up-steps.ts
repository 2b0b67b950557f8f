import type { StepReport, WarmUp } from './warm-up.js';

export type StepResult = Pick<StepReport, 'note' | 'split'> & { readonly outcome: 'done' | 'nothing' };

/** What a step needs to know besides its warm-up. */
export interface StepContext {
  /** Aborted when the server stops, the warm-up is cancelled or given up: the step rejects with its reason, promptly. */
  readonly signal: AbortSignal;
  /** The replicas wanted now: a better forecast may change them while the step runs. */
  readonly replicas: () => number;
}

/**
 * What a warm-up does to the cluster and to the model server.
 *
 * Each step may run again after a crash, on another scaler replica, and must then find done what is done. A step that
 * cannot be done rejects with one line for an operator, and is tried again later.
 */
export interface WarmUpSteps {
  /** Makes the node pool grow before the load comes. */
  holdNodes(warmUp: WarmUp, context: StepContext): Promise<StepResult>;
  /** Resolves when the replicas are ready, however long it takes. */
  waitReady(warmUp: WarmUp, context: StepContext): Promise<StepResult>;
  /** Makes the model answer its first request before a user sends one. */
  warmModel(warmUp: WarmUp, context: StepContext): Promise<StepResult>;
  /** Lets go of what `holdNodes` holds, at the end of the warm-up or when it is cancelled. */
  releaseNodes(warmUp: WarmUp): Promise<void>;
}
