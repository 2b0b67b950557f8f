import type { Clock } from '../../ports/clock.js';
import type { DeadWarmUp, WarmUp, WarmUpStatus } from '../../ports/warm-up.js';
import type { Planned, WarmUpQueue } from '../../ports/warm-up-queue.js';
import type { Board } from '../board.js';
import type { Endings } from '../endings.js';
import {
  faultOf,
  floorOf,
  newRecord,
  readDead,
  readRecord,
  statusOf,
  type StoredDead,
  type WarmUpRecord,
} from '../record.js';
import { changeRecord, DEAD, FLOORS, WARM_UPS, type Change } from '../records.js';
import { ABSENT, ANY, type Store, type Stored } from '../store/store.js';
import { withoutReadiness } from '../worker/run.js';
import type { Jobs } from './jobs.js';

export interface QueueParts {
  readonly store: Store;
  readonly jobs: Jobs;
  readonly board: Board;
  readonly endings: Endings;
  readonly clock: Clock;
}

/**
 * First the record, then its alarm clock. What dies in between leaves a record without one, which the sweep finds; the
 * other way round it would leave an alarm clock that rings for nothing.
 */
export class StoredWarmUpQueue implements WarmUpQueue {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  async plan(warmUp: WarmUp): Promise<Planned> {
    const { clock, store, jobs, board } = this.#parts;
    const fault = faultOf(warmUp, clock.now());
    if (fault !== null) return { kind: 'refused', why: fault };
    if ((await store.read(DEAD, warmUp.id)) !== null) return { kind: 'dead' };
    const planned = await changeRecord(store, warmUp.id, (record) => replanned(record, warmUp, clock.now()));
    // Also for one that was there: a process that died between record and alarm clock is made good for here.
    if (planned.record.wakeAt !== null) await jobs.set(warmUp.id, planned.record.wakeAt);
    board.touch();
    return { kind: planned.kind };
  }

  async cancel(id: string): Promise<boolean> {
    const cancelled = await this.#parts.endings.cancel(id);
    if (cancelled) await this.#parts.jobs.remove(id);
    return cancelled;
  }

  async list(workload?: string): Promise<WarmUpStatus[]> {
    const stored = await this.#parts.store.list(WARM_UPS);
    const records = [...stored.values()].flatMap(({ value }) => readRecord(value) ?? []);
    return ordered(records, workload);
  }

  known(workload?: string): readonly WarmUpStatus[] {
    const { board } = this.#parts;
    return ordered(workload === undefined ? [...board.warmUps().values()] : board.of(workload), workload);
  }

  async dead(): Promise<DeadWarmUp[]> {
    const stored = await this.#parts.store.list(DEAD);
    return [...stored.values()]
      .flatMap(({ value }) => readDead(value) ?? [])
      .map(({ status, at, reason }) => ({ status: statusOf(status), at, reason }))
      .toSorted((a, b) => b.at - a.at);
  }

  async retry(id: string): Promise<boolean> {
    const { clock, store, jobs, board } = this.#parts;
    const letter = await this.#letter(id);
    const now = clock.now();
    if (letter === null || letter.dead.status.warmUp.holdUntil <= now) return false;
    const { warmUp } = letter.dead.status;
    const readyBy = Math.min(Math.max(warmUp.readyBy, now + warmUp.leadTime), warmUp.holdUntil);
    const record = newRecord({ ...warmUp, startAt: now, readyBy }, now);
    const done = await store.commit([
      { op: 'drop', in: DEAD, id, expect: letter.stored.revision },
      { op: 'put', in: WARM_UPS, id, value: JSON.stringify(record), expect: ABSENT },
    ]);
    if (!done) return false;
    await jobs.set(id, now);
    board.touch();
    return true;
  }

  async discard(id: string): Promise<boolean> {
    const letter = await this.#letter(id);
    if (letter === null) return false;
    return this.#parts.store.commit([{ op: 'drop', in: DEAD, id, expect: letter.stored.revision }]);
  }

  async #letter(id: string): Promise<{ readonly dead: StoredDead; readonly stored: Stored } | null> {
    const stored = await this.#parts.store.read(DEAD, id);
    const dead = stored === null ? null : readDead(stored.value);
    return stored === null || dead === null ? null : { dead, stored };
  }
}

type Replanned = Change<{
  readonly kind: 'planned' | 'same' | 'replaced' | 'changed';
  readonly record: WarmUpRecord;
}>;

function replanned(record: WarmUpRecord | null, warmUp: WarmUp, now: number): Replanned {
  if (record === null) {
    const next = newRecord(warmUp, now);
    return { result: { kind: 'planned', record: next }, next };
  }
  if (record.phase === 'planned') {
    if (sameWarmUp(record.warmUp, warmUp)) return { result: { kind: 'same', record } };
    const next = { ...record, warmUp, wakeAt: warmUp.startAt };
    return { result: { kind: 'replaced', record: next }, next };
  }
  const changed = withTarget(record, warmUp);
  if (sameWarmUp(record.warmUp, changed.warmUp)) return { result: { kind: 'same', record } };
  const floor = JSON.stringify(floorOf(changed.warmUp));
  return {
    result: { kind: 'changed', record: changed },
    next: changed,
    also: [{ op: 'put', in: FLOORS, id: warmUp.id, value: floor, expect: ANY }],
  };
}

/** One that has begun keeps its times; what it is for may change. More replicas must be waited for again. */
function withTarget(
  record: WarmUpRecord,
  { replicas, holdUntil, why, source, expectedCost, order }: WarmUp,
): WarmUpRecord {
  const warmUp = {
    ...record.warmUp,
    replicas,
    // Not before it is ready by its own word: `holdUntil` may come sooner, the order of its times may not change.
    holdUntil: Math.max(holdUntil, record.warmUp.readyBy),
    why,
    source,
    expectedCost,
    ...(order === undefined ? {} : { order }),
  };
  if (record.phase === 'begun') return { ...record, warmUp };
  if (replicas <= (record.readyFor ?? 0)) return { ...record, warmUp, wakeAt: warmUp.holdUntil };
  return {
    ...withoutReadiness({ ...record, warmUp }),
    phase: 'begun',
    wakeAt: record.begunAt ?? warmUp.startAt,
  };
}

function sameWarmUp(a: WarmUp, b: WarmUp): boolean {
  const keys = Object.keys(a) as (keyof WarmUp)[];
  return keys.every((key) => a[key] === b[key]);
}

function ordered(records: readonly WarmUpRecord[], workload: string | undefined): WarmUpStatus[] {
  return records
    .filter(({ warmUp }) => workload === undefined || warmUp.workload === workload)
    .toSorted((a, b) => a.warmUp.startAt - b.warmUp.startAt)
    .map(statusOf);
}
