import type { SameTime } from './calendar.js';
import { createBins, type Bins } from './contexts.js';

/**
 * What was asked of the mixer and is not answered yet, oldest first: a ring of columns, since thousands of workloads hold
 * a hundred questions each.
 */
export interface Questions {
  first: number;
  size: number;
  readonly beat: Int32Array;
  readonly level: Uint8Array;
  /** Requests that had needed the level when it was asked. */
  readonly late: Float64Array;
  readonly prior: Float32Array;
  /** Weights of the days known and of those that needed the level, in 64ths. */
  readonly days: Uint8Array;
  readonly needed: Uint8Array;
  readonly bins: Uint8Array;
}

/** More than these are not kept; the oldest would have been answered first, and is dropped. */
export const MOST_QUESTIONS = 128;
const BINS = Object.keys(createBins()) as readonly (keyof Bins)[];
const PARTS = 64;

export function createQuestions(): Questions {
  return {
    first: 0,
    size: 0,
    beat: new Int32Array(MOST_QUESTIONS),
    level: new Uint8Array(MOST_QUESTIONS),
    late: new Float64Array(MOST_QUESTIONS),
    prior: new Float32Array(MOST_QUESTIONS),
    days: new Uint8Array(MOST_QUESTIONS),
    needed: new Uint8Array(MOST_QUESTIONS),
    bins: new Uint8Array(MOST_QUESTIONS * BINS.length),
  };
}

/** A question as it was asked. */
export interface Asked {
  beat: number;
  level: number;
  late: number;
  prior: number;
  readonly bins: Bins;
  readonly days: SameTime;
}

export function createAsked(): Asked {
  return {
    beat: 0,
    level: 0,
    late: 0,
    prior: 0,
    bins: createBins(),
    days: { days: 0, needed: 0, nearly: 0, lastWeek: null },
  };
}

export function ask(questions: Questions, { beat, level, late, prior, bins, days }: Asked): void {
  if (questions.size === MOST_QUESTIONS) drop(questions);
  const at = (questions.first + questions.size) % MOST_QUESTIONS;
  questions.size += 1;
  questions.beat[at] = beat;
  questions.level[at] = level;
  questions.late[at] = late;
  questions.prior[at] = prior;
  questions.days[at] = Math.round(days.days * PARTS);
  questions.needed[at] = Math.round(days.needed * PARTS);
  for (const [index, bin] of BINS.entries()) questions.bins[at * BINS.length + index] = bins[bin];
}

/** Takes the oldest question if it was asked in this beat or before. */
export function takeAnswered(into: Asked, questions: Questions, askedBy: number): boolean {
  const at = questions.first;
  if (questions.size === 0 || (questions.beat[at] ?? 0) > askedBy) return false;
  const { bins, days } = into;
  into.beat = questions.beat[at] ?? 0;
  into.level = questions.level[at] ?? 0;
  into.late = questions.late[at] ?? 0;
  into.prior = questions.prior[at] ?? 0;
  days.days = (questions.days[at] ?? 0) / PARTS;
  days.needed = (questions.needed[at] ?? 0) / PARTS;
  for (const [index, bin] of BINS.entries()) bins[bin] = questions.bins[at * BINS.length + index] ?? 0;
  days.lastWeek = bins.week === 0 ? null : bins.week === 2;
  drop(questions);
  return true;
}

/** For levels that mean something else from now on, or a time without data. */
export function forget(questions: Questions): void {
  questions.size = 0;
}

function drop(questions: Questions): void {
  questions.first = (questions.first + 1) % MOST_QUESTIONS;
  questions.size -= 1;
}
