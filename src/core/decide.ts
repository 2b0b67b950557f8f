import { overWindow, withinBounds, zeroOnlyIfWakeable } from './bounds.js';
import type { Decision, Stage, Verdict } from './decision.js';
import { look, type Moment } from './moment.js';
import type { Observation } from './observation.js';
import type { Policy } from './policy.js';
import { publishReplicas } from './publish.js';
import { recommend, stage, type Recommendation } from './recommend.js';
import type { State } from './state.js';
import type { Millis } from './time.js';

/**
 * One step of one workload: what was seen now and decided before becomes replicas, and the record of why.
 *
 * Pure: the same arguments give the same result, live and in a replay. Takes microseconds and never throws.
 */
export function decide(
  state: State,
  observation: Observation,
  policy: Policy,
  now: Millis,
): { readonly state: State; readonly decision: Decision } {
  const moment = look(state, observation, policy, now);
  const bounded = withinBounds(policy, recommend(moment));
  const { recommendation, recommendations } = overWindow(moment, bounded);
  const final = zeroOnlyIfWakeable(moment, recommendation);
  const outcome = publish(moment, final);
  return {
    decision: record(moment, final, outcome),
    state: nextState(moment, final, outcome, recommendations),
  };
}

interface Outcome {
  /** Replicas that are asked for in fact: the desired ones, or in a dry run the current ones. */
  readonly asked: number;
  readonly verdict: Verdict;
  readonly metrics: readonly number[];
  readonly stages: readonly Stage[];
}

/** Stage 9: the values that the HPA turns into the wanted replicas. */
function publish(moment: Moment, final: Recommendation): Outcome {
  const { policy, replicas, state } = moment;
  const current = replicas.source === 'asked' ? state.asked : replicas.current;
  if (policy.dryRun) return publishDry(final, current);
  // A held decision is repeated as it was: without data there is no count to work the HPA's tolerance out from.
  const published = publishReplicas(
    final.replicas,
    final.verdict === 'fresh' ? current : null,
    policy.tolerance,
  );
  return {
    asked: final.replicas,
    verdict: final.verdict,
    metrics: policy.output === 'signal' ? final.raw : [published.value],
    stages: published.why === null ? [] : [stage('publish', published.hpaReplicas, published.why)],
  };
}

function publishDry(final: Recommendation, current: number | null): Outcome {
  if (current === null) {
    const why = 'dryRun: the current replica count is not known';
    return { asked: 0, verdict: 'blind', metrics: [0], stages: [stage('publish', 0, why)] };
  }
  const why = `dryRun: publishes the current ${current}`;
  return {
    asked: current,
    verdict: final.verdict,
    metrics: [current],
    stages: [stage('publish', current, why)],
  };
}

function record(moment: Moment, final: Recommendation, outcome: Outcome): Decision {
  const stages = [...final.stages, ...outcome.stages];
  const words = stages.map((each) => each.why).join('; ');
  const { situation, policy } = moment;
  return {
    at: moment.now,
    verdict: outcome.verdict,
    desired: final.replicas,
    active: policy.dryRun ? outcome.asked > 0 : final.active,
    replicas: moment.replicas,
    signals: final.reports,
    stages,
    metrics: outcome.metrics,
    reason: outcome.verdict === 'blind' ? `blind: ${words}` : `${inReplicas(final.replicas)}: ${words}`,
    needsWake:
      situation !== 'reporting' || final.replicas === 0 || stages.some((each) => each.stage === 'zero'),
    presumesZero: situation === 'unknown',
  };
}

function inReplicas(count: number): string {
  return count === 1 ? '1 replica' : `${count} replicas`;
}

function nextState(
  { state, situation, now }: Moment,
  final: Recommendation,
  outcome: Outcome,
  recommendations: State['recommendations'],
): State {
  const asked = outcome.verdict === 'blind' ? state.asked : outcome.asked;
  const fresh = final.verdict === 'fresh';
  return {
    pods: situation === 'zero' ? {} : state.pods,
    asked,
    raisedAt: asked !== null && asked > (state.asked ?? 0) ? now : state.raisedAt,
    blindSince: fresh ? null : (state.blindSince ?? now),
    recommendations,
    loads: final.carry.loads,
    burst: final.carry.burst,
    raw: final.raw,
  };
}
