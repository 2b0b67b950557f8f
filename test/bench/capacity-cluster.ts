import { factsOf } from '../../src/cluster/facts.js';
import type { SeenPod } from '../../src/cluster/objects/pod.js';
import { parseCapacityConfig, type CapacityConfig } from '../../src/policy/capacity-config.js';
import type { Cluster, PodShape } from '../../src/ports/cluster.js';
import type { Node } from '../../src/ports/cluster-objects.js';

export interface Size {
  readonly nodes: number;
  readonly pods: number;
  readonly workloads: number;
}

const NOW = Date.parse('2026-03-02T10:00:00Z');
const GIB = 2 ** 30;
const GPU = 'nvidia.com/gpu';
const POOL = 'cloud.google.com/gke-nodepool';
const DAEMONS_A_NODE = 3;
const NAMESPACES = 100;

interface Kind {
  readonly pool: string;
  readonly gpus: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly tainted?: boolean;
  /** What the replicas that go there ask for. */
  readonly asks: Readonly<Record<string, number>>;
}

/** Whole GPUs, time slices, MIG with both strategies, and nodes without any: as GPU feature discovery labels them. */
const KINDS: readonly Kind[] = [
  {
    pool: 'h100',
    gpus: { [GPU]: 8 },
    labels: product('H100-SXM-80GB', 8, 1),
    tainted: true,
    asks: { [GPU]: 2 },
  },
  { pool: 'a100', gpus: { [GPU]: 8 }, labels: product('A100-SXM4-40GB', 8, 1), asks: { [GPU]: 1 } },
  { pool: 't4', gpus: { [GPU]: 14 }, labels: product('Tesla-T4-SHARED', 1, 14, 15_360), asks: { [GPU]: 1 } },
  {
    pool: 'sevenths',
    gpus: { [GPU]: 28 },
    labels: { ...product('A100-SXM4-40GB-MIG-1g.5gb', 28, 1, 4864), 'nvidia.com/mig.config': 'all-1g.5gb' },
    asks: { [GPU]: 1 },
  },
  {
    pool: 'balanced',
    gpus: { 'nvidia.com/mig-1g.5gb': 8, 'nvidia.com/mig-2g.10gb': 4, 'nvidia.com/mig-3g.20gb': 4 },
    labels: { ...product('A100-SXM4-40GB', 4, 1), 'nvidia.com/mig.config': 'all-balanced' },
    asks: { 'nvidia.com/mig-1g.5gb': 1 },
  },
  { pool: 'l4-a', gpus: { [GPU]: 1 }, labels: product('NVIDIA-L4', 1, 1, 23_034), asks: { [GPU]: 1 } },
  { pool: 'l4-b', gpus: { [GPU]: 1 }, labels: product('NVIDIA-L4', 1, 1, 23_034), asks: { [GPU]: 1 } },
  { pool: 'general', gpus: {}, labels: {}, asks: {} },
];

function product(name: string, count: number, replicas: number, memory = 40_960): Record<string, string> {
  return {
    'nvidia.com/gpu.product': name,
    'nvidia.com/gpu.count': String(count),
    'nvidia.com/gpu.replicas': String(replicas),
    'nvidia.com/gpu.memory': String(memory),
    'nvidia.com/gpu.sharing-strategy': replicas > 1 ? 'time-slicing' : 'none',
    'nvidia.com/mig.config.state': 'success',
  };
}

/** A shape for each of its workloads out of so many: teams copy manifests, and a few write their own. */
const SHAPES_A_KIND = 25;
const WITH_OWN_SHAPE = 20;

/** Half of the pools are declared, some at their maximum; a budget in every fifth namespace. */
export function configOf({ nodes, workloads }: Size): CapacityConfig {
  const each = Math.ceil(nodes / KINDS.length);
  const declared = (name: string, more: number, price: number) => ({
    name,
    match: { [POOL]: name },
    maxNodes: each + more,
    price,
  });
  const indexes = Array.from({ length: workloads }, (_, index) => index);
  return parseCapacityConfig(
    {
      pools: [
        declared('h100', 2, 24),
        declared('t4', 0, 0.54),
        declared('sevenths', 5, 12),
        declared('l4-a', 0, 0.7),
        declared('l4-b', 0, 0.7),
      ],
      prices: { 'A100-SXM4-40GB': 3 },
      budgets: Object.fromEntries(indexes.slice(0, NAMESPACES / 5).map((index) => [`team-${index * 5}`, 60])),
      replicaMemory: Object.fromEntries(
        indexes
          .filter((index) => index % KINDS.length === 2 && index % 3 === 0)
          .map((index) => [`${namespaceOf(index)}/llm-${index}`, index % 2 === 0 ? '2Gi' : '4Gi']),
      ),
    },
    'the bench',
  );
}

export function namespaceOf(workload: number): string {
  return `team-${workload % NAMESPACES}`;
}

/** A cluster as the watches leave it in memory: what is alike in many objects is there once. */
export function clusterOf({ nodes: count, pods: podCount, workloads }: Size): Cluster {
  const nodes = Array.from({ length: count }, (_, index) => nodeOf(index));
  const shapes = new Map<string, PodShape>();
  const shapeOfWorkload = (index: number): PodShape => {
    const variant = index % WITH_OWN_SHAPE === 0 ? index : Math.floor(index / KINDS.length) % SHAPES_A_KIND;
    const key = `${index % KINDS.length}/${variant}`;
    const shape = shapes.get(key) ?? podShape(index % KINDS.length, variant);
    shapes.set(key, shape);
    return shape;
  };
  const podsOf: SeenPod[][] = Array.from({ length: workloads }, () => []);
  const pods = nodes.flatMap(({ name }) =>
    Array.from({ length: DAEMONS_A_NODE }, (_, index) =>
      podOf(`daemon-${index}`, name, DAEMON, 'kube-system', DAEMON_OWNER),
    ),
  );
  for (let index = 0; pods.length < podCount; index += 1) {
    const workload = index % workloads;
    // On the nodes of its kind; the last round waits for one.
    const kind = workload % KINDS.length;
    const at = (index * KINDS.length + kind) % count;
    const on = index % 40 === 39 ? null : (nodes[at - (at % KINDS.length) + kind]?.name ?? null);
    // Every thirtieth pod is of somebody who has no ScaledObject.
    const foreign = index % 30 === 29;
    const owner = foreign ? FOREIGN : ownerOf(workload);
    const { requests } = shapeOfWorkload(workload);
    const pod = podOf(`llm-${workload}-${index}`, on, requests, namespaceOf(workload), owner);
    pods.push(pod);
    if (!foreign) podsOf[workload]?.push(pod);
  }
  return {
    facts: (namespace, name) => {
      const index = Number(name.slice('llm-'.length));
      const target = {
        namespace,
        kind: 'deployment',
        name,
        replicas: 3,
        shape: shapeOfWorkload(index),
      } as const;
      const facts = factsOf(scaledObject(namespace, name), target, podsOf[index] ?? [], NOW);
      return { kind: 'known', facts };
    },
    scaledObject: () => null,
    podsOf: () => null,
    nodes: () => ({ kind: 'known', items: [...nodes], asOf: NOW }),
    pods: () => ({ kind: 'known', items: [...pods], asOf: NOW }),
    replicas: () => null,
    leadTime: () => null,
    leadTimeOfGpu: () => null,
    nodeLeadTime: () => null,
    health: () => ({ kind: 'current', why: null, watches: [] }),
    close: () => Promise.resolve(),
  };
}

const allocatables = KINDS.map(({ gpus }) => ({ cpu: 95.5, memory: 1000 * GIB, pods: 110, ...gpus }));
const taints = [{ key: GPU, value: 'present', effect: 'NoSchedule' }] as const;

/** With the forty labels that feature discovery sets; one in fifty is cordoned, and one in fifty is on its way. */
function nodeOf(index: number): Node {
  const kind = KINDS[index % KINDS.length];
  const labels: Record<string, string> = {
    'kubernetes.io/hostname': `node-${index}`,
    'topology.kubernetes.io/zone': `zone-${Math.floor(index / KINDS.length) % 3}`,
    'nvidia.com/gfd.timestamp': String(1_772_000_000 + index),
    [POOL]: kind?.pool ?? '',
    ...kind?.labels,
  };
  for (let label = 0; label < 40; label += 1)
    labels[`feature.node.kubernetes.io/label-${label}`] = `value-${label}`;
  return {
    name: `node-${index}`,
    labels,
    taints: kind?.tainted === true ? taints : [],
    unschedulable: index % 50 === 17,
    ready: index % 50 !== 33,
    allocatable: allocatables[index % KINDS.length] ?? {},
    createdAt: NOW - (index % 50 === 33 ? 60_000 : 3_600_000) - index * 1000,
  };
}

function podShape(kind: number, variant: number): PodShape {
  const { asks = {}, pool = '' } = KINDS[kind] ?? {};
  const zone = { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['zone-0', 'zone-1'] } as const;
  const pools = pool.startsWith('l4') ? ['l4-a', 'l4-b'] : [pool];
  const inPools = { key: POOL, operator: 'In', values: pools } as const;
  const wide = pool.startsWith('l4') || pool === 'balanced';
  return {
    gpu: null,
    requests: { cpu: 1 + variant / 1000, memory: (2 + (variant % 5)) * GIB, ...asks },
    nodeSelector: wide ? {} : { [POOL]: pool },
    tolerations: [],
    priorityClass: null,
    nodeAffinity: wide ? [{ labels: variant % 4 === 0 ? [zone, inPools] : [inPools], fields: [] }] : null,
  };
}

const DAEMON = { cpu: 0.1, memory: 0.1 * GIB };
const DAEMON_OWNER = { kind: 'DaemonSet', name: 'exporter' };
const FOREIGN = { kind: 'Job', name: 'training' };
const owners = new Map<number, NonNullable<SeenPod['owner']>>();

function ownerOf(workload: number): NonNullable<SeenPod['owner']> {
  const owner = owners.get(workload) ?? { kind: 'Deployment', name: `llm-${workload}` };
  owners.set(workload, owner);
  return owner;
}

function podOf(
  name: string,
  node: string | null,
  requests: Readonly<Record<string, number>>,
  namespace: string,
  owner: NonNullable<SeenPod['owner']>,
): SeenPod {
  return {
    namespace,
    name,
    uid: `uid-${name}-${node}`,
    node,
    phase: node === null ? 'Pending' : 'Running',
    ready: node !== null,
    deleting: false,
    requests,
    priority: 0,
    owner,
    labels: {},
    createdAt: NOW - 600_000,
    scheduledAt: node === null ? null : NOW - 590_000,
    startedAt: node === null ? null : NOW - 560_000,
    readyAt: node === null ? null : NOW - 500_000,
    waiting: node === null ? 'unschedulable' : null,
    unreadySince: null,
    restarts: 0,
    detail: null,
  };
}

function scaledObject(namespace: string, name: string): Parameters<typeof factsOf>[0] {
  return {
    namespace,
    name,
    target: { kind: 'deployment', name },
    minReplicas: 0,
    maxReplicas: 100,
    idleReplicas: null,
    pollingInterval: 30_000,
    cooldown: 300_000,
    tolerance: { up: 0.1, down: 0.1 },
    behavior: null,
    paused: false,
  } as unknown as Parameters<typeof factsOf>[0];
}
