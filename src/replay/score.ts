import type { Setup } from './setup.js';
import { addWaits, noWaits, waitedAtMost, waitQuantile, type Waits } from './waits.js';

/** What a run cost and what it gave, over the scored part of the load. */
export interface Score {
  /** Seconds of nodes that were paid for. */
  readonly nodeSeconds: number;
  /** Seconds of pods that had a GPU: loading, ready or draining. */
  readonly podSeconds: number;
  /** Requests that came in the scored seconds. */
  readonly requests: number;
  /** Those that waited at most `slo`; a request that never starts is late. */
  readonly inTime: number;
  /** inTime ÷ requests; null without requests. */
  readonly attainment: number | null;
  /** Seconds waited; Infinity when that share includes requests that never started; null without requests. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Requests that came while no replica was ready. */
  readonly coldRequests: number;
  /** Times that the replicas rose from zero, in the whole run. */
  readonly wakeups: number;
}

/** The sums of a run while it goes on. */
export interface Tally {
  readonly from: number;
  readonly to: number;
  readonly waits: Waits;
  nodeSeconds: number;
  podSeconds: number;
  requests: number;
  coldRequests: number;
  wakeups: number;
}

/** Counts from `setup.scoreFrom` to the load's end. */
export function tally(setup: Setup, seconds: number): Tally {
  return {
    from: setup.scoreFrom,
    to: seconds,
    waits: noWaits(),
    nodeSeconds: 0,
    podSeconds: 0,
    requests: 0,
    coldRequests: 0,
    wakeups: 0,
  };
}

export function isScored(sums: Tally, second: number): boolean {
  return second >= sums.from && second < sums.to;
}

export function countStart(sums: Tally, arrival: number, start: number, requests: number): void {
  if (isScored(sums, arrival)) addWaits(sums.waits, start - arrival, requests);
}

export function scoreOf(sums: Tally, slo: number): Score {
  const { waits, requests } = sums;
  const inTime = waitedAtMost(waits, slo);
  return {
    nodeSeconds: sums.nodeSeconds,
    podSeconds: sums.podSeconds,
    requests,
    inTime,
    attainment: requests === 0 ? null : inTime / requests,
    p50: waitQuantile(waits, 0.5, requests),
    p95: waitQuantile(waits, 0.95, requests),
    p99: waitQuantile(waits, 0.99, requests),
    coldRequests: sums.coldRequests,
    wakeups: sums.wakeups,
  };
}
