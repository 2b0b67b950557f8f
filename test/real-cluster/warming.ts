import { until } from './api.js';
import { startRedis } from '../support/redis-server.js';
import { applyAll, rendered } from './install.js';
import { deployment, gfd, namespace, putNode, scaledObject } from './objects.js';
import { ownersOf } from './owners.js';
import { Product } from './product.js';
import { expectEqual } from './report.js';
import { SERVICE_ACCOUNT, type Surroundings } from './setup.js';

const NAMESPACE = 'warming';
const WORKLOAD = `${NAMESPACE}/llm`;
const SCALED_OBJECT = `/apis/keda.sh/v1alpha1/namespaces/${NAMESPACE}/scaledobjects/llm`;
const PLACEHOLDERS = '/api/v1/namespaces/pilotlight/pods?labelSelector=pilotlight.dev/placeholder';
const CONFIG = {
  noWarmUps: false,
  gpu: {
    pools: [{ name: 'warming', match: { pool: 'warming' }, maxNodes: 1, placeholders: 8 }],
    placeholders: { enabled: true },
    exactMinimum: true,
    deletionCost: true,
  },
};

/** A warm-up from its order to its end, by the server itself, with all that it changes in the cluster. */
export async function warming(around: Surroundings): Promise<void> {
  const { report, admin, binaries, folder, kubeconfig, load, plane } = around;
  report.part('warming');
  const redis = await startRedis();
  const serve = (name: string) =>
    Product.start(folder, name, { ...CONFIG, kubeconfig, prometheus: load.api.url, redis: redis.url }, [
      WORKLOAD,
    ]);
  const placeholders = async () =>
    (await admin.items(PLACEHOLDERS)).map(({ spec }) => (spec as { nodeName?: string }).nodeName ?? null);
  const minimum = async () =>
    ((await admin.get(SCALED_OBJECT))['spec'] as { minReplicaCount?: number }).minReplicaCount;
  await report.check('the API server takes overlays/gpu-cluster', async () => {
    const refused = (await applyAll(admin, rendered(binaries.kubectl, 'overlays/gpu-cluster'))).filter(
      (each) => !each.includes('policy/v1)'),
    );
    expectEqual('refused', refused, []);
  });
  await admin.put(namespace(NAMESPACE));
  await putNode(admin, {
    name: 'warming-1',
    pool: 'warming',
    gpus: { 'nvidia.com/gpu': 8 },
    labels: gfd('NVIDIA-A100-SXM4-40GB', { 'gpu.count': '8' }),
  });
  await admin.put(
    scaledObject({ namespace: NAMESPACE, name: 'llm' }, { minReplicaCount: 1, maxReplicaCount: 8 }),
  );
  await admin.put(
    deployment({
      namespace: NAMESPACE,
      name: 'llm',
      pool: 'warming',
      resource: 'nvidia.com/gpu',
      replicas: 2,
    }),
  );
  load.waiting.set(WORKLOAD, 8);
  await until('two replicas', () => around.kubelet.ready(NAMESPACE, 'llm').length === 2 || undefined);
  let product = await serve('warming');
  try {
    await product.current();
    await report.check(
      'a wake for six holds GPUs for the four that are missing, and lifts the minimum',
      async () => {
        const before = performance.now();
        expectEqual(
          'answer',
          await product.post(`workloads/${WORKLOAD}/wake`, { replicas: 6, for: '10m' }),
          200,
        );
        await until('four placeholders on the node', async () => {
          const nodes = await placeholders();
          return nodes.length === 4 && nodes.every((each) => each === 'warming-1') ? true : undefined;
        });
        const held = (performance.now() - before) / 1000;
        await until('the minimum', async () => ((await minimum()) === 6 ? true : undefined));
        report.figure('secondsFromWakeToHeld', held);
        return `held after ${held.toFixed(1)} s, lifted after ${((performance.now() - before) / 1000).toFixed(1)} s`;
      },
    );
    await report.check('the replicas take the places of their placeholders', async () => {
      const before = performance.now();
      await admin.patch('merge', `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/llm/scale`, {
        spec: { replicas: 6 },
      });
      await until('six replicas', () => around.kubelet.ready(NAMESPACE, 'llm').length === 6 || undefined);
      const ready = (performance.now() - before) / 1000;
      await until('no placeholder', async () => ((await placeholders()).length === 0 ? true : undefined));
      return `ready after ${ready.toFixed(1)} s, no placeholder after ${((performance.now() - before) / 1000).toFixed(1)} s`;
    });
    await report.check('the first process is killed, and the next puts back what it had lifted', async () => {
      await product.stop('SIGKILL');
      expectEqual('lifted', await minimum(), 6);
      product = await serve('warming-next');
      await product.current();
      const warmUp = await until('the warm-up', async () => (await product.warmUps(WORKLOAD))[0]);
      expectEqual('cancelled', await product.post(`warm-ups/${warmUp.id}/cancel`, {}), 200);
      await until('the minimum of before', async () => ((await minimum()) === 1 ? true : undefined));
      const object = await admin.get(SCALED_OBJECT);
      expectEqual(
        'marks',
        [object.metadata['labels'], object.metadata['annotations']],
        [undefined, undefined],
      );
      return `minReplicaCount is now ${ownersOf(object, 'spec', 'minReplicaCount').join(' and ')}'s`;
    });
    await report.check('deletion costs are on the pods of a workload whose load is uneven', async () => {
      const [busy = ''] = around.kubelet.ready(NAMESPACE, 'llm');
      load.only.set(WORKLOAD, busy);
      const costs = await until(
        'a cost',
        async () => {
          const pods = await admin.items(`/api/v1/namespaces/${NAMESPACE}/pods`);
          const known = pods.map(
            ({ metadata }) =>
              ((metadata['annotations'] ?? {}) as Record<string, string>)[
                'controller.kubernetes.io/pod-deletion-cost'
              ],
          );
          return known.some((each) => each !== undefined) ? known : undefined;
        },
        60,
      );
      return costs.map((each) => each ?? 'none').join(', ');
    });
    await report.check(
      'a workload that cannot be seen any more is an event of its ScaledObject',
      async () => {
        load.waiting.delete(WORKLOAD);
        const events = `/api/v1/namespaces/${NAMESPACE}/events?fieldSelector=involvedObject.kind=ScaledObject`;
        const blind = await until(
          'the event',
          async () => (await admin.items(events)).find(({ reason }) => reason === 'Blind'),
          120,
        );
        return String(blind['message']);
      },
    );
    await report.check('the service account was refused nothing', async () => {
      const refused = (await plane.audit(SERVICE_ACCOUNT)).filter(
        ({ responseStatus, requestURI }) =>
          responseStatus?.code === 403 && /warming|pilotlight\/(deployments|events)/.test(requestURI),
      );
      expectEqual(
        'refusals',
        refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
        [],
      );
    });
  } finally {
    await product.stop();
    await redis.stop();
  }
}
