import type { StageName } from './decision.js';
import type { Moment } from './moment.js';
import type { Policy } from './policy.js';
import { stage, type Recommendation } from './recommend.js';
import { stabilised } from './stabilise.js';
import type { State } from './state.js';
import { inWords } from './time.js';

/** Stage 7, with the bounds that exist so far. */
export function withinBounds(policy: Policy, recommendation: Recommendation): Recommendation {
  const { replicas, verdict } = recommendation;
  if (verdict === 'blind') return recommendation;
  if (policy.maxReplicas !== null && replicas > policy.maxReplicas) {
    const why = `capped at maxReplicas ${policy.maxReplicas}, wanted ${replicas}`;
    return moved(recommendation, 'ceiling', policy.maxReplicas, why);
  }
  if (replicas < policy.minReplicas) {
    return moved(recommendation, 'floor', policy.minReplicas, `minReplicas ${policy.minReplicas}`);
  }
  return recommendation;
}

/** Stage 8. What is held for want of data is no recommendation, and leaves the window as it is. */
export function overWindow(
  { policy, state, now }: Moment,
  recommendation: Recommendation,
): { readonly recommendation: Recommendation; readonly recommendations: State['recommendations'] } {
  if (recommendation.verdict !== 'fresh') return { recommendation, recommendations: state.recommendations };
  const window = policy.scaleDownWindow;
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

/** A trigger that names its wake signal does not go to zero while that signal could not bring it back. */
export function zeroOnlyIfWakeable(moment: Moment, recommendation: Recommendation): Recommendation {
  const { policy, wake, situation } = moment;
  const leaves = recommendation.replicas === 0 && situation === 'reporting';
  if (!leaves || policy.wake?.required !== true || wake.kind === 'fresh' || wake.kind === 'idle')
    return recommendation;
  const why = wake.kind === 'absent' ? wake.why : `${policy.wake.profile} is being read`;
  return moved(recommendation, 'zero', 1, `idle, but nothing would wake it: ${why}`);
}

function moved(from: Recommendation, name: StageName, replicas: number, why: string): Recommendation {
  return { ...from, replicas, active: replicas > 0, stages: [...from.stages, stage(name, replicas, why)] };
}
