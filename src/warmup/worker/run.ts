import type { Millis } from '../../core/time.js';
import type { StepName, StepReport, WarmUp } from '../../ports/warm-up.js';
import type { StepContext, StepResult } from '../../ports/warm-up-steps.js';
import type { EndingParts } from '../endings.js';
import { giveUpAt, type WarmUpRecord } from '../record.js';
import { changeRecord } from '../records.js';
import { Guard, Interrupted, type Interruption } from './guard.js';
import type { Lease } from './lease.js';

/** Of a warm-up that fails again and again, the newest. */
const MOST_REPORTS = 30;

/** A step's own words, for an operator; what the step threw may come from anywhere. */
const LONGEST_NOTE = 300;

export class StepError extends Error {
  override readonly name = 'StepError';
  readonly report: StepReport;

  constructor(report: StepReport) {
    super(`${report.step}: ${report.note}`);
    this.report = report;
  }
}

/** One run of a warm-up's steps, from where the last one got to. */
export class Run {
  readonly #parts: EndingParts;
  readonly #name: string;
  readonly #lease: Lease;
  readonly #guard: Guard;
  /** The board's looks when this run last read the warm-up itself: one that was under way then may have seen less. */
  #since: number;
  readonly #began: Millis;
  #record: WarmUpRecord;

  /** @param record as it is stored, with this run's name in it */
  constructor(parts: EndingParts, record: WarmUpRecord, name: string, lease: Lease, stop: AbortSignal) {
    this.#parts = parts;
    this.#record = record;
    this.#name = name;
    this.#lease = lease;
    this.#began = parts.clock.now();
    this.#since = parts.board.rounds();
    this.#guard = new Guard(stop, { interruption: () => this.#interruption(), look: () => this.#look() });
  }

  /** Resolves when the warm-up holds, at its end. Rejects with Interrupted, a StepError or what the store threw. */
  async steps(): Promise<WarmUpRecord> {
    const { steps } = this.#parts;
    try {
      for (;;) {
        await this.#step('nodes', (warmUp, context) => steps.holdNodes(warmUp, context));
        await this.#step('ready', (warmUp, context) => steps.waitReady(warmUp, context));
        await steps.releaseNodes(this.#record.warmUp).catch(() => undefined); // again at the end
        await this.#step('model', (warmUp, context) => steps.warmModel(warmUp, context));
        if (await this.#holds()) return this.#record;
      }
    } finally {
      this.#guard.end();
    }
  }

  async #step(
    step: StepName,
    work: (warmUp: WarmUp, context: StepContext) => Promise<StepResult>,
  ): Promise<void> {
    const { clock } = this.#parts;
    if (this.#record.steps.some((each) => each.step === step && each.outcome !== 'failed')) return;
    const at = clock.now();
    let replicas = this.#replicas();
    const report = (result: Omit<StepReport, 'step' | 'at' | 'took'>): StepReport => ({
      step,
      at,
      took: Math.max(0, clock.now() - at),
      ...result,
      note: result.note.slice(0, LONGEST_NOTE),
    });
    let result: StepResult;
    try {
      this.#guard.signal.throwIfAborted();
      const { signal } = this.#guard;
      const context = { signal, replicas: () => (replicas = this.#replicas()) };
      result = await aborted(signal, work(this.#record.warmUp, context));
    } catch (error) {
      if (this.#guard.signal.aborted) throw this.#guard.signal.reason as Error;
      throw new StepError(report({ outcome: 'failed', note: (error as Error).message, split: {} }));
    }
    const done = report(result);
    await this.#change((record) => ({
      ...record,
      steps: [...record.steps, done].slice(-MOST_REPORTS),
      ...(step === 'ready' ? { readyFor: replicas } : {}),
    }));
  }

  /** True when it now holds; false when more replicas were asked for meanwhile, and the steps begin anew. */
  async #holds(): Promise<boolean> {
    const now = this.#parts.clock.now();
    await this.#change((record) =>
      record.warmUp.replicas > (record.readyFor ?? 0)
        ? withoutReadiness(record)
        : {
            ...record,
            phase: 'holding',
            readyAt: record.readyAt ?? now,
            run: null,
            failures: 0,
            interrupted: 0,
            wakeAt: record.warmUp.holdUntil,
          },
    );
    return this.#record.phase === 'holding';
  }

  /** Writes to the warm-up, if it is still there and still this run's. */
  async #change(next: (record: WarmUpRecord) => WarmUpRecord): Promise<void> {
    const changed = await changeRecord<WarmUpRecord | Interruption>(
      this.#parts.store,
      this.#record.warmUp.id,
      (record) => {
        if (record === null) return { result: 'cancelled' };
        if (record.run !== this.#name) return { result: 'lost' };
        const written = next(record);
        return { result: written, next: written };
      },
    );
    if (typeof changed === 'string') throw new Interrupted(changed);
    this.#record = changed;
    this.#since = this.#parts.board.rounds();
  }

  #replicas(): number {
    return (this.#known() ?? this.#record).warmUp.replicas;
  }

  /** The warm-up as the board knows it, where that is newer; undefined when it is gone. */
  #known(): WarmUpRecord | undefined {
    const { board } = this.#parts;
    return board.rounds() >= this.#since + 2 ? board.warmUps().get(this.#record.warmUp.id) : this.#record;
  }

  #interruption(): Interruption | null {
    const { clock, limits } = this.#parts;
    if (this.#lease.isLost()) return 'lost';
    const known = this.#known();
    if (known === undefined) return 'cancelled';
    // Cancelled and asked for again, under the same id.
    if (known.plannedAt !== this.#record.plannedAt) return 'lost';
    return clock.now() >= giveUpAt(known.warmUp, this.#began, limits) ? 'gave up' : null;
  }

  async #look(): Promise<void> {
    const { clock, log } = this.#parts;
    await this.#lease.keep();
    const { warmUp, late } = this.#record;
    const now: Millis = clock.now();
    if (late || now < warmUp.readyBy) return;
    try {
      await this.#change((record) => ({ ...record, late: now >= record.warmUp.readyBy }));
      if (this.#record.late)
        log.warn({ warmUp: warmUp.id, workload: warmUp.workload, why: warmUp.why }, 'a warm-up is late');
    } catch (error) {
      if (error instanceof Interrupted) this.#guard.interrupt(error.by);
      // Else the store is away: late is said with the next look.
    }
  }
}

/** The steps that more replicas make necessary again. */
export function withoutReadiness(record: WarmUpRecord): WarmUpRecord {
  return { ...record, readyFor: null, steps: record.steps.filter(({ step }) => step === 'floor') };
}

/** A step that does not listen to its signal is left behind. */
function aborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error);
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
