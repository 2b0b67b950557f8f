import type { Millis } from '../../core/time.js';
import type { Endings, EndingParts } from '../endings.js';
import { floorOf, readRecord, type WarmUpRecord } from '../record.js';
import type { Pools } from '../pools.js';
import type { Rung } from '../queue/jobs.js';
import { changeRecord, FLOORS, WARM_UPS } from '../records.js';
import { ANY } from '../store/store.js';
import { Interrupted } from './guard.js';
import { Lease } from './lease.js';
import { Run, StepError } from './run.js';
import { StepFailed } from './step-failed.js';

const DONE: Rung = { kind: 'done' };

/** What this process does when a warm-up's alarm clock rings. Everything it needs to know is in the store. */
export class WarmUpWorker {
  readonly #parts: EndingParts;
  readonly #endings: Endings;
  readonly #pools: Pools;
  readonly #process: string;
  #runs = 0;

  /** @param process unlike any other's, of this moment or earlier */
  constructor(parts: EndingParts, endings: Endings, pools: Pools, process: string) {
    this.#parts = parts;
    this.#endings = endings;
    this.#pools = pools;
    this.#process = process;
  }

  async ring(id: string, stop: AbortSignal): Promise<Rung> {
    const stored = await this.#parts.store.read(WARM_UPS, id);
    const record = stored === null ? null : readRecord(stored.value);
    if (record === null) return DONE; // cancelled
    if (this.#parts.clock.now() >= record.warmUp.holdUntil) return this.#end(id);
    switch (record.phase) {
      case 'planned':
        return this.#begin(record, stop);
      case 'begun':
        return this.#carryOn(record, stop);
      case 'holding':
        return { kind: 'again', at: record.warmUp.holdUntil };
    }
  }

  async #end(id: string): Promise<Rung> {
    const ended = (record: WarmUpRecord) => this.#parts.clock.now() >= record.warmUp.holdUntil;
    const never = 'its end came before its replicas were ready';
    if (await this.#endings.settle(id, null, null, (each) => ended(each) && each.phase === 'holding'))
      return DONE;
    if (await this.#endings.settle(id, 'late', never, ended)) return DONE;
    return { kind: 'again', at: this.#parts.clock.now() }; // its end was moved a moment ago, or it is gone
  }

  async #begin({ warmUp, wakeAt }: WarmUpRecord, stop: AbortSignal): Promise<Rung> {
    const { clock, store, board } = this.#parts;
    const now = clock.now();
    if (now < warmUp.startAt) return { kind: 'again', at: warmUp.startAt };
    const admittedAt =
      warmUp.nodePool === null ? now : await this.#pools.admit(warmUp.nodePool, warmUp.id, now);
    if (admittedAt > now) {
      if (wakeAt !== admittedAt) await this.#wakeAt(warmUp.id, admittedAt);
      return { kind: 'again', at: admittedAt };
    }
    const begun = await changeRecord<WarmUpRecord | null>(store, warmUp.id, (record) => {
      // Cancelled, replaced by a later one, or begun by another process a moment ago: all to be seen anew.
      if (record?.phase !== 'planned' || now < record.warmUp.startAt) return { result: null };
      const next = lifted(record, now);
      const floor = JSON.stringify(floorOf(record.warmUp));
      return {
        result: next,
        next,
        also: [{ op: 'put', in: FLOORS, id: warmUp.id, value: floor, expect: ANY }],
      };
    });
    board.touch();
    return begun === null ? { kind: 'again', at: now } : this.#carryOn(begun, stop);
  }

  /** The steps, while no other run acts on the workload. */
  async #carryOn(record: WarmUpRecord, stop: AbortSignal): Promise<Rung> {
    const { store, limits, clock } = this.#parts;
    const { id, workload } = record.warmUp;
    this.#runs += 1;
    const name = `${this.#process}.${this.#runs}`;
    const lease = new Lease(store, workload, name, limits.lease);
    if (!(await lease.take())) return { kind: 'again', at: clock.now() + limits.turn };
    try {
      const mine = await this.#claim(id, name);
      if (mine === null) return { kind: 'again', at: clock.now() };
      if (mine.interrupted > limits.mostInterrupted)
        return await this.#bury(id, name, `its worker died ${mine.interrupted} times over it`);
      return await this.#run(mine, name, lease, stop);
    } finally {
      await lease.release();
    }
  }

  async #run(record: WarmUpRecord, name: string, lease: Lease, stop: AbortSignal): Promise<Rung> {
    const { id } = record.warmUp;
    try {
      const holding = await new Run(this.#parts, record, name, lease, stop).steps();
      this.#parts.board.touch();
      return { kind: 'again', at: holding.warmUp.holdUntil };
    } catch (error) {
      if (error instanceof StepError) return this.#failed(id, name, error);
      if (error instanceof Interrupted) return this.#interrupted(id, name, error);
      throw error; // the store's: BullMQ tries again when it is back
    }
  }

  async #interrupted(id: string, name: string, { by }: Interrupted): Promise<Rung> {
    const now = this.#parts.clock.now();
    switch (by) {
      case 'cancelled':
        return DONE;
      case 'lost':
        // Not DONE: if the other run dies as well, somebody must still come back to it.
        return { kind: 'again', at: now + this.#parts.limits.turn };
      case 'stopped':
        await this.#letGo(id, name);
        return { kind: 'again', at: now };
      case 'gave up':
        return this.#parts.clock.now() >= (await this.#endOf(id))
          ? this.#end(id)
          : this.#bury(id, name, 'it was not ready long after it should have been');
    }
  }

  async #failed(id: string, name: string, { report, message }: StepError): Promise<Rung> {
    const { store, limits, clock, log } = this.#parts;
    const failures = await changeRecord<number>(store, id, (record) => {
      if (record?.run !== name) return { result: 0 };
      const again = backOff(record.failures + 1, limits);
      const next = {
        ...record,
        failures: record.failures + 1,
        lastFailure: message,
        steps: [...record.steps, report],
        interrupted: 0,
        ...(record.failures + 1 < limits.tries ? { run: null, wakeAt: clock.now() + again } : {}),
      };
      return { result: next.failures, next };
    });
    if (failures >= limits.tries)
      return this.#bury(id, name, `${failures} tries failed, the last with: ${message}`);
    if (failures === 0) return { kind: 'again', at: clock.now() };
    log.warn({ warmUp: id, why: message, tries: failures }, 'a step of a warm-up failed and is tried again');
    throw new StepFailed(message, backOff(failures, limits));
  }

  async #bury(id: string, name: string, reason: string): Promise<Rung> {
    const buried = await this.#endings.bury(id, reason, ({ run }) => run === name);
    return buried ? DONE : { kind: 'again', at: this.#parts.clock.now() };
  }

  async #claim(id: string, name: string): Promise<WarmUpRecord | null> {
    return changeRecord<WarmUpRecord | null>(this.#parts.store, id, (record) => {
      if (record?.phase !== 'begun') return { result: null };
      const next = {
        ...record,
        run: name,
        wakeAt: null,
        interrupted: record.run === null ? 0 : record.interrupted + 1,
      };
      return { result: next, next };
    });
  }

  async #letGo(id: string, name: string): Promise<void> {
    const now = this.#parts.clock.now();
    await changeRecord(this.#parts.store, id, (record) =>
      record?.run === name ? { result: null, next: { ...record, run: null, wakeAt: now } } : { result: null },
    );
  }

  async #wakeAt(id: string, at: Millis): Promise<void> {
    await changeRecord(this.#parts.store, id, (record) =>
      record?.phase === 'planned' ? { result: null, next: { ...record, wakeAt: at } } : { result: null },
    );
  }

  async #endOf(id: string): Promise<Millis> {
    const stored = await this.#parts.store.read(WARM_UPS, id);
    const record = stored === null ? null : readRecord(stored.value);
    return record?.warmUp.holdUntil ?? Number.POSITIVE_INFINITY;
  }
}

function lifted(record: WarmUpRecord, now: Millis): WarmUpRecord {
  const note = `floor of ${record.warmUp.replicas} until its end`;
  const report = { step: 'floor', outcome: 'done', at: now, took: 0, note, split: {} } as const;
  return { ...record, phase: 'begun', begunAt: now, wakeAt: null, steps: [report] };
}

/** 2 s, 4 s, 8 s, … after the first, second, third failure. */
export function backOff(
  failures: number,
  { backOff, longestBackOff }: { backOff: Millis; longestBackOff: Millis },
): Millis {
  return Math.min(longestBackOff, backOff * 2 ** (failures - 1));
}
