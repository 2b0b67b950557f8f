import { MINUTE, type Millis } from '../../core/time.js';
import type { ClusterState } from '../../ports/cluster.js';
import type { Log } from '../log.js';
import type { LeadBook } from './book.js';

/** What is learned between two saves is lost with the process, and learned again. */
const SAVE_WITHIN: Millis = 5 * MINUTE;

/** Brings the book back at the start, and saves it when it has changed: late, at most once in a while, and at the end. */
export class LeadKeeper {
  readonly #book: LeadBook;
  readonly #state: ClusterState | null;
  readonly #log: Log;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> = Promise.resolve();

  constructor(book: LeadBook, state: ClusterState | null, log: Log) {
    this.#book = book;
    this.#state = state;
    this.#log = log;
  }

  /** Never rejects: without what was learned, it is learned again. */
  async restore(): Promise<void> {
    try {
      const document = (await this.#state?.load()) ?? null;
      if (document !== null && !this.#book.restore(document)) {
        this.#log.warn({}, 'the lead times that were saved are of another version: they are learned anew');
      }
    } catch (error) {
      this.#log.warn(
        { error: said(error) },
        'the lead times that were saved cannot be read: they are learned anew',
      );
    }
  }

  changed(): void {
    if (this.#state === null || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#save(), SAVE_WITHIN);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) this.#save();
    await this.#saving;
  }

  #save(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#saving = this.#saving.then(async () => {
      try {
        await this.#state?.save(this.#book.snapshot());
      } catch (error) {
        this.#log.warn({ error: said(error) }, 'the lead times cannot be saved');
      }
    });
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
