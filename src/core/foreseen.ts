import { moved } from './bounds.js';
import type { Moment } from './moment.js';
import type { Recommendation } from './recommend.js';

/**
 * Stage 6. The forecast has weighed what is there and what may come against its price, so on full data its word replaces
 * the demand at the target, in both directions. Where anything is silent, old or held it may only raise: fewer replicas
 * take fresh data. A blind decision it leaves alone, and
 * while its record does not pay it only says so.
 */
export function asForeseen(moment: Moment, recommendation: Recommendation): Recommendation {
  const { policy, observation, situation } = moment;
  const { forecast = null } = observation;
  if (forecast === null || policy.forecast === 'off' || recommendation.verdict === 'blind')
    return recommendation;
  if (forecast.standsBack === true)
    return moved(recommendation, 'forecast', recommendation.replicas, forecast.why);
  const isWhole =
    situation === 'reporting' &&
    recommendation.silence === undefined &&
    recommendation.stages.every(({ stage }) => stage !== 'read');
  const replicas = isWhole ? forecast.replicas : Math.max(forecast.replicas, recommendation.replicas);
  if (replicas === recommendation.replicas && replicas !== forecast.replicas) return recommendation;
  return moved(recommendation, 'forecast', replicas, forecast.why);
}
