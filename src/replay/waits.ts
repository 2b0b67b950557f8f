/**
 * How long requests waited, by whole seconds: the replay's clock has no finer ones, so that percentiles are exact
 * however many requests there were.
 */
export interface Waits {
  /** Requests by seconds waited. Grows as needed. */
  counts: Float64Array;
  started: number;
}

export function noWaits(): Waits {
  return { counts: new Float64Array(256), started: 0 };
}

export function addWaits(waits: Waits, seconds: number, requests: number): void {
  if (seconds >= waits.counts.length) waits.counts = grown(waits.counts, seconds + 1);
  waits.counts[seconds] = (waits.counts[seconds] ?? 0) + requests;
  waits.started += requests;
}

/** Requests that waited at most so long. */
export function waitedAtMost(waits: Waits, seconds: number): number {
  let sum = 0;
  for (let s = 0; s <= seconds && s < waits.counts.length; s += 1) sum += waits.counts[s] ?? 0;
  return sum;
}

/**
 * The shortest wait that a share of all requests did not exceed; Infinity when that includes requests that never
 * started; null without requests.
 *
 * @param share 0 < share ≤ 1
 * @param requests all of them, ≥ those that started
 */
export function waitQuantile(waits: Waits, share: number, requests: number): number | null {
  if (requests === 0) return null;
  // The nearest rank; the small number keeps 0.95 × 20 = 19.000000000000004 at rank 19.
  const rank = Math.max(1, Math.ceil(share * requests - 1e-9));
  let sum = 0;
  for (let s = 0; s < waits.counts.length; s += 1) {
    sum += waits.counts[s] ?? 0;
    if (sum >= rank) return s;
  }
  return Number.POSITIVE_INFINITY;
}

function grown(counts: Float64Array, length: number): Float64Array {
  const larger = new Float64Array(Math.max(length, counts.length * 2));
  larger.set(counts);
  return larger;
}
