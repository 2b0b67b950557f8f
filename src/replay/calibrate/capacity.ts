import { findKnee } from './knee.js';
import { latencyOf, serviceOf, type Step } from './step.js';

/** A replica as the replay and the wake by request rate see it: so many slots, each held so long. */
export interface Capacity {
  /** Requests per second that it gets through at most. */
  readonly throughput: number;
  /** False: p99 or failures ended the test before throughput stopped rising, so this is the least it can be. */
  readonly saturated: boolean;
  /** Seconds that a request holds a slot. */
  readonly serviceTime: number;
  readonly slots: number;
  /** How far throughput falls short of the asymptotes at worst; null where think time would blur them, or of two steps. */
  readonly shortfall: Shortfall | null;
}

export interface Shortfall {
  readonly share: number;
  /** The step's index. */
  readonly at: number;
}

/** Steps this near to the highest throughput count: the mean of them is less swayed by noise than the highest. */
const SATURATED = 0.95;

/**
 * Slots and service time by Little's law, L = X × S: while nothing waits, latency is the service time; and at the
 * highest throughput the slots are all busy. 8 s at one in flight and at most 0.5 requests/s are 4 slots.
 *
 * @param knee the highest step within the objective
 * @returns null where no latency was measured
 */
export function capacityOf(steps: readonly Step[], knee: number): Capacity | null {
  const [lowest] = steps;
  const serviceTime = lowest === undefined ? null : serviceOf(lowest);
  if (serviceTime === null) return null;
  // Whatever p99 was by then, throughput says where the slots were full.
  const limit = findKnee(steps, null);
  const saturated = limit.kind === 'reached' && limit.why !== 'failures';
  const throughput = saturated ? fullThroughput(steps, limit.next) : (steps[knee]?.throughput ?? 0);
  const rising = limit.kind === 'reached' ? steps.slice(0, limit.next + 1) : steps;
  return {
    throughput,
    saturated,
    serviceTime,
    slots: throughput * serviceTime,
    shortfall: saturated && isSharp(steps) ? worstShortfall(rising, throughput) : null,
  };
}

/** Over the steps past the knee, where every slot is busy; the highest of all where it only falls from there. */
function fullThroughput(steps: readonly Step[], past: number): number {
  const most = Math.max(...steps.map(({ throughput }) => throughput));
  const full = steps
    .slice(past)
    .map(({ throughput }) => throughput)
    .filter((each) => each >= SATURATED * most);
  return full.length === 0 ? most : full.reduce((sum, each) => sum + each, 0) / full.length;
}

/**
 * The most that a load can bring: X(N) ≤ min(N × X₁/N₁, X_max), the asymptotes of a closed queueing network (Denning and
 * Buzen, Computing Surveys 10, 1978; Lazowska et al., Quantitative System Performance, 1984, chapter 5). With slots that
 * do not slow each other down a replica without think time reaches them exactly, whatever the service times' spread.
 */
export function asymptote(lowest: Step, load: number, most: number): number {
  return Math.min((load * lowest.throughput) / lowest.load, most);
}

function isSharp(steps: readonly Step[]): boolean {
  return steps.length > 2 && steps.every(({ held }) => held === 'concurrency');
}

function worstShortfall(steps: readonly Step[], most: number): Shortfall | null {
  const [lowest] = steps;
  if (lowest === undefined) return null;
  return steps.reduce<Shortfall>(
    (worst, { load, throughput }, at) => {
      const share = 1 - throughput / asymptote(lowest, load, most);
      return share > worst.share ? { share, at } : worst;
    },
    { share: 0, at: 0 },
  );
}

/** Mean wait for a slot: the server's word, else the latency beyond the service time. */
export function waitOf(step: Step, serviceTime: number | null): number | null {
  if (step.queue !== null) return step.queue;
  const latency = latencyOf(step);
  return latency === null || serviceTime === null ? null : Math.max(0, latency - serviceTime);
}
