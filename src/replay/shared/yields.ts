/** One time that a ScaledObject had to give GPUs up for others. All times are seconds of the replay. */
export interface Yield {
  /** When fewer were granted than it had. */
  readonly at: number;
  /** Replicas that it had, and that it was left. */
  readonly had: number;
  readonly to: number;
  /** When it held no more GPUs than that: its HPA had taken the replicas down, and they had drained. Null: never. */
  gaveAt: number | null;
  /**
   * Since when the others want so little that, without a memory of what they wanted, it would have its share back; null:
   * they do to the end, or it wanted no more before they stopped.
   */
  overAt: number | null;
  /** When it was granted again what it had, or all that it wants; null: not before the end. */
  backAt: number | null;
  /** When it had GPUs for that. */
  wholeAt: number | null;
}

/** A ScaledObject after a tick's decisions, before spec.replicas follows. */
export interface Standing {
  /** spec.replicas. */
  readonly current: number;
  readonly wanted: number;
  /** Null: all that it wants. */
  readonly granted: number | null;
  /** Replicas that it would be granted if nobody had wanted anything before. */
  readonly atOnce: () => number;
}

export function noteGrant(yields: Yield[], t: number, { current, wanted, granted, atOnce }: Standing): void {
  const open = yields.filter(({ backAt }) => backAt === null);
  for (const each of open) {
    const needed = Math.min(each.had, wanted);
    if (granted === null || granted >= needed) {
      if (wanted >= each.had) each.overAt ??= t;
      each.backAt = t;
    } else {
      each.overAt = atOnce() >= needed ? (each.overAt ?? t) : null;
    }
  }
  const least = Math.min(current, ...open.map(({ to }) => to));
  if (granted === null || granted >= least) return;
  yields.push({ at: t, had: least, to: granted, gaveAt: null, overAt: null, backAt: null, wholeAt: null });
}

/** GPUs that a ScaledObject has at the end of a second, in replicas. */
export interface Holding {
  /** Draining ones included. */
  readonly bound: number;
  /** Loading and ready. */
  readonly running: number;
  readonly wanted: number;
}

export function noteReplicas(yields: readonly Yield[], t: number, { bound, running, wanted }: Holding): void {
  for (const each of yields) {
    if (each.gaveAt === null && each.backAt === null && bound <= each.to) each.gaveAt = t;
    if (each.backAt !== null && running >= Math.min(each.had, wanted)) each.wholeAt ??= t;
  }
}
