import { join } from 'node:path';
import type { Logger } from 'pino';
import { ClusterConfigError } from '../cluster/client/config-error.js';
import { isInCluster, type Environment } from '../cluster/client/in-cluster.js';
import { openCluster, type Credentials } from '../cluster/open.js';
import { stateFile } from '../cluster/state-file.js';
import type { Grant } from '../core/observation.js';
import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { Cluster, LeadTime } from '../ports/cluster.js';
import type { ClusterDesk, WorkloadClusterView } from '../ports/cluster-desk.js';
import type { Workloads } from '../ports/workloads.js';
import { GpuShares } from './gpu-shares.js';
import { SettingsError, type Settings } from './settings.js';
import type { Workload } from './workload.js';

/** With fewer starts a p90 is one of them, and perhaps the odd one. */
const LEAST_STARTS = 3;

/** The bounds that KEDA keeps: the trigger's where it names them, else the ScaledObject's. */
export interface Bounds {
  readonly minReplicas: number;
  /** Null: not known. */
  readonly maxReplicas: number | null;
  /** Null: none, or not known. */
  readonly idleReplicas: number | null;
}

/** The cluster as the server uses it. Without access everything is null, and decisions are as without it. */
export interface ServerCluster extends ClusterDesk {
  readonly workloads: Workloads;
  /** Null: all that it wants. */
  readonly grantOf: (workload: Workload) => Grant | null;
  /** The longest p90 of starts on warm and on cold nodes; null: too few have been seen. */
  leadTimeOf(workload: Workload): Millis | null;
  boundsOf(workload: Workload): Bounds;
  /** Null without access. */
  readonly describe: (workload: Workload) => WorkloadClusterView | null;
  /**
   * Shares GPUs out: every 15 s, and at once when a workload wants more than it has claimed.
   *
   * @returns workloads whose grant is another now, to be decided anew
   */
  tick(workloads: Iterable<Workload>, now: Millis): readonly Workload[];
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
  const { stateDir, namespaces, gpu } = settings;
  try {
    const cluster = await openCluster({
      credentials,
      namespaces: namespaces ?? null,
      addresses: null,
      clock,
      log,
      state: stateDir === undefined ? null : stateFile(join(stateDir, 'lead-times.json')),
    });
    const { why } = cluster.health();
    if (why !== null) log.warn({ why }, 'the cluster is not known yet');
    return serverCluster(cluster, gpu === undefined ? null : new GpuShares(cluster, gpu, log));
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
  boundsOf: ({ trigger: { policy } }) => ({
    minReplicas: policy.minReplicas,
    maxReplicas: policy.maxReplicas,
    idleReplicas: null,
  }),
  describe: () => null,
  tick: () => [],
  health: () => null,
  shares: () => [],
  money: () => null,
  close: () => Promise.resolve(),
};

function serverCluster(cluster: Cluster, shares: GpuShares | null): ServerCluster {
  const leadTimeOf = ({ namespace, name }: Workload) => {
    const times = cluster.leadTime(namespace, name);
    const enough = [times?.warmNode ?? null, times?.coldNode ?? null].filter(isEnough);
    return enough.length === 0 ? null : Math.max(...enough.map(({ p90 }) => p90));
  };
  const boundsOf = ({ namespace, name, trigger: { policy } }: Workload): Bounds => {
    const answer = cluster.facts(namespace, name);
    const facts = answer.kind === 'known' ? answer.facts : null;
    return {
      minReplicas: policy.minReplicas > 0 ? policy.minReplicas : (facts?.minReplicas ?? 0),
      maxReplicas: policy.maxReplicas ?? facts?.maxReplicas ?? null,
      idleReplicas: facts?.idleReplicas ?? null,
    };
  };
  return {
    workloads: cluster,
    grantOf: (workload) => shares?.grantOf(workload) ?? null,
    leadTimeOf,
    boundsOf,
    describe(workload) {
      const { namespace, name } = workload;
      const answer = cluster.facts(namespace, name);
      return {
        facts: answer.kind === 'known' ? answer.facts : null,
        why: answer.kind === 'known' ? null : answer.why,
        leadTimes: cluster.leadTime(namespace, name),
        leadTime: leadTimeOf(workload),
        share: shares?.shareOf(workload) ?? null,
        cost: shares?.costOf(workload, boundsOf(workload).maxReplicas) ?? null,
      };
    },
    tick: (workloads, now) => shares?.tick(workloads, now) ?? [],
    health: () => cluster.health(),
    shares: () => shares?.shares() ?? [],
    money: () => shares?.money() ?? null,
    close: () => cluster.close(),
  };
}

function isEnough(times: LeadTime | null): times is LeadTime {
  return times !== null && times.samples >= LEAST_STARTS;
}
