import type { Decision, Stage } from '../core/decision.js';
import { ceiling } from '../core/bounds.js';
import type { Policy } from '../core/policy.js';
import { HOUR, MINUTE, type Millis } from '../core/time.js';
import { warmSpans } from '../policy/schedule.js';
import type { StartsOf } from '../policy/starts.js';
import type { WarmUpStatus } from '../ports/warm-up.js';
import { readyReplicas } from './warm-up-steps.js';
import type { FixedNeed, ForecastNeed, Needs } from '../warmup/planner/wanted.js';

/** Windows are looked for so much before their lead time, so that the planner's next look is not too late. */
const MARGIN: Millis = MINUTE;
/** What a forecast asks for now it is taken to need for two lead times: one to be there, and one to be of use. */
const SHORTEST_NEED: Millis = 5 * MINUTE;
const LONGEST_NEED: Millis = HOUR;

export interface NeedParts {
  readonly workload: string;
  readonly policy: Policy;
  /** As given or learned. */
  readonly leadTime: Millis;
  readonly decision: Decision;
  /** Of this workload. */
  readonly existing: readonly WarmUpStatus[];
  /** Of all triggers of its ScaledObject: one that takes another's place goes on with the windows that were prepared. */
  readonly ofSiblings: readonly WarmUpStatus[];
  readonly now: Millis;
  readonly startsOf: StartsOf;
}

/** What one workload needs of the planner: its windows, and what its forecast adds to the load. */
export function needsOf(parts: NeedParts): Needs {
  return { workload: parts.workload, fixed: windowNeeds(parts), forecast: forecastNeed(parts) };
}

/** Those that come, and those under way that were prepared. One that was under way already finds its replicas, or is too late. */
function windowNeeds({ policy, leadTime, ofSiblings, now, startsOf }: NeedParts): FixedNeed[] {
  if (policy.schedule === null) return [];
  const spans = warmSpans(policy.schedule, leadTime + MARGIN, now, startsOf);
  const prepared = (until: Millis) =>
    ofSiblings.some(({ warmUp }) => warmUp.source === 'window' && warmUp.holdUntil === until);
  return spans
    .filter(({ from, until }) => from > now || prepared(until))
    .map(({ replicas, ...span }) => ({
      ...span,
      source: 'window',
      replicas: Math.min(replicas, ceiling(policy)),
    }));
}

/**
 * A forecast that asks for more than runs begins a warm-up. It goes on while the forecast adds to what the load asks for;
 * once the load has come, it keeps its end. Where it asks for less, the planner's hysteresis decides.
 */
function forecastNeed({ policy, leadTime, decision, existing, now }: NeedParts): ForecastNeed | null {
  const stage = decision.stages.find((each) => each.stage === 'forecast');
  if (policy.forecast === 'off' || stage === undefined) return null;
  // Less than it asks for, by a sleep window or a ceiling, is all that can come.
  const replicas = Math.min(stage.replicas, decision.desired);
  const until = now + Math.min(LONGEST_NEED, Math.max(SHORTEST_NEED, 2 * leadTime));
  const why = `forecast: ${stage.why}`.slice(0, 400);
  const need = (end: Millis): ForecastNeed => ({ steps: [{ at: now, replicas }], until: end, why });
  const held = existing.filter(({ warmUp }) => warmUp.source === 'forecast');
  if (held.length === 0) {
    const adds = replicas > reactiveReplicas(decision, policy);
    return adds && replicas > readyReplicas(decision) ? need(until) : NOTHING;
  }
  const ends = held.map(({ warmUp }) => warmUp.holdUntil);
  const most = Math.max(...held.map(({ warmUp }) => warmUp.replicas));
  const longer = replicas > reactiveReplicas(decision, policy) && replicas >= most;
  return need(longer ? Math.max(until, ...ends) : Math.max(...ends));
}

const NOTHING: ForecastNeed = { steps: [], until: 0, why: '' };

/**
 * What the load alone asked for: the replicas before the first stage that looks ahead or was ordered. The trigger's own
 * `minReplicas` is a floor too, but not one of anybody's warm-up. While no pod reports, what was asked for stands until it
 * has started, whoever asked: the load is then what the wake signal says.
 */
export function reactiveReplicas(decision: Decision, policy: Policy): number {
  const { stages, desired } = decision;
  const first = stages.findIndex(({ stage }) => stage === 'forecast' || stage === 'floor');
  const before: Stage | undefined = stages[first - 1];
  const stood = first < 0 ? desired : (before?.replicas ?? 0);
  const isByLoad = stages.some(({ stage }) => stage === 'demand');
  const asked = isByLoad ? stood : Math.min(stood, wokenReplicas(decision, policy));
  return Math.min(ceiling(policy), Math.max(policy.minReplicas, asked));
}

function wokenReplicas({ signals }: Decision, { wake }: Policy): number {
  const raw = signals.find(({ role }) => role === 'wake')?.raw ?? 0;
  if (wake === null || raw <= wake.activation) return 0;
  return wake.sized ? Math.max(1, Math.ceil(raw / wake.target)) : 1;
}
