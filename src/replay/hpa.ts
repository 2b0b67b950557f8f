import {
  scaleDownLimit,
  scaleUpLimit,
  withScaleEvent,
  type Behavior,
  type ScaleEvents,
} from './hpa-behavior.js';
import {
  averageValueReplicas,
  milli,
  podsReplicas,
  valueReplicas,
  type PodsReading,
  type TargetReplicas,
  type Tolerances,
} from './hpa-metrics.js';

/**
 * The HPA controller as a state machine: one call is one sync of one HPA (kubernetes 1.36,
 * pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler). Times are seconds on the replay's clock.
 */

/** Seconds between syncs of the controller. */
export const HPA_SYNC_SECONDS = 15;
const DEFAULT_TOLERANCE = 0.1;
/** Downscale stabilisation of the controller, used without `behavior`. */
const DOWNSCALE_STABILISATION_SECONDS = 300;

export type HpaMetric =
  | { readonly type: 'External'; readonly averageValue: number }
  | { readonly type: 'External'; readonly value: number }
  | { readonly type: 'Pods'; readonly averageValue: number };

export interface HpaSpec {
  /** ≥ 1: KEDA writes max(1, minReplicaCount). */
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly metrics: readonly HpaMetric[];
  /** Null: none given, and the controller's older rules hold. */
  readonly behavior: Behavior | null;
}

/** What the metrics API answers for one metric, in the order of the spec's metrics. */
export type MetricReading =
  | { readonly kind: 'external'; readonly values: readonly number[] }
  | ({ readonly kind: 'pods' } & PodsReading)
  | { readonly kind: 'failed' };

export interface HpaState {
  /** Unstabilised results of earlier syncs; null before the first, which then remembers the replicas it finds. */
  readonly recommendations: readonly { readonly at: number; readonly replicas: number }[] | null;
  readonly events: ScaleEvents;
}

export const newHpa: HpaState = { recommendations: null, events: { up: [], down: [] } };

/** Reasons of the HPA's conditions; null where the sync does not get that far. */
export interface HpaConditions {
  readonly scalingActive: 'ValidMetricFound' | 'ScalingDisabled' | 'FailedGetMetric' | null;
  readonly ableToScale: 'ReadyForNewScale' | 'ScaleUpStabilized' | 'ScaleDownStabilized' | null;
  readonly scalingLimited:
    'DesiredWithinRange' | 'TooManyReplicas' | 'TooFewReplicas' | 'ScaleUpLimit' | 'ScaleDownLimit' | null;
}

export interface HpaSync {
  readonly state: HpaState;
  /** spec.replicas after this sync. */
  readonly desired: number;
  readonly conditions: HpaConditions;
}

/** A stage's replicas, with the condition's reason. */
interface Stage<Reason> {
  readonly replicas: number;
  readonly reason: Reason;
}

export function syncHpa(
  state: HpaState,
  spec: HpaSpec,
  replicas: TargetReplicas,
  readings: readonly MetricReading[],
  now: number,
): HpaSync {
  const current = replicas.spec;
  const remembered = { ...state, recommendations: state.recommendations ?? [{ at: now, replicas: current }] };
  if (current === 0) return unchanged(remembered, 0, 'ScalingDisabled');
  if (current > spec.maxReplicas) return rescaled(remembered, spec, current, spec.maxReplicas, now);
  if (current < spec.minReplicas) return rescaled(remembered, spec, current, spec.minReplicas, now);
  const proposal = proposedReplicas(spec, replicas, readings);
  if (proposal === null) return unchanged(remembered, current, 'FailedGetMetric');

  const stable = stabilised(remembered, spec.behavior, current, proposal, now);
  const limited = limit(remembered.events, spec, current, stable.replicas, now);
  const next = { ...remembered, recommendations: recommendationsWith(remembered, spec, proposal, now) };
  return rescaled(next, spec, current, limited.replicas, now, {
    scalingActive: 'ValidMetricFound',
    ableToScale: stable.reason,
    scalingLimited: limited.reason,
  });
}

/**
 * The largest proposal of all metrics. With some invalid and the rest below the current replicas nothing may happen,
 * since the missing one might have said more.
 */
function proposedReplicas(
  spec: HpaSpec,
  replicas: TargetReplicas,
  readings: readonly MetricReading[],
): number | null {
  const tolerances = tolerancesOf(spec.behavior);
  const proposals = spec.metrics.map((metric, index) =>
    replicasFor(metric, readings[index] ?? { kind: 'failed' }, replicas, tolerances),
  );
  const valid = proposals.filter((proposal) => proposal !== null);
  if (valid.length === 0) return null;
  const largest = Math.max(...valid);
  return valid.length < proposals.length && largest < replicas.spec ? null : largest;
}

function replicasFor(
  metric: HpaMetric,
  reading: MetricReading,
  replicas: TargetReplicas,
  tolerances: Tolerances,
): number | null {
  if (metric.type === 'Pods') {
    if (reading.kind !== 'pods') return null;
    return podsReplicas(reading, milli(metric.averageValue), replicas, tolerances);
  }
  if (reading.kind !== 'external' || reading.values.length === 0) return null;
  const usage = reading.values.reduce((sum, value) => sum + milli(value), 0);
  return 'averageValue' in metric
    ? averageValueReplicas(usage, milli(metric.averageValue), replicas, tolerances)
    : valueReplicas(usage, milli(metric.value), replicas, tolerances);
}

function tolerancesOf(behavior: Behavior | null): Tolerances {
  return {
    scaleUp: behavior?.scaleUp.tolerance ?? DEFAULT_TOLERANCE,
    scaleDown: behavior?.scaleDown.tolerance ?? DEFAULT_TOLERANCE,
  };
}

/**
 * Holds a change back until all recommendations of its window agree. Without `behavior` only scaling down is held; one
 * that is exactly as old as the window still counts there, and no longer with `behavior`.
 */
function stabilised(
  state: HpaState,
  behavior: Behavior | null,
  current: number,
  proposal: number,
  now: number,
): Stage<NonNullable<HpaConditions['ableToScale']>> {
  const past = state.recommendations ?? [];
  if (behavior === null) {
    const window = past.filter(({ at }) => at >= now - DOWNSCALE_STABILISATION_SECONDS);
    const replicas = Math.max(proposal, ...window.map((recommendation) => recommendation.replicas));
    return { replicas, reason: replicas === proposal ? 'ReadyForNewScale' : 'ScaleDownStabilized' };
  }
  const within = (seconds: number) =>
    past.filter(({ at }) => at > now - seconds).map((recommendation) => recommendation.replicas);
  const least = Math.min(proposal, ...within(behavior.scaleUp.stabilizationWindowSeconds));
  const most = Math.max(proposal, ...within(behavior.scaleDown.stabilizationWindowSeconds));
  const replicas = Math.min(Math.max(current, least), most);
  if (replicas === proposal) return { replicas, reason: 'ReadyForNewScale' };
  return { replicas, reason: proposal >= current ? 'ScaleUpStabilized' : 'ScaleDownStabilized' };
}

/** The bounds, and how fast replicas may change: without `behavior` up to max(4, twice as many), and down at once. */
function limit(
  events: ScaleEvents,
  spec: HpaSpec,
  current: number,
  wanted: number,
  now: number,
): Stage<NonNullable<HpaConditions['scalingLimited']>> {
  const fastest =
    spec.behavior === null
      ? Math.max(4, current * 2)
      : scaleUpLimit(spec.behavior.scaleUp, current, events, now);
  const slowest = spec.behavior === null ? 0 : scaleDownLimit(spec.behavior.scaleDown, current, events, now);
  const most = Math.min(spec.maxReplicas, fastest);
  const least = Math.max(spec.minReplicas, wanted < current ? slowest : 0);
  if (wanted > most)
    return { replicas: most, reason: fastest < spec.maxReplicas ? 'ScaleUpLimit' : 'TooManyReplicas' };
  if (wanted < least)
    return { replicas: least, reason: slowest > spec.minReplicas ? 'ScaleDownLimit' : 'TooFewReplicas' };
  return { replicas: wanted, reason: 'DesiredWithinRange' };
}

/** Remembers the unstabilised result, for as long as a window can look back. */
function recommendationsWith(
  state: HpaState,
  spec: HpaSpec,
  proposal: number,
  now: number,
): NonNullable<HpaState['recommendations']> {
  const longest =
    spec.behavior === null
      ? DOWNSCALE_STABILISATION_SECONDS
      : Math.max(
          spec.behavior.scaleUp.stabilizationWindowSeconds,
          spec.behavior.scaleDown.stabilizationWindowSeconds,
        );
  const kept = (state.recommendations ?? []).filter(({ at }) => at >= now - longest);
  return [...kept, { at: now, replicas: proposal }];
}

function unchanged(state: HpaState, desired: number, scalingActive: HpaConditions['scalingActive']): HpaSync {
  return { state, desired, conditions: { scalingActive, ableToScale: null, scalingLimited: null } };
}

function rescaled(
  state: HpaState,
  spec: HpaSpec,
  current: number,
  desired: number,
  now: number,
  conditions: HpaConditions = { scalingActive: null, ableToScale: null, scalingLimited: null },
): HpaSync {
  if (desired === current || spec.behavior === null) return { state, desired, conditions };
  const events = withScaleEvent(state.events, spec.behavior, desired - current, now);
  return { state: { ...state, events }, desired, conditions };
}
