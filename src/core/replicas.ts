import type { ClusterReplicas } from './observation.js';
import type { Evidence } from './read.js';
import type { State } from './state.js';
import type { Millis } from './time.js';

/** Who runs, who is on the way, and who should report but does not. */
export interface Replicas {
  /** Asked for and not yet gone: reporting + missing + starting. */
  readonly current: number;
  /** Pods with a fresh value of any signal. */
  readonly reporting: number;
  /** Asked for and not coming any more, or known to run, but without a fresh value. */
  readonly missing: number;
  /** Asked for and not yet ready: capacity that is coming. */
  readonly starting: number;
  /** `cluster`: counted by Kubernetes. `pods`: those asked for or with fresh data. `asked`: the signals name no pods. */
  readonly source: 'cluster' | 'pods' | 'asked';
}

/** So many silent pods are remembered: labels that change with every query must not fill the memory. */
const MOST_SILENT = 1000;

/** When each known pod last reported, after this tick. Silent for longer than `memory`: forgotten. */
export function podsSeen(
  seen: State['pods'],
  reporting: readonly string[],
  now: Millis,
  memory: Millis,
): Record<string, Millis> {
  const loud = new Set(reporting);
  const silent = Object.entries(seen).filter(([pod, at]) => !loud.has(pod) && now - at <= memory);
  // From entries and not by assignment: a pod may be labelled __proto__.
  return Object.fromEntries([...silent.slice(-MOST_SILENT), ...reporting.map((pod) => [pod, now] as const)]);
}

export function reportingPods(evidence: readonly Evidence[]): string[] {
  const pods = new Set<string>();
  for (const each of evidence) {
    if (each.kind !== 'fresh') continue;
    for (const sample of each.samples) if (sample.pod !== null) pods.add(sample.pod);
  }
  return [...pods];
}

/**
 * Counts replicas. Without cluster access a pod that stops reporting is either gone, because fewer replicas were asked
 * for, or missing. With 3 asked and one silent it is missing (1), for however long; with 2 asked it is gone (0). What
 * was asked for and never reported is coming for the lead time, then missing.
 */
export function countReplicas(
  cluster: ClusterReplicas | null,
  reporting: number,
  knownPods: number,
  state: State,
  leadTime: Millis,
  now: Millis,
): Replicas {
  if (cluster !== null) {
    const missing = Math.max(0, Math.min(cluster.ready, cluster.current) - reporting);
    const starting = Math.max(0, cluster.current - Math.max(cluster.ready, reporting));
    return { current: Math.max(cluster.current, reporting), reporting, missing, starting, source: 'cluster' };
  }
  const asked = state.asked ?? 0;
  const coming = state.raisedAt !== null && now - state.raisedAt < leadTime;
  if (reporting === 0 && knownPods === 0) {
    return { current: asked, reporting: 0, missing: 0, starting: coming ? asked : 0, source: 'asked' };
  }
  const short = Math.max(0, asked - reporting);
  const missing = coming ? Math.min(short, knownPods - reporting) : short;
  return { current: reporting + short, reporting, missing, starting: short - missing, source: 'pods' };
}
