import { HOUR, MINUTE, type Millis } from '../time.js';
import type { SameTime } from './calendar.js';
import { idleBeats, type Levels } from './levels.js';

/**
 * What is known about one level at one moment, sorted into a few coarse contexts. Each context has a table of its own in
 * which it counts how often the level was needed in time; the mixer learns whom to believe. Contexts do not name the
 * level, so that what one level teaches serves all.
 */

/** Upper ends of idle times in beats: 0, 15 s, 30 s, 1 min, … 4 h, 12 h, 1 d, 2 d. */
const IDLE_ENDS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2880, 5760, 11_520];
/** Shares of the level's capacity that the load takes. */
const LOAD_ENDS = [0, 0.1, 0.25, 0.5, 0.65, 0.8, 0.9, 1, 1.1, 1.3, 1.6];
/** For the first level, which any request needs: requests in the window. */
const COUNT_ENDS = [0.02, 0.1, 0.3, 0.7, 1.5, 3, 6, 12, 25, 60, 200];
const ACTIVITY_ENDS = [0.002, 0.01, 0.03, 0.07, 0.15, 0.3, 0.5, 0.75, 0.95];

/** Load in replicas, averaged over the last beat and exponentially over a minute, ten minutes and an hour. */
export interface Averages {
  beat: number;
  minute: number;
  tenMinutes: number;
  hour: number;
}

/** The situation all levels share. */
export interface Now {
  readonly at: Millis;
  readonly beat: number;
  readonly averages: Averages;
  /** Requests that a replica fully used serves in a beat. */
  readonly requestsPerBeat: number;
}

/** What is known of one level, each in a coarse bin. */
export interface Bins {
  /** 0 for the first level, 1 for the second, 2 up to the fourth, 3 above. */
  size: number;
  /** How long it has not been needed, and the level below it. */
  idle: number;
  idleBelow: number;
  /** How often it was needed at this time of day: 0 not known, 1 never, up to 7 always. */
  day: number;
  /** A week ago: 0 not known, 1 no, 2 yes. */
  week: number;
  minuteOfHour: number;
  activity: number;
  /** Since its last run of need began. */
  phase: number;
  /** Load over the last beat, a minute, ten minutes and an hour. */
  beat: number;
  minute: number;
  tenMinutes: number;
  hour: number;
}

export function createBins(): Bins {
  return {
    size: 0,
    idle: 0,
    idleBelow: 0,
    day: 0,
    week: 0,
    minuteOfHour: 0,
    activity: 0,
    phase: 0,
    beat: 0,
    minute: 0,
    tenMinutes: 0,
    hour: 0,
  };
}

/** The first level has none below it. */
const NONE_BELOW = 15;

export function binsOf(into: Bins, levels: Levels, k: number, now: Now, days: SameTime): Bins {
  into.size = k === 1 ? 0 : k === 2 ? 1 : k <= 4 ? 2 : 3;
  into.idle = binOf(IDLE_ENDS, idleBeats(levels, k, now.beat));
  into.idleBelow = k > 1 ? binOf(IDLE_ENDS, idleBeats(levels, k - 1, now.beat)) : NONE_BELOW;
  into.day =
    days.days === 0 ? 0 : 1 + Math.min(6, Math.floor(((days.needed + days.nearly) / days.days) * 6.999));
  into.week = days.lastWeek === null ? 0 : days.lastWeek ? 2 : 1;
  into.minuteOfHour = minuteOfHour(now.at);
  into.activity = binOf(ACTIVITY_ENDS, levels.activity[k] ?? 0);
  into.phase = phaseOf(levels, k, now.beat);
  const { beat, minute, tenMinutes, hour } = now.averages;
  into.beat = loadBin(levels, k, now, beat, 1);
  into.minute = loadBin(levels, k, now, minute, 4);
  into.tenMinutes = loadBin(levels, k, now, tenMinutes, 40);
  into.hour = loadBin(levels, k, now, hour, 240);
  return into;
}

function loadBin(levels: Levels, k: number, now: Now, average: number, beats: number): number {
  return k === 1
    ? binOf(COUNT_ENDS, average * beats * now.requestsPerBeat)
    : binOf(LOAD_ENDS, average / ((k - 1) * levels.width));
}

/** The row of each table, and the mixer's sets of weights. */
export interface Contexts {
  readonly rows: Uint16Array;
  weightsByIdle: number;
  weightsByDay: number;
  size: number;
}

/** Numbers of rows in each table, in the order of `contextsOf`. */
export const TABLES = [64, 128, 144, 120, 64, 120, 288, 192, 144, 144] as const;
export const IDLE_WEIGHTS = 24;
export const DAY_WEIGHTS = 24;
/** From this bin on, earlier days speak for the level. */
export const DAYS_SPEAK = 2;

export function createContexts(): Contexts {
  return { rows: new Uint16Array(TABLES.length), weightsByIdle: 0, weightsByDay: 0, size: 0 };
}

export function contextsOf(into: Contexts, bins: Bins): Contexts {
  const { rows } = into;
  const { size, idle, day, week, activity, beat, minute, tenMinutes, hour } = bins;
  const isHigher = size === 0 ? 0 : 1;
  const idleCoarse = coarse(idle);
  rows[0] = size * 16 + idle;
  rows[1] = idle * 8 + (bins.idleBelow >> 1);
  rows[2] = (day * 3 + week) * 6 + idleCoarse;
  rows[3] = bins.minuteOfHour * 2 + (activity > 2 ? 1 : 0);
  rows[4] = bins.phase;
  rows[5] = (activity * 6 + idleCoarse) * 2 + isHigher;
  rows[6] = (minute * 12 + tenMinutes) * 2 + isHigher;
  rows[7] = (minute * 8 + day) * 2 + isHigher;
  rows[8] = tenMinutes * 12 + hour;
  rows[9] = (beat * 6 + idleCoarse) * 2 + isHigher;
  into.weightsByIdle = idleCoarse * 2 + isHigher + (day >= DAYS_SPEAK ? IDLE_WEIGHTS / 2 : 0);
  into.weightsByDay = day * 3 + week;
  into.size = size;
  return into;
}

function binOf(ends: readonly number[], value: number): number {
  let bin = 0;
  while (bin < ends.length && value > (ends[bin] ?? Infinity)) bin += 1;
  return bin;
}

/** 0 now, 1 within a minute, 2 ten minutes, 3 half an hour, 4 four hours, 5 longer. */
function coarse(idle: number): number {
  if (idle <= 0) return 0;
  if (idle <= 3) return 1;
  if (idle <= 6) return 2;
  if (idle <= 8) return 3;
  return idle <= 11 ? 4 : 5;
}

/** Cron starts its jobs at a minute of the hour. */
function minuteOfHour(at: Millis): number {
  return Math.floor((((at % HOUR) + HOUR) % HOUR) / MINUTE);
}

/** Time since the last run of need began: minutes at first, then ever coarser, up to 17 hours. */
function phaseOf(levels: Levels, k: number, beat: number): number {
  const onset = levels.onsetAt[k] ?? -1;
  const since = onset < 0 ? beat : beat - onset;
  if (since < 64) return Math.floor(since / 4);
  if (since < 256) return 16 + Math.floor((since - 64) / 12);
  if (since < 1024) return 32 + Math.floor((since - 256) / 48);
  return since < 4096 ? 48 + Math.floor((since - 1024) / 256) : 63;
}
