import type { Millis } from '../../core/time.js';
import type { Ledger, LedgerOutcome, LedgerRecord, LoadTick } from '../../ports/ledger.js';
import type { Board } from '../board.js';
import type { WarmUpRecord } from '../record.js';
import { ACCOUNTS, changeDocument, ledgerOf } from '../records.js';
import type { Store } from '../store/store.js';
import { account, closed, NOTHING_SEEN, type Account } from './account.js';

/** Of one warm-up, between two checkpoints: an hour of decisions a second. */
const MOST_TICKS = 3600;

/** The accounts of warm-ups under way: decisions are noted in memory and written down from time to time. */
export class Accounts implements Ledger {
  readonly #store: Store;
  readonly #board: Board;
  readonly #noted = new Map<string, LoadTick[]>();

  constructor(store: Store, board: Board) {
    this.#store = store;
    this.#board = board;
  }

  observe(workload: string, tick: LoadTick): void {
    for (const { warmUp, phase } of this.#board.of(workload)) {
      if (phase === 'planned') continue;
      const noted = this.#noted.get(warmUp.id);
      if (noted === undefined) this.#noted.set(warmUp.id, [tick]);
      else if (noted.length < MOST_TICKS) noted.push(tick);
    }
  }

  async records(workload: string): Promise<LedgerRecord[]> {
    const all = await this.#store.list(ledgerOf(workload));
    return [...all.values()]
      .flatMap(({ value }) => (parsed(value) as LedgerRecord | null) ?? [])
      .toSorted((a, b) => b.endedAt - a.endedAt);
  }

  /** Writes down what was noted. Rejects with a StoreUnavailable; what was not written is kept for the next time. */
  async checkpoint(): Promise<void> {
    const noted = [...this.#noted];
    for (const [id, ticks] of noted) {
      this.#noted.delete(id); // what is observed meanwhile is noted anew
      const record = this.#board.warmUps().get(id);
      if (record === undefined || record.phase === 'planned') continue;
      try {
        await changeDocument(this.#store, ACCOUNTS, id, (text) => ({
          result: undefined,
          next: JSON.stringify(folded(text, record, ticks)),
        }));
      } catch (error) {
        this.#noted.set(id, [...ticks, ...(this.#noted.get(id) ?? [])]);
        throw error;
      }
    }
  }

  /** The last page of a warm-up's account: for the commit that ends it. */
  async close(
    record: WarmUpRecord,
    at: Millis,
    outcome: LedgerOutcome | null,
    reason: string | null,
  ): Promise<LedgerRecord> {
    const { id } = record.warmUp;
    const stored = await this.#store.read(ACCOUNTS, id);
    const whole = folded(stored?.value ?? null, record, this.#noted.get(id) ?? []);
    return ledgerRecord(
      record,
      closed(whole, record.warmUp, Math.min(at, record.warmUp.holdUntil)),
      at,
      outcome,
      reason,
    );
  }

  forget(id: string): void {
    this.#noted.delete(id);
  }
}

function folded(text: string | null, { warmUp }: WarmUpRecord, ticks: readonly LoadTick[]): Account {
  const before = ((text === null ? null : parsed(text)) as Account | null) ?? NOTHING_SEEN;
  return ticks.reduce((sum, tick) => account(sum, warmUp, tick), before);
}

function ledgerRecord(
  record: WarmUpRecord,
  sum: Account,
  at: Millis,
  outcome: LedgerOutcome | null,
  reason: string | null,
): LedgerRecord {
  const { warmUp, begunAt, readyAt } = record;
  return {
    id: warmUp.id,
    workload: warmUp.workload,
    source: warmUp.source,
    why: warmUp.why,
    replicas: warmUp.replicas,
    plannedAt: record.plannedAt,
    begunAt,
    readyBy: warmUp.readyBy,
    readyAt,
    endedAt: at,
    steps: record.steps,
    gpusPerReplica: warmUp.gpusPerReplica,
    gpuSecondsAhead: sum.ahead * warmUp.gpusPerReplica,
    gpuSecondsAboveReactive: sum.aboveReactive * warmUp.gpusPerReplica,
    expectedCost: warmUp.expectedCost,
    loadCameAt: sum.loadCameAt,
    waitingAvoided: sum.avoided,
    observedSeconds: sum.observedSeconds,
    outcome: outcome ?? outcomeOf(record, sum),
    reason,
  };
}

function outcomeOf({ warmUp, readyAt, late }: WarmUpRecord, { loadCameAt }: Account): LedgerOutcome {
  if (late || readyAt === null || readyAt > warmUp.readyBy) return 'late';
  return loadCameAt === null ? 'wasted' : 'used';
}

/** Null for what is damaged: a line that cannot be read must not keep a warm-up from ending. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
