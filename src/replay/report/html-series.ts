import { inBins, type Binned, type Bins } from './html-bins.js';
import { nodeHours } from './report.js';

/**
 * A run over time, in columns: one sample every scrape. A column that was not recorded is left out, and the page leaves
 * out what it would show.
 */
export interface PageTimeline {
  /** As in the report's rows. */
  readonly policy: string;
  /** Seconds since the start, strictly rising. A sample covers the seconds since the one before, up to and with its own. */
  readonly t: ArrayLike<number>;
  /** Requests that came in those seconds. */
  readonly arrivals: ArrayLike<number>;
  /** Requests waiting and running at `t`. */
  readonly queue: ArrayLike<number>;
  readonly running: ArrayLike<number>;
  /** Replicas that the policy wanted; null while it was blind. */
  readonly desired: ArrayLike<number | null>;
  readonly ready: ArrayLike<number>;
  /** Asked for and not ready: they wait for a node, or load. */
  readonly starting?: ArrayLike<number>;
  /** Nodes that are paid for. */
  readonly nodes?: ArrayLike<number>;
  /** p99 of the waits, in seconds, of the requests that came in those seconds; NaN without any, Infinity without end. */
  readonly wait?: ArrayLike<number>;
  /** Node-seconds paid so far, of the scored ones, as the table counts them; never falls. */
  readonly paid?: ArrayLike<number>;
  /** Decisions that asked for other replicas than the one before, each with its reason. */
  readonly changes?: readonly {
    readonly t: number;
    readonly desired: number | null;
    readonly reason: string;
  }[];
}

/** Seconds that a sample covers: at 15, 30, 45 s each covers 15 but the first, which covers second 0 too. */
export function secondsOf({ t }: Pick<PageTimeline, 't'>, index: number): number {
  return index === 0 ? (t[0] ?? 0) + 1 : (t[index] ?? 0) - (t[index - 1] ?? 0);
}

/** Requests per second in bins. */
export function loadIn(bins: Bins, timeline: PageTimeline): Binned {
  const { t, arrivals } = timeline;
  const rates = Array.from(
    { length: t.length },
    (_, index) => (arrivals[index] ?? 0) / secondsOf(timeline, index),
  );
  return inBins(bins, t, rates);
}

/**
 * Node-hours that have been paid by the end of each bin; null where the run did not record them or is over. Two nodes
 * for half an hour are 1 node-hour.
 */
export function nodeHoursIn(bins: Bins, { t, paid }: PageTimeline): (number | null)[] | null {
  if (paid === undefined) return null;
  return inBins(bins, t, paid).most.map((seconds) => (seconds === null ? null : nodeHours(seconds)));
}
