import { inServer, latencyOf, type Step } from './step.js';

/**
 * A throughput below the knee, found between two measured steps: `below` + `share` of the way to `below + 1`. With
 * `below` -1 it lies under the lowest step, `share` of the way from no load to it.
 */
export interface Point {
  readonly throughput: number;
  readonly below: number;
  readonly share: number;
}

/** Where throughput first reaches a value that is at most the knee's. */
export function pointAt(steps: readonly Step[], knee: number, throughput: number): Point {
  const first = steps[0]?.throughput ?? throughput;
  if (throughput < first) return { throughput, below: -1, share: throughput / first };
  for (let below = 0; below < knee; below += 1) {
    const from = steps[below]?.throughput ?? 0;
    const to = steps[below + 1]?.throughput ?? 0;
    if (from <= throughput && throughput <= to && to > from)
      return { throughput, below, share: (throughput - from) / (to - from) };
  }
  return { throughput, below: knee, share: 0 };
}

/** How a quantity behaves where nothing was measured, between no load and the lowest step. */
export type UnderLowest =
  /** It follows throughput: the utilisation law U = X × D, and Little's law with a latency that is at its lowest. */
  | 'proportional'
  /** Nobody knows: waiting times, and latencies with them. */
  | 'unknown';

/**
 * A quantity at a point, on the straight line between the two steps. Null where one of them did not measure it.
 * Half way between 2 in flight at 10 requests/s and 4 at 18, which is 14 requests/s, there are 3.
 */
export function valueAt(
  steps: readonly Step[],
  { below, share }: Point,
  quantity: (step: Step) => number | null,
  underLowest: UnderLowest,
): number | null {
  const at = (index: number) => {
    const step = steps[index];
    return step === undefined ? null : quantity(step);
  };
  if (below === -1) {
    const lowest = at(0);
    return lowest === null || underLowest === 'unknown' ? null : lowest * share;
  }
  const from = at(below);
  if (share === 0) return from;
  const to = at(below + 1);
  return from === null || to === null ? null : from + (to - from) * share;
}

/** What a replica is like at a point. */
export interface Operation {
  readonly throughput: number;
  /** In the unit of what the test held. */
  readonly load: number | null;
  readonly inServer: number | null;
  readonly mean: number | null;
  readonly p99: number | null;
  /** Under the lowest step, so by the laws above and not measured. */
  readonly underLowest: boolean;
}

export function operationAt(steps: readonly Step[], point: Point): Operation {
  return {
    throughput: point.throughput,
    load: valueAt(steps, point, ({ load }) => load, 'proportional'),
    inServer: valueAt(steps, point, inServer, 'proportional'),
    mean: valueAt(steps, point, latencyOf, 'unknown'),
    p99: valueAt(steps, point, ({ p99 }) => p99, 'unknown'),
    underLowest: point.below === -1,
  };
}
