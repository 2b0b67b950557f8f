import { asKedaKeeps, ceiling, overWindow, withinBounds, zeroOnlyIfWakeable } from './bounds.js';
import type { Decision, Stage, Verdict } from './decision.js';
import { asGranted, asOrdered } from './floors.js';
import { asForeseen } from './foreseen.js';
import { look, type Moment } from './moment.js';
import type { Observation } from './observation.js';
import type { Policy } from './policy.js';
import { hpaTolerance, publishReplicas, publishSignals } from './publish.js';
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
  const bounded = withinBounds(moment, asForeseen(moment, recommend(moment)));
  const { recommendation, recommendations } = overWindow(moment, bounded);
  const ordered = asOrdered(moment, zeroOnlyIfWakeable(moment, asKedaKeeps(moment, recommendation)));
  const final = asGranted(moment, asKedaKeeps(moment, ordered));
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
  const { policy, observation, replicas, state } = moment;
  const known = replicas.source === 'asked' ? state.asked : replicas.current;
  if (policy.dryRun) return publishDry(moment, final, known);
  // A held decision is repeated as it was: without data there is no count to work the HPA's tolerance out from.
  const current = final.verdict === 'fresh' ? known : null;
  const tolerance = hpaTolerance(policy.tolerance, observation.scaledObject?.tolerance);
  const maximum = observation.scaledObject?.maxReplicas ?? Infinity;
  const reader = { current, tolerance, most: ceiling(policy), maximum };
  const published =
    policy.output === 'signal'
      ? publishSignals(final.raw, targetsOf(policy), final.replicas, reader)
      : publishReplicas(final.replicas, reader);
  return {
    asked: final.replicas,
    verdict: final.verdict,
    metrics: 'values' in published ? published.values : [published.value],
    stages: published.why === null ? [] : [stage('publish', published.hpaReplicas, published.why)],
  };
}

function publishDry({ policy }: Moment, final: Recommendation, current: number | null): Outcome {
  const targets = policy.output === 'signal' ? targetsOf(policy) : [1];
  const reader = { current, tolerance: hpaTolerance(policy.tolerance), most: Infinity };
  const metrics = targets.map((target) => publishReplicas(current ?? 0, reader, target).value);
  if (current === null) {
    const why = 'dryRun: the current replica count is not known';
    return { asked: 0, verdict: 'blind', metrics, stages: [stage('publish', 0, why)] };
  }
  const why = `dryRun: publishes the current ${current}`;
  return { asked: current, verdict: final.verdict, metrics, stages: [stage('publish', current, why)] };
}

function targetsOf(policy: Policy): number[] {
  return policy.signals.map((signal) => signal.target);
}

function record(moment: Moment, final: Recommendation, outcome: Outcome): Decision {
  const stages = [...final.stages, ...outcome.stages];
  const words = stages.map((each) => each.why).join('; ');
  const { situation, policy } = moment;
  return {
    at: moment.now,
    verdict: outcome.verdict,
    desired: final.replicas,
    ...(final.wanted === undefined ? {} : { wanted: final.wanted }),
    active: policy.dryRun ? outcome.asked > 0 : final.active,
    replicas: moment.replicas,
    signals: final.reports,
    stages,
    metrics: outcome.metrics,
    reason: outcome.verdict === 'blind' ? `blind: ${words}` : `${inReplicas(final.replicas)}: ${words}`,
    needsWake:
      situation !== 'reporting' || final.replicas === 0 || stages.some((each) => each.stage === 'zero'),
    presumesZero: moment.presumesZero,
  };
}

function inReplicas(count: number): string {
  return count === 1 ? '1 replica' : `${count} replicas`;
}

/** An HPA syncs every 15 s: one that has not asked for four syncs has no replicas to ask for. */
const PROOF_OF_ZERO: Millis = 65_000;

function nextState(
  moment: Moment,
  final: Recommendation,
  outcome: Outcome,
  recommendations: State['recommendations'],
): State {
  const { state, situation, replicas, presumesZero, observation, now } = moment;
  const provesZero = presumesZero && !observation.hpaAsks && (observation.kedaAsks ?? true);
  const presumedSince = provesZero ? (state.presumedSince ?? now) : null;
  const isPresumed = presumesZero && now - (presumedSince ?? now) < PROOF_OF_ZERO;
  const asked = outcome.verdict === 'blind' || isPresumed ? state.asked : outcome.asked;
  return {
    pods: situation === 'zero' ? {} : state.pods,
    asked,
    presumedSince,
    arrived: Math.min(
      asked ?? 0,
      Math.max(state.arrived, replicas.reporting, situation === 'reporting' ? 1 : 0),
    ),
    raisedAt: isRaised(moment, outcome) ? now : state.raisedAt,
    blindSince: final.verdict === 'fresh' ? null : (state.blindSince ?? now),
    recommendations,
    loads: final.carry.loads,
    burst: final.carry.burst,
    raw: final.raw,
    ...backlogOf(moment, final),
  };
}

/** What was known of it stays while nobody says anything of it. */
function backlogOf({ state }: Moment, { backlog = state.backlog }: Recommendation): Pick<State, 'backlog'> {
  return backlog === undefined ? {} : { backlog };
}

/** After a restart the replicas that report have not been raised by the first decision. */
function isRaised({ state, replicas, situation }: Moment, { verdict, asked }: Outcome): boolean {
  if (verdict === 'blind' || (situation === 'starting' && state.asked === null)) return false;
  return asked > (state.asked ?? replicas.current);
}
