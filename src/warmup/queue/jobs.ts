import {
  DelayedError,
  Queue,
  Worker,
  type BackendFactory,
  type ConnectionOptions,
  type IQueueBackend,
  type Job,
} from 'bullmq';
import { setMaxListeners } from 'node:events';
import type { Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import type { Limits } from '../limits.js';
import type { Log } from '../log.js';
import { StoreUnavailable } from '../store/store.js';
import { StepFailed } from '../worker/step-failed.js';
import { within } from '../within.js';

export const QUEUE = 'warm-ups';

/** What BullMQ is opened with: connections of a backend, one for calls that must not hang and one for the worker. */
export interface JobBackend {
  readonly calls: ConnectionOptions;
  readonly worker: ConnectionOptions;
  readonly prefix: string;
  readonly factory: BackendFactory;
  /** Wakes idle workers where BullMQ itself does not. */
  nudge(): Promise<void>;
}

/** `done`: the alarm clock is not needed any more. `again`: it rings once more, at that time. */
export type Rung = { readonly kind: 'done' } | { readonly kind: 'again'; readonly at: Millis };

/** A try ends so when the store fails, and BullMQ's own back-off applies; a failed step says how long it waits. */
export type OnRing = (id: string, signal: AbortSignal) => Promise<Rung>;

const CALL_TIMEOUT: Millis = 5000;
/** Tries that fail are bounded by the warm-up's own record: while the store is away, its alarm clock must not be used up. */
const ENDLESS = 1_000_000;
const LONGEST_STORE_BACK_OFF: Millis = 30_000;

/** Alarm clocks on BullMQ: at most one for each warm-up. When it rings, one process of those that listen takes it. */
export class Jobs {
  readonly #backend: JobBackend;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #log: Log;
  readonly #queue: Queue<object, void, string, object, void, string, IQueueBackend>;
  #worker: Worker<object, void, string, IQueueBackend> | null = null;
  readonly #stopping = new AbortController();

  constructor(backend: JobBackend, clock: Clock, limits: Limits, log: Log) {
    this.#backend = backend;
    setMaxListeners(0, this.#stopping.signal); // each warm-up under way listens
    this.#clock = clock;
    this.#limits = limits;
    this.#log = log;
    this.#queue = new Queue(QUEUE, { connection: backend.calls, prefix: backend.prefix }, backend.factory);
    this.#queue.on('error', (error) => this.#noteError(error));
  }

  /** Sets the alarm clock, or sets it anew; one that rings at the moment is left alone, and rings again by itself. */
  async set(id: string, at: Millis): Promise<void> {
    await this.#call(async () => {
      const delay = Math.max(0, Math.ceil(at - this.#clock.now()));
      const job = await this.#queue.getJob(id);
      if (job === undefined) {
        await this.#add(id, delay);
        return;
      }
      const state = await job.getState();
      if (state === 'failed' || state === 'completed') {
        await job.remove();
        await this.#add(id, delay);
      } else if (state === 'delayed') {
        // It may have rung in between: then the run itself sees what its warm-up wants.
        await job.changeDelay(delay).catch(() => undefined);
        await this.#backend.nudge();
      }
    });
  }

  async remove(id: string): Promise<void> {
    // 0: it rings at the moment, finds no warm-up and goes.
    await this.#call(() => this.#queue.remove(id));
  }

  /** The alarm clocks that are set and have not rung, and those that ring or are about to. */
  async all(): Promise<{ readonly set: ReadonlySet<string>; readonly ringing: ReadonlySet<string> }> {
    return this.#call(async () => {
      // Ringing ones last: an alarm clock that goes off in between is then seen twice and not missed.
      const set = await this.#queue.getRanges(['delayed'], 0, -1);
      const ringing = await this.#queue.getRanges(['waiting', 'active'], 0, -1);
      // And those that were set anew in between.
      const again = await this.#queue.getRanges(['delayed'], 0, -1);
      return { set: new Set([...set, ...again]), ringing: new Set(ringing) };
    });
  }

  /** From now on this process takes its share of what rings. */
  start(onRing: OnRing): void {
    const { lease, sweep, concurrency } = this.#limits;
    const worker = new Worker<object, void, string, IQueueBackend>(
      QUEUE,
      (job, token) => this.#ring(job, token, onRing),
      {
        connection: this.#backend.worker,
        prefix: this.#backend.prefix,
        concurrency,
        lockDuration: lease,
        stalledInterval: sweep,
        maxStalledCount: ENDLESS,
        runRetryDelay: 1000,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
        settings: { backoffStrategy: (tries, _type, error) => this.#backOff(tries ?? 1, error) },
      },
      this.#backend.factory,
    );
    worker.on('error', (error) => this.#noteError(error));
    this.#worker = worker;
    worker.on('failed', (job, error) => {
      if (!(error instanceof StepFailed)) {
        this.#log.warn(
          { warmUp: job?.id, why: error.message },
          'a warm-up was interrupted and is taken up again',
        );
      }
    });
  }

  /**
   * What rings is put back, for another process or the next start; then nothing rings here any more.
   *
   * @param length how long that may take
   */
  async close(length: Millis): Promise<void> {
    this.#stopping.abort(new Error('the server stops'));
    const closing = [this.#worker?.close() ?? Promise.resolve(), this.#queue.close()];
    // While the store is away BullMQ waits for it: then it is left to end with its connections, and what rang is
    // found by the next process like that of one that was killed.
    await within(length, Promise.allSettled(closing)).catch(() => undefined);
  }

  async #add(id: string, delay: Millis): Promise<void> {
    await this.#queue.add(
      'warm-up',
      {},
      {
        jobId: id,
        delay,
        attempts: ENDLESS,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
  }

  async #ring(job: Job, token: string | undefined, onRing: OnRing): Promise<void> {
    const rung = await onRing(job.id ?? '', this.#stopping.signal);
    if (rung.kind === 'done') return;
    const delay = Math.max(0, Math.ceil(rung.at - this.#clock.now()));
    await job.moveToDelayed(wallClock() + delay, token);
    throw new DelayedError();
  }

  #backOff(tries: number, error: Error | undefined): Millis {
    if (error instanceof StepFailed) return error.again;
    // Half of it at random, so that a thousand interrupted warm-ups do not come back in one moment.
    const longest = Math.min(LONGEST_STORE_BACK_OFF, 500 * 2 ** Math.min(tries, 10));
    return Math.round(longest * (0.5 + Math.random() / 2));
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await within(CALL_TIMEOUT, call());
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      throw new StoreUnavailable(`the queue of warm-ups does not answer: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  #noteError(error: Error): void {
    // The board says once that the store is away; BullMQ says it with every attempt to reconnect.
    if (/ECONNREFUSED|ENOENT|ECONNRESET|EPIPE|Connection is closed/.test(error.message)) return;
    this.#log.warn({ why: error.message }, 'the queue of warm-ups reports an error');
  }
}

/** BullMQ compares with the wall clock of its process, whatever clock the server runs on. */
function wallClock(): Millis {
  return Date.now();
}
