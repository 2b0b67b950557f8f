import type { Millis } from '../core/time.js';

/** Load that somebody knows of before it comes. */
export interface Announcement {
  /** How many requests or jobs, above 0. */
  readonly jobs: number;
  readonly startsAt: Millis;
  /** When the last of them is to be done. */
  readonly deadline: Millis;
  /** The same key again is the same announcement, and changes nothing. */
  readonly idempotencyKey: string;
}

/** What becomes of it: so many replicas, asked for from a moment on so that they serve at its start, until its deadline. */
export interface Preparation {
  readonly replicas: number;
  readonly from: Millis;
  readonly until: Millis;
  /** Whether those replicas finish in time. */
  readonly inTime: boolean;
  readonly why: string;
}

export type Refused =
  /** KEDA has not asked about such a ScaledObject. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** It makes no sense, or not for this workload. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The key is taken by an announcement that says something else. */
  | { readonly kind: 'conflict'; readonly why: string }
  /** There are too many. */
  | { readonly kind: 'full'; readonly why: string };

export type Announced =
  { readonly kind: 'accepted' | 'duplicate'; readonly preparation: Preparation } | Refused;

export interface WakeRequest {
  /** At least so many; null: one. */
  readonly replicas: number | null;
  /** For so long; 0 ends an earlier wake; null: a quarter of an hour. */
  readonly length: Millis | null;
}

/** `cappedAt`: where there may not be so many replicas, how many there may be. */
export type Woken =
  | { readonly kind: 'awake'; readonly replicas: number; readonly until: Millis; readonly cappedAt?: number }
  | Refused;

/**
 * What people and programs ask for beside the metadata. Never rejects. An order is in force when the call returns, and the
 * workload is decided anew at once, so that KEDA hears of it over its stream and not at its next poll.
 */
export interface Orders {
  announce(namespace: string, name: string, announcement: Announcement): Promise<Announced>;
  /** A second wake takes the place of the first. */
  wake(namespace: string, name: string, request: WakeRequest): Promise<Woken>;
}
