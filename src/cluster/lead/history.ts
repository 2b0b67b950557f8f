import type { Millis } from '../../core/time.js';
import type { LeadTime, LeadTimes, NodeLeadTime } from '../../ports/cluster.js';
import { lengthOf, type Start } from './starts.js';

/** The last starts of a workload, or on a GPU type. Newest last. */
export interface History {
  readonly warm: readonly Start[];
  readonly cold: readonly Start[];
}

/** A start on a GPU type, and whose it was. */
export interface GpuStart extends Start {
  readonly workload: string;
}

export interface GpuHistory {
  readonly warm: readonly GpuStart[];
  readonly cold: readonly GpuStart[];
}

/** How one new node came. */
export interface NodeStart {
  readonly at: Millis;
  /** From the oldest pod that waited for it until it registered. */
  readonly provision: Millis;
  /** Until its GPUs could be allocated. */
  readonly device: Millis;
}

export const NO_HISTORY: History = { warm: [], cold: [] };
/** Of each ground. What is older is another image, another model, another node type. */
export const MOST_STARTS = 50;

/** Of those of a GPU type, by which workloads are judged that have too few of their own: one's are not to be all of them. */
export const MOST_OF_ONE = 5;

export function remember(history: History, ground: 'warm' | 'cold', start: Start): History {
  return { ...history, [ground]: appended(history[ground], start) };
}

/** The last few starts of each workload. */
export function shared(starts: readonly GpuStart[], start: GpuStart): readonly GpuStart[] {
  const own = starts.filter(({ workload }) => workload === start.workload);
  const [oldest] = own;
  return appended(own.length < MOST_OF_ONE ? starts : starts.filter((each) => each !== oldest), start);
}

export function appended<T>(starts: readonly T[], start: T): readonly T[] {
  return [...starts, start].slice(-MOST_STARTS);
}

/** Asked at every evaluation of every workload, and changed by a start: worked out once for each history. */
const known = new WeakMap<History, LeadTimes | null>();

export function leadTimesOf(history: History): LeadTimes | null {
  const before = known.get(history);
  if (before !== undefined) return before;
  const times = { warmNode: leadTimeOf(history.warm), coldNode: leadTimeOf(history.cold) };
  const either = times.warmNode === null && times.coldNode === null ? null : times;
  known.set(history, either);
  return either;
}

export function leadTimeOf(starts: readonly Start[]): LeadTime | null {
  if (starts.length === 0) return null;
  const lengths = starts.map(lengthOf);
  return {
    p50: quantile(lengths, 0.5),
    p90: quantile(lengths, 0.9),
    parts: {
      schedule: mean(starts.map(({ schedule }) => schedule)),
      image: mean(starts.map(({ image }) => image)),
      start: mean(starts.map(({ start }) => start)),
      model: mean(starts.map(({ model }) => model)),
    },
    samples: starts.length,
    at: Math.max(...starts.map(({ at }) => at)),
  };
}

export function nodeLeadTimeOf(starts: readonly NodeStart[]): NodeLeadTime | null {
  if (starts.length === 0) return null;
  const lengths = starts.map(({ provision, device }) => provision + device);
  return {
    p50: quantile(lengths, 0.5),
    p90: quantile(lengths, 0.9),
    parts: {
      provision: mean(starts.map(({ provision }) => provision)),
      device: mean(starts.map(({ device }) => device)),
    },
    samples: starts.length,
  };
}

/**
 * Nearest rank: the least of the values that at least the given share of them do not exceed. Of ten values the 0.9
 * quantile is the ninth; of fewer than ten it is the largest, which errs to the side of asking early.
 *
 * @param values at least one
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  // 0.9 × 10 is 9.000000000000002 for some shares: what differs by rounding alone is the same rank.
  const rank = Math.ceil(share * sorted.length - 1e-9);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
