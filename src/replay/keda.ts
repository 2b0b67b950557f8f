import { withFallback, type Fallback, type KedaMetric, type ScalerAnswer } from './keda-fallback.js';

/**
 * KEDA's scale loop and executor as a state machine (v2.20, pkg/scaling/scale_handler.go and
 * executor/scale_scaledobjects.go): IsActive alone decides between 0 and 1, the HPA everything above. Times are seconds
 * on the replay's clock.
 */

export interface KedaSpec {
  /** Seconds between polls, at any replica count; the first at once. */
  readonly pollingInterval: number;
  readonly cooldownPeriod: number;
  /** Counts from the ScaledObject's creation, until something was active for the first time. */
  readonly initialCooldownPeriod: number;
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  readonly idleReplicaCount: number | null;
  readonly fallback: Fallback | null;
  /** Of all triggers, in the order of the HPA's metrics. */
  readonly metrics: readonly KedaMetric[];
}

/** KEDA's defaults (apis/keda/v1alpha1). */
export const KEDA_DEFAULTS = {
  pollingInterval: 30,
  cooldownPeriod: 300,
  initialCooldownPeriod: 0,
  minReplicaCount: 0,
  maxReplicaCount: 100,
  idleReplicaCount: null,
  fallback: null,
} as const satisfies Omit<KedaSpec, 'metrics'>;

export interface KedaState {
  readonly created: number;
  readonly lastActiveTime: number | null;
  /** In a row, by metric; only counted with a fallback. */
  readonly failures: readonly number[];
  /** What the last poll left for the HPA, by metric; null where there is nothing to serve. */
  readonly cached: readonly (ScalerAnswer | null)[];
}

export function newScaledObject(spec: KedaSpec, created: number): KedaState {
  return {
    created,
    lastActiveTime: null,
    failures: spec.metrics.map(() => 0),
    cached: spec.metrics.map(() => null),
  };
}

/** Why the executor did what it did; KEDA's words of the Active and Ready conditions where it has some. */
export type KedaReason =
  | 'ScalerActive'
  | 'PartialTriggerError'
  | 'TriggerError'
  | 'WaitingForFallback'
  | 'ScalerCooldown'
  | 'ScalerNotActive';

export interface KedaStep {
  readonly state: KedaState;
  /** spec.replicas from now on. */
  readonly replicas: number;
  readonly reason: KedaReason;
}

/** The scale target's counts. */
export interface KedaReplicas {
  readonly spec: number;
  readonly ready: number;
}

/** One poll: every metric is asked once, then the executor acts. */
export function poll(
  state: KedaState,
  spec: KedaSpec,
  replicas: KedaReplicas,
  answers: readonly ScalerAnswer[],
  now: number,
): KedaStep {
  const asked = spec.metrics.map((metric, index) =>
    withFallback(
      answers[index] ?? { kind: 'failed' },
      state.failures[index] ?? 0,
      spec.fallback,
      metric,
      replicas,
    ),
  );
  const next: KedaState = {
    ...state,
    failures: asked.map(({ failures }) => failures),
    cached: asked.map(({ answer }, index) => (spec.metrics[index]?.useCachedMetrics ? answer : null)),
  };
  const isActive = asked.some(({ answer }) => answer.kind === 'answered' && answer.active);
  const isError = asked.some(({ answer }) => answer.kind === 'failed');
  return requestScale(next, spec, replicas.spec, { isActive, isError }, now);
}

/** A `true` on StreamIsActive acts at once, whatever the polls say; a `false` is ignored and needs no call. */
export function pushActive(state: KedaState, spec: KedaSpec, current: number, now: number): KedaStep {
  return requestScale(state, spec, current, { isActive: true, isError: false }, now);
}

/** What one HPA sync gets for a metric: the live answer, or with `useCachedMetrics` that of the last poll. */
export function metricForHpa(
  state: KedaState,
  spec: KedaSpec,
  index: number,
  replicas: KedaReplicas,
  live: () => ScalerAnswer,
): { readonly state: KedaState; readonly answer: ScalerAnswer } {
  const metric = spec.metrics[index];
  if (metric === undefined) return { state, answer: { kind: 'failed' } };
  const asked = state.cached[index] ?? live();
  const result = withFallback(asked, state.failures[index] ?? 0, spec.fallback, metric, replicas);
  const failures = state.failures.map((count, i) => (i === index ? result.failures : count));
  // An error makes KEDA rebuild the scalers, and what was cached goes with them.
  const cached = result.answer.kind === 'failed' ? state.cached.map(() => null) : state.cached;
  return { state: { ...state, failures, cached }, answer: result.answer };
}

function requestScale(
  state: KedaState,
  spec: KedaSpec,
  current: number,
  triggers: { readonly isActive: boolean; readonly isError: boolean },
  now: number,
): KedaStep {
  const stay = (reason: KedaReason): KedaStep => ({ state, replicas: current, reason });
  if (triggers.isActive) {
    const wakes = current === 0 || (spec.idleReplicaCount !== null && current < spec.minReplicaCount);
    if (!wakes && triggers.isError) return stay('PartialTriggerError');
    const replicas = wakes ? Math.max(1, spec.minReplicaCount) : current;
    // The API keeps whole seconds, so that a poll exactly one cooldown later finds it over.
    return { state: { ...state, lastActiveTime: Math.floor(now) }, replicas, reason: 'ScalerActive' };
  }
  if (triggers.isError && spec.fallback === null) return stay('TriggerError');
  // With `fallback.replicas: 0` KEDA goes on and may scale to zero on an error.
  if (triggers.isError && spec.fallback?.replicas !== 0) return stay('WaitingForFallback');
  if (sleeps(spec, current)) {
    if (!hasCooledDown(state, spec, now)) return stay('ScalerCooldown');
    return { state, replicas: spec.idleReplicaCount ?? spec.minReplicaCount, reason: 'ScalerNotActive' };
  }
  const below = spec.idleReplicaCount === null && current < spec.minReplicaCount;
  return { state, replicas: below ? spec.minReplicaCount : current, reason: 'ScalerNotActive' };
}

function sleeps(spec: KedaSpec, current: number): boolean {
  if (spec.idleReplicaCount !== null && current > spec.idleReplicaCount) return true;
  return current > 0 && spec.minReplicaCount === 0;
}

function hasCooledDown(state: KedaState, spec: KedaSpec, now: number): boolean {
  return state.lastActiveTime === null
    ? now >= state.created + spec.initialCooldownPeriod
    : now >= state.lastActiveTime + spec.cooldownPeriod;
}
