import type { DeadWarmUp, WarmUp, WarmUpStatus } from './warm-up.js';

/**
 * `planned`: a new one. `same`: it was there already, and nothing changed. `replaced`: it had not begun, and is now this
 * one. `changed`: it had begun, and its replicas, end and reason are now these. `dead`: it was given up, and stays so
 * until somebody retries or discards it. `refused`: it makes no sense, and `why` says what was expected.
 */
export type Planned =
  | { readonly kind: 'planned' | 'same' | 'replaced' | 'changed' | 'dead' }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Warm-ups to come and under way, shared by all scaler replicas on one store.
 *
 * A warm-up that was accepted runs at its time on one of the replicas, once, whichever of them or the store dies in
 * between; one workload's steps are worked on by one replica at a time. Calls other than `known` reject with a
 * StoreUnavailable within a few seconds while the store does not answer; the call may yet have been carried out, and is
 * safe to repeat. Left out on purpose: what a warm-up does, and when one is worth its cost.
 */
export interface WarmUpQueue {
  plan(warmUp: WarmUp): Promise<Planned>;
  /** Leaves nothing behind: one that has begun lets its floor go. @returns false when there was no such warm-up */
  cancel(id: string): Promise<boolean>;
  /** @param workload all workloads when left out */
  list(workload?: string): Promise<WarmUpStatus[]>;
  /** The same from memory, at most a second or two old: for the tick, which waits for nothing. */
  known(workload?: string): readonly WarmUpStatus[];
  /** Newest first. */
  dead(): Promise<DeadWarmUp[]>;
  /** Plans it again, from now on. @returns false when there is no such dead warm-up, or its end has passed */
  retry(id: string): Promise<boolean>;
  discard(id: string): Promise<boolean>;
}
