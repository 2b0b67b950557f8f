import { performance } from 'node:perf_hooks';
import type { Millis } from '../../core/time.js';
import type { Store } from '../store/store.js';

/** Holds a workload for one run: no other run, here or in another process, acts on it meanwhile. */
export class Lease {
  readonly #store: Store;
  readonly #key: string;
  readonly #owner: string;
  readonly #length: Millis;
  /** By the monotonic clock, like the store's own: the wall clock may jump. */
  #renewedAt = 0;
  #lost = false;

  constructor(store: Store, key: string, owner: string, length: Millis) {
    this.#store = store;
    this.#key = key;
    this.#owner = owner;
    this.#length = length;
  }

  async take(): Promise<boolean> {
    const asked = performance.now();
    const taken = await this.#store.lease(this.#key, this.#owner, this.#length);
    if (taken) this.#renewedAt = asked;
    return taken;
  }

  /** Renews it when a third has passed. Never rejects: a store that is away is found out by `isLost`. */
  async keep(): Promise<void> {
    if (performance.now() - this.#renewedAt < this.#length / 3) return;
    try {
      if (!(await this.take())) this.#lost = true;
    } catch {
      // Held until it runs out; by then the store may answer again.
    }
  }

  isLost(): boolean {
    return this.#lost || performance.now() - this.#renewedAt > this.#length;
  }

  /** Never rejects: it runs out by itself. */
  async release(): Promise<void> {
    await this.#store.release(this.#key, this.#owner).catch(() => undefined);
  }
}
