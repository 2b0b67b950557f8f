import { z } from 'zod';

/**
 * The part of KEDA's ScaledObject (keda.sh/v1alpha1) that decides replicas. Types and bounds are those of KEDA's CRD;
 * fields that are not here are KEDA's to check and are left out. Each message says what was expected.
 */

const text = (expected: string) => z.string(expected).min(1, expected);
const whole = (least: number) => {
  const expected = `a whole number ≥ ${least}`;
  return z.int(expected).min(least, expected);
};
const mapping = <T extends z.ZodRawShape>(shape: T) => z.object(shape, 'a mapping');
const list = <T extends z.ZodType>(item: T) => z.array(item, 'a list');
const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  z.enum(words, `one of ${words.join(', ')}`);

const QUANTITY = 'a share ≥ 0 such as 0.1, "0.1" or "100m"';
/** A Kubernetes quantity, of which a tolerance needs the plain and the milli form. */
const share = z
  .union([z.number(), z.string().regex(/^(?:\d+\.?\d*|\.\d+)m?$/)], QUANTITY)
  .transform((given) => {
    if (typeof given === 'number') return given;
    return given.endsWith('m') ? Number(given.slice(0, -1)) / 1000 : Number(given);
  })
  .refine((value) => value >= 0, QUANTITY);

const scalingPolicy = mapping({
  type: oneOf('Pods', 'Percent'),
  value: whole(1),
  periodSeconds: whole(1),
});
const scalingRules = mapping({
  stabilizationWindowSeconds: whole(0).optional(),
  tolerance: share.optional(),
  selectPolicy: oneOf('Max', 'Min', 'Disabled').optional(),
  policies: list(scalingPolicy).optional(),
});
const metricType = oneOf('AverageValue', 'Value', 'Utilization');

const scaleTrigger = mapping({
  type: text('the type of a KEDA scaler, such as external-push'),
  name: z.string('a string').optional(),
  metricType: metricType.optional(),
  useCachedMetrics: z.boolean('true or false').optional(),
  metadata: z.record(z.string(), z.string('a string'), 'a mapping of strings'),
  authenticationRef: mapping({ name: text('a name'), kind: z.string('a string').optional() }).optional(),
});

const fallback = mapping({
  failureThreshold: whole(0),
  replicas: whole(0),
  behavior: oneOf(
    'static',
    'currentReplicas',
    'currentReplicasIfHigher',
    'currentReplicasIfLower',
    'scalingModifiers',
  ).optional(),
});

const advanced = mapping({
  restoreToOriginalReplicaCount: z.boolean('true or false').optional(),
  horizontalPodAutoscalerConfig: mapping({
    name: z.string('a string').optional(),
    behavior: mapping({ scaleUp: scalingRules.optional(), scaleDown: scalingRules.optional() }).optional(),
  }).optional(),
  scalingModifiers: mapping({
    formula: z.string('a string').optional(),
    target: z.string('a string').optional(),
    activationTarget: z.string('a string').optional(),
    metricType: metricType.optional(),
  }).optional(),
});

export const scaledObjectSchema = mapping({
  metadata: mapping({
    name: text('the name of the ScaledObject'),
    namespace: text('a namespace').optional(),
    annotations: z.record(z.string(), z.string('a string'), 'a mapping of strings').optional(),
  }),
  spec: mapping({
    scaleTargetRef: mapping({
      name: text('the name of the workload to scale'),
      kind: z.string('a string').optional(),
      apiVersion: z.string('a string').optional(),
    }),
    pollingInterval: whole(1).optional(),
    cooldownPeriod: whole(0).optional(),
    initialCooldownPeriod: whole(0).optional(),
    minReplicaCount: whole(0).optional(),
    maxReplicaCount: whole(1).optional(),
    idleReplicaCount: whole(0).optional(),
    fallback: fallback.optional(),
    advanced: advanced.optional(),
    triggers: list(scaleTrigger).min(1, 'at least one trigger'),
  }),
});

export type ScaledObject = z.infer<typeof scaledObjectSchema>;
export type ScaledObjectSpec = ScaledObject['spec'];
export type ScaleTrigger = z.infer<typeof scaleTrigger>;
export type GivenScalingRules = z.infer<typeof scalingRules>;
export type ScalingPolicy = z.infer<typeof scalingPolicy>;
