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
  // Without a prototype: a pod may be labelled __proto__, and V8 makes a hidden class of no such object's names, of which
  // ten thousand workloads have ten thousand different sets (50 000 pods: 3 ms instead of 40).
  const next = Object.create(null) as Record<string, Millis>;
  for (const [pod, at] of silentPods(seen, reporting, now, memory)) next[pod] = at;
  for (const pod of reporting) next[pod] = now;
  return next;
}

const nobody: readonly [string, Millis][] = [];

function silentPods(
  seen: State['pods'],
  reporting: readonly string[],
  now: Millis,
  memory: Millis,
): readonly [string, Millis][] {
  const names = Object.keys(seen);
  // The same pods in the same order, as at nearly every tick: nobody is silent.
  if (names.every((pod, index) => reporting[index] === pod)) return nobody;
  const loud = new Set(reporting);
  const silent: [string, Millis][] = [];
  for (const pod of names) {
    const at = seen[pod];
    // A clock that was set back must not keep a pod for longer.
    if (at !== undefined && !loud.has(pod) && now - at <= memory) silent.push([pod, Math.min(at, now)]);
  }
  return silent.length <= MOST_SILENT ? silent : silent.slice(-MOST_SILENT);
}

export function reportingPods(signals: readonly Weighed[]): string[] {
  const heard = signals.flatMap(({ evidence }) => (evidence.kind === 'fresh' ? [evidence.samples] : []));
  const pods: string[] = [];
  for (const samples of heard) for (const { pod } of samples) if (pod !== null) pods.push(pod);
  // One signal's pods differ from each other.
  return heard.length < 2 ? pods : [...new Set(pods)];
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
