import { join } from 'node:path';
import type { Logger } from 'pino';
import { ClusterConfigError } from '../cluster/client/config-error.js';
import { isInCluster, type Environment } from '../cluster/client/in-cluster.js';
import { openCluster, type Credentials } from '../cluster/open.js';
import { stateFile } from '../cluster/state-file.js';
import { boundsWith, type Bounds } from '../core/bounds.js';
import type { Grant } from '../core/observation.js';
import type { Millis } from '../core/time.js';
import { parseCapacityConfig } from '../policy/capacity-config.js';
import type { Clock } from '../ports/clock.js';
import type { Cluster, ScaledObjectFacts } from '../ports/cluster.js';
import type { ReplicaPlace } from '../ports/warm-up.js';
import type { ClusterDesk } from '../ports/cluster-desk.js';
import type { Workloads } from '../ports/workloads.js';
import { clusterViews, type ClusterViews } from './cluster-view.js';
import { ClusterWrites } from './cluster-writes.js';
import { GpuShares } from './gpu-shares.js';
import { LearnedLeadTimes } from './lead-times.js';
import { scaledObjectName } from './scaled-object-name.js';
import { SettingsError, type Settings } from './settings.js';
import type { Workload } from './workload.js';

/** The cluster as the server uses it. Without access everything is null, and decisions are as without it. */
export interface ServerCluster extends Omit<ClusterDesk, 'scaledObjects'>, ClusterViews {
  readonly workloads: Workloads;
  /** Null: all that it wants. */
  readonly grantOf: (workload: Workload) => Grant | null;
  /** As learned from starts; null: too few have been seen. */
  leadTimeOf(workload: Workload): Millis | null;
  boundsOf(workload: Workload): Bounds;
  /** Null while it is not known. */
  readonly scaledObjectOf: (workload: Workload) => ScaledObjectFacts | null;
  /** Null without access. */
  readonly writes: ClusterWrites | null;
  /** Of one replica, by the `namespace/name` of its ScaledObject or by a warm-up's workload. */
  placeOf(id: string): ReplicaPlace;
  /** Replicas that a ScaledObject is granted, by `namespace/name`; null: all that it wants. */
  granted(id: string): number | null;
  /**
   * Shares GPUs out: every 15 s, and at once when a workload wants more than it has claimed.
   *
   * @returns workloads whose grant is another now, to be decided anew
   */
  tick(workloads: Iterable<Workload>, now: Millis): Promise<readonly Workload[]>;
  close(): Promise<void>;
}

/**
 * By kubeconfig, or by the pod's service account. A kubeconfig that cannot be used is a wrong setting; a pod without a
 * service account is warned of and does without.
 *
 * @throws SettingsError naming the kubeconfig
 */
export async function openServerCluster(
  settings: Settings,
  clock: Clock,
  log: Logger,
  environment: Environment = process.env,
): Promise<ServerCluster> {
  const credentials = credentialsOf(settings, environment);
  if (credentials === null) {
    if (settings.gpu !== undefined) log.warn('gpu: has no effect without access to the cluster');
    return NO_CLUSTER;
  }
  const { stateDir, namespaces, scalerAddress, noEvents, gpu } = settings;
  try {
    const cluster = await openCluster({
      credentials,
      namespaces: namespaces ?? null,
      addresses: scalerAddress ?? null,
      clock,
      log,
      state: stateDir === undefined ? null : stateFile(join(stateDir, 'lead-times.json')),
    });
    const { why } = cluster.health();
    if (why !== null) {
      const until = 'decisions are made without the cluster until it is; tried again by itself';
      log.warn({ why }, `the cluster is not known yet: ${until}`);
    }
    const writes = new ClusterWrites({
      cluster,
      config: gpu ?? parseCapacityConfig({}, 'gpu'),
      events: !noEvents,
      clock,
      log,
    });
    const shares = gpu === undefined ? null : new GpuShares(cluster, gpu, log, (event) => writes.tell(event));
    return serverCluster(cluster, shares, writes, new LearnedLeadTimes(cluster, clock));
  } catch (error) {
    if (!(error instanceof ClusterConfigError)) throw error;
    if (credentials.kind === 'kubeconfig') {
      throw new SettingsError(`--kubeconfig: ${error.message}`, { cause: error });
    }
    log.warn({ why: error.message }, 'going on without access to the cluster');
    return NO_CLUSTER;
  }
}

function credentialsOf({ noCluster, kubeconfig }: Settings, environment: Environment): Credentials | null {
  if (noCluster) return null;
  if (kubeconfig !== undefined) return { kind: 'kubeconfig', file: kubeconfig };
  return isInCluster(environment) ? { kind: 'in-cluster', environment } : null;
}

export const NO_CLUSTER: ServerCluster = {
  workloads: { replicas: () => null },
  grantOf: () => null,
  leadTimeOf: () => null,
  boundsOf: ({ trigger }) => boundsWith(trigger.policy, null),
  writes: null,
  placeOf: () => ({ gpusPerReplica: 1, nodePool: null }),
  granted: () => null,
  scaledObjectOf: () => null,
  figuresOf: () => null,
  describe: () => null,
  tick: () => Promise.resolve([]),
  health: () => null,
  features: () => [],
  shares: () => [],
  money: () => null,
  budgets: () => [],
  close: () => Promise.resolve(),
};

function serverCluster(
  cluster: Cluster,
  shares: GpuShares | null,
  writes: ClusterWrites,
  leadTimes: LearnedLeadTimes,
): ServerCluster {
  const scaledObjectOf = ({ namespace, name }: Workload) => cluster.scaledObject(namespace, name);
  const boundsOf = (workload: Workload) => boundsWith(workload.trigger.policy, scaledObjectOf(workload));
  return {
    ...clusterViews({ cluster, shares, leadTimes, boundsOf }),
    workloads: cluster,
    grantOf: (workload) => shares?.grantOf(workload) ?? null,
    leadTimeOf: (workload) => leadTimes.of(workload)?.leadTime ?? null,
    boundsOf,
    scaledObjectOf,
    writes,
    placeOf(id) {
      const { namespace, name } = scaledObjectName(id);
      const answer = cluster.facts(namespace, name);
      const perPod = answer.kind === 'known' ? answer.facts.shape.gpu?.perPod : undefined;
      return { gpusPerReplica: perPod ?? 1, nodePool: shares?.poolOf(`${namespace}/${name}`) ?? null };
    },
    granted: (id) => shares?.grantedTo(id) ?? null,
    tick: async (workloads, now) => (await shares?.tick(workloads, now)) ?? [],
    health: () => cluster.health(),
    features: () => writes.features(),
    shares: () => shares?.shares() ?? [],
    money: () => shares?.money() ?? null,
    budgets: () => shares?.budgets() ?? [],
    async close() {
      await writes.close();
      await cluster.close();
    },
  };
}
