import type { WorkloadFacts } from '../../src/ports/cluster.js';
import type { WarmUp } from '../../src/ports/warm-up.js';
import type { UnderWay } from '../../src/server/warm-ups-under-way.js';
import { shape } from '../cluster/cluster-objects.js';

/** A warm-up that has begun, of a ScaledObject with one pod, on whole GPUs. */
export function underWay(id: string, replicas: number, warmUp: Partial<WarmUp> = {}, ready = 1): UnderWay {
  const [namespace = '', name = ''] = id.split('/');
  return {
    id,
    namespace,
    name,
    replicas,
    warmUp: { ...WARM_UP, id: `w-${name}`, workload: `${id}/abc`, replicas, ...warmUp },
    wasReady: false,
    facts: {
      ...FACTS,
      target: { kind: 'deployment', namespace, name },
      replicas: { current: ready, ready, starting: 0, pending: 0 },
    },
  };
}

const WARM_UP: Omit<WarmUp, 'id' | 'workload'> = {
  slot: 0,
  replicas: 1,
  startAt: 0,
  readyBy: 60_000,
  holdUntil: 3_600_000,
  leadTime: 60_000,
  why: 'for the test',
  source: 'forecast',
  expectedCost: 0,
  gpusPerReplica: 1,
  nodePool: null,
};

const { requests, nodeSelector, tolerations } = shape({ 'nvidia.com/gpu': 1 });

const FACTS: Omit<WorkloadFacts, 'target' | 'replicas'> = {
  uid: null,
  waiting: [],
  shape: {
    gpu: { resource: 'nvidia.com/gpu', perPod: 1 },
    requests,
    nodeSelector,
    tolerations,
    priorityClass: null,
    nodeAffinity: null,
  },
  asOf: 0,
  minReplicas: 0,
  maxReplicas: 20,
  idleReplicas: null,
  pollingInterval: 30_000,
  cooldown: 300_000,
  tolerance: { up: 0.1, down: 0.1 },
  behavior: null,
  paused: false,
};
