import type { Load } from '../load.js';
import type { ReplayPolicy } from '../policy.js';
import { replicaRate, type Setup } from '../setup.js';

const MINUTE = 60;
const DAY = 86_400;
const TICK_SECONDS = 15;
const UTILISATION = 0.7;
const HOLD_SECONDS = 300;
/** Looks this far beyond the start-up time. */
const MARGIN_SECONDS = 360;
const SMOOTHING_MINUTES = 5;

/**
 * The simplest forecast that works: the same time one season ago. It asks for the peak of that time's smoothed rates
 * until a replica asked for now would be ready and a little longer, or for the most that waited and ran at once in the
 * last five minutes if that is more. Before there is a season to look back on, only the latter.
 *
 * @param seasonDays 1, or 7 to take last week once there is one and yesterday before
 */
export function seasonalNaive(
  name: string,
  load: Load,
  setup: Setup,
  seasonDays: number,
  minReplicas: number,
): ReplayPolicy {
  const rates = smoothed(minuteRates(load), SMOOTHING_MINUTES);
  const horizon = setup.nodeProvision + setup.modelLoad + MARGIN_SECONDS;
  const held: { at: number; replicas: number }[] = [];
  let concurrency = 0;
  return {
    name,
    minReplicas,
    every: TICK_SECONDS,
    tick(t, observation) {
      const sample = observation.samples.at(-1);
      if (sample !== undefined) concurrency = sample.queue + sample.running;
      const seasonAgo = t - seasonSeconds(t, seasonDays);
      const rate = seasonAgo < 0 ? 0 : peak(rates, seasonAgo, seasonAgo + horizon);
      const forecast = Math.ceil(rate / replicaRate(setup) / UTILISATION - 1e-9);
      const reactive = Math.ceil(concurrency / setup.slots / UTILISATION - 1e-9);
      held.push({ at: t, replicas: Math.max(reactive, minReplicas) });
      while (held[0] !== undefined && held[0].at < t - HOLD_SECONDS) held.shift();
      return Math.max(forecast, ...held.map(({ replicas }) => replicas));
    },
  };
}

function seasonSeconds(t: number, seasonDays: number): number {
  return t >= seasonDays * DAY ? seasonDays * DAY : DAY;
}

/** Requests per second in each minute. */
function minuteRates(load: Load): Float64Array {
  const rates = new Float64Array(Math.ceil(load.seconds / MINUTE));
  for (let row = 0; row < load.at.length; row += 1) {
    const minute = Math.floor((load.at[row] ?? 0) / MINUTE);
    rates[minute] = (rates[minute] ?? 0) + (load.requests[row] ?? 0) / MINUTE;
  }
  return rates;
}

/** Centred mean over an odd number of minutes; fewer at the ends. */
function smoothed(rates: Float64Array, minutes: number): Float64Array {
  const reach = (minutes - 1) / 2;
  return rates.map((_, minute) => {
    const around = rates.subarray(Math.max(0, minute - reach), minute + reach + 1);
    return around.reduce((sum, rate) => sum + rate, 0) / around.length;
  });
}

/** The largest rate of the minutes that [from, to] touches; 0 before the load began. */
function peak(rates: Float64Array, from: number, to: number): number {
  let most = 0;
  const last = Math.floor(to / MINUTE);
  for (let minute = Math.max(0, Math.floor(from / MINUTE)); minute <= last; minute += 1) {
    most = Math.max(most, rates[minute] ?? 0);
  }
  return most;
}
