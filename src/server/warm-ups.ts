import { setTimeout as pause } from 'node:timers/promises';
import type { Floor } from '../core/observation.js';
import { inWords, SECOND, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { Floor as StoredFloor } from '../ports/floors.js';
import type { LedgerRecord } from '../ports/ledger.js';
import type { DeadWarmUp, ReplicaPlace, WarmUp, WarmUpSource, WarmUpStatus } from '../ports/warm-up.js';
import type { WarmUpSteps } from '../ports/warm-up-steps.js';
import type { WarmUpDesk, WarmUpStore, WarmUpVerb } from '../ports/warm-ups.js';
import type { Log } from '../warmup/log.js';
import { openWarmUps, type WarmUpParts, type WarmUps as OpenWarmUps } from '../warmup/open.js';
import type { OrderStore } from './order-book.js';
import type { Registry } from './registry.js';
import { inSlices } from './slices.js';
import { startTicker, type Ticker } from './ticker.js';
import { Ledgers, orderedAs } from './warm-up-ledgers.js';
import { reactiveReplicas } from './warm-up-needs.js';
import { WarmUpPlanner } from './warm-up-planner.js';
import { readyReplicas } from './warm-up-steps.js';
import type { Workload } from './workload.js';

/** Where warm-ups are kept: as much as `openWarmUps` needs of the settings. */
export type WarmUpPlace = Pick<WarmUpParts, 'redisUrl' | 'stateDir' | 'embedded' | 'limits'>;

export interface WarmUpsParts {
  /** A text: there are none, and why. */
  readonly place: WarmUpPlace | string;
  readonly registry: Registry;
  readonly steps: WarmUpSteps;
  readonly clock: Clock;
  readonly log: Log;
  /** How often the planner looks. */
  readonly every: Millis;
  /** How often floors are looked at: a change decides the workload at once. */
  readonly lookEvery: Millis;
  /** What one replica takes, by `namespace/name` of its ScaledObject. */
  readonly placeOf: (id: string) => ReplicaPlace;
  /** The most replicas there can be; null: not known. */
  readonly mostOf: (workload: Workload) => number | null;
  readonly onFloors: (workloads: readonly Workload[]) => void;
  readonly onEnded: (record: LedgerRecord) => void;
  /** Somebody cancelled it: an order that it was must not live on in memory. */
  readonly onCancelled: (id: string) => void;
  /** What people asked for while the store was away is handed over. */
  readonly onRound: () => Promise<void>;
}

const FIRST_RETRY: Millis = 5 * SECOND;
const LONGEST_RETRY: Millis = 60 * SECOND;

const BY: Readonly<Record<WarmUpSource, Floor['by']>> = {
  forecast: 'forecast',
  window: 'window',
  announced: 'announcement',
  wake: 'wake',
};
const NONE: readonly Floor[] = [];

interface Opened {
  readonly warmUps: OpenWarmUps;
  readonly ledgers: Ledgers;
  readonly planner: WarmUpPlanner;
}

/**
 * The warm-ups of this scaler replica: the store, the worker, the planner's loop and what the scaler reads of them. The
 * store is opened while the scaler serves already, and tried again when it cannot be: without it there are no warm-ups, and
 * everything else goes on.
 */
export class WarmUpService implements WarmUpDesk, OrderStore {
  readonly #parts: WarmUpsParts;
  readonly #stopping = new AbortController();
  readonly #tickers: Ticker[] = [];
  #opening: Promise<void> = Promise.resolve();
  #opened: Opened | null = null;
  #failure: string | null = null;
  /** The floors at the last look, by workload. */
  #floors = new Map<string, string>();

  constructor(parts: WarmUpsParts) {
    this.#parts = parts;
  }

  start(): void {
    const { place, every, lookEvery, clock, log } = this.#parts;
    if (typeof place === 'string') {
      log.info({}, `there are no warm-ups: ${place}`);
      return;
    }
    this.#opening = this.#open(place);
    const failed = (error: unknown) =>
      log.error(
        { why: error instanceof Error ? error.message : String(error) },
        'a round of warm-ups failed',
      );
    this.#tickers.push(startTicker(every, clock, () => this.#round(), failed));
    this.#tickers.push(startTicker(lookEvery, clock, () => this.#look(), failed));
  }

  /** The planner first, then the store and its worker; what the steps use has to be closed later. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#tickers.map((ticker) => ticker.stop()));
    await this.#opening;
    await this.#opened?.warmUps.close();
    this.#opened = null;
  }

  async #open(place: WarmUpPlace): Promise<void> {
    const { log, clock, steps, registry, placeOf, mostOf, onEnded } = this.#parts;
    const { signal } = this.#stopping;
    for (let wait = FIRST_RETRY; !signal.aborted; wait = Math.min(LONGEST_RETRY, wait * 2)) {
      try {
        const warmUps = await openWarmUps({ ...place, clock, log, steps });
        const ledgers = new Ledgers(warmUps.ledger, onEnded);
        const planner = new WarmUpPlanner({
          queue: warmUps.queue,
          ledgers,
          registry,
          placeOf,
          mostOf,
          clock,
          log,
        });
        this.#opened = { warmUps, ledgers, planner };
        log.info({}, warmUps.store.description);
        return;
      } catch (error) {
        this.#failure = error instanceof Error ? error.message : String(error);
        const note = `warm-ups are off until their store opens; tried again in ${inWords(wait)}`;
        log.error({ why: this.#failure }, note);
        await pause(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #round(): Promise<void> {
    const opened = this.#opened;
    if (opened === null || opened.warmUps.floors.health().kind === 'stale') return;
    await this.#parts.onRound();
    await opened.planner.round();
  }

  /** Floors that came, changed or ended since the last look. */
  async #look(): Promise<void> {
    if (this.#opened === null) return;
    const seen = new Map<string, string>();
    const changed: Workload[] = [];
    await inSlices([...this.#parts.registry.all()], (workload) => {
      const floors = this.floorsOf(workload);
      const text = floors.map(({ replicas, until }) => `${replicas} ${until}`).join(' ');
      if (text !== '') seen.set(workload.id, text);
      if (text !== (this.#floors.get(workload.id) ?? '')) changed.push(workload);
    });
    this.#floors = seen;
    if (changed.length > 0) this.#parts.onFloors(changed);
  }

  /** For the scaler, from memory: those of this trigger, and those of its ScaledObject. */
  floorsOf(workload: Workload): readonly Floor[] {
    if (this.#opened === null) return NONE;
    const own = this.#stored(workload.id);
    const ordered = this.#stored(orderedAs(workload));
    return own.length + ordered.length === 0 ? NONE : [...own, ...ordered].map(toFloor);
  }

  #stored(workload: string): readonly StoredFloor[] {
    return this.#opened?.warmUps.floors.floorsOf(workload) ?? [];
  }

  /** Null: nothing was learned, and the trigger's own holds. */
  leadTimeOf(workload: Workload): Millis | null {
    return this.#opened?.ledgers.leadTimeOf(workload) ?? null;
  }

  /** One decision, for the ledger. What is not known counts for nothing. */
  noteDecision(workload: Workload, now: Millis): void {
    const { decision, trigger } = workload;
    if (this.#opened === null || decision === null || decision.verdict !== 'fresh') return;
    if (this.floorsOf(workload).length === 0) return; // nothing of it is under way
    const { ledger } = this.#opened.warmUps;
    const reactive = reactiveReplicas(decision, trigger.policy);
    const tick = { at: now, reactive, actual: readyReplicas(decision) };
    ledger.observe(workload.id, tick);
    // Of several triggers of one ScaledObject the first speaks for it: an account takes one decision at a time.
    if (this.#parts.registry.named(workload.namespace, workload.name)[0] === workload)
      ledger.observe(orderedAs(workload), tick);
  }

  store(): WarmUpStore {
    if (typeof this.#parts.place === 'string') return { kind: 'off', why: this.#parts.place };
    if (this.#opened === null) return { kind: 'opening', why: this.#failure };
    const { store, floors } = this.#opened.warmUps;
    return {
      kind: 'open',
      keptIn: store.kind,
      description: store.description,
      shared: store.shared,
      health: floors.health(),
    };
  }

  known(): readonly WarmUpStatus[] {
    return this.#opened?.warmUps.queue.known() ?? [];
  }

  of(namespace: string, name: string): readonly WarmUpStatus[] {
    return this.#keys(namespace, name).flatMap((key) => this.#opened?.warmUps.queue.known(key) ?? []);
  }

  floors(namespace: string, name: string): readonly StoredFloor[] {
    return this.#keys(namespace, name).flatMap((key) => this.#stored(key));
  }

  #keys(namespace: string, name: string): string[] {
    const triggers = this.#parts.registry.named(namespace, name).map(({ id }) => id);
    return [orderedAs({ namespace, name }), ...triggers];
  }

  async ledger(namespace: string, name: string): Promise<readonly LedgerRecord[]> {
    if (this.#opened === null) return [];
    const { ledger } = this.#opened.warmUps;
    const all = await Promise.all(this.#keys(namespace, name).map((key) => ledger.records(key)));
    return all.flat().toSorted((a, b) => b.endedAt - a.endedAt);
  }

  async dead(): Promise<readonly DeadWarmUp[]> {
    return this.#opened === null ? [] : this.#opened.warmUps.queue.dead();
  }

  async act(verb: WarmUpVerb, id: string): Promise<boolean> {
    if (this.#opened === null) throw new Error(this.#closedWhy());
    const { queue } = this.#opened.warmUps;
    switch (verb) {
      case 'cancel':
        return queue.cancel(id).finally(() => this.#parts.onCancelled(id));
      case 'retry':
        return queue.retry(id);
      case 'discard':
        return queue.discard(id);
    }
  }

  #closedWhy(): string {
    const { place } = this.#parts;
    if (typeof place === 'string') return `there are no warm-ups: ${place}`;
    return this.#failure === null
      ? 'the warm-up store is being opened'
      : `warm-ups are off: ${this.#failure}`;
  }

  isOpen(): boolean {
    return this.#opened !== null;
  }

  knownOf(workload: string): readonly WarmUpStatus[] {
    return this.#opened?.warmUps.queue.known(workload) ?? [];
  }

  async listOf(workload: string): Promise<readonly WarmUpStatus[]> {
    return this.#opened === null ? [] : this.#opened.warmUps.queue.list(workload);
  }

  /** Whoever asks by name means it: what was given up before does not stand in its way. */
  async put(order: WarmUp): Promise<boolean> {
    if (this.#opened === null) return false;
    const place = this.#parts.placeOf(order.workload);
    const warmUp = { ...order, ...place, expectedCost: order.expectedCost * place.gpusPerReplica };
    const { queue } = this.#opened.warmUps;
    let planned = await queue.plan(warmUp);
    if (planned.kind === 'dead' && (await queue.discard(warmUp.id))) planned = await queue.plan(warmUp);
    const { id, workload } = warmUp;
    // It holds from memory alone.
    if (planned.kind === 'refused')
      this.#parts.log.warn({ warmUp: id, workload, why: planned.why }, 'an order is no warm-up');
    return true;
  }

  async take(id: string): Promise<void> {
    await this.#opened?.warmUps.queue.cancel(id);
  }
}

function toFloor({ replicas, until, why, source }: StoredFloor): Floor {
  return { by: BY[source], replicas, until, why };
}
