import { MINUTE, SECOND, type Millis } from '../time.js';
import { BEAT, workPerRequest, type ForecastSettings } from './settings.js';

/**
 * Whether the forecast is worth having: two imagined deployments live through the same load, one scaled by the forecast
 * and one that only reacts, and both are billed for GPU-seconds and for late requests at the forecast's own price. Bills
 * fade with a half-life of three days, so that the same days are compared.
 *
 * The deployments are fluids: a replica is ready once it was wanted for a whole lead time, and its node is paid until it
 * was not wanted for the idle time. The one that reacts keeps slots 70 % busy and lets go after five minutes, as an HPA.
 */
export interface Track {
  readonly forecast: Deployment;
  readonly reactive: Deployment;
  /** What the one that reacts wanted before holding, newest at the beat's place. */
  readonly reactions: Uint16Array;
  /** Beats billed so far. */
  beats: number;
  /** Whether the forecast is cheaper; a new workload reacts until that is shown. */
  pays: boolean;
}

/** One imagined deployment. */
export interface Deployment {
  /** Replicas wanted in the last beats, a ring. */
  readonly wanted: Uint16Array;
  /** Replica-seconds of work that waits or runs. */
  backlog: number;
  /** GPU-seconds, and requests that were late. */
  cost: number;
  late: number;
}

const RING = 64;
const HALF_LIFE_BEATS = 3 * 5760;
const FADE = 0.5 ** (1 / HALF_LIFE_BEATS);
/** An hour on record before the forecast takes over, and a margin each way so that it does not waver. */
const FIRST_BEATS = 240;
const BETTER = 0.97;
const WORSE = 1.03;
const UTILISATION = 0.7;
const HOLD: Millis = 5 * MINUTE;

export function createTrack(): Track {
  const deployment = (): Deployment => ({ wanted: new Uint16Array(RING), backlog: 0, cost: 0, late: 0 });
  return {
    forecast: deployment(),
    reactive: deployment(),
    reactions: new Uint16Array(RING),
    beats: 0,
    pays: false,
  };
}

/**
 * Bills one beat.
 *
 * @param planned what the forecast asked for
 * @param price GPU-seconds that a late request costs
 */
export function bill(
  track: Track,
  settings: ForecastSettings,
  beat: number,
  arrivals: number,
  planned: number,
  price: number,
): void {
  const load = (arrivals * workPerRequest(settings)) / (BEAT / SECOND);
  const { forecast, reactive } = track;
  const inSystem = reactive.backlog / (settings.serviceTime / SECOND) + load;
  track.reactions[beat % RING] = Math.min(settings.maxReplicas, Math.ceil(inSystem / UTILISATION - 1e-9));
  live(forecast, settings, beat, arrivals, Math.max(planned, forecast.backlog > 0 ? 1 : 0));
  live(reactive, settings, beat, arrivals, most(track.reactions, beat, HOLD));
  track.beats += 1;
  if (track.beats < FIRST_BEATS) return;
  const [foreseen, reacted] = [billOf(forecast, price), billOf(reactive, price)];
  if (foreseen < reacted * BETTER) track.pays = true;
  if (foreseen > reacted * WORSE) track.pays = false;
}

/** GPU-seconds, with those that lateness is worth. */
export function billOf({ cost, late }: Deployment, price: number): number {
  return cost + late * price;
}

function live(
  deployment: Deployment,
  settings: ForecastSettings,
  beat: number,
  arrivals: number,
  wanted: number,
): void {
  const seconds = BEAT / SECOND;
  deployment.wanted[beat % RING] = Math.min(65_535, wanted);
  const ready = least(deployment.wanted, beat, settings.leadTime);
  const served = ready * seconds;
  deployment.backlog = Math.max(0, deployment.backlog + arrivals * workPerRequest(settings) - served);
  const isLate = ready === 0 ? arrivals > 0 : deployment.backlog > (ready * settings.wait) / SECOND;
  deployment.cost = deployment.cost * FADE + most(deployment.wanted, beat, settings.nodeIdle) * seconds;
  deployment.late = deployment.late * FADE + (isLate ? arrivals : 0);
}

function least(ring: Uint16Array, beat: number, over: Millis): number {
  let result = Infinity;
  for (let i = 0; i <= beatsIn(over); i += 1) result = Math.min(result, ring[(beat - i + RING) % RING] ?? 0);
  return result;
}

function most(ring: Uint16Array, beat: number, over: Millis): number {
  let result = 0;
  for (let i = 0; i <= beatsIn(over); i += 1) result = Math.max(result, ring[(beat - i + RING) % RING] ?? 0);
  return result;
}

function beatsIn(length: Millis): number {
  return Math.min(RING - 1, Math.round(length / BEAT));
}
