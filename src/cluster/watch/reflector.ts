import type { IncomingMessage } from 'node:http';
import { SECOND, type Millis } from '../../core/time.js';
import type { WatchHealth } from '../../ports/cluster.js';
import { get } from '../client/connection.js';
import { ApiFailure, nameOf, refusal, unreachable } from '../client/failure.js';
import { Lines } from '../client/lines.js';
import { garbage, ListItems, pageOf, type ListPage } from '../client/list-items.js';
import { record, text, wholeNumber, type Json, type JsonRecord } from '../objects/json.js';
import { pauseAfter } from './back-off.js';
import { pathOf, type Resource, type Sink } from './resource.js';
import type { Surroundings } from './timing.js';
import { sleep } from './turns.js';

/** A watch that lived for so long had nothing wrong with it. */
const SOUND: Millis = 5 * SECOND;

/**
 * Lists and watches one resource until it is closed, and never gives up: what goes wrong is in `health`, and is tried again
 * with back-off.
 */
export class Reflector {
  readonly resource: Resource;
  unreadable = 0;
  readonly #sink: Sink;
  readonly #around: Surroundings;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #startedAt: Millis;
  #synced = false;
  #listedAt: Millis = 0;
  #watching = false;
  #lostAt: Millis | null = null;
  #failures = 0;
  #failure: string | null = null;
  /** A list was too old for its own next page. */
  #expired = false;
  /** Whether the last watch brought anything. */
  #delivered = false;
  #whenSynced: () => void = () => undefined;
  #whenSettled: () => void = () => undefined;
  /** Resolves when all has been listed once. */
  readonly synced: Promise<void>;
  /** Resolves when all has been listed once, or has failed to be. */
  readonly settled: Promise<void>;

  constructor(resource: Resource, sink: Sink, around: Surroundings) {
    this.resource = resource;
    this.#sink = sink;
    this.#around = around;
    this.#startedAt = around.clock.now();
    this.synced = new Promise((resolve) => {
      this.#whenSynced = resolve;
    });
    this.settled = new Promise((resolve) => {
      this.#whenSettled = resolve;
    });
    this.#running = this.#run();
  }

  health(): WatchHealth {
    const now = this.#around.clock.now();
    if (!this.#synced) return { kind: 'starting', since: this.#startedAt, why: this.#failure };
    if (this.#watching || this.#lostAt === null) return { kind: 'current' };
    if (now - this.#lostAt <= this.#around.timing.grace) return { kind: 'current' };
    return { kind: 'stale', since: this.#lostAt, why: this.#failure ?? 'it is being asked for anew' };
  }

  /** As of when what is known is true; null: nothing is. */
  asOf(): Millis | null {
    if (!this.#synced) return null;
    return this.#watching || this.#lostAt === null ? this.#around.clock.now() : this.#lostAt;
  }

  async close(): Promise<void> {
    this.#stopping.abort(new Error('closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { timing, chance } = this.#around;
    let from: string | null = null;
    while (!signal.aborted) {
      try {
        if (from === null || this.#isDue()) from = await this.#list();
        const began: Millis = this.#around.clock.now();
        from = await this.#watch(from, (version) => {
          from = version;
        });
        // An end is no failure, unless it comes at once and with nothing.
        if (this.#around.clock.now() - began >= SOUND) this.#failures = 0;
        else if (!this.#delivered) this.#failures += 1;
        await sleep(pauseAfter(this.#failures, null, chance(), timing.firstPause / 4), signal);
      } catch (error) {
        if (signal.aborted) return;
        const failure = this.#failed(error);
        if (failure.kind === 'gone' || failure.kind === 'garbage') from = null;
        const pause = pauseAfter(this.#failures, failure.retryAfter, chance(), timing.firstPause);
        await sleep(pause, signal);
      }
    }
  }

  #isDue(): boolean {
    return this.#around.clock.now() - this.#listedAt >= this.#around.timing.resyncEvery;
  }

  #failed(error: unknown): ApiFailure {
    const { access, clock, log } = this.#around;
    const failure = unreachable(error, access.server);
    this.#failures += 1;
    const said = failure.message;
    // Said once, and again when it changes: it may last for days. That etcd has compacted a version is in its nature.
    if (said !== this.#failure)
      log[failure.kind === 'gone' ? 'info' : 'warn']({ resource: this.#name() }, said);
    this.#failure = said;
    if (this.#synced) this.#lostAt ??= clock.now();
    this.#whenSettled();
    return failure;
  }

  #name(): string {
    const { namespace } = this.resource;
    return namespace === null ? nameOf(this.resource) : `${nameOf(this.resource)} in ${namespace}`;
  }

  /** @returns the version to watch from */
  async #list(): Promise<string> {
    const { timing, clock } = this.#around;
    if (this.#synced) this.#lostAt ??= clock.now();
    this.#sink.begin();
    const page = this.resource.lists ? timing.page : 1;
    let next: string | null = null;
    let version: string | null = null;
    do {
      // A list that expired between two pages is taken whole: the API server keeps old versions for minutes only.
      const query: Record<string, string> = this.#expired ? {} : { limit: `${page}` };
      const found: ListPage = await this.#page(next === null ? query : { ...query, continue: next });
      version = found.resourceVersion ?? version;
      next = this.resource.lists ? found.next : null;
    } while (next !== null);
    if (version === null) throw garbage('a list without a resource version');
    this.#sink.end();
    this.#expired = false;
    this.#listedAt = clock.now();
    if (!this.#synced) {
      this.#synced = true;
      this.#whenSynced();
      this.#whenSettled();
    }
    return version;
  }

  async #page(query: Record<string, string>): Promise<ListPage> {
    const response = await this.#get(query).catch((error: unknown) => {
      if (error instanceof ApiFailure && error.kind === 'gone') this.#expired = true;
      throw error;
    });
    const items = new ListItems((item) => {
      if (this.resource.lists) this.#put(item);
    });
    await this.#read(response, (chunk) => items.add(chunk));
    return pageOf(items.end());
  }

  /** Until the server ends it. @returns the version to go on from */
  async #watch(from: string, reached: (version: string) => void): Promise<string> {
    const { timing, chance, clock } = this.#around;
    const seconds = Math.ceil((timing.watchFor * (1 + chance() / 2)) / SECOND);
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: `${seconds}`,
    };
    this.#delivered = false;
    const response = await this.#get(query, timing.watchSilence);
    this.#watching = true;
    this.#lostAt = null;
    if (this.#failure !== null) this.#around.log.info({ resource: this.#name() }, 'watched again');
    this.#failure = null;
    const lines = new Lines();
    let version = from;
    try {
      await this.#read(response, (chunk) => {
        for (const line of lines.add(chunk)) {
          version = this.#event(line) ?? version;
          reached(version);
        }
      });
    } catch (error) {
      // Where nothing happens nothing may be sent, for as long as that lasts. An end like any other: the next watch finds
      // out whether anybody is there.
      if (!(error instanceof ApiFailure && error.kind === 'slow')) throw error;
    } finally {
      this.#watching = false;
      this.#lostAt = clock.now();
    }
    if (lines.isOpen) throw new ApiFailure('ended', 'the API server broke a watch off');
    return version;
  }

  /** @returns the version it brings us to. @throws ApiFailure */
  #event(line: string): string | null {
    const { type, object } = event(line);
    const version = text(record(object['metadata'])['resourceVersion']);
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        this.#put(object);
        break;
      case 'DELETED':
        this.#sink.remove(object);
        break;
      case 'BOOKMARK':
        break;
      case 'ERROR':
        throw refusal(wholeNumber(object['code']) ?? 500, object, this.resource);
      default:
        throw garbage('a watch event of an unknown type');
    }
    this.#delivered = true;
    this.#failures = 0;
    return version;
  }

  #put(object: JsonRecord): void {
    if (this.#sink.put(object) === 'taken') return;
    this.unreadable += 1;
    if (this.unreadable === 1) {
      this.#around.log.warn({ resource: this.#name() }, 'an object that cannot be read is left out');
    }
  }

  async #get(query: Record<string, string>, silence?: Millis): Promise<IncomingMessage> {
    const { access, timing } = this.#around;
    const { fieldSelector } = this.resource;
    const selected = fieldSelector === null ? query : { ...query, fieldSelector };
    const path = `${pathOf(this.resource)}?${new URLSearchParams(selected).toString()}`;
    return get(access, path, this.resource, this.#stopping.signal, timing.patience, silence);
  }

  async #read(response: IncomingMessage, take: (chunk: Buffer) => void): Promise<void> {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      await this.#around.turns.take();
      take(chunk);
    }
  }
}

function event(line: string): { readonly type: Json; readonly object: JsonRecord } {
  try {
    const { type, object } = record(JSON.parse(line) as Json);
    return { type, object: record(object) };
  } catch {
    throw garbage('a watch event that is not JSON');
  }
}
