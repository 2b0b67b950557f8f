import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inWords } from '../../src/core/time.js';
import { until } from './api.js';
import { deployment, gfd, putNode, scaledObject, setGpus, type GpuNode } from './objects.js';
import { openHere } from './open-here.js';
import { Product } from './product.js';
import { expectEqual, expectMatch } from './report.js';
import { SERVICE_ACCOUNT, type Surroundings } from './setup.js';

const A100 = 'NVIDIA-A100-SXM4-40GB';
const MIXED = { 'mig.strategy': 'mixed', 'mig.config': 'all-balanced', 'mig.config.state': 'success' };
const SINGLE = { 'mig.strategy': 'single', 'mig.config': 'all-1g.5gb', 'gpu.count': '7' };

const NODES: readonly GpuNode[] = [
  ...['whole-1', 'whole-2'].map((name) => ({
    name,
    pool: 'whole',
    gpus: { 'nvidia.com/gpu': 4 },
    labels: gfd(A100, { 'gpu.count': '4', 'gpu.memory': '40960' }),
  })),
  {
    name: 'whole-cordoned',
    pool: 'whole',
    gpus: { 'nvidia.com/gpu': 4 },
    labels: gfd(A100, { 'gpu.count': '4' }),
    cordoned: true,
  },
  {
    name: 'mig-single-1',
    pool: 'mig-single',
    gpus: { 'nvidia.com/gpu': 7 },
    labels: gfd(`${A100}-MIG-1g.5gb`, { ...SINGLE, 'mig.config.state': 'success' }),
  },
  {
    name: 'mig-mixed-1',
    pool: 'mig-mixed',
    gpus: { 'nvidia.com/mig-1g.5gb': 2, 'nvidia.com/mig-2g.10gb': 1, 'nvidia.com/mig-3g.20gb': 1 },
    labels: gfd(A100, { ...MIXED, 'mig-1g.5gb.count': '2' }),
  },
  ...['sliced', 'sliced-memory'].map((pool) => ({
    name: `${pool}-1`,
    pool,
    gpus: { 'nvidia.com/gpu': 14 },
    labels: gfd('Tesla-T4-SHARED', { 'gpu.count': '1', 'gpu.replicas': '14', 'gpu.memory': '15360' }),
  })),
  {
    name: 'mig-sliced-1',
    pool: 'mig-sliced',
    gpus: { 'nvidia.com/mig-1g.5gb': 8, 'nvidia.com/mig-2g.10gb': 3, 'nvidia.com/mig-3g.20gb': 4 },
    labels: gfd(A100, { ...MIXED, 'mig-1g.5gb.count': '2', 'mig-1g.5gb.replicas': '4' }),
  },
  {
    name: 'mig-moving-1',
    pool: 'mig-moving',
    gpus: { 'nvidia.com/gpu': 7 },
    labels: gfd(`${A100}-MIG-1g.5gb`, { ...SINGLE, 'mig.config.state': 'success' }),
  },
  { name: 'slow-1', pool: 'slow', gpus: { 'nvidia.com/gpu': 4 }, labels: gfd(A100, { 'gpu.count': '4' }) },
];

/** Comes when the others have their first pods: the scheduler minds no label of the MIG manager's. */
const MOVING: GpuNode = {
  name: 'mig-moving-2',
  pool: 'mig-moving',
  gpus: { 'nvidia.com/gpu': 7 },
  labels: gfd(`${A100}-MIG-1g.5gb`, { ...SINGLE, 'mig.config.state': 'pending' }),
};

interface Tried {
  readonly pool: string;
  readonly resource: string;
  readonly wanted: number;
  readonly fit: number;
  /** What the scheduler places of the wanted ones; it knows neither slices' memory nor re-partitioning. */
  readonly placed: number;
}

const GPU = 'nvidia.com/gpu';
const SMALL = 'nvidia.com/mig-1g.5gb';
const TRIED: readonly Tried[] = [
  { pool: 'whole', resource: GPU, wanted: 9, fit: 8, placed: 8 },
  { pool: 'mig-single', resource: GPU, wanted: 9, fit: 7, placed: 7 },
  { pool: 'mig-mixed', resource: SMALL, wanted: 9, fit: 2, placed: 2 },
  { pool: 'sliced', resource: GPU, wanted: 20, fit: 14, placed: 14 },
  { pool: 'sliced-memory', resource: GPU, wanted: 9, fit: 3, placed: 9 },
  { pool: 'mig-sliced', resource: SMALL, wanted: 9, fit: 8, placed: 8 },
  { pool: 'mig-moving', resource: GPU, wanted: 9, fit: 7, placed: 9 },
];
const WORKLOADS = [...TRIED.map(({ pool }) => `gpu/${pool}`), 'gpu/slow', 'gpu/cold'];

export const CONFIG = {
  gpu: {
    pools: [
      ...TRIED.map(({ pool }) => ({
        name: pool,
        match: { pool },
        maxNodes: [...NODES, MOVING].filter((node) => node.pool === pool).length,
        price: 3,
      })),
      {
        name: 'cold',
        match: { pool: 'cold' },
        maxNodes: 2,
        node: { resources: { [GPU]: 4, cpu: 64, memory: '512Gi', pods: 110 } },
      },
    ],
    replicaMemory: { 'gpu/sliced-memory': '4Gi' },
  },
};

export async function reading(around: Surroundings): Promise<void> {
  const { report, plane, folder, kubeconfig, load } = around;
  report.part('reading');
  const made = await report.check(
    'nodes, Deployments and ScaledObjects are made, and the scheduler places the first pods',
    () => make(around),
  );
  if (!made) return;
  await report.check('all is listed', async () => {
    // The first loads the client library.
    await (await openHere(around)).cluster.close();
    const began = performance.now();
    const { cluster } = await openHere(around);
    const seconds = (performance.now() - began) / 1000;
    const { kind, watches } = cluster.health();
    await cluster.close();
    expectEqual('state', kind, 'current');
    report.figure('secondsToList', seconds);
    return `${watches.map(({ resource, objects }) => `${objects} ${resource}`).join(', ')} in ${seconds.toFixed(2)} s`;
  });
  const product = await Product.start(
    folder,
    'reading',
    { ...CONFIG, kubeconfig, prometheus: load.api.url, stateDir: folder },
    WORKLOADS,
  );
  try {
    await report.check('all is known soon after the start', async () => {
      const current = await product.current();
      report.figure('secondsToReady', product.readyAfter);
      report.figure('secondsToClusterCurrent', current);
      return `ready ${product.readyAfter.toFixed(2)} s, current ${current.toFixed(2)} s after the start`;
    });
    for (const tried of TRIED) await oneMode(around, product, tried);
    await states(around, product);
    await report.check('`explain` in words', async () => {
      const text = await product.explain('gpu/whole');
      expectMatch('the text', text, /cluster +9 asked for: 8 ready, 0 starting, 1 pending/);
      expectMatch(
        'the text',
        text,
        /1 unschedulable: 0\/\d+ nodes are available: .*Insufficient nvidia\.com\/gpu/,
      );
      expectMatch('the text', text, /granted +8: wanted 9, 8 fit: pool whole at its maximum of 3 nodes/);
      expectMatch('the text', text, /starts +on a warm node: p50 .*, p90 .* \(\d+ starts\)/);
      return text
        .split('\n')
        .filter((line) => /^ {2}(cluster|granted|starts) /.test(line))
        .map((line) => line.trim().replaceAll(/ +/g, ' '))
        .join(' | ');
    });
  } finally {
    await product.stop();
  }
  await report.check('the API server refused the service account nothing', async () => {
    const asked = await plane.audit(SERVICE_ACCOUNT);
    const refused = asked.filter(({ responseStatus }) => responseStatus?.code === 403);
    expectEqual('refusals', [...new Set(refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`))], []);
    const verbs = [...new Set(asked.map(({ verb }) => verb))].toSorted();
    return `${asked.length} requests: ${verbs.join(', ')}`;
  });
  await report.check('lead times outlive a restart', async () => {
    const saved = await readFile(join(folder, 'lead-times.json'), 'utf8');
    const { nodes } = JSON.parse(saved) as {
      nodes: Record<string, [at: number, asked: number, gpus: number][]>;
    };
    const [node] = nodes[A100] ?? [];
    if (node === undefined) throw new Error(`no node was learned: ${saved.slice(0, 300)}`);
    const again = await Product.start(
      folder,
      'reading-again',
      { ...CONFIG, kubeconfig, prometheus: load.api.url, stateDir: folder },
      ['gpu/whole', 'gpu/cold'],
    );
    try {
      await again.current();
      const warm = await until(
        'the lead time',
        async () => (await again.shown('gpu/whole')).cluster?.leadTimes?.warmNode ?? undefined,
      );
      return `${warm.samples} starts, and a node that came in ${inWords(node[1])} and had its GPUs ${inWords(node[2])} later`;
    } finally {
      await again.stop();
    }
  });
}

async function make({ admin, load }: Surroundings): Promise<string> {
  for (const node of NODES) await putNode(admin, node);
  const all = [
    ...TRIED.map(({ pool, resource }) => ({ pool, resource, replicas: 1 })),
    { pool: 'slow', resource: GPU, replicas: 1, modelSeconds: 3600 },
    { pool: 'cold', resource: GPU, replicas: 0 },
  ];
  for (const { pool, ...each } of all) {
    await admin.put(deployment({ namespace: 'gpu', name: pool, pool, ...each }));
    await admin.put(scaledObject({ namespace: 'gpu', name: pool }));
  }
  for (const { pool, wanted } of TRIED) load.waiting.set(`gpu/${pool}`, wanted * 10);
  for (const { pool } of TRIED) {
    await until('the first pods to be Ready', async () => (await readyOf(admin, pool)) === 1 || undefined);
  }
  await putNode(admin, MOVING);
  return `${NODES.length + 1} nodes, ${all.length} workloads`;
}

async function readyOf(admin: Surroundings['admin'], name: string): Promise<number> {
  const { status } = (await admin.get(`/apis/apps/v1/namespaces/gpu/deployments/${name}`)) as unknown as {
    status: { readyReplicas?: number };
  };
  return status.readyReplicas ?? 0;
}

async function scale(admin: Surroundings['admin'], name: string, replicas: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/gpu/deployments/${name}/scale`;
  await admin.patch('merge', path, { spec: { replicas } });
}

/** One way to share GPUs: what is granted, and whether the scheduler agrees. */
async function oneMode({ report, admin }: Surroundings, product: Product, tried: Tried): Promise<void> {
  const { pool, wanted, fit, placed } = tried;
  const workload = `gpu/${pool}`;
  await report.check(
    `${pool}: wanted ${wanted}, ${fit} fit, and the scheduler places ${placed}`,
    async () => {
      const share = await until(`${fit} to be granted`, async () => {
        const { share } = (await product.shown(workload)).cluster ?? {};
        return share?.wanted === wanted && share.granted === fit ? share : undefined;
      }).catch(async (error: unknown) => {
        const { cluster, decision } = await product.shown(workload);
        throw new Error(`share ${JSON.stringify(cluster?.share)}, decision ${decision?.reason ?? ''}`, {
          cause: error,
        });
      });
      expectMatch('why', share.why ?? '', new RegExp(`^wanted ${wanted}, ${fit} fit`));
      const before = performance.now();
      await scale(admin, pool, wanted);
      const facts = await until('ready and pending to be counted', async () => {
        const { facts } = (await product.shown(workload)).cluster ?? {};
        return facts?.replicas.ready === placed ? facts : undefined;
      });
      expectEqual('counted', facts.replicas, {
        current: wanted,
        ready: placed,
        starting: 0,
        pending: wanted - placed,
      });
      if (placed < wanted) {
        const [waiting] = facts.waiting;
        expectEqual('the reason', waiting?.reason, 'unschedulable');
        expectMatch('the detail', waiting?.detail ?? '', /^0\/\d+ nodes are available: /);
      }
      const { cluster } = await product.shown(workload);
      const warm = cluster?.leadTimes?.warmNode ?? null;
      const starts =
        warm === null ? 'no starts' : `p90 ${(warm.p90 / 1000).toFixed(0)} s of ${warm.samples} starts`;
      return `${share.why ?? ''}; ready after ${((performance.now() - before) / 1000).toFixed(1)} s; ${starts}`;
    },
  );
}

async function states({ report, admin }: Surroundings, product: Product): Promise<void> {
  await report.check('a pod whose model loads is starting', async () => {
    const { facts } = (await product.shown('gpu/slow')).cluster ?? {};
    expectEqual('counted', facts?.replicas, { current: 1, ready: 0, starting: 1, pending: 0 });
    expectEqual('the reason', facts?.waiting[0]?.reason, 'not-ready');
  });
  await report.check('lead times are learned from three starts on, in parts', async () => {
    const { cluster } = await product.shown('gpu/whole');
    const warm = cluster?.leadTimes?.warmNode;
    if (warm === undefined || warm === null || warm.samples < 3)
      throw new Error(`learned ${JSON.stringify(warm)}`);
    const { schedule, image, start, model } = warm.parts;
    if (image <= 0 || model <= 0) throw new Error(`parts ${JSON.stringify(warm.parts)}`);
    if (cluster?.leadTime === null) throw new Error('decisions do not take it');
    return `schedule ${schedule} ms, image ${image} ms, start ${start} ms, model ${model} ms`;
  });
  await report.check('a start that waits for a node counts as cold', async () => {
    await scale(admin, 'cold', 1);
    await until('the pod to wait', async () => {
      const { facts } = (await product.shown('gpu/cold')).cluster ?? {};
      return facts?.waiting[0]?.reason === 'unschedulable' ? true : undefined;
    });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await putNode(admin, {
      name: 'cold-1',
      pool: 'cold',
      gpus: {},
      labels: gfd(A100, { 'gpu.count': '4' }),
    });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await setGpus(admin, 'cold-1', { [GPU]: 4 });
    const cold = await until(
      'the start to be learned',
      async () => (await product.shown('gpu/cold')).cluster?.leadTimes?.coldNode ?? undefined,
      60,
    );
    return `p90 ${(cold.p90 / 1000).toFixed(0)} s, of it ${(cold.parts.schedule / 1000).toFixed(0)} s until it had a node`;
  });
  await report.check('the metrics say so', async () => {
    const page = await product.metrics();
    expectMatch('metrics', page, /^pilotlight_granted_replicas\{namespace="gpu",scaledobject="whole"\} 8$/m);
    for (const resource of [
      'pods',
      'nodes',
      'events',
      'deployments.apps',
      'statefulsets.apps',
      'scaledobjects.keda.sh',
    ]) {
      expectMatch(
        'metrics',
        page,
        new RegExp(
          `^pilotlight_cluster_watch_current\\{resource="${resource}",watched_namespace=""\\} 1$`,
          'm',
        ),
      );
    }
  });
}
