/**
 * How the HPA turns one metric into replicas (kubernetes 1.36, pkg/controller/podautoscaler/replica_calculator.go).
 * It counts in whole thousandths and cuts the rest off; so does this.
 */

/** Shares of the target within which a metric changes nothing, both ends included. */
export interface Tolerances {
  readonly scaleUp: number;
  readonly scaleDown: number;
}

/** The replicas of the target, as the HPA sees them. */
export interface TargetReplicas {
  /** spec.replicas */
  readonly spec: number;
  /** status.replicas: pods that exist, ready or not. */
  readonly status: number;
  readonly ready: number;
}

/** A Pods metric as the metrics API has it, with the pods that it does not have. */
export interface PodsReading {
  /** Sum of the values, and of how many pods. */
  readonly total: number;
  readonly pods: number;
  /** Pods that run and have no value. */
  readonly missing: number;
  /** Pods in phase Pending, which count only against scaling up. */
  readonly pending: number;
}

export function milli(value: number): number {
  return Math.trunc(value * 1000);
}

export function isWithin(tolerances: Tolerances, ratio: number): boolean {
  return ratio >= 1 - tolerances.scaleDown && ratio <= 1 + tolerances.scaleUp;
}

/** External with `averageValue`: ceil(usage ÷ target), unless the usage per existing pod is near the target (382-420). */
export function averageValueReplicas(
  usageMilli: number,
  targetMilli: number,
  replicas: TargetReplicas,
  tolerances: Tolerances,
): number {
  const ratio = usageMilli / (targetMilli * replicas.status);
  return isWithin(tolerances, ratio) ? replicas.status : Math.ceil(usageMilli / targetMilli);
}

/** External with `value`: ceil(ready × usage ÷ target), so that a constant usage above the target never settles (282-307). */
export function valueReplicas(
  usageMilli: number,
  targetMilli: number,
  replicas: TargetReplicas,
  tolerances: Tolerances,
): number {
  const ratio = usageMilli / targetMilli;
  return isWithin(tolerances, ratio) ? replicas.spec : Math.ceil(ratio * replicas.ready);
}

/**
 * Pods metric (193-265). Missing pods count as on target when the rest says down and as idle when it says up; pending
 * ones as idle when it says up. Where that turns the direction round, nothing happens.
 *
 * @returns null when no pod has a value: the metric is invalid
 */
export function podsReplicas(
  reading: PodsReading,
  targetMilli: number,
  replicas: TargetReplicas,
  tolerances: Tolerances,
): number | null {
  if (reading.pods === 0) return null;
  const total = milli(reading.total);
  const ratio = Math.trunc(total / reading.pods) / targetMilli;
  const idlePending = ratio > 1 ? reading.pending : 0;
  if (idlePending === 0 && reading.missing === 0) {
    return isWithin(tolerances, ratio) ? replicas.spec : Math.ceil(ratio * reading.pods);
  }
  // At a ratio of exactly 1 the missing pods are left out, as in the original.
  const counted = reading.pods + idlePending + (ratio === 1 ? 0 : reading.missing);
  const filledIn = ratio < 1 ? reading.missing * targetMilli : 0;
  const fullRatio = Math.trunc((total + filledIn) / counted) / targetMilli;
  if (isWithin(tolerances, fullRatio) || turned(ratio, fullRatio)) return replicas.spec;
  const desired = Math.ceil(fullRatio * counted);
  return turned(fullRatio, desired / replicas.spec) ? replicas.spec : desired;
}

/** Whether one ratio says up and the other down. */
function turned(ratio: number, other: number): boolean {
  return (ratio < 1 && other > 1) || (ratio > 1 && other < 1);
}
