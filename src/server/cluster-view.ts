import { costPerThousand } from '../cluster/cost.js';
import type { Cluster } from '../ports/cluster.js';
import type {
  Inferences,
  ScaledObjectFigures,
  WorkloadClusterView,
  WorkloadCost,
} from '../ports/cluster-desk.js';
import type { GpuShares } from './gpu-shares.js';
import type { LearnedLeadTimes } from './lead-times.js';
import type { PodReadings } from './pod-readings.js';
import type { Workload } from './workload.js';

/** What pods report beside their signals. */
export type PodFigures = Pick<PodReadings, 'perSecondOf' | 'modelLoadOf'>;

/** What the cluster says of a workload: for the metrics, and for who looks at it alone. Null without access. */
export interface ClusterViews {
  figuresOf(workload: Workload, pods: PodFigures): ScaledObjectFigures | null;
  describe(workload: Workload, pods: PodFigures): WorkloadClusterView | null;
}

export interface ClusterViewsParts {
  readonly cluster: Cluster;
  /** Null: nobody shares GPUs out. */
  readonly shares: GpuShares | null;
  readonly leadTimes: LearnedLeadTimes;
  readonly boundsOf: (workload: Workload) => WorkloadClusterView['bounds'];
}

export function clusterViews({ cluster, shares, leadTimes, boundsOf }: ClusterViewsParts): ClusterViews {
  const costOf = (workload: Workload, pods: PodFigures) => {
    const cost = shares?.costOf(workload, boundsOf(workload).maxReplicas) ?? null;
    return { cost, inferences: inferencesFor(cost, pods.perSecondOf(workload)) };
  };
  return {
    figuresOf(workload, pods) {
      const { namespace, name } = workload;
      const answer = cluster.facts(namespace, name);
      return {
        namespace,
        name,
        waiting: answer.kind === 'known' ? answer.facts.waiting : [],
        leadTimes: cluster.leadTime(namespace, name),
        ...costOf(workload, pods),
      };
    },
    describe(workload, pods) {
      const { namespace, name, trigger } = workload;
      const answer = cluster.facts(namespace, name);
      const { leadTimeGiven, leadTime } = trigger.policy;
      const learned = leadTimeGiven ? { leadTime, from: 'trigger' as const } : leadTimes.of(workload);
      return {
        facts: answer.kind === 'known' ? answer.facts : null,
        why: answer.kind === 'known' ? null : answer.why,
        bounds: boundsOf(workload),
        leadTimes: cluster.leadTime(namespace, name),
        modelLoad: pods.modelLoadOf(workload),
        leadTime: learned?.leadTime ?? null,
        leadTimeFrom: learned?.from ?? null,
        gpus: leadTimes.gpusOf(workload),
        share: shares?.shareOf(workload) ?? null,
        ...costOf(workload, pods),
      };
    },
  };
}

/** @param cost null: not known. @returns null while it is not known what is served */
function inferencesFor(cost: WorkloadCost | null, perSecond: number | null): Inferences | null {
  if (perSecond === null) return null;
  // Of pods that have just gone, or are on nodes without a price, a thousand would seem to be free.
  const perHour = cost !== null && cost.perHour > 0 ? cost.perHour : null;
  return { perSecond, moneyPerThousand: costPerThousand(perHour, perSecond) };
}
