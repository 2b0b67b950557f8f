import { ABSENT, CHARGED, cheapestRuns, scratchFor, type LevelCosts, type Scratch } from './bound-levels.js';
import { firstRowFrom, requestsBetween, type Load } from './load.js';
import type { Setup } from './setup.js';

/**
 * A lower bound on the node-seconds of any policy that serves a share of the scored requests in time, one that knows
 * the future included.
 *
 * The argument. Let R(t) be the nodes with a request in service that is in time, and level k the times with R(t) ≥ k.
 * A node holds `slots × gpusPerNode` requests, σ below.
 *
 * 1. *Levels.* A node is paid for the whole time from provision + load before its first request to the idle time after
 *    its last, cut off at the ends of the scored time; let D be the sum of the three. Between two busy times it is paid
 *    too. So a schedule is a matching of ends of busy times with later beginnings, at the cost of the gap, where an
 *    unmatched pair costs D. Where matched pairs cross, or hold an unmatched end or beginning, exchanging partners
 *    costs no more; then pairs are nested, which makes them the gaps of levels. So the cost is at least the sum over
 *    levels of busy time + min(gap, D) for each gap + what comes before and after.
 * 2. *Blocks.* Cut the scored time into blocks of B ≥ slo seconds with 2B + slo ≤ D. Let n be the most nodes while
 *    requests of a block can start, [begin, end + slo). No more than σ·n are in service at once there, so that at most
 *    σ·n·(⌊(B + slo − 1) ÷ serviceTime⌋ + 1) of the block's requests are in time: n levels that each serve up to a
 *    fixed number. A level that is in m blocks in a row is there from the first to the last, gaps being shorter than
 *    D, for at least the blocks 3 to m − 1.
 * 3. *Prices.* The schedule serves at least attainment × requests, and S seconds of a slot for each of them: relax the
 *    first with a price λ ≥ 0 for a late request, the second, N(t) ≤ σ·R(t), with a price 0 ≤ y(t) ≤ 1/σ for a slot's
 *    second. A request then pays λ, less the least that its service costs at y; a node's second costs 1 − σ·y; and the
 *    levels no longer depend on each other: each is solved exactly.
 *
 * Any λ, y and B give a bound, so the search for good ones needs no proof; the best found is returned. The scored time
 * ends at the load's end; slots are free of charge after it, so that y is 0 for requests that could be served then.
 *
 * @param attainment share of the scored requests in time, 0 to 1
 */
export function nodeSecondsBound(load: Load, setup: Setup, attainment: number): number {
  const restart = setup.nodeProvision + setup.modelLoad + setup.nodeIdle;
  const bounds = BLOCK_SECONDS.map((seconds) => Math.max(seconds, setup.slo))
    .filter((seconds, index, all) => 2 * seconds + setup.slo <= restart && all.indexOf(seconds) === index)
    .map((seconds) => bestBound(blocksOf(load, setup, seconds), setup, attainment));
  return Math.max(workBound(load, setup, attainment), ...bounds);
}

/** Short blocks see that a node costs a start; long ones that a node serves only so many. */
const BLOCK_SECONDS = [30, 60, 120, 300];
/** y is constant in each of these. */
const SEGMENT_SECONDS = 900;
const SEARCH_STEPS = 60;

/** The scored time in blocks. */
interface Blocks {
  readonly seconds: number;
  readonly requests: number;
  /** Requests of each block by the level that they need: the first serves as many as one node can, and so on. */
  readonly levels: readonly Float64Array[];
  /** Which price holds in a block. */
  readonly segment: Int32Array;
  readonly segments: number;
  /** Blocks after the own one that a request can still be in service in. */
  readonly reach: number;
  /** Seconds of scored time before and from each block on. */
  readonly before: Float64Array;
  readonly left: Float64Array;
}

interface Prices {
  /** λ: node-seconds for a late request. */
  late: number;
  /** y by segment: node-seconds for a slot's second. */
  readonly slot: Float64Array;
}

/** Requests in time × their seconds ÷ slots: all there is when nodes start at once and cost nothing to start. */
function workBound(load: Load, setup: Setup, attainment: number): number {
  const end = load.seconds - setup.slo - setup.serviceTime;
  const scored = requestsBetween(load, setup.scoreFrom, load.seconds);
  const served = attainment * scored - requestsBetween(load, Math.max(end, setup.scoreFrom), load.seconds);
  return (Math.max(0, served) * setup.serviceTime) / nodeSlots(setup);
}

function nodeSlots(setup: Setup): number {
  return setup.slots * setup.gpusPerNode;
}

function blocksOf(load: Load, setup: Setup, seconds: number): Blocks {
  const length = Math.max(0, load.seconds - setup.scoreFrom);
  const count = Math.ceil(length / seconds);
  const arrivals = new Float64Array(count);
  let requests = 0;
  for (let row = firstRowFrom(load, setup.scoreFrom); row < load.at.length; row += 1) {
    const block = Math.floor(((load.at[row] ?? 0) - setup.scoreFrom) / seconds);
    arrivals[block] = (arrivals[block] ?? 0) + (load.requests[row] ?? 0);
    requests += load.requests[row] ?? 0;
  }
  const perSlot = Math.floor((seconds + setup.slo - 1) / setup.serviceTime) + 1;
  const segment = Int32Array.from(arrivals, (_, block) => Math.floor((block * seconds) / SEGMENT_SECONDS));
  return {
    seconds,
    requests,
    levels: levelsOf(arrivals, perSlot * nodeSlots(setup)),
    segment,
    segments: (segment.at(-1) ?? -1) + 1,
    reach: Math.ceil((setup.slo + setup.serviceTime) / seconds),
    before: Float64Array.from(arrivals, (_, block) => block * seconds),
    left: Float64Array.from(arrivals, (_, block) => length - block * seconds),
  };
}

/** Climbs the concave function of the prices by its slope, with ever shorter steps; every step is a bound. */
function bestBound(blocks: Blocks, setup: Setup, attainment: number): number {
  const slots = nodeSlots(setup);
  const highest = 1 / slots;
  const prices: Prices = {
    late: (5 * setup.serviceTime) / slots,
    slot: new Float64Array(blocks.segments).fill(highest / 2),
  };
  const work = workBySegment(blocks, setup.serviceTime);
  const allowed = Math.max(1, (1 - attainment) * blocks.requests);
  const scratch = scratchFor(blocks.segment.length);
  let best = 0;
  for (let step = 0; step < SEARCH_STEPS; step += 1) {
    const { bound, slope } = boundAt(prices, blocks, setup, attainment, scratch);
    best = Math.max(best, bound);
    const size = 0.5 / Math.sqrt(1 + step / 3);
    prices.late *= Math.exp(size * clamp(slope.late / allowed, -1, 1));
    for (let s = 0; s < blocks.segments; s += 1) {
      const scale = 0.3 * (work[s] ?? 0);
      if (scale === 0) continue;
      const rise = size * highest * clamp((slope.slot[s] ?? 0) / scale, -1, 1);
      prices.slot[s] = clamp((prices.slot[s] ?? 0) + rise, 0, highest);
    }
  }
  return best;
}

/** The bound that prices give, and how it changes with them. */
function boundAt(
  prices: Prices,
  blocks: Blocks,
  setup: Setup,
  attainment: number,
  scratch: Scratch,
): { bound: number; slope: Prices } {
  const slope: Prices = { late: attainment * blocks.requests, slot: new Float64Array(blocks.segments) };
  const cheapest = cheapestSegments(prices, blocks, setup);
  const costs = costsAt(prices, blocks, cheapest, setup);
  let bound = prices.late * attainment * blocks.requests;
  for (const requests of blocks.levels) {
    const plan = cheapestRuns(costs, requests, scratch);
    bound += plan.cost;
    for (let block = 0; block < requests.length; block += 1) {
      const state = plan.blocks[block];
      if (state === ABSENT) continue;
      if (state === CHARGED) add(slope.slot, blocks.segment[block] ?? 0, -nodeSlots(setup) * blocks.seconds);
      if ((costs.pay[block] ?? 0) === 0) continue;
      const served = requests[block] ?? 0;
      slope.late -= served;
      add(slope.slot, cheapest[block] ?? -1, setup.serviceTime * served);
    }
  }
  return { bound, slope };
}

/** Ignores the segment −1, the time after the end, which has no price to change. */
function add(slope: Float64Array, segment: number, change: number): void {
  if (segment >= 0) slope[segment] = (slope[segment] ?? 0) + change;
}

/** For each block the segment with the lowest price that its requests can be served in; −1: after the end. */
function cheapestSegments(prices: Prices, blocks: Blocks, setup: Setup): Int32Array {
  return blocks.segment.map((own, block) => {
    const latest = (blocks.left[block] ?? 0) - blocks.seconds - setup.slo - setup.serviceTime;
    if (latest < 0) return -1;
    let best = own;
    const last = blocks.segment[Math.min(block + blocks.reach, blocks.segment.length - 1)] ?? own;
    for (let s = own; s <= last; s += 1) if ((prices.slot[s] ?? 0) < (prices.slot[best] ?? 0)) best = s;
    return best;
  });
}

/** A run that begins at the end may begin after it, by up to the SLO. */
function costsAt(prices: Prices, blocks: Blocks, cheapest: Int32Array, setup: Setup): LevelCosts {
  const startUp = setup.nodeProvision + setup.modelLoad;
  return {
    pay: Float64Array.from(cheapest, (segment) => {
      const slot = segment < 0 ? 0 : (prices.slot[segment] ?? 0);
      return Math.max(0, prices.late - setup.serviceTime * slot);
    }),
    run: Float64Array.from(
      blocks.segment,
      (segment) => blocks.seconds * (1 - nodeSlots(setup) * (prices.slot[segment] ?? 0)),
    ),
    start: blocks.before.map((before, block) => {
      const isLast = (blocks.left[block] ?? 0) < blocks.seconds + setup.slo;
      return Math.max(0, Math.min(before, startUp) - (isLast ? setup.slo : 0));
    }),
    stop: blocks.left.map((left) => Math.min(left, setup.nodeIdle)),
  };
}

function levelsOf(arrivals: Float64Array, perNode: number): Float64Array[] {
  const levels: Float64Array[] = [];
  const most = arrivals.reduce((highest, requests) => Math.max(highest, requests), 0);
  for (let below = 0; below < most; below += perNode) {
    levels.push(arrivals.map((requests) => clamp(requests - below, 0, perNode)));
  }
  return levels;
}

function workBySegment(blocks: Blocks, serviceTime: number): Float64Array {
  const work = new Float64Array(blocks.segments);
  for (const requests of blocks.levels) {
    for (let block = 0; block < requests.length; block += 1) {
      add(work, blocks.segment[block] ?? -1, (requests[block] ?? 0) * serviceTime);
    }
  }
  return work;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
