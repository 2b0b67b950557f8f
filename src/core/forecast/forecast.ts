import { inWords, SECOND, type Millis } from '../time.js';
import { chancesNow, quantileOf, type Chances } from './chances.js';
import { harmOf } from './levels.js';
import type { ForecastMemory } from './memory.js';
import { priceOfLateness } from './price.js';
import { BEAT, holdingCost, horizonBeats, workPerRequest, type ForecastSettings } from './settings.js';

/** What the forecast asks for, and on what grounds. */
export interface Forecast {
  readonly replicas: number;
  /** How likely it is that the last of them is needed before another could be ready, 0 to 1; 1 for what is needed now. */
  readonly chance: number;
  /** The same of one more, and from which chance on it would be worth its money. */
  readonly nextChance: number;
  readonly worthFrom: number;
  /** Replicas that will be enough until another could be ready, with probability 50 % and 95 %. */
  readonly median: number;
  readonly nearlySure: number;
  /** GPU-seconds that keeping one request in time may cost. */
  readonly price: number;
  readonly why: string;
}

/** A quarter of an hour of load is seen before the first forecast. */
export const FIRST_BEATS = 60;
/** A replica asked for in vain costs its node's idle time on top, and is bought twice as reluctantly as one is kept. */
const RELUCTANCE = 2;

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
  if (memory.track.beats < FIRST_BEATS) return null;
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
  const { width, count } = memory.levels;
  const have = Math.min(count, Math.ceil(current / width));
  const chances = chancesNow(memory, settings, have, now);
  const price = priceOfLateness(memory.price, settings.share);
  const kept = worthKeeping(memory, settings, chances, have, price);
  const next = kept + 1;
  const isNext = next <= chances.last;
  const inReplicas = (levels: number) => Math.min(settings.maxReplicas, levels * width);
  const grounds = {
    replicas: inReplicas(kept),
    chance: chances.of[kept] ?? 1,
    nextChance: isNext ? (chances.of[next] ?? 0) : 0,
    worthFrom: isNext ? worthFrom(memory, settings, next, have, price) : 1,
    median: inReplicas(quantileOf(chances, 0.5)),
    nearlySure: inReplicas(quantileOf(chances, 0.95)),
    price,
  };
  return { ...grounds, why: whyOf(grounds, settings) };
}

/** The highest level that is worth its money; those below it come with it. */
function worthKeeping(
  memory: ForecastMemory,
  settings: ForecastSettings,
  { first, last, of }: Chances,
  have: number,
  price: number,
): number {
  for (let k = last; k >= first; k -= 1) {
    if ((of[k] ?? 0) > worthFrom(memory, settings, k, have, price)) return k;
  }
  return first - 1;
}

/** The chance of need from which on a level is worth its money: cost ÷ (cost + harm × price). */
function worthFrom(
  { levels, averages }: ForecastMemory,
  settings: ForecastSettings,
  k: number,
  have: number,
  price: number,
): number {
  const hold = holdingCost(settings);
  const cost = k <= have ? hold : (hold + settings.nodeIdle / SECOND) * RELUCTANCE;
  const otherwise = (averages.tenMinutes / workPerRequest(settings)) * (settings.leadTime / SECOND / 4);
  const worth = (harmOf(levels, k, otherwise) * price) / levels.width;
  return cost / (cost + worth);
}

function whyOf(
  { replicas, chance, nextChance, worthFrom: worth }: Omit<Forecast, 'why'>,
  settings: ForecastSettings,
): string {
  const within = inWords(horizonBeats(settings) * BEAT);
  const last = replicas === 0 ? '' : `needed within ${within} with ${percent(chance)}; `;
  return `${last}one more with ${percent(nextChance)}, worth it from ${percent(worth)}`;
}

function percent(chance: number): string {
  const value = chance * 100;
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}
