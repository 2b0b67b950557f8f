/** One moment of a measurement over time: seconds, and the level that tells the steps apart. */
export interface Moment {
  readonly t: number;
  readonly level: number;
}

export interface PlateauOptions {
  /** Levels within this share of a plateau's median belong to it. */
  readonly tolerance: number;
  /** A plateau lasts at least this long beyond that; seconds. */
  readonly least: number;
  /** Left out after each change: the ramp, and the window of rates that still sees the step before; seconds. */
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
  const plateaus: Plateau[] = [];
  let changed: number | null = null;
  for (const stretch of stretchesOf(moments, options.tolerance)) {
    const plateau = settled(moments, stretch, changed ?? timeAt(moments, stretch.from), options);
    if (timeAt(moments, plateau.to - 1) - timeAt(moments, plateau.from) < options.least) continue;
    if (median(moments, plateau) >= NOTHING) plateaus.push(plateau);
    changed = timeAt(moments, stretch.to - 1);
  }
  return joined(moments, plateaus, options.tolerance);
}

function stretchesOf(moments: readonly Moment[], tolerance: number): Plateau[] {
  const stretches: Plateau[] = [];
  let from = 0;
  for (let to = 1; to <= moments.length; to += 1) {
    const moment = moments[to];
    if (moment !== undefined && isNear(moment.level, median(moments, { from, to }), tolerance)) continue;
    stretches.push({ from, to });
    from = to;
  }
  return stretches;
}

/**
 * Without what came too soon after the change before it; and without an end and a start that are half way to a
 * neighbour already, as a rate's first sample of the next step is.
 */
function settled(
  moments: readonly Moment[],
  stretch: Plateau,
  changed: number,
  { settle, tolerance }: PlateauOptions,
): Plateau {
  const level = median(moments, stretch);
  const isOff = (index: number) => !isNear(moments[index]?.level ?? level, level, tolerance / 2);
  let { from, to } = stretch;
  while (from < to && (timeAt(moments, from) < changed + settle || isOff(from))) from += 1;
  while (to > from && isOff(to - 1)) to -= 1;
  return { from, to };
}

/** Neighbours on one level are one plateau. */
function joined(moments: readonly Moment[], plateaus: readonly Plateau[], tolerance: number): Plateau[] {
  const result: Plateau[] = [];
  for (const each of plateaus) {
    const before = result.at(-1);
    if (before !== undefined && isNear(median(moments, each), median(moments, before), tolerance / 2))
      result[result.length - 1] = { from: before.from, to: each.to };
    else result.push(each);
  }
  return result;
}

function isNear(level: number, middle: number, tolerance: number): boolean {
  return Math.abs(level - middle) <= tolerance * middle;
}

function timeAt(moments: readonly Moment[], index: number): number {
  return moments[index]?.t ?? 0;
}

function median(moments: readonly Moment[], { from, to }: Plateau): number {
  const levels = moments.slice(from, to).map(({ level }) => level);
  levels.sort((a, b) => a - b);
  return levels[Math.floor(levels.length / 2)] ?? 0;
}
