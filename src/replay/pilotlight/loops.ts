import { hpaBehavior, kedaSettings } from '../../policy/manifest/defaults.js';
import type { ScaledObjectSpec } from '../../policy/manifest/scaled-object.js';
import type { MetricSpec } from '../../policy/trigger.js';
import type { HpaMetric, HpaSpec } from '../hpa.js';
import type { Fallback } from '../keda-fallback.js';
import type { KedaSpec } from '../keda.js';

/** The loops around the scaler, as a ScaledObject sets them. */
export interface Loops {
  readonly keda: KedaSpec;
  readonly hpa: HpaSpec;
  /** `external-push`: KEDA holds a stream open and acts at once when the trigger becomes active. */
  readonly pushes: boolean;
}

/** @param maxReplicas instead of the ScaledObject's own */
export function loopsOf(
  spec: ScaledObjectSpec,
  metricSpecs: readonly MetricSpec[],
  maxReplicas: number,
): Loops {
  const [trigger] = spec.triggers;
  const metricType = trigger?.metricType === 'Value' ? 'Value' : 'AverageValue';
  const useCachedMetrics = trigger?.useCachedMetrics ?? false;
  const { reachesZero: _, ...settings } = kedaSettings(spec);
  const minReplicaCount = Math.min(settings.minReplicaCount, maxReplicas);
  return {
    keda: {
      ...settings,
      minReplicaCount,
      maxReplicaCount: maxReplicas,
      fallback: fallbackOf(spec),
      metrics: metricSpecs.map(({ target }) => ({ metricType, target, useCachedMetrics })),
    },
    hpa: {
      minReplicas: Math.max(1, minReplicaCount),
      maxReplicas,
      metrics: metricSpecs.map(({ target }): HpaMetric => {
        return metricType === 'Value'
          ? { type: 'External', value: target }
          : { type: 'External', averageValue: target };
      }),
      behavior: hpaBehavior(spec),
    },
    pushes: trigger?.type === 'external-push',
  };
}

function fallbackOf({ fallback }: ScaledObjectSpec): Fallback | null {
  if (fallback === undefined) return null;
  const { failureThreshold, replicas, behavior } = fallback;
  // `scalingModifiers` only means something beside modifiers, which are not replayed.
  return {
    failureThreshold,
    replicas,
    behavior: behavior === undefined || behavior === 'scalingModifiers' ? 'static' : behavior,
  };
}
