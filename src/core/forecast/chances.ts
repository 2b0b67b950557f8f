import { BEAT, horizonBeats, workPerRequest, type ForecastSettings } from './settings.js';
import { SECOND, type Millis } from '../time.js';
import { CALENDAR_DAYS, peaksAt, sameTime } from './calendar.js';
import { binsOf, contextsOf, createContexts } from './contexts.js';
import { idleBeats, MOST_LEVELS } from './levels.js';
import type { ForecastMemory } from './memory.js';
import { createMixture, mix } from './mixer.js';
import { ask, createAsked } from './questions.js';

/** How likely each level is to be needed before another replica could be ready: the forecast's whole distribution. */
export interface Chances {
  /** Levels below this one are under load all the while, and none is looked at above `last`. */
  readonly first: number;
  readonly last: number;
  /** By level; 1 below `first`. */
  readonly of: Float64Array;
}

/** Levels above the highest needed or asked for that are looked at. */
const LOOK_UP = 6;
/** A horizon holds about so many questions a level, of at most so many levels; where there are more, they take turns. */
const ASKED_A_HORIZON = 10;
const ASKED_LEVELS = 14;

// Used again at each call: nothing of them outlives the next.
const asked = createAsked();
const contexts = createContexts();
const mixture = createMixture();
const peaks = new Int16Array(CALENDAR_DAYS);
const chances = { first: 1, last: 0, of: new Float64Array(MOST_LEVELS + 1) };

/**
 * Works them out, and notes some as questions that the load will answer.
 *
 * @param have levels asked for now
 * @returns the same object at each call
 */
export function chancesNow(
  memory: ForecastMemory,
  settings: ForecastSettings,
  have: number,
  now: Millis,
): Chances {
  const { levels, beat, mixer, averages } = memory;
  const horizon = horizonBeats(settings);
  const last = Math.min(levels.count, Math.max(have, levels.needed) + LOOK_UP);
  const sure = surelyNeeded(memory, last);
  const apart = Math.max(2, Math.round(horizon / ASKED_A_HORIZON));
  const asks = beat - memory.askedAt >= apart;
  const stride = Math.max(1, Math.ceil((last - sure) / ASKED_LEVELS));
  // By the beat itself, half of the levels would never have their turn where both numbers are even.
  const turn = Math.floor(beat / apart);
  const requestsPerBeat = BEAT / SECOND / workPerRequest(settings);
  const situation = { at: now, beat, averages, requestsPerBeat };
  peaksAt(memory.calendar, now, horizon * BEAT, peaks);
  asked.beat = beat;
  chances.first = Math.max(1, sure);
  chances.last = last;
  chances.of.fill(1, 0, chances.first);
  for (let k = chances.first; k <= last; k += 1) {
    asked.level = k;
    asked.late = levels.late[k] ?? 0;
    asked.prior = priorOf(memory, k, horizon);
    sameTime(asked.days, peaks, k);
    binsOf(asked.bins, levels, k, situation, asked.days);
    mix(mixture, mixer, contextsOf(contexts, asked.bins), asked.days, asked.prior);
    if (asks && (k + turn) % stride === 0) ask(memory.questions, asked);
    chances.of[k] = mixture.chance;
  }
  if (asks) memory.askedAt = beat;
  return chances;
}

/**
 * The level that is enough with the probability given: the quantile of what will be needed within the horizon.
 *
 * @param share 0 < share < 1
 */
export function quantileOf({ last, of }: Chances, share: number): number {
  let level = last;
  while (level > 0 && (of[level] ?? 0) <= 1 - share) level -= 1;
  return level;
}

/** Levels under load all the while: nothing is to be asked there. */
function surelyNeeded({ levels, beat }: ForecastMemory, last: number): number {
  const isBusy = (k: number) => idleBeats(levels, k, beat) <= 1;
  let sure = 0;
  while (sure + 1 < last - 3 && isBusy(sure + 1) && isBusy(sure + 4)) sure += 1;
  return sure;
}

/**
 * Before anything is known. A thing that was not seen for a time a comes back within the next h with chance h ÷ (h + a)
 * (the rule of succession without a scale); a level above the highest so far is as much rarer as the square of how much
 * higher it is, as for peaks whose tail has that exponent.
 */
function priorOf({ levels, beat }: ForecastMemory, k: number, horizon: number): number {
  const known = Math.max(1, levels.highest);
  const higher = k <= known ? 1 : (known / k) ** 2;
  return (0.8 * higher * horizon) / (horizon + idleBeats(levels, k, beat));
}
