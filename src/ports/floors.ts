import type { Millis } from '../core/time.js';
import type { WarmUpSource } from './warm-up.js';

/** The least replicas of a workload that a warm-up allows. */
export interface Floor {
  readonly replicas: number;
  /** It holds before this moment and not from it on. */
  readonly until: Millis;
  readonly why: string;
  readonly source: WarmUpSource;
}

/** Whether what is known is what the store says. */
export type FloorsHealth =
  | { readonly kind: 'current' }
  /** The store does not answer: the last known floors stand until they expire. */
  | { readonly kind: 'stale'; readonly since: Millis; readonly why: string };

/**
 * The floors in force, from memory: no call waits. What another scaler replica lifts is known here within a second or
 * two. A floor ends by itself at its `until`, so that neither a dead process nor a dead store holds one for ever.
 */
export interface Floors {
  floorsOf(workload: string): readonly Floor[];
  health(): FloorsHealth;
}
