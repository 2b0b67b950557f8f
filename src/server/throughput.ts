import type { Sample } from '../core/observation.js';
import { MINUTE, SECOND, type Millis } from '../core/time.js';

/** How far back a rate looks: money is compared with what is usual, and not with one minute's burst. */
const WINDOW: Millis = 5 * MINUTE;
/** A rate that nobody has renewed for so long is not that of now. */
const STANDS_FOR: Millis = 3 * MINUTE;

/** A counter as it stood. */
interface Count {
  readonly at: Millis;
  readonly count: number;
}

interface Seen {
  readonly pods: ReadonlyMap<string, readonly Count[]>;
  readonly perSecond: number | null;
  readonly at: Millis;
}

/** Requests that leave the pods of each ScaledObject, by the counters of those that are there. */
export class Throughput {
  readonly #seen = new Map<string, Seen>();

  /**
   * @param id NAMESPACE/NAME of the ScaledObject
   * @param samples the counters of its pods; of one pod they add up
   * @param freshFor what is older is no sample of now
   */
  note(id: string, samples: readonly Sample[], freshFor: Millis, now: Millis): void {
    const counts = countsOf(samples, now - freshFor, now);
    if (counts.size === 0) return;
    const before = this.#seen.get(id)?.pods ?? new Map<string, readonly Count[]>();
    const silent = [...before].filter(([pod, seen]) => !counts.has(pod) && now - lastOf(seen) <= freshFor);
    const pods = new Map([
      ...silent,
      ...Array.from(counts, ([pod, count]) => [pod, appended(before.get(pod) ?? [], count)] as const),
    ]);
    this.#seen.set(id, { pods, perSecond: rateOf(pods.values()), at: now });
  }

  /** Requests per second over about five minutes; null: not known, which is not 0. */
  perSecond(id: string, now: Millis): number | null {
    const seen = this.#seen.get(id);
    return seen === undefined || Math.abs(now - seen.at) > STANDS_FOR ? null : seen.perSecond;
  }

  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
  }
}

/** One for each pod: of a pod that counts by model, the sum as of its youngest count. */
function countsOf(samples: readonly Sample[], from: Millis, now: Millis): Map<string, Count> {
  const counts = new Map<string, Count>();
  for (const { pod, value, at } of samples) {
    if (pod === null || at < from || !Number.isFinite(value) || value < 0) continue;
    const other = counts.get(pod);
    const moment = Math.min(at, now);
    counts.set(pod, { at: Math.max(moment, other?.at ?? moment), count: value + (other?.count ?? 0) });
  }
  return counts;
}

/** With one count at or before the window's beginning, to compare the first in it with. */
function appended(before: readonly Count[], count: Count): readonly Count[] {
  const last = before.at(-1);
  if (last !== undefined && count.at <= last.at) return before;
  const from = count.at - WINDOW;
  const first = before.findLastIndex(({ at }) => at <= from);
  return [...before.slice(Math.max(0, first)), count];
}

/** A pod that has been seen once has no rate yet and is left out; null: that is all of them. */
function rateOf(pods: Iterable<readonly Count[]>): number | null {
  let [sum, known] = [0, false];
  for (const counts of pods) {
    let [served, length] = [0, 0];
    for (const [index, { at, count }] of counts.entries()) {
      const before = counts[index - 1];
      // A count that fell began anew, or lost one of its series: what has left since is not known then.
      if (before === undefined || count < before.count) continue;
      served += count - before.count;
      length += at - before.at;
    }
    if (length === 0) continue;
    sum += (served * SECOND) / length;
    known = true;
  }
  return known ? sum : null;
}

function lastOf(counts: readonly Count[]): Millis {
  return counts.at(-1)?.at ?? 0;
}
