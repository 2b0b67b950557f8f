/** One moment of a measurement over time: seconds, and the level that tells the steps apart. */
export interface Moment {
  readonly t: number;
  readonly level: number;
}

export interface PlateauOptions {
  /** Levels within this share of a plateau's median belong to it. */
  readonly tolerance: number;
  /** A plateau lasts at least this long, without its start; seconds. */
  readonly least: number;
  /** Left out at the start of each: the ramp, and the window of rates that still sees the step before; seconds. */
  readonly settle: number;
}

/** A stretch of moments on one level: from index `from` up to but not including `to`. */
export interface Plateau {
  readonly from: number;
  readonly to: number;
}

/** A level below this is no load. */
const NOTHING = 1e-9;

/**
 * Where a level stood still: moments are taken along while they are near the median of those before, so that noise does
 * not end a plateau and a ramp, whose levels leave each median soon, never becomes one. Neighbours on one level are one
 * plateau with a hiccup between them. Stretches without load are none.
 *
 * @param moments in order of time
 */
export function plateausOf(moments: readonly Moment[], options: PlateauOptions): Plateau[] {
  const stretches: Plateau[] = [];
  let from = 0;
  for (let index = 1; index <= moments.length; index += 1) {
    const moment = moments[index];
    if (moment !== undefined && isNear(moment.level, median(moments, from, index), options.tolerance))
      continue;
    stretches.push({ from, to: index });
    from = index;
  }
  const long = stretches.filter((each) => isLong(moments, each, options));
  return joined(moments, long, options).map((each) => settled(moments, each, options.settle));
}

function isNear(level: number, middle: number, tolerance: number): boolean {
  return Math.abs(level - middle) <= tolerance * middle;
}

function isLong(
  moments: readonly Moment[],
  { from, to }: Plateau,
  { least, settle }: PlateauOptions,
): boolean {
  const [first, last] = [moments[from], moments[to - 1]];
  if (first === undefined || last === undefined || median(moments, from, to) < NOTHING) return false;
  return last.t - first.t >= least + settle;
}

function joined(
  moments: readonly Moment[],
  plateaus: readonly Plateau[],
  { tolerance }: PlateauOptions,
): Plateau[] {
  const result: Plateau[] = [];
  for (const each of plateaus) {
    const before = result.at(-1);
    const level = median(moments, each.from, each.to);
    if (before !== undefined && isNear(level, median(moments, before.from, before.to), tolerance / 2))
      result[result.length - 1] = { from: before.from, to: each.to };
    else result.push(each);
  }
  return result;
}

function settled(moments: readonly Moment[], { from, to }: Plateau, settle: number): Plateau {
  const start = moments[from]?.t ?? 0;
  let first = from;
  while ((moments[first]?.t ?? Infinity) < start + settle) first += 1;
  return { from: first, to };
}

function median(moments: readonly Moment[], from: number, to: number): number {
  const levels = moments.slice(from, to).map(({ level }) => level);
  levels.sort((a, b) => a - b);
  return levels[Math.floor(levels.length / 2)] ?? 0;
}
