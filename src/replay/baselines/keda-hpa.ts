import { DEFAULT_BEHAVIOR } from '../hpa-behavior.js';
import { HPA_SYNC_SECONDS, syncHpa, type HpaSpec } from '../hpa.js';
import type { KedaMetric, ScalerAnswer } from '../keda-fallback.js';
import {
  KEDA_DEFAULTS,
  metricForHpa,
  newScaledObject,
  poll,
  type KedaSpec,
  type KedaState,
} from '../keda.js';
import type { ReplayPolicy, Sample } from '../policy.js';
import type { Setup } from '../setup.js';
import { SETTLED_HPA } from './hpa-pods.js';

/**
 * KEDA with its defaults and a Prometheus trigger, and the HPA that it creates: External AverageValue of the requests
 * that wait, or that wait and run. Active while there is any of either.
 */
export function kedaWithHpa(
  name: string,
  setup: Setup,
  signal: 'queue' | 'concurrency',
  target: number,
  minReplicaCount: number,
): ReplayPolicy {
  const metric: KedaMetric = { metricType: 'AverageValue', target, useCachedMetrics: false };
  const keda: KedaSpec = {
    ...KEDA_DEFAULTS,
    minReplicaCount,
    maxReplicaCount: setup.maxReplicas,
    metrics: [metric],
  };
  const hpa: HpaSpec = {
    minReplicas: Math.max(1, minReplicaCount),
    maxReplicas: setup.maxReplicas,
    metrics: [{ type: 'External', averageValue: target }],
    behavior: DEFAULT_BEHAVIOR,
  };
  // As if it had been running: something was active a moment ago.
  let scaledObject: KedaState = { ...newScaledObject(keda, 0), lastActiveTime: 0 };
  let autoscaler = SETTLED_HPA;
  let last: Sample | null = null;
  return {
    name,
    minReplicas: minReplicaCount,
    every: HPA_SYNC_SECONDS,
    tick(t, observation) {
      last = observation.samples.at(-1) ?? last;
      const answer = answerOf(last, signal);
      const { current: spec, ready } = observation;
      const read = metricForHpa(scaledObject, keda, 0, { spec, ready }, () => answer);
      const values = read.answer.kind === 'answered' ? [read.answer.value] : [];
      const replicas = { spec, status: spec, ready };
      const sync = syncHpa(autoscaler, hpa, replicas, [{ kind: 'external', values }], t);
      autoscaler = sync.state;
      scaledObject = read.state;
      if (t % keda.pollingInterval !== 0) return sync.desired;
      // KEDA after the HPA: the HPA sees at its next sync that the replicas have left zero.
      const step = poll(scaledObject, keda, { spec: sync.desired, ready }, [answer], t);
      scaledObject = step.state;
      return step.replicas;
    },
  };
}

function answerOf(sample: Sample | null, signal: 'queue' | 'concurrency'): ScalerAnswer {
  if (sample === null) return { kind: 'failed' };
  const concurrency = sample.queue + sample.running;
  const value = signal === 'queue' ? sample.queue : concurrency;
  return { kind: 'answered', value, active: concurrency > 0 };
}
