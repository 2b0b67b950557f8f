import { MINUTE, SECOND, type Millis } from '../time.js';

/** What the forecast has to know of a workload. All of it stays the same for the life of a memory, but for `leadTime`. */
export interface ForecastSettings {
  /** Requests that one replica serves at once, > 0. */
  readonly slots: number;
  /** Mean time that a request holds a slot, > 0. */
  readonly serviceTime: Millis;
  /** From asking for a replica on a new node until it is Ready. */
  readonly leadTime: Millis;
  /** A request is in time when it waited at most this long. */
  readonly wait: Millis;
  /** The share of requests that should be in time, 0 < share < 1. */
  readonly share: number;
  /** How long an empty node stays and is paid for before its pool takes it away. */
  readonly nodeIdle: Millis;
  readonly maxReplicas: number;
}

/** The cluster autoscaler's own default for taking an idle node away (`--scale-down-unneeded-time`). */
export const NODE_IDLE: Millis = 10 * MINUTE;

/** The forecast's step. Scrapes are shared out to beats, so that what was learned does not depend on the scrape interval. */
export const BEAT: Millis = 15 * SECOND;

/** Beats from a question until its answer is known: the lead time and the minute that it takes to see and to act. */
export function horizonBeats(settings: ForecastSettings): number {
  return Math.max(1, Math.round((settings.leadTime + MINUTE) / BEAT));
}

/** What holding one replica until the answer is known costs, in GPU-seconds. */
export function holdingCost(settings: ForecastSettings): number {
  return (settings.leadTime + MINUTE) / SECOND;
}

/** Replica-seconds that one request takes. */
export function workPerRequest(settings: ForecastSettings): number {
  return settings.serviceTime / SECOND / settings.slots;
}
