import { Worker } from 'node:worker_threads';
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../log.js';
import { within } from '../within.js';
import type { Answer, Question, ThreadData } from './pglite-messages.js';

/** The first start makes a database: 7 s on two cores, several times that on a busy machine. */
const COMES_UP_WITHIN_MS = 120_000;
const ANSWERS_WITHIN_MS = 5000;
const RESTART_AFTER_MS = 1000;

export interface Rows {
  readonly rows: never[];
}

interface Waiting {
  readonly resolve: (rows: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
}

/** PGlite in its thread, started again when it dies. */
export class PgliteClient {
  readonly #folder: string;
  readonly #log: Log;
  readonly #open: typeof threadOver;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(channel: string, payload: string) => void>();
  #numbers = 0;
  #thread: Worker | null = null;
  #closing = false;

  /** @param open how its thread is made */
  constructor(folder: string, log: Log, open: typeof threadOver = threadOver) {
    this.#open = open;
    this.#folder = folder;
    this.#log = log;
  }

  /** Resolves when it takes questions. Rejects when the thread dies first. */
  start(): Promise<void> {
    const thread = this.#open({ folder: this.#folder });
    const ready = new Promise<void>((resolve, reject) => {
      thread.on('message', (answer: Answer) => this.#take(answer, resolve));
      thread.once('error', (error) => {
        this.#log.error({ why: error.message }, 'the embedded store failed');
        reject(error);
      });
      thread.once('exit', () => {
        const gone = away('the embedded store stopped');
        reject(gone);
        this.#lost(thread, gone);
      });
    });
    this.#thread = thread;
    return within(COMES_UP_WITHIN_MS, ready);
  }

  async query(text: string, params: readonly unknown[] = []): Promise<Rows> {
    const thread = this.#thread;
    if (thread === null) throw away('the embedded store is being started again');
    this.#numbers += 1;
    const number = this.#numbers;
    const rows = new Promise<readonly unknown[]>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      thread.postMessage({ kind: 'query', number, text, params } satisfies Question);
    });
    try {
      return { rows: (await within(ANSWERS_WITHIN_MS, rows)) as never[] };
    } finally {
      this.#waiting.delete(number);
    }
  }

  listen(listener: (channel: string, payload: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What was asked before is answered first. */
  async close(): Promise<void> {
    this.#closing = true;
    const thread = this.#thread;
    if (thread === null) return;
    const exit = new Promise((resolve) => thread.once('exit', resolve));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.postMessage({ kind: 'close' } satisfies Question);
    await within(ANSWERS_WITHIN_MS, exit).catch(() => thread.terminate());
  }

  #take(answer: Answer, ready: () => void): void {
    switch (answer.kind) {
      case 'ready':
        return ready();
      case 'rows':
        return this.#waiting.get(answer.number)?.resolve(answer.rows);
      case 'error':
        return this.#waiting
          .get(answer.number)
          ?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
      case 'notification':
        for (const listener of this.#listeners) listener(answer.channel, answer.payload);
        return;
      case 'closed':
        return;
    }
  }

  #lost(thread: Worker, gone: Error): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    for (const { reject } of this.#waiting.values()) reject(gone);
    this.#waiting.clear();
    if (!this.#closing) void this.#restart();
  }

  async #restart(): Promise<void> {
    this.#log.warn({}, 'the embedded store died and is started again');
    await pause(RESTART_AFTER_MS);
    if (this.#closing) return;
    // A thread that dies while it starts ends in #lost as well, which starts the next.
    await this.start().catch((error: Error) =>
      this.#log.error({ why: error.message }, 'the embedded store does not start'),
    );
  }
}

/** Node 20 reads no TypeScript: from source, in development and tests, tsx is registered in the thread first. */
export function threadOver(workerData: ThreadData): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./pglite-thread.js', import.meta.url), { workerData });
  }
  const { href } = new URL('./pglite-thread.ts', import.meta.url);
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(href)}); })`;
  return new Worker(code, { eval: true, workerData });
}

/** With the code by which BullMQ knows that its store is away: it then waits a second before it tries again. */
function away(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNREFUSED' });
}
