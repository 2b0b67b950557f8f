import type { MetricSpec__Output as MetricSpec } from '../keda/gen/externalscaler/MetricSpec.js';
import type { Controlled } from './scaled-object.js';

/** What the scaler says of one metric. */
export type Answer =
  | { readonly kind: 'answered'; readonly values: readonly number[]; readonly active: boolean }
  | { readonly kind: 'failed' };

/** KEDA rebuilds a scaler that failed and calls once more at once (KEDA 2.20, scalers_cache.go:197-248). */
const TRIES = 2;

/**
 * GetMetricSpec, then GetMetrics and IsActive for each metric, one after the other; an answer for each, and none when
 * there are no specs. An error in either of the two fails the metric.
 *
 * @param deadline null: none, as in KEDA's poll loop
 */
export async function askScaler(
  { object, client, signal }: Controlled,
  deadline: Date | null,
): Promise<Answer[]> {
  const { ref } = object;
  const call = { deadline, signal };
  const specs = await twice(() => client.getMetricSpec(ref, call));
  const answers: Answer[] = [];
  for (const { metricName } of specs ?? []) {
    const answer = await twice(async () => ({
      values: await client.getMetrics(ref, metricName, call),
      active: await client.isActive(ref, call),
    }));
    answers.push(answer === null ? { kind: 'failed' } : { kind: 'answered', ...answer });
  }
  return answers;
}

/** The target as KEDA writes it into the HPA: the float wins where it is above 0. */
export function targetOf({ targetSizeFloat, targetSize }: MetricSpec): number {
  return targetSizeFloat > 0 ? targetSizeFloat : targetSize;
}

async function twice<T>(attempt: () => Promise<T>): Promise<T | null> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const answer = await attempt().catch(() => null);
    if (answer !== null) return answer;
  }
  return null;
}
