import { stringify } from 'yaml';
import { loadOf } from '../../../src/replay/load.js';
import { loopsOf } from '../../../src/replay/pilotlight/loops.js';
import { readManifest, replayTrigger } from '../../../src/replay/pilotlight/manifest.js';
import { simulateShared, type Sharing } from '../../../src/replay/shared/run.js';
import type { Sharer, SharerScore } from '../../../src/replay/shared/sharer.js';
import type { Setup } from '../../../src/replay/setup.js';
import { specReplicas } from '../../../src/replay/workload.js';
import { profiles } from '../pilotlight/scaled-objects.js';

/** A replica of 4 slots and 8 s, ready a minute after it has its GPU. */
export const SETUP: Setup = {
  slots: 4,
  serviceTime: 8,
  slo: 10,
  nodeProvision: 0,
  modelLoad: 60,
  nodeIdle: 600,
  gpusPerNode: 1,
  maxReplicas: 20,
  scrape: 15,
  lag: 15,
  scoreFrom: 0,
};

export interface Given {
  readonly name: string;
  readonly tier: 1 | 2;
  readonly min?: number;
  readonly max?: number;
  readonly gpus?: number;
  /** Seconds that the HPA holds replicas; none unless given. */
  readonly window?: number;
  readonly dryRun?: boolean;
  /** Requests that are to be served at once from a second on: twice as many replicas as a fourth of them is 100 %. */
  readonly steps: readonly (readonly [from: number, requests: number])[];
}

/** A ScaledObject whose requests all come at the beginning of a service time, so that as many are served at any moment. */
export function sharer(
  { name, tier, gpus = 1, min = 1, max = 20, window = 0, dryRun = false, steps }: Given,
  seconds: number,
): Sharer {
  const text = stringify({
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name, namespace: 'shared' },
    spec: {
      scaleTargetRef: { name },
      minReplicaCount: min,
      maxReplicaCount: max,
      advanced: {
        horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: window } } },
      },
      triggers: [
        {
          type: 'external-push',
          metadata: {
            scalerAddress: 'pilotlight:50051',
            profile: 'vllm-concurrency',
            slots: '4',
            serviceTime: '8s',
            tier: String(tier),
            dryRun: String(dryRun),
          },
        },
      ],
    },
  });
  const setup = { ...SETUP, maxReplicas: max };
  const manifest = readManifest(text, `${name}.yaml`);
  const trigger = replayTrigger(manifest, setup, max, profiles);
  const perSecond = Array.from({ length: seconds }, (_, t) =>
    t % setup.serviceTime === 0 ? (steps.findLast(([from]) => from <= t)?.[1] ?? 0) : 0,
  );
  return {
    object: manifest.object,
    gpus,
    load: loadOf(perSecond),
    setup,
    trigger,
    loops: loopsOf(manifest.spec, trigger.metricSpecs, max),
  };
}

/** A ScaledObject at the end of a second. */
export interface Row {
  readonly spec: number;
  readonly ready: number;
  readonly pending: number;
  /** Loading, ready or draining. */
  readonly bound: number;
  /** Null: all that it wants. */
  readonly granted: number | null;
}

export interface Run {
  readonly scores: readonly SharerScore[];
  /** By second, then in the order of the sharers. */
  readonly rows: readonly (readonly Row[])[];
  /** GPUs that were taken, by second. */
  readonly taken: readonly number[];
}

export function share(sharers: readonly Sharer[], gpus: number, sharing: Sharing): Run {
  const rows: Row[][] = [];
  const taken: number[] = [];
  const scores = simulateShared(sharers, gpus, sharing, (_, members) => {
    taken.push(members[0]?.course.workload.pool.nodes.reduce((sum, node) => sum + node.taken, 0) ?? 0);
    rows.push(
      members.map(({ course: { workload }, grant }) => ({
        spec: specReplicas(workload),
        ready: workload.ready.length,
        pending: workload.pending,
        bound: workload.starting.length + workload.ready.length + workload.draining.length,
        granted: grant?.replicas ?? null,
      })),
    );
  });
  return { scores, rows, taken };
}
