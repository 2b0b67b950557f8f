import { ABSENT, cheapestRuns, scratchFor, type LevelCosts } from './bound-levels.js';
import type { Load } from './load.js';
import type { ReplayPolicy } from './policy.js';
import { simulate } from './run.js';
import type { Score } from './score.js';
import { replicaRate, type Setup } from './setup.js';

/**
 * A schedule that knows the whole load, run through the same simulator as every policy: what could be had, as against
 * the bound, below which nothing can be had. It is good, not optimal: the best of a few dozen plans.
 *
 * A plan says for each level k in which blocks at least k replicas are ready. Being ready costs its time, each run a
 * start and an idle end, and every request that a level takes pays a price; the cheapest runs are found exactly. The
 * price decides how many requests are worth a replica, the utilisation how many fit in one: the search tries both.
 */
export interface Clairvoyant {
  readonly score: Score;
  /** Share of a replica's slots that the plan counted on; above 1 it counted on requests that wait. */
  readonly utilisation: number;
  /** What a late request was worth, in replica-seconds. */
  readonly price: number;
}

const BLOCK_SECONDS = 15;
/** From bold to careful; the search stops where a more careful plan costs more. */
const UTILISATIONS = [1.25, 1, 0.9, 0.75, 0.5];
const PRICE_STEPS = 6;

/**
 * @param attainment share of the scored requests in time that the schedule has to reach
 * @returns null when no plan reaches it, as when `maxReplicas` is too few
 */
export function clairvoyant(load: Load, setup: Setup, attainment: number): Clairvoyant | null {
  const work = workByBlock(load, setup);
  let best: Clairvoyant | null = null;
  for (const utilisation of UTILISATIONS) {
    const found = cheapestAt(load, setup, attainment, levelsOf(work, setup, utilisation), utilisation);
    if (best !== null && (found === null || found.score.nodeSeconds >= best.score.nodeSeconds)) break;
    best = found;
  }
  return best;
}

/** Halves the range of prices, on a scale of ratios, down to the lowest that still serves enough in time. */
function cheapestAt(
  load: Load,
  setup: Setup,
  attainment: number,
  levels: readonly Float64Array[],
  utilisation: number,
): Clairvoyant | null {
  const restart = setup.nodeProvision + setup.modelLoad + setup.nodeIdle;
  const tried = (price: number): Clairvoyant | null => {
    const score = simulate(load, setup, follow(planFor(levels, setup, price), setup));
    return (score.attainment ?? 1) >= attainment ? { score, utilisation, price } : null;
  };
  let high = 4 * (restart + BLOCK_SECONDS);
  let best = tried(high);
  if (best === null) return null;
  let low = 1 / replicaRate(setup) / 4;
  for (let step = 0; step < PRICE_STEPS; step += 1) {
    const price = Math.sqrt(low * high);
    const found = tried(price);
    if (found === null) low = price;
    else high = price;
    if (found !== null && found.score.nodeSeconds <= best.score.nodeSeconds) best = found;
  }
  return best;
}

/** How much service each block needs if nobody waits, in requests: one of 8 s is spread over the 8 s from its arrival. */
function workByBlock(load: Load, setup: Setup): Float64Array {
  const blocks = Math.ceil((load.seconds + setup.serviceTime) / BLOCK_SECONDS);
  const work = new Float64Array(blocks);
  for (let row = 0; row < load.at.length; row += 1) {
    const perSecond = (load.requests[row] ?? 0) / setup.serviceTime;
    const end = (load.at[row] ?? 0) + setup.serviceTime;
    for (let t = load.at[row] ?? 0; t < end;) {
      const block = Math.floor(t / BLOCK_SECONDS);
      const until = Math.min(end, (block + 1) * BLOCK_SECONDS);
      work[block] = (work[block] ?? 0) + perSecond * (until - t);
      t = until;
    }
  }
  return work;
}

/** The work of each block by the replica that does it: the first as much as it can, and so on. */
function levelsOf(work: Float64Array, setup: Setup, utilisation: number): Float64Array[] {
  const most = work.reduce((highest, requests) => Math.max(highest, requests), 0);
  const perReplica = replicaRate(setup) * BLOCK_SECONDS * utilisation;
  const count = Math.min(setup.maxReplicas, Math.ceil(most / perReplica));
  return Array.from({ length: count }, (_, level) =>
    work.map((requests) => Math.min(perReplica, Math.max(0, requests - level * perReplica))),
  );
}

/** Replicas to have ready in each block. */
function planFor(levels: readonly Float64Array[], setup: Setup, price: number): Uint16Array {
  const blocks = levels[0]?.length ?? 0;
  const scratch = scratchFor(blocks);
  const costs = costsOf(blocks, setup, price);
  const replicas = new Uint16Array(blocks);
  for (const requests of levels) {
    const plan = cheapestRuns(costs, requests, scratch);
    for (let block = 0; block < blocks; block += 1) {
      if (plan.blocks[block] !== ABSENT) replicas[block] = (replicas[block] ?? 0) + 1;
    }
  }
  return replicas;
}

/** `cheapestRuns` does not charge a run's first two blocks and its last: start and stop do that here. */
function costsOf(blocks: number, setup: Setup, price: number): LevelCosts {
  const whole = (cost: number) => new Float64Array(blocks).fill(cost);
  return {
    pay: whole(price),
    run: whole(BLOCK_SECONDS),
    start: whole(setup.nodeProvision + setup.modelLoad + 2 * BLOCK_SECONDS),
    stop: whole(setup.nodeIdle + BLOCK_SECONDS),
  };
}

/** Asks for what any block from now until a replica asked for now would be ready needs. */
function follow(plan: Uint16Array, setup: Setup): ReplayPolicy {
  const ahead = Math.ceil((setup.nodeProvision + setup.modelLoad) / BLOCK_SECONDS);
  return {
    name: 'clairvoyant',
    minReplicas: 0,
    every: BLOCK_SECONDS,
    tick(t) {
      const block = t / BLOCK_SECONDS;
      let replicas = 0;
      for (let b = block; b <= block + ahead; b += 1) replicas = Math.max(replicas, plan[b] ?? 0);
      return replicas;
    },
  };
}
