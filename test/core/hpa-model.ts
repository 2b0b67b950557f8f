/**
 * What KEDA and the HPA make of metric values, written from their rules and not from our code: KEDA hands a float on as
 * whole thousandths, cut off; a metric with `averageValue` wants ceil(usage ÷ target), unless usage ÷ (target × replicas)
 * lies within the tolerance, both ends included; of several metrics the largest counts.
 */
export interface Metric {
  readonly value: number;
  readonly target: number;
}

export function thousandths(value: number): bigint {
  return value > 0 ? BigInt(Math.trunc(value * 1000)) : 0n;
}

export function hpaWants(
  metrics: readonly Metric[],
  statusReplicas: number,
  { up, down }: { readonly up: number; readonly down: number },
): number {
  const proposals = metrics.map(({ value, target }) => {
    const usage = thousandths(value);
    const perPod = thousandths(target);
    const ratio = Number(usage) / (Number(perPod) * statusReplicas);
    if (ratio >= 1 - down && ratio <= 1 + up) return statusReplicas;
    return Number((usage + perPod - 1n) / perPod);
  });
  return Math.max(...proposals);
}
