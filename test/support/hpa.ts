/**
 * What the HPA makes of an External metric with `averageValue`, worked out here a second time so that a mistake of the
 * product's own arithmetic shows: unchanged within a tenth of the target, else rounded up (KEDA-PROTOCOL 29).
 */
export function hpaReplicas(value: number, target: number, replicas: number): number {
  const milli = Math.ceil(value * 1000 - 1e-6);
  const ratio = milli / (target * 1000 * replicas);
  return Math.abs(ratio - 1) <= 0.1 ? replicas : Math.ceil(milli / (target * 1000));
}
