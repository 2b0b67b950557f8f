/**
 * The inner problem of the bound: for one level k, in which blocks of time should there be at least k nodes, when being
 * there costs, serving requests pays, and starting and stopping cost? Solved exactly by dynamic programming.
 */

/** A level's money by block, all in node-seconds. */
export interface LevelCosts {
  /** What a request of a block pays when the level is there for it; ≥ 0. */
  readonly pay: Float64Array;
  /** What a whole block costs in the inside of a run; ≥ 0. */
  readonly run: Float64Array;
  /** What a run that begins in a block has cost before its first request. */
  readonly start: Float64Array;
  /** What a run has cost after it when a block is the first without. */
  readonly stop: Float64Array;
}

/** The cheapest choice: its cost, at most 0 since doing nothing is free, and what it is in each block. */
export interface LevelPlan {
  cost: number;
  readonly blocks: Uint8Array;
}

/** What a level is in a block: not there, there, or there and charged `run`. */
export const ABSENT = 0;
export const PRESENT = 1;
export const CHARGED = 2;

// A run of m blocks is sure to have been there for its blocks 3 to m − 1 only: see `bound.ts`.
const OFF = 0;
const FIRST = 1;
const SECOND = 2;
const LATER = 3;
type Phase = typeof OFF | typeof FIRST | typeof SECOND | typeof LATER;

/** Arrays for as many blocks as there are, used again for each level: a search solves thousands. */
export interface Scratch {
  readonly beforeOff: Uint8Array;
  readonly beforeLater: Uint8Array;
  readonly plan: LevelPlan;
}

export function scratchFor(blocks: number): Scratch {
  return {
    beforeOff: new Uint8Array(blocks),
    beforeLater: new Uint8Array(blocks),
    plan: { cost: 0, blocks: new Uint8Array(blocks) },
  };
}

/**
 * @param requests of each block that this level would serve
 * @returns the scratch's plan, valid until the next call
 */
export function cheapestRuns(costs: LevelCosts, requests: Float64Array, scratch: Scratch): LevelPlan {
  // The least cost up to a block, by the phase that it ends in.
  let off = 0;
  let first = Number.POSITIVE_INFINITY;
  let second = Number.POSITIVE_INFINITY;
  let later = Number.POSITIVE_INFINITY;
  let refund = 0;
  for (let block = 0; block < requests.length; block += 1) {
    const pay = (requests[block] ?? 0) * (costs.pay[block] ?? 0);
    const run = costs.run[block] ?? 0;
    const ended = Math.min(first, second, later - refund);
    const stopped = ended + (costs.stop[block] ?? 0);
    const stays = off <= stopped;
    scratch.beforeOff[block] = stays ? OFF : endOf(ended, first, second);
    scratch.beforeLater[block] = second < later ? SECOND : LATER;
    later = Math.min(second, later) + run - pay;
    second = first - pay;
    first = off + (costs.start[block] ?? 0) - pay;
    off = stays ? off : stopped;
    refund = run;
  }
  const ended = Math.min(first, second, later - refund);
  scratch.plan.cost = Math.min(off, ended);
  traceBack(off <= ended ? OFF : endOf(ended, first, second), scratch);
  return scratch.plan;
}

function endOf(ended: number, first: number, second: number): Phase {
  if (ended === first) return FIRST;
  return ended === second ? SECOND : LATER;
}

function traceBack(end: Phase, scratch: Scratch): void {
  const { beforeOff, beforeLater, plan } = scratch;
  let phase = end;
  let isLast = true;
  for (let block = plan.blocks.length - 1; block >= 0; block -= 1) {
    if (phase === OFF) {
      plan.blocks[block] = ABSENT;
      phase = (beforeOff[block] ?? OFF) as Phase;
      isLast = true;
      continue;
    }
    plan.blocks[block] = phase === LATER && !isLast ? CHARGED : PRESENT;
    isLast = false;
    phase = phase === LATER ? ((beforeLater[block] ?? SECOND) as Phase) : phase === SECOND ? FIRST : OFF;
  }
}
