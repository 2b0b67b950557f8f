import { inWords, SECOND, type Millis } from '../time.js';
import { CALENDAR_DAYS, peaksAt, sameTime } from './calendar.js';
import { binsOf, contextsOf, createContexts } from './contexts.js';
import { harmOf, idleBeats } from './levels.js';
import type { ForecastMemory } from './memory.js';
import { createMixture, mix } from './mixer.js';
import { priceOfLateness } from './price.js';
import { ask, createAsked } from './questions.js';
import { BEAT, holdingCost, horizonBeats, workPerRequest, type ForecastSettings } from './settings.js';

/** What the forecast asks for, and on what grounds. */
export interface Forecast {
  readonly replicas: number;
  /** How likely it is that the last of them is needed before another could be ready, 0 to 1; 1 for what is needed now. */
  readonly chance: number;
  /** The same of one more, and from which chance on it would be worth its money. */
  readonly nextChance: number;
  readonly worthFrom: number;
  /** GPU-seconds that keeping one request in time may cost. */
  readonly price: number;
  readonly why: string;
}

/** A quarter of an hour of load is seen before the first forecast. */
export const FIRST_BEATS = 60;
/** Levels above the highest needed or asked for that are looked at. */
const LOOK_UP = 6;
/** A replica asked for in vain costs its node's idle time on top, and is bought twice as reluctantly as one is kept. */
const RELUCTANCE = 2;
const ASKED_AT_ONCE = 10;
const ASKED_LEVELS = 14;

// Used again for each level: nothing of them outlives `forecast`.
const asked = createAsked();
const contexts = createContexts();
const mixture = createMixture();
const peaks = new Int16Array(CALENDAR_DAYS);

/**
 * How many replicas are worth their money now.
 *
 * A level is held while the lateness that it prevents is worth more than it costs: with chance p that it is needed within
 * the horizon H, harm B requests late without it and a price λ for each, while p ÷ (1 − p) × B × λ > H. One that is not
 * there yet has to be worth its node's idle time too, because a node asked for in vain is paid until its pool removes it.
 *
 * @param current replicas asked for now
 * @returns null while too little has been seen
 */
export function forecast(
  memory: ForecastMemory,
  settings: ForecastSettings,
  current: number,
  now: Millis,
): Forecast | null {
  const planned = plan(memory, settings, current, now);
  const waiting = Math.min(settings.maxReplicas, replicasForWaiting(memory, settings));
  memory.planned = Math.max(planned.replicas, waiting);
  if (memory.beat < FIRST_BEATS) return null;
  if (waiting <= planned.replicas) return planned;
  const why = `${waiting} to serve the ${Math.round(memory.inSystem)} requests there in time`;
  return { ...planned, replicas: waiting, chance: 1, why };
}

/** The fewest that start all requests in the system within the wait: each slot takes one now and the next ones after it. */
function replicasForWaiting({ inSystem }: ForecastMemory, settings: ForecastSettings): number {
  const rounds = 1 + settings.wait / settings.serviceTime;
  return inSystem > 0 ? Math.max(1, Math.ceil(inSystem / settings.slots / rounds - 1e-9)) : 0;
}

function plan(memory: ForecastMemory, settings: ForecastSettings, current: number, now: Millis): Forecast {
  const { levels, mixer } = memory;
  const horizon = horizonBeats(settings);
  const price = priceOfLateness(memory.price, settings.share);
  const hold = holdingCost(settings);
  const buy = (hold + settings.nodeIdle / SECOND) * RELUCTANCE;
  const have = Math.ceil(current / levels.width);
  const highest = Math.min(levels.count, Math.max(have, levels.needed) + LOOK_UP);
  const asks = memory.beat - memory.askedAt >= Math.max(2, Math.round(horizon / ASKED_AT_ONCE));
  const stride = Math.max(1, Math.ceil((highest - surelyNeeded(memory, highest)) / ASKED_LEVELS));
  peaksAt(memory.calendar, now, horizon * BEAT, peaks);
  const situation = {
    at: now,
    beat: memory.beat,
    averages: memory.averages,
    requestsPerBeat: BEAT / SECOND / workPerRequest(settings),
  };
  const otherwise =
    (memory.averages.tenMinutes / workPerRequest(settings)) * (settings.leadTime / SECOND / 4);
  asked.beat = memory.beat;
  let [kept, chance, nextChance, worthFrom] = [surelyNeeded(memory, highest), 1, 0, 1];
  for (let k = Math.max(1, kept); k <= highest; k += 1) {
    asked.level = k;
    asked.late = levels.late[k] ?? 0;
    asked.prior = priorOf(memory, k, horizon);
    sameTime(asked.days, peaks, k);
    binsOf(asked.bins, levels, k, situation, asked.days);
    mix(mixture, mixer, contextsOf(contexts, asked.bins), asked.days, asked.prior);
    if (asks && (k + memory.askedAt) % stride === 0) ask(memory.questions, asked);
    const worth = (harmOf(levels, k, otherwise) * price) / levels.width;
    const cost = k <= have ? hold : buy;
    if ((mixture.chance / (1 - mixture.chance)) * worth > cost)
      [kept, chance, nextChance] = [k, mixture.chance, 0];
    else if (k === kept + 1) [nextChance, worthFrom] = [mixture.chance, cost / (cost + worth)];
  }
  if (asks) memory.askedAt = memory.beat;
  const replicas = Math.min(settings.maxReplicas, kept * levels.width);
  return {
    replicas,
    chance,
    nextChance,
    worthFrom,
    price,
    why: whyOf(replicas, chance, nextChance, worthFrom, settings),
  };
}

/** Levels under load all the while: nothing is to be asked there. */
function surelyNeeded({ levels, beat }: ForecastMemory, highest: number): number {
  let sure = 0;
  while (
    sure + 1 < highest - 3 &&
    idleBeats(levels, sure + 1, beat) <= 1 &&
    idleBeats(levels, sure + 4, beat) <= 1
  )
    sure += 1;
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

function whyOf(
  replicas: number,
  chance: number,
  nextChance: number,
  worthFrom: number,
  settings: ForecastSettings,
): string {
  const within = inWords(horizonBeats(settings) * BEAT);
  const last = replicas === 0 ? '' : `needed within ${within} with ${percent(chance)}; `;
  return `${last}one more with ${percent(nextChance)}, worth it from ${percent(worthFrom)}`;
}

function percent(chance: number): string {
  const value = chance * 100;
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}
