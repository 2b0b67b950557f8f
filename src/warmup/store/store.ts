import type { Millis } from '../../core/time.js';

/** One stored text. Its revision changes with every write, and no two writes have the same. */
export interface Stored {
  readonly revision: number;
  readonly value: string;
}

/** There must be nothing under the id. */
export const ABSENT = 0;
/** Whatever is there. */
export const ANY = -1;

export type Write =
  /** @param expect the revision that must be there, ABSENT or ANY */
  | {
      readonly op: 'put';
      readonly in: string;
      readonly id: string;
      readonly value: string;
      readonly expect: number;
    }
  | { readonly op: 'drop'; readonly in: string; readonly id: string; readonly expect: number }
  /** Once for each id; of each collection only the newest by `at` are kept. */
  | {
      readonly op: 'append';
      readonly in: string;
      readonly id: string;
      readonly value: string;
      readonly at: Millis;
      readonly most: number;
    };

/** The store did not answer in time. Whether a write took place is then unknown. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/**
 * What the scaler replicas share: texts in collections, and leases.
 *
 * `commit` is atomic: all of its writes take place, or none because one did not find what it expected. Everything
 * rejects with StoreUnavailable within a few seconds when the store does not answer. Knows nothing of warm-ups.
 */
export interface Store {
  read(collection: string, id: string): Promise<Stored | null>;
  list(collection: string): Promise<Map<string, Stored>>;
  /** Changes whenever something in the collection did. */
  version(collection: string): Promise<string>;
  /** @returns whether all expectations were met */
  commit(writes: readonly Write[]): Promise<boolean>;
  /**
   * Takes the lease for so long, unless another owner holds it. Time is the store's own: it runs on when clocks of
   * processes jump. @returns whether `owner` holds it now
   */
  lease(key: string, owner: string, length: Millis): Promise<boolean>;
  /** Only its owner's. */
  release(key: string, owner: string): Promise<void>;
}
