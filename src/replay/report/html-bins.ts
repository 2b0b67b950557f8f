/** Least, mean and most of the values that fall into each bin; null where none does. */
export interface Binned {
  readonly least: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly most: readonly (number | null)[];
}

/** Bins of one width: the first begins at 0. */
export interface Bins {
  readonly width: number;
  readonly count: number;
}

/** Widths that a person can read off an axis; seconds. */
const WIDTHS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];

/**
 * As many bins as fit, at most `most`, none narrower than the samples lie apart: two weeks at 15 s are 80 640 samples,
 * and 1 344 bins of 15 minutes.
 *
 * @param end seconds, > 0
 * @param apart the least distance between samples, seconds, > 0
 */
export function binsFor(end: number, apart: number, most: number): Bins {
  const needed = Math.max(apart, end / most);
  const width = WIDTHS.find((each) => each >= needed) ?? Math.ceil(needed / 86_400) * 86_400;
  return { width, count: Math.max(1, Math.ceil(end / width)) };
}

/** Where the bins begin. */
export function startsOf({ width, count }: Bins): number[] {
  return Array.from({ length: count }, (_, index) => index * width);
}

/** Values that are NaN or infinite count as not there. */
export function inBins(bins: Bins, t: ArrayLike<number>, values: ArrayLike<number | null>): Binned {
  const { width, count } = bins;
  const least = Array.from<number | null>({ length: count }).fill(null);
  const most = Array.from<number | null>({ length: count }).fill(null);
  const sums = new Float64Array(count);
  const counts = new Int32Array(count);
  for (let index = 0; index < t.length; index += 1) {
    const value = values[index];
    const bin = Math.min(count - 1, Math.floor((t[index] ?? 0) / width));
    if (value === undefined || value === null || !Number.isFinite(value) || bin < 0) continue;
    least[bin] = Math.min(value, least[bin] ?? value);
    most[bin] = Math.max(value, most[bin] ?? value);
    sums[bin] = (sums[bin] ?? 0) + value;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const mean = Array.from(sums, (sum, bin) => {
    const number = counts[bin] ?? 0;
    return number === 0 ? null : sum / number;
  });
  return { least, mean, most };
}
