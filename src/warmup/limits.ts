import { MINUTE, SECOND, type Millis } from '../core/time.js';

/** What can be set of how warm-ups run. */
export interface Limits {
  /** Warm-ups begun in a window for each node pool: a pool that grows by all its nodes at once is refused by the cloud. */
  readonly begunPerWindow: number;
  readonly window: Millis;
  /** Tries of the steps of one warm-up, the first included. */
  readonly tries: number;
  /** Before the second try; doubled before each further one. */
  readonly backOff: Millis;
  readonly longestBackOff: Millis;
  /**
   * After `readyBy`, a warm-up that is not ready is given up once this many lead times have passed, but no sooner than
   * after `leastPatience`.
   */
  readonly patienceInLeadTimes: number;
  readonly leastPatience: Millis;
  /** A lease, or a job's lock, of a process that died is free after this long. */
  readonly lease: Millis;
  /** How often jobs of dead processes, and warm-ups without a job, are looked for. */
  readonly sweep: Millis;
  /** How often the memory's image of the store is made anew. */
  readonly refresh: Millis;
  /** How often a step that waits for another replica's step on the same workload asks again. */
  readonly turn: Millis;
  /** How often the accounts of warm-ups under way are written down. */
  readonly checkpoint: Millis;
  /** Processes that may die over one warm-up before it is taken for the cause. */
  readonly mostInterrupted: number;
  /** Warm-ups whose steps are under way at once, in this process: those beyond begin when others hold. */
  readonly concurrency: number;
  /** Of finished warm-ups, for each workload. */
  readonly ledgerLength: number;
  /** Of warm-ups given up, in all. */
  readonly deadLength: number;
}

export const DEFAULT_LIMITS: Limits = {
  begunPerWindow: 30,
  window: MINUTE,
  tries: 5,
  backOff: 2 * SECOND,
  longestBackOff: MINUTE,
  patienceInLeadTimes: 3,
  leastPatience: 10 * MINUTE,
  lease: 15 * SECOND,
  sweep: 5 * SECOND,
  refresh: SECOND,
  turn: SECOND,
  checkpoint: 30 * SECOND,
  mostInterrupted: 10,
  concurrency: 2000,
  ledgerLength: 200,
  deadLength: 500,
};
