import type { WorkloadViews } from '../ports/workload-views.js';
import type { Cluster } from './cluster.js';
import type { SimulatedDeployment } from './deployment.js';
import type { Change } from './history.js';
import type { StoryClock } from './story-clock.js';
import type { PhaseName, Timing } from './story.js';
import type { WarmUpNote } from './warm-ups.js';
import { NAMESPACE } from './workloads.js';

/** One workload as it stands now. */
export interface WorkloadSnapshot {
  readonly name: string;
  readonly profile: string;
  readonly phase: PhaseName;
  /** Requests per second of the story, and at the height of the burst. */
  readonly rate: number;
  readonly peakRate: number;
  readonly waiting: number;
  readonly running: number;
  readonly replicas: number;
  readonly ready: number;
  readonly maxReplicas: number;
  /** What the server decides; null while it has nothing to decide from. */
  readonly desired: number | null;
  readonly active: boolean | null;
  readonly reason: string;
}

export interface Snapshot {
  readonly timing: Timing;
  /** Real seconds since the start. */
  readonly t: number;
  /** Seconds of the story since the start. */
  readonly at: number;
  readonly workloads: readonly WorkloadSnapshot[];
  /** All so far, oldest first. */
  readonly changes: readonly Change[];
  readonly warmUps: readonly WarmUpNote[];
}

export function snapshotOf(
  cluster: Cluster,
  views: WorkloadViews,
  clock: StoryClock,
  timing: Timing,
  warmUps: readonly WarmUpNote[],
): Snapshot {
  cluster.advance();
  const at = clock.seconds();
  const changes = cluster.deployments.flatMap((deployment) => deployment.history.changes);
  return {
    timing,
    t: at / clock.speed,
    at,
    workloads: cluster.deployments.map((deployment) => workloadSnapshot(deployment, views)),
    changes: changes.sort((a, b) => a.at - b.at),
    warmUps,
  };
}

/** The reason that the server gives for its last decision on a workload. */
export function decisionOf(name: string, views: WorkloadViews) {
  return views.named(NAMESPACE, name)[0]?.decision ?? null;
}

function workloadSnapshot(deployment: SimulatedDeployment, views: WorkloadViews): WorkloadSnapshot {
  const { workload, phase, rate, counts } = deployment;
  const decision = decisionOf(workload.name, views);
  // Without anything to stand on the server answers UNAVAILABLE, and so wants nothing.
  const answered = decision?.verdict === 'blind' ? null : decision;
  return {
    name: workload.name,
    profile: workload.metadata['profile'] ?? '',
    phase,
    rate,
    peakRate: workload.peak,
    waiting: deployment.waiting(),
    running: deployment.running(),
    replicas: counts.spec,
    ready: counts.ready,
    maxReplicas: workload.maxReplicas,
    desired: answered?.desired ?? null,
    active: answered?.active ?? null,
    reason: decision?.reason ?? 'not evaluated yet',
  };
}
