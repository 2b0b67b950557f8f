/** What happened to one workload, for the log of changes and the closing lines. Seconds of the story throughout. */

/** Who wrote the replicas, and on what occasion. */
export interface Actor {
  readonly name: 'KEDA push' | 'KEDA poll' | 'KEDA cooldown' | 'HPA';
  /** The reason of the HPA's condition ScalingLimited where it did not go as far as the metric says, else null. */
  readonly limited: string | null;
}

export interface Change {
  readonly at: number;
  readonly workload: string;
  readonly from: number;
  readonly to: number;
  readonly by: Actor;
  /** The decision behind it, as the server explains it. */
  readonly reason: string;
}

/** One way from zero: the first request that found nobody, the first replica asked for, the first Ready. */
export interface Wake {
  readonly requestedAt: number;
  readonly wokenAt: number | null;
  readonly readyAt: number | null;
}

/** One time that requests came, and how long the one waited that waited longest. */
export interface Load {
  readonly from: number;
  readonly longestWait: number;
}

export interface History {
  readonly loads: readonly Load[];
  readonly changes: readonly Change[];
  readonly wakes: readonly Wake[];
  /** Most replicas. */
  readonly peak: number;
}

export const NO_HISTORY: History = { loads: [], changes: [], wakes: [], peak: 0 };

/** Requests came at zero replicas. Only the first of them counts until the workload has slept again. */
export function withRequestAtZero(history: History, at: number): History {
  const last = history.wakes.at(-1);
  if (last !== undefined && last.wokenAt === null) return history;
  return { ...history, wakes: [...history.wakes, { requestedAt: at, wokenAt: null, readyAt: null }] };
}

export function withWait(history: History, from: number, waited: number): History {
  const last = history.loads.at(-1);
  if (last?.from !== from) return { ...history, loads: [...history.loads, { from, longestWait: waited }] };
  if (waited <= last.longestWait) return history;
  return { ...history, loads: [...history.loads.slice(0, -1), { from, longestWait: waited }] };
}

export function withChange(history: History, change: Change): History {
  const changed = {
    ...history,
    changes: [...history.changes, change],
    peak: Math.max(history.peak, change.to),
  };
  return change.from === 0
    ? inLastWake(changed, (wake) => ({ ...wake, wokenAt: wake.wokenAt ?? change.at }))
    : changed;
}

export function withReady(history: History, at: number): History {
  if (history.wakes.at(-1)?.readyAt !== null) return history;
  return inLastWake(history, (wake) => ({ ...wake, readyAt: at }));
}

function inLastWake(history: History, update: (wake: Wake) => Wake): History {
  const last = history.wakes.at(-1);
  return last === undefined ? history : { ...history, wakes: [...history.wakes.slice(0, -1), update(last)] };
}
