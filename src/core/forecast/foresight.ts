import type { Advice } from '../observation.js';
import type { Policy } from '../policy.js';
import { SECOND, type Millis } from '../time.js';
import { FIRST_BEATS, forecast, type Forecast } from './forecast.js';
import { createForecastMemory, type ForecastMemory } from './memory.js';
import { observe, type LoadSample } from './observe.js';
import { priceOfLateness } from './price.js';
import { billOf, type Deployment } from './record.js';
import { NODE_IDLE, type ForecastSettings } from './settings.js';

/** A workload's forecast: what it has to know, and what it has seen. The memory is changed in place. */
export interface Foresight {
  /** `auto`: it is followed only while its record pays. */
  readonly isOnTrial: boolean;
  readonly settings: ForecastSettings;
  readonly memory: ForecastMemory;
}

/** The nearest to certainty that a share may ask for: a hundredth of a percent may be late. */
const MOST_SHARE = 0.9999;
/** For a workload without bounds: more GPU replicas than any one runs. */
const UNLIMITED = 10_000;

/**
 * @returns null where the trigger wants no forecast, or does not say what it takes: what a request takes of a replica, and
 *   what "in time" means
 */
export function createForesight(policy: Policy, nodeIdle: Millis = NODE_IDLE): Foresight | null {
  const { forecast: wanted, slo, slots, serviceTime, leadTime } = policy;
  if (wanted === 'off' || slo === null || slots === null || serviceTime === null) return null;
  const maxReplicas = policy.maxReplicas ?? UNLIMITED;
  const settings = {
    slots,
    serviceTime,
    leadTime: Math.max(SECOND, leadTime),
    wait: slo.wait,
    share: Math.min(MOST_SHARE, slo.share),
    nodeIdle,
    maxReplicas,
  };
  return { isOnTrial: wanted === 'auto', settings, memory: createForecastMemory(maxReplicas) };
}

/** Takes one scrape of the load; oldest first. */
export function see({ memory, settings }: Foresight, sample: LoadSample): void {
  observe(memory, settings, sample);
}

/** @returns null while too little has been seen: then the signals decide */
export function foresee(
  { memory, settings, isOnTrial }: Foresight,
  current: number,
  now: Millis,
): (Advice & Forecast) | null {
  const advice = forecast(memory, settings, current, now);
  return advice === null || !isOnTrial || memory.track.pays
    ? advice
    : { ...advice, standsBack: true, why: record(memory, settings) };
}

/** The bills of both, for the three days or so that they remember. */
function record({ track, price }: ForecastMemory, { share }: ForecastSettings): string {
  const each = priceOfLateness(price, share);
  const hours = (deployment: Deployment) => (billOf(deployment, each) / 3600).toPrecision(3);
  return `the forecast stands back: ${hours(track.forecast)} GPU-hours with its lateness, against ${hours(track.reactive)} without it`;
}

/** Whether it is followed: enough has been seen, and its record pays or need not. */
export function speaks(foresight: Foresight | null): boolean {
  if (foresight === null || foresight.memory.track.beats < FIRST_BEATS) return false;
  return !foresight.isOnTrial || foresight.memory.track.pays;
}
