import type { Millis } from '../core/time.js';
import type { WarmUpSource, StepReport } from './warm-up.js';

/**
 * `used`: ready in time, and the load came. `wasted`: it did not. `late`: not ready by the time it was promised for.
 * `failed`: given up. `cancelled`: after it had begun.
 */
export type LedgerOutcome = 'used' | 'wasted' | 'late' | 'failed' | 'cancelled';

/** One decision of a workload, as the ledger accounts it. */
export interface LoadTick {
  readonly at: Millis;
  /** What the scaler would ask for without any warm-up. */
  readonly reactive: number;
  /** Replicas that are ready. */
  readonly actual: number;
}

/** What one warm-up cost and what it was good for. The formulas are with `account` in warmup/ledger/account.ts. */
export interface LedgerRecord {
  readonly id: string;
  readonly workload: string;
  readonly source: WarmUpSource;
  readonly why: string;
  readonly replicas: number;
  readonly plannedAt: Millis;
  readonly begunAt: Millis | null;
  readonly readyBy: Millis;
  /** Null when it never was. */
  readonly readyAt: Millis | null;
  readonly endedAt: Millis;
  readonly steps: readonly StepReport[];
  readonly gpusPerReplica: number;
  /** GPU-seconds of ready replicas above what was wanted, before the load came. */
  readonly gpuSecondsAhead: number;
  /** GPU-seconds that the floor asked for above the reactive decision, until its end. */
  readonly gpuSecondsAboveReactive: number;
  readonly expectedCost: number;
  /** When the reactive decision itself asked for more than half of what the warm-up had added; null: never. */
  readonly loadCameAt: Millis | null;
  /** Replica-seconds of missing capacity that the reactive decision alone would have had. */
  readonly waitingAvoided: number;
  /** Seconds for which decisions were seen, of the time from its beginning to its end. */
  readonly observedSeconds: number;
  readonly outcome: LedgerOutcome;
  /** Why, for `failed` and `cancelled`. */
  readonly reason: string | null;
}

/** What warm-ups cost, and whether the load came. Kept in the store, so many for each workload. */
export interface Ledger {
  /** Notes a decision. Answers at once; costs nothing while the workload has no warm-up under way. */
  observe(workload: string, tick: LoadTick): void;
  /** Newest first. Rejects with a StoreUnavailable when the store does not answer. */
  records(workload: string): Promise<LedgerRecord[]>;
}
