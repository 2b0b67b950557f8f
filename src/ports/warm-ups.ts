import type { Floor, FloorsHealth } from './floors.js';
import type { LedgerRecord } from './ledger.js';
import type { DeadWarmUp, WarmUpStatus } from './warm-up.js';

/** Whether there are warm-ups at all, and where they are kept. */
export type WarmUpStore =
  /** The server was not given a place for them. */
  | { readonly kind: 'off'; readonly why: string }
  /** It has one that is not open yet; `why` is what went wrong when it was last tried, null when nothing did. */
  | { readonly kind: 'opening'; readonly why: string | null }
  | {
      readonly kind: 'open';
      /** `redis`: given by URL. `redis-server`: a child of this process. `pglite`: within it. */
      readonly keptIn: 'redis' | 'redis-server' | 'pglite';
      readonly description: string;
      readonly shared: boolean;
      readonly health: FloorsHealth;
    };

/** What a person does with a warm-up: `cancel` one to come or under way, `retry` or `discard` one that was given up. */
export type WarmUpVerb = 'cancel' | 'retry' | 'discard';

/**
 * Warm-ups as the console and `explain` see them, by ScaledObject. What comes as a promise is the store's own word, and
 * rejects with a line for an operator when it does not answer within a few seconds; the rest is from memory.
 */
export interface WarmUpDesk {
  store(): WarmUpStore;
  known(): readonly WarmUpStatus[];
  of(namespace: string, name: string): readonly WarmUpStatus[];
  floors(namespace: string, name: string): readonly Floor[];
  /** Newest first. */
  ledger(namespace: string, name: string): Promise<readonly LedgerRecord[]>;
  /** Newest first. */
  dead(): Promise<readonly DeadWarmUp[]>;
  /** @returns false when there is no such warm-up, or its end has passed */
  act(verb: WarmUpVerb, id: string): Promise<boolean>;
}
