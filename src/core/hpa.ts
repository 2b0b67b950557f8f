/**
 * The HPA's arithmetic for an External metric with `averageValue`, as far as publishing needs it
 * (kubernetes 1.36, pkg/controller/podautoscaler/replica_calculator.go:382-420 GetExternalPerPodMetricReplicas).
 * Quantities are whole thousandths there, and so are they here.
 */

/** What KEDA makes of a value: it cuts value × 1000 off, so that 1.001 becomes 1000 (keda 2.20, pkg/scalers/scaler.go GenerateMetricInMili). */
export function milliOf(value: number): number {
  return Math.trunc(value * 1000);
}

/** How far usage may be from the target before replicas are added, and removed: shares, ≥ 0. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/** Whether a usage ratio leaves the replicas alone: inclusive at both ends (replica_calculator.go:56-58). */
export function withinTolerance(ratio: number, up: number, down = up): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

/**
 * Replicas that the HPA wants for a metric value, before its bounds, behaviour and stabilisation.
 *
 * @param milli the metric's value in thousandths
 * @param targetMilli the average value per replica in thousandths, > 0
 * @param statusReplicas status.replicas of the target; at 0 the HPA is disabled and KEDA alone acts
 */
export function hpaReplicas(
  milli: number,
  targetMilli: number,
  statusReplicas: number,
  { up, down }: Tolerance,
): number {
  if (statusReplicas === 0) return 0;
  const ratio = milli / (targetMilli * statusReplicas);
  return withinTolerance(ratio, up, down) ? statusReplicas : Math.ceil(milli / targetMilli);
}
