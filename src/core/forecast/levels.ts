import { BEAT, type ForecastSettings, workPerRequest } from './settings.js';
import { SECOND } from '../time.js';

/**
 * The load cut into levels: level k is what the k-th replica is for. Each level has a queue of its own that k − 1 replicas
 * serve; a request that would have been late there is one that *needed* level k. Whether a replica is worth its money is
 * then one question for each level, with a yes or a no for an answer: will it be needed before another could be ready?
 *
 * The queue is a fluid, which needs nothing but arrivals per beat: with 2 replicas of 4 slots at 8 s a request is 2
 * replica-seconds, 40 requests in a beat of 15 s bring 80 and 30 of them are served, so 50 are left, which takes 25 s.
 */
export interface Levels {
  /** How many levels there are room for; level k is at index k, index 0 is unused. */
  readonly count: number;
  /** Replicas in one level: 1, and more only for fleets larger than the room. */
  width: number;
  /** Replica-seconds that wait for k − 1 replicas. */
  readonly backlog: Float64Array;
  /** The beat in which the level was needed last; −1: never. */
  readonly neededAt: Int32Array;
  /** The beat in which its last run of need began. */
  readonly onsetAt: Int32Array;
  /** Share of beats in which it was needed, over about an hour. */
  readonly activity: Float32Array;
  /** Requests so far that needed the level. */
  readonly late: Float64Array;
  /** Requests that need the level until another replica could be ready, on average once it is needed at all. */
  readonly harm: Float32Array;
  /** Of how many times that is the mean. */
  readonly harms: Uint16Array;
  /** The highest level needed in the last beat, and ever. */
  needed: number;
  highest: number;
  /** The last beat whose load levels half as wide would not have had room for. */
  fullAt: number;
}

/** More levels than that make wider ones. */
export const MOST_LEVELS = 48;

export function createLevels(maxReplicas: number): Levels {
  const count = Math.max(1, Math.min(MOST_LEVELS, maxReplicas));
  const room = count + 1;
  return {
    count,
    width: 1,
    backlog: new Float64Array(room),
    neededAt: new Int32Array(room).fill(-1),
    onsetAt: new Int32Array(room).fill(-1),
    activity: new Float32Array(room),
    late: new Float64Array(room),
    harm: new Float32Array(room),
    harms: new Uint16Array(room),
    needed: 0,
    highest: 0,
    fullAt: 0,
  };
}

/** What waits may grow to this many seconds beyond what is in time: by then another replica would have come. */
const OVERFLOW_SECONDS = 60;
/** Beats of the hour that `activity` looks back on. */
const ACTIVITY_BEATS = 240;

/**
 * Takes one beat of arrivals.
 *
 * @param gapBeats needs further apart than this are two runs
 * @returns GPU-seconds by which the cheapest schedule grows that knows the future: a level is kept through a gap, or given
 *   back and started anew when the gap is longer than that costs
 */
export function takeArrivals(
  levels: Levels,
  settings: ForecastSettings,
  beat: number,
  arrivals: number,
  gapBeats: number,
): number {
  const seconds = BEAT / SECOND;
  const work = arrivals * workPerRequest(settings);
  const wait = settings.wait / SECOND;
  const restart = (settings.nodeIdle + settings.leadTime) / SECOND;
  let cost = 0;
  levels.needed = 0;
  for (let k = 1; k <= levels.count; k += 1) {
    const servers = (k - 1) * levels.width;
    const room = servers * wait;
    const backlog = Math.max(0, (levels.backlog[k] ?? 0) + work - servers * seconds);
    const isNeeded = servers === 0 ? arrivals > 0 : backlog > room;
    levels.backlog[k] = servers === 0 ? 0 : Math.min(backlog, room + servers * OVERFLOW_SECONDS);
    levels.activity[k] =
      (levels.activity[k] ?? 0) * (1 - 1 / ACTIVITY_BEATS) + (isNeeded ? 1 / ACTIVITY_BEATS : 0);
    if (!isNeeded) continue;
    const before = levels.neededAt[k] ?? -1;
    const gap = beat - before;
    cost += Math.min(gap * seconds, restart) * levels.width;
    if (before < 0 || gap > gapBeats) levels.onsetAt[k] = beat;
    levels.neededAt[k] = beat;
    levels.late[k] = (levels.late[k] ?? 0) + arrivals;
    levels.needed = k;
  }
  levels.highest = Math.max(levels.highest, levels.needed);
  return cost;
}

/** Beats since the level was needed last; since the beginning where it never was. */
export function idleBeats(levels: Levels, k: number, beat: number): number {
  const at = levels.neededAt[k] ?? -1;
  return at < 0 ? beat : beat - 1 - at;
}

/** Notes how many requests needed the level in a horizon in which any did; recent times count most. */
export function learnHarm(levels: Levels, k: number, requests: number): void {
  const harms = Math.min(65_535, (levels.harms[k] ?? 0) + 1);
  levels.harms[k] = harms;
  const before = levels.harm[k] ?? 0;
  levels.harm[k] = before + Math.max(1 / harms, 0.01) * (requests - before);
}

/** Requests that would be late without the level, once it is needed; a level never needed is taken for the one below. */
export function harmOf(levels: Levels, k: number, otherwise: number): number {
  if ((levels.harms[k] ?? 0) > 0) return levels.harm[k] ?? 0;
  const below = k > 1 ? ((levels.harm[k - 1] ?? 0) * k) / (k - 1) : 1;
  return below > 0 ? below : Math.max(1, otherwise);
}

/** Makes levels twice as wide, for a load that outgrew them: level k becomes what 2k − 1 was, which as many replicas serve. */
export function widen(levels: Levels): void {
  levels.width *= 2;
  for (const column of columnsOf(levels)) {
    const unknown = column === levels.neededAt || column === levels.onsetAt ? -1 : 0;
    for (let k = 2; k <= levels.count; k += 1)
      column[k] = 2 * k - 1 <= levels.count ? (column[2 * k - 1] ?? 0) : unknown;
  }
  levels.needed = Math.ceil(levels.needed / 2);
  levels.highest = Math.ceil(levels.highest / 2);
}

/**
 * Makes levels half as wide again.
 *
 * @param highest the highest level that is still known to have been needed
 */
export function narrow(levels: Levels, highest: number): void {
  levels.width /= 2;
  for (const column of columnsOf(levels))
    for (let k = levels.count; k > 1; k -= 1) column[k] = column[Math.ceil(k / 2)] ?? 0;
  levels.needed = Math.min(levels.count, levels.needed * 2);
  levels.highest = Math.min(levels.count, highest * 2);
}

function columnsOf(levels: Levels) {
  const { backlog, neededAt, onsetAt, activity, late, harm, harms } = levels;
  return [backlog, neededAt, onsetAt, activity, late, harm, harms];
}
