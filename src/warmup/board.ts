import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { Floors, FloorsHealth } from '../ports/floors.js';
import type { Log } from './log.js';
import { readFloor, readRecord, type StoredFloor, type WarmUpRecord } from './record.js';
import { FLOORS, WARM_UPS } from './records.js';
import { repeat, type Repeated } from './repeat.js';
import type { Store } from './store/store.js';
import { grouped } from './grouped.js';

/** However quiet the store's versions are: one that lost its data may count up to the same number again. */
const WHOLE_EVERY: Millis = 30_000;
const SOON: Millis = 50;
const NONE: readonly StoredFloor[] = [];

interface Collection<T> {
  version: string | null;
  readAt: Millis;
  all: ReadonlyMap<string, T>;
}

/**
 * The store's floors and warm-ups as of a moment ago, in memory: the tick reads here and waits for nothing. When the
 * store does not answer, what was known stands; floors then end by their own `until`.
 */
export class Board implements Floors {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #floors: Collection<StoredFloor> = { version: null, readAt: 0, all: new Map() };
  readonly #warmUps: Collection<WarmUpRecord> = { version: null, readAt: 0, all: new Map() };
  #byWorkload = new Map<string, StoredFloor[]>();
  #ofWorkload = new Map<string, WarmUpRecord[]>();
  #health: FloorsHealth;
  /** That the store does not answer has been said. */
  #isSaid = false;
  #rounds = 0;
  #again: Repeated | null = null;
  #round: Promise<void> = Promise.resolve();
  #soon: NodeJS.Timeout | null = null;

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#health = { kind: 'stale', since: clock.now(), why: 'not read yet' };
  }

  /** @param every how often to look, after a first look now */
  async start(every: Millis): Promise<void> {
    this.#again = repeat(every, () => this.refresh());
    await this.refresh();
  }

  async stop(): Promise<void> {
    if (this.#soon !== null) clearTimeout(this.#soon);
    await this.#again?.stop();
    await this.#round;
  }

  /** Looks again in a moment: called after a write, by a thousand writers at once if need be. */
  touch(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      void this.refresh();
    }, SOON);
  }

  floorsOf(workload: string): readonly StoredFloor[] {
    const floors = this.#byWorkload.get(workload);
    if (floors === undefined) return NONE;
    const now = this.#clock.now();
    return floors.filter(({ until }) => until > now);
  }

  /** Stale until the first look has succeeded: what has not been read is not known to be none. */
  health(): FloorsHealth {
    return this.#health;
  }

  floor(id: string): StoredFloor | undefined {
    return this.#floors.all.get(id);
  }

  floors(): ReadonlyMap<string, StoredFloor> {
    return this.#floors.all;
  }

  warmUps(): ReadonlyMap<string, WarmUpRecord> {
    return this.#warmUps.all;
  }

  of(workload: string): readonly WarmUpRecord[] {
    return this.#ofWorkload.get(workload) ?? [];
  }

  /** Counts the looks that succeeded: what is not there in a look that began later than this is gone. */
  rounds(): number {
    return this.#rounds;
  }

  /** Never rejects. One look at a time. */
  refresh(): Promise<void> {
    this.#round = this.#round.then(() => this.#look());
    return this.#round;
  }

  async #look(): Promise<void> {
    try {
      await this.#read(FLOORS, this.#floors, readFloor);
      await this.#read(WARM_UPS, this.#warmUps, readRecord);
      this.#arrange();
      this.#rounds += 1;
      if (this.#isSaid) this.#log.info({}, 'the warm-up store answers again');
      this.#isSaid = false;
      this.#health = { kind: 'current' };
    } catch (error) {
      this.#stale((error as Error).message);
    }
  }

  async #read<T>(name: string, held: Collection<T>, read: (text: string) => T | null): Promise<void> {
    const version = await this.#store.version(name);
    const age = this.#clock.now() - held.readAt;
    if (version === held.version && age >= 0 && age < WHOLE_EVERY) return;
    const all = new Map<string, T>();
    for (const [id, { value }] of await this.#store.list(name)) {
      const item = read(value);
      if (item !== null) all.set(id, item);
    }
    held.all = all;
    held.version = version;
    held.readAt = this.#clock.now();
  }

  #arrange(): void {
    this.#byWorkload = grouped(this.#floors.all.values(), (floor) => floor.workload);
    this.#ofWorkload = grouped(this.#warmUps.all.values(), ({ warmUp }) => warmUp.workload);
  }

  #stale(why: string): void {
    if (this.#isSaid) return;
    this.#isSaid = true;
    this.#health = { kind: 'stale', since: this.#clock.now(), why };
    const held = this.#floors.all.size;
    this.#log.warn(
      { why, floors: held },
      'the warm-up store does not answer: the last known floors stand until they expire',
    );
  }
}
