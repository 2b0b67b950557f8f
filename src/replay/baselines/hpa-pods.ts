import { DEFAULT_BEHAVIOR } from '../hpa-behavior.js';
import { HPA_SYNC_SECONDS, syncHpa, type HpaSpec, type HpaState, type MetricReading } from '../hpa.js';
import type { Observation, ReplayPolicy, Sample } from '../policy.js';
import type { Setup } from '../setup.js';

/**
 * An HPA that has been running, with nothing to remember: a fresh one would hold the replicas that it finds for the
 * five minutes of its stabilisation window.
 */
export const SETTLED_HPA: HpaState = { recommendations: [], events: { up: [], down: [] } };

/** An HPA alone, on a Pods metric that the pods report themselves; at least one replica, since it has no zero. */
export function hpaOnPods(name: string, setup: Setup, signal: 'util' | 'duty', target: number): ReplayPolicy {
  const spec: HpaSpec = {
    minReplicas: 1,
    maxReplicas: setup.maxReplicas,
    metrics: [{ type: 'Pods', averageValue: target }],
    behavior: DEFAULT_BEHAVIOR,
  };
  let state = SETTLED_HPA;
  let last: Sample | null = null;
  return {
    name,
    minReplicas: 1,
    every: HPA_SYNC_SECONDS,
    tick(t, observation) {
      last = observation.samples.at(-1) ?? last;
      const replicas = { spec: observation.current, status: observation.current, ready: observation.ready };
      const sync = syncHpa(state, spec, replicas, [readingOf(last, signal, observation)], t);
      state = sync.state;
      return sync.desired;
    },
  };
}

/** The pods that were ready at the scrape have a value; those since asked for or still loading are missing. */
function readingOf(sample: Sample | null, signal: 'util' | 'duty', now: Observation): MetricReading {
  const mean = sample?.[signal] ?? null;
  if (sample === null || mean === null) return { kind: 'failed' };
  const pods = Math.min(sample.ready, now.current);
  return { kind: 'pods', total: mean * pods, pods, missing: now.current - pods, pending: 0 };
}
