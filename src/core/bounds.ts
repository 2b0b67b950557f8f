import type { StageName } from './decision.js';
import type { Moment } from './moment.js';
import type { Observation, ScaledObjectSettings } from './observation.js';
import { MOST_REPLICAS, type Policy } from './policy.js';
import type { Evidence } from './read.js';
import { stage, type Recommendation } from './recommend.js';
import { stabilised } from './stabilise.js';
import type { State } from './state.js';
import { inWords, MINUTE, type Millis } from './time.js';
import { wakeReplicas } from './wake.js';

/** The stricter of the trigger's bounds and those of the ScaledObject, which KEDA keeps in any case. */
export interface Bounds {
  readonly minReplicas: number;
  /** Null: not known. */
  readonly maxReplicas: number | null;
  /** Null: none, or not known. */
  readonly idleReplicas: number | null;
}

/** @param scaledObject null: not known */
export function boundsWith(policy: Policy, scaledObject: ScaledObjectSettings | null): Bounds {
  const most = ceiling(policy, scaledObject);
  return {
    minReplicas: Math.min(most, Math.max(policy.minReplicas, scaledObject?.minReplicas ?? 0)),
    maxReplicas: scaledObject === null ? policy.maxReplicas : most,
    idleReplicas: scaledObject?.idleReplicas ?? null,
  };
}

/** Stage 7, the bounds of the trigger and the ScaledObject's maximum; what holds for a time comes with floors.ts. */
export function withinBounds(moment: Moment, recommendation: Recommendation): Recommendation {
  const { policy, most } = moment;
  const { replicas, verdict } = recommendation;
  if (verdict === 'blind') return recommendation;
  if (replicas > most) return capped(moment, recommendation);
  const least = Math.min(policy.minReplicas, most);
  if (replicas >= least) return recommendation;
  const cap = least < policy.minReplicas ? `, capped at ${mostInWords(moment)}` : '';
  return moved(recommendation, 'floor', least, `minReplicas ${policy.minReplicas}${cap}`);
}

/** The most that may be asked for: the lower of the trigger's bound and the ScaledObject's, which KEDA keeps in any case. */
export function ceiling({ maxReplicas }: Policy, scaledObject: ScaledObjectSettings | null = null): number {
  return Math.min(maxReplicas ?? MOST_REPLICAS, scaledObject?.maxReplicas ?? MOST_REPLICAS, MOST_REPLICAS);
}

function capped(moment: Moment, recommendation: Recommendation): Recommendation {
  const why = `capped at ${mostInWords(moment)}, wanted ${recommendation.replicas}`;
  return moved(recommendation, 'ceiling', moment.most, why);
}

function mostInWords({ policy: { maxReplicas }, observation: { scaledObject }, most }: Moment): string {
  if (scaledObject?.maxReplicas === most && maxReplicas !== most)
    return `maxReplicaCount ${most} of the ScaledObject`;
  return `${maxReplicas === null ? 'what a cluster holds' : 'maxReplicas'} ${most}`;
}

/**
 * What KEDA keeps whatever it is told: its maximum, and its minimum, with `idleReplicaCount` only while there is any load.
 * It comes after the window, since a ScaledObject can be edited and a warm-up can lift its minimum for a time.
 */
export function asKedaKeeps(moment: Moment, recommendation: Recommendation): Recommendation {
  const { most } = moment;
  const { scaledObject = null } = moment.observation;
  const { replicas, verdict } = recommendation;
  if (scaledObject === null || verdict === 'blind') return recommendation;
  if (replicas > most) return capped(moment, recommendation);
  const { minReplicas, idleReplicas } = scaledObject;
  const least = Math.min(minReplicas, most);
  if (replicas >= least || (replicas === 0 && idleReplicas !== null)) return recommendation;
  return moved(recommendation, 'floor', least, `minReplicaCount ${minReplicas} of the ScaledObject`);
}

/** Stage 8. What is held for want of data is no recommendation, and leaves the window as it is. */
export function overWindow(
  { policy, observation, state, now }: Moment,
  recommendation: Recommendation,
): { readonly recommendation: Recommendation; readonly recommendations: State['recommendations'] } {
  if (recommendation.verdict !== 'fresh') return { recommendation, recommendations: state.recommendations };
  const window = windowOf(policy, observation);
  const { replicas, recommendations } = stabilised(
    state.recommendations,
    recommendation.replicas,
    window,
    now,
  );
  if (replicas === recommendation.replicas) return { recommendation, recommendations };
  const why = `${replicas} was wanted within the scale-down window of ${inWords(window)}`;
  return { recommendation: moved(recommendation, 'stabilise', replicas, why), recommendations };
}

/** The HPA's default, which a trigger with a forecast is told to switch off, because the forecast holds what is worth it. */
const UNTIL_FORECAST: Millis = 5 * MINUTE;

/** Until the forecast has seen enough to speak, it holds as an HPA would. */
function windowOf({ forecast, scaleDownWindow }: Policy, observation: Observation): Millis {
  const advice = observation.forecast ?? null;
  const isSilent = forecast !== 'off' && (advice === null || advice.standsBack === true);
  return isSilent ? Math.max(scaleDownWindow, UNTIL_FORECAST) : scaleDownWindow;
}

/**
 * Idle pods go to zero unless the wake signal would bring them back at once, as with requests too short for a scrape to
 * see; and where the trigger names its wake signal, unless that could not bring them back at all.
 */
export function zeroOnlyIfWakeable(moment: Moment, recommendation: Recommendation): Recommendation {
  const { policy, wake, situation } = moment;
  if (recommendation.replicas > 0 || situation !== 'reporting' || policy.wake === null) return recommendation;
  const spoken = wakeReplicas(policy.wake, wake);
  if (spoken.replicas > 0) {
    const replicas = Math.min(spoken.replicas, moment.most);
    return moved(recommendation, 'zero', replicas, spoken.why);
  }
  if (wake.kind === 'fresh' || wake.kind === 'idle') return recommendation;
  if (!policy.wake.required) return warned(recommendation, wake);
  const why = wake.kind === 'absent' ? wake.why : `${policy.wake.profile} is being read`;
  return moved(recommendation, 'zero', 1, `idle, but nothing would wake it: ${why}`);
}

/** A wake signal that nobody named must not keep a GPU busy for ever; but whoever asks why nothing wakes is told. */
function warned(recommendation: Recommendation, wake: Evidence): Recommendation {
  if (wake.kind !== 'absent') return recommendation;
  return moved(recommendation, 'zero', 0, `only a hand or a window would wake it again: ${wake.why}`);
}

export function moved(from: Recommendation, name: StageName, replicas: number, why: string): Recommendation {
  return { ...from, replicas, active: replicas > 0, stages: [...from.stages, stage(name, replicas, why)] };
}
