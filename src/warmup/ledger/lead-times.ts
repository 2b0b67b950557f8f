import type { Millis } from '../../core/time.js';
import type { LedgerRecord } from '../../ports/ledger.js';

export interface LeadTimes {
  /** Warm-ups that were ready at some time, and for which time passed. */
  readonly samples: number;
  readonly p50: Millis;
  readonly p90: Millis;
  readonly p95: Millis;
  readonly longest: Millis;
}

/**
 * From lifting the floor until the replicas were ready, for each workload; none for a workload without a sample. Nearest
 * rank, so that a quantile is a time that was measured: of 10 samples the p90 is the ninth, the p95 the tenth. Warm-ups
 * that found their replicas ready (within a second) started no pod, and say nothing about how long one takes.
 */
export function leadTimesOf(records: readonly LedgerRecord[]): Map<string, LeadTimes> {
  const samples = new Map<string, Millis[]>();
  for (const { workload, begunAt, readyAt } of records) {
    if (begunAt === null || readyAt === null || readyAt - begunAt < FOUND_READY) continue;
    const others = samples.get(workload);
    if (others === undefined) samples.set(workload, [readyAt - begunAt]);
    else others.push(readyAt - begunAt);
  }
  return new Map([...samples].map(([workload, times]) => [workload, quantilesOf(times)]));
}

const FOUND_READY: Millis = 1000;

function quantilesOf(times: Millis[]): LeadTimes {
  const sorted = times.toSorted((a, b) => a - b);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { samples: sorted.length, p50: rank(0.5), p90: rank(0.9), p95: rank(0.95), longest: rank(1) };
}
