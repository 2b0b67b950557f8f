/** KEDA's `fallback`: what stands in for a metric whose scaler keeps failing (v2.20, pkg/fallback/fallback.go). */

export interface Fallback {
  /** Failures in a row that are passed on as errors; from the next on the fallback answers. */
  readonly failureThreshold: number;
  readonly replicas: number;
  readonly behavior: 'static' | 'currentReplicas' | 'currentReplicasIfHigher' | 'currentReplicasIfLower';
}

/** One metric of a trigger, as KEDA writes it into the HPA. */
export interface KedaMetric {
  readonly metricType: 'AverageValue' | 'Value';
  readonly target: number;
  /** The HPA gets the value of the last poll. */
  readonly useCachedMetrics: boolean;
}

/** What the scaler says to one pair of GetMetrics and IsActive. */
export type ScalerAnswer =
  | { readonly kind: 'answered'; readonly value: number; readonly active: boolean }
  | { readonly kind: 'failed' };

/** The answer after the fallback had its say, and the failures in a row up to here. */
export interface WithFallback {
  readonly answer: ScalerAnswer;
  readonly failures: number;
  readonly usesFallback: boolean;
}

/**
 * Polls and HPA syncs count failures alike, one for each call after KEDA's own retry. Without a fallback nothing is
 * counted and the error is passed on.
 *
 * @param failures in a row before this answer
 */
export function withFallback(
  answer: ScalerAnswer,
  failures: number,
  fallback: Fallback | null,
  metric: KedaMetric,
  replicas: { readonly spec: number; readonly ready: number },
): WithFallback {
  if (answer.kind === 'answered') return { answer, failures: 0, usesFallback: false };
  if (fallback === null) return { answer, failures, usesFallback: false };
  const counted = failures + 1;
  if (counted <= fallback.failureThreshold) return { answer, failures: counted, usesFallback: false };
  const wanted = fallbackReplicas(fallback, replicas.spec);
  // `Value` is multiplied by the ready replicas in the HPA; with none there is nothing to divide by.
  if (metric.metricType === 'Value' && replicas.ready === 0) {
    return { answer, failures: counted, usesFallback: false };
  }
  const perTarget = metric.metricType === 'Value' ? wanted / replicas.ready : wanted;
  const value = perTarget * metric.target;
  return { answer: { kind: 'answered', value, active: true }, failures: counted, usesFallback: true };
}

function fallbackReplicas(fallback: Fallback, current: number): number {
  switch (fallback.behavior) {
    case 'static':
      return fallback.replicas;
    case 'currentReplicas':
      return current;
    case 'currentReplicasIfHigher':
      return Math.max(current, fallback.replicas);
    case 'currentReplicasIfLower':
      return Math.min(current, fallback.replicas);
  }
}
