import type { Step } from './step.js';

/** A step counts as rising from this gain in throughput for each doubling of the load. */
export const LEAST_GAIN = 0.05;
/** More failures than this, and the step is beyond what the replica can do. */
export const MOST_FAILED = 0.01;
/** An open loop that gets less than this share of its rate answered falls behind without end. */
const KEPT_UP = 0.95;

/** Why a step is beyond the knee. */
export type Beyond = 'flat' | 'slo' | 'failures' | 'behind';

/** The knee, or why there is none in the data. */
export type Knee =
  | {
      readonly kind: 'reached';
      /** Of the last good step. */
      readonly index: number;
      /** The step after it, and what is wrong with that. */
      readonly next: number;
      readonly why: Beyond;
    }
  /** Throughput still rises at the last step: the knee is further on. */
  | { readonly kind: 'open' }
  /** The lowest step is beyond it already. */
  | { readonly kind: 'below'; readonly why: Beyond }
  | { readonly kind: 'few' };

/**
 * The highest step at which throughput still rises by more than 5 % for each doubling of the load while p99 is within
 * the objective. It is a measured step: the true knee lies between it and the next.
 *
 * A step rises against the last one that did, not against its neighbour, so that one noisy step neither ends the search
 * nor lets it creep on: 100 → 103 → 106 requests/s at 16, 32 and 64 in flight is 3 % a doubling, and flat.
 *
 * @param steps in order of their load, all of one kind
 * @param slo seconds that p99 may take; null without one
 */
export function findKnee(steps: readonly Step[], slo: number | null): Knee {
  const [first] = steps;
  if (first === undefined || steps.length < 2) return { kind: 'few' };
  const limit = steps.findIndex((_, index) => breach(steps, index, slo) !== null);
  const open = limit === -1 ? steps.length : limit;
  const why = breach(steps, limit, slo);
  if (limit === 0 && why !== null) return { kind: 'below', why };
  let knee = 0;
  for (let index = 1; index < open; index += 1) if (rises(steps, knee, index)) knee = index;
  if (knee < open - 1) return { kind: 'reached', index: knee, next: knee + 1, why: 'flat' };
  return why === null ? { kind: 'open' } : { kind: 'reached', index: knee, next: limit, why };
}

/**
 * Gain in throughput for each doubling of the load between two steps, as a share.
 * From 4 to 16 in flight and from 10 to 12.1 requests/s are two doublings with a factor of 1.21: 10 % each.
 */
export function gainPerDoubling(from: Step, to: Step): number {
  const doublings = Math.log2(to.load / from.load);
  return (to.throughput / from.throughput) ** (1 / doublings) - 1;
}

function rises(steps: readonly Step[], from: number, to: number): boolean {
  const [a, b] = [steps[from], steps[to]];
  return a !== undefined && b !== undefined && gainPerDoubling(a, b) > LEAST_GAIN;
}

/** What is wrong with a step for good: one bad step between good ones is a hiccup of the test. */
function breach(steps: readonly Step[], index: number, slo: number | null): Beyond | null {
  const [step, after] = [steps[index], steps[index + 1]];
  if (step === undefined) return null;
  const why = faultOf(step, slo);
  return why !== null && (after === undefined || faultOf(after, slo) !== null) ? why : null;
}

/** What is wrong with a step by itself. */
export function faultOf(step: Step, slo: number | null): Beyond | null {
  if (step.failed !== null && step.failed > MOST_FAILED) return 'failures';
  if (step.held === 'rate' && step.throughput < KEPT_UP * step.load) return 'behind';
  return slo !== null && step.p99 !== null && step.p99 > slo ? 'slo' : null;
}
