import type { StageName } from './decision.js';
import type { Moment } from './moment.js';
import type { Observation } from './observation.js';
import { MOST_REPLICAS, type Policy } from './policy.js';
import type { Evidence } from './read.js';
import { stage, type Recommendation } from './recommend.js';
import { stabilised } from './stabilise.js';
import type { State } from './state.js';
import { inWords, MINUTE, type Millis } from './time.js';
import { wakeReplicas } from './wake.js';

/** Stage 7, the trigger's own bounds; what holds for a time comes with floors.ts. */
export function withinBounds(policy: Policy, recommendation: Recommendation): Recommendation {
  const { replicas, verdict } = recommendation;
  if (verdict === 'blind') return recommendation;
  const most = ceiling(policy);
  if (replicas > most) {
    const bound = policy.maxReplicas === null ? 'what a cluster holds' : 'maxReplicas';
    return moved(recommendation, 'ceiling', most, `capped at ${bound} ${most}, wanted ${replicas}`);
  }
  if (replicas < policy.minReplicas) {
    return moved(recommendation, 'floor', policy.minReplicas, `minReplicas ${policy.minReplicas}`);
  }
  return recommendation;
}

/** The most that may be asked for. */
export function ceiling({ maxReplicas }: Policy): number {
  return Math.min(maxReplicas ?? MOST_REPLICAS, MOST_REPLICAS);
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
    const replicas = Math.min(spoken.replicas, ceiling(policy));
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
