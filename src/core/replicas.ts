import type { ClusterReplicas } from './observation.js';
import type { Weighed } from './read.js';
import type { State } from './state.js';
import type { Millis } from './time.js';

/** Who runs, who is on the way, and who should report but does not. */
export interface Replicas {
  /** Asked for and not yet gone: reporting + missing + starting. */
  readonly current: number;
  /** Pods with a fresh value of any signal. */
  readonly reporting: number;
  /** Running as far as known, but without a fresh value. */
  readonly missing: number;
  /** Asked for and not yet ready: capacity that is coming. */
  readonly starting: number;
  /** `cluster`: counted by Kubernetes. `pods`: those asked for or with fresh data. `asked`: the signals name no pods. */
  readonly source: 'cluster' | 'pods' | 'asked';
}

/** So many silent pods are remembered: labels that change with every query must not fill the memory. */
const MOST_SILENT = 100;

/** When each known pod last reported, after this tick. Silent for longer than `memory`: forgotten. */
export function podsSeen(
  seen: State['pods'],
  reporting: readonly string[],
  now: Millis,
  memory: Millis,
): Record<string, Millis> {
  const next = new Map<string, Millis>();
  const loud = new Set(reporting);
  // A clock that was set back must not keep a pod for longer.
  for (const [pod, at] of Object.entries(seen)) {
    if (!loud.has(pod) && now - at <= memory) next.set(pod, Math.min(at, now));
  }
  for (const pod of next.keys()) {
    if (next.size <= MOST_SILENT) break;
    next.delete(pod);
  }
  for (const pod of reporting) next.set(pod, now);
  // From entries and not by assignment: a pod may be labelled __proto__.
  return Object.fromEntries(next);
}

export function reportingPods(signals: readonly Weighed[]): string[] {
  const pods = new Set<string>();
  for (const { evidence } of signals) {
    if (evidence.kind !== 'fresh') continue;
    for (const sample of evidence.samples) if (sample.pod !== null) pods.add(sample.pod);
  }
  return [...pods];
}

/**
 * Counts replicas. Without cluster access what was asked for is all that is known of a pod that does not report: it is
 * gone where fewer were asked for, missing where as many had arrived, and else still to come. With 3 arrived and one
 * silent, one is missing, for however long; with 5 asked for, two more are starting; with 2, none is either.
 */
export function countReplicas(
  cluster: ClusterReplicas | null,
  reporting: number,
  knownPods: number,
  state: State,
): Replicas {
  if (cluster !== null) {
    const missing = Math.max(0, Math.min(cluster.ready, cluster.current) - reporting);
    const starting = Math.max(0, cluster.current - Math.max(cluster.ready, reporting));
    return { current: Math.max(cluster.current, reporting), reporting, missing, starting, source: 'cluster' };
  }
  const asked = state.asked ?? 0;
  if (reporting === 0 && knownPods === 0) {
    const starting = state.arrived === 0 ? asked : 0;
    return { current: asked, reporting: 0, missing: 0, starting, source: 'asked' };
  }
  const current = Math.max(asked, reporting);
  const missing = Math.max(0, Math.min(asked, state.arrived) - reporting);
  return { current, reporting, missing, starting: current - reporting - missing, source: 'pods' };
}
