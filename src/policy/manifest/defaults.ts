import type { GivenScalingRules, ScaledObjectSpec, ScalingPolicy } from './scaled-object.js';

/**
 * What holds where a ScaledObject says nothing, in one place. KEDA's: 2.20.2, apis/keda/v1alpha1/withtriggers_types.go
 * and scaledobject_types.go, pkg/scaling/executor. The HPA's: Kubernetes 1.36, pkg/apis/autoscaling/v2/defaults.go and
 * pkg/controller/podautoscaler/config.
 */
export const KEDA_DEFAULTS = {
  /** Seconds. Rules 0 → 1 and 1 → 0; between 1 and N the HPA asks by itself. */
  pollingInterval: 30,
  /** Seconds from the last active poll to zero; between 1 and N it means nothing. */
  cooldownPeriod: 300,
  initialCooldownPeriod: 0,
  minReplicaCount: 0,
  maxReplicaCount: 100,
  metricType: 'AverageValue',
} as const;

export const HPA_DEFAULTS = {
  /** Seconds between two looks of the HPA at its metrics. */
  syncPeriod: 15,
  /** A change within this share of the current replicas is no change. */
  tolerance: 0.1,
  /** Seconds for which the largest recommendation holds replicas. */
  scaleDownStabilization: 300,
} as const;

/** The times (seconds) and bounds of one ScaledObject, as KEDA will use them. */
export interface KedaSettings {
  readonly pollingInterval: number;
  readonly cooldownPeriod: number;
  readonly initialCooldownPeriod: number;
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  readonly idleReplicaCount: number | null;
  /** Whether KEDA ever writes 0 replicas. */
  readonly reachesZero: boolean;
}

export function kedaSettings(spec: ScaledObjectSpec): KedaSettings {
  const minReplicaCount = spec.minReplicaCount ?? KEDA_DEFAULTS.minReplicaCount;
  const idleReplicaCount = spec.idleReplicaCount ?? null;
  return {
    pollingInterval: spec.pollingInterval ?? KEDA_DEFAULTS.pollingInterval,
    cooldownPeriod: spec.cooldownPeriod ?? KEDA_DEFAULTS.cooldownPeriod,
    initialCooldownPeriod: spec.initialCooldownPeriod ?? KEDA_DEFAULTS.initialCooldownPeriod,
    minReplicaCount,
    maxReplicaCount: spec.maxReplicaCount ?? KEDA_DEFAULTS.maxReplicaCount,
    idleReplicaCount,
    reachesZero: (idleReplicaCount ?? minReplicaCount) === 0,
  };
}

/** One direction of the HPA's `behavior`, complete. Windows and periods in seconds. */
export interface ScalingRules {
  readonly stabilizationWindowSeconds: number;
  /** A share of the current replicas. */
  readonly tolerance: number;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingPolicy[];
}

export interface HpaBehavior {
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

const SCALE_UP: ScalingRules = {
  stabilizationWindowSeconds: 0,
  tolerance: HPA_DEFAULTS.tolerance,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN: ScalingRules = {
  stabilizationWindowSeconds: HPA_DEFAULTS.scaleDownStabilization,
  tolerance: HPA_DEFAULTS.tolerance,
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

/**
 * The HPA's behaviour with the defaults filled in. Null where the ScaledObject gives none: the HPA then has limits of
 * its own, up to max(2 × current, 4) a sync (1 → 4 → 8, where an empty `behavior` gives 1 → 5 → 10) and down by the
 * largest recommendation of 300 s, with the same tolerance.
 */
export function hpaBehavior(spec: ScaledObjectSpec): HpaBehavior | null {
  const behavior = spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
  if (behavior === undefined) return null;
  return {
    scaleUp: completed(behavior.scaleUp, SCALE_UP),
    scaleDown: completed(behavior.scaleDown, SCALE_DOWN),
  };
}

function completed(given: GivenScalingRules | undefined, defaults: ScalingRules): ScalingRules {
  return {
    stabilizationWindowSeconds: given?.stabilizationWindowSeconds ?? defaults.stabilizationWindowSeconds,
    tolerance: given?.tolerance ?? defaults.tolerance,
    selectPolicy: given?.selectPolicy ?? defaults.selectPolicy,
    policies: given?.policies ?? defaults.policies,
  };
}
