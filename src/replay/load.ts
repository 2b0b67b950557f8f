/**
 * A recorded load: how many requests came in each second, for the seconds that had any. Columns instead of objects: two
 * weeks at 200 requests a second are 1.2 million rows and 240 million requests, and fit in 20 MB.
 */
export interface Load {
  /** Length of the recording in seconds: the last row's time + 1. */
  readonly seconds: number;
  /** Seconds since the start, strictly rising. */
  readonly at: Float64Array;
  /** Requests that came in that second, whole and ≥ 0. */
  readonly requests: Float64Array;
  /** Tokens of those requests together; null where the recording has no such column. */
  readonly inputTokens: Float64Array | null;
  readonly outputTokens: Float64Array | null;
}

/** A load from counts per second: the index is the second. */
export function loadOf(perSecond: ArrayLike<number>): Load {
  const at: number[] = [];
  for (let t = 0; t < perSecond.length; t += 1) if ((perSecond[t] ?? 0) > 0) at.push(t);
  return {
    seconds: perSecond.length,
    at: Float64Array.from(at),
    requests: Float64Array.from(at, (t) => perSecond[t] ?? 0),
    inputTokens: null,
    outputTokens: null,
  };
}

/** The index of the first row at or after a second; `load.at.length` when there is none. */
export function firstRowFrom(load: Load, second: number): number {
  let low = 0;
  let high = load.at.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((load.at[middle] ?? 0) < second) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Requests that came in [from, to). */
export function requestsBetween(load: Load, from: number, to: number): number {
  const end = firstRowFrom(load, to);
  let sum = 0;
  for (let row = firstRowFrom(load, from); row < end; row += 1) sum += load.requests[row] ?? 0;
  return sum;
}
