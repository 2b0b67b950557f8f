import { kubeconfigAccess } from '../../src/cluster/client/kubeconfig.js';
import { openPlaceholders } from '../../src/cluster/placeholders.js';
import type { Hold } from '../../src/cluster/placeholders-plan.js';
import { openWriter } from '../../src/cluster/write.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { until, type KubeObject } from './api.js';
import { applyAll, renderedIn } from './install.js';
import { deployment, gfd, namespace, putNode } from './objects.js';
import { expectEqual, expectMatch } from './report.js';
import type { Surroundings } from './setup.js';

const GPU = 'nvidia.com/gpu';
const OWN = '/api/v1/namespaces/pilotlight/pods?labelSelector=pilotlight.dev/placeholder';
const POOL = { name: 'held', match: { pool: 'held' }, placeholders: 8 };
const HOLD: Hold = {
  workload: 'holding/llm',
  pool: 'held',
  shape: {
    requests: { cpu: 0.5, memory: 2 ** 30, [GPU]: 1 },
    nodeSelector: { pool: 'held' },
    tolerations: [{ key: GPU, operator: 'Exists', value: '', effect: 'NoSchedule' }],
    affinity: [
      {
        labels: [
          { key: 'nvidia.com/gpu.product', operator: 'Exists', values: [] },
          { key: 'pool', operator: 'In', values: ['held'] },
        ],
        fields: [],
      },
    ],
    gpuMemory: null,
  },
  replicas: 4,
  until: Date.now() + 3_600_000,
  why: 'a trial',
};

/** Pods that hold nodes and make way, with the real scheduler to decide it. */
export async function placeholders(around: Surroundings): Promise<void> {
  const { report, admin, binaries, folder, kubeconfig } = around;
  report.part('placeholders');
  const access = await kubeconfigAccess(kubeconfig);
  const config = (more: object = {}) =>
    parseCapacityConfig({ pools: [POOL], placeholders: { enabled: true, ...more } }, 'the trial')
      .placeholders;
  const held = openPlaceholders(openWriter(access), config(), { now: () => Date.now() });
  const pods = async () =>
    (await admin.items(OWN)).filter(({ metadata }) => metadata['deletionTimestamp'] === undefined);
  const bound = (each: readonly KubeObject[]) =>
    each.filter(({ spec }) => (spec as { nodeName?: string }).nodeName !== undefined);
  await admin.put(namespace('holding'));
  await putNode(admin, {
    name: 'held-1',
    pool: 'held',
    gpus: { [GPU]: 4 },
    labels: gfd('NVIDIA-A100-SXM4-40GB'),
  });
  const objects = await renderedIn(binaries.kubectl, 'components/placeholders', 'pilotlight', folder);
  try {
    await report.check(
      'without its PriorityClass no placeholder comes, and the report says why',
      async () => {
        expectEqual(
          'refused',
          await applyAll(
            admin,
            objects.filter(({ kind }) => kind !== 'PriorityClass'),
          ),
          [],
        );
        await until('the right to hold', async () =>
          (await held.settle([HOLD])).failures.length === 0 ? true : undefined,
        );
        const failures = await until('the reason', async () => {
          const { failures } = await held.settle([HOLD]);
          return failures.length > 0 ? failures : undefined;
        });
        expectMatch(
          'said',
          failures.map(({ why }) => why).join(),
          /no PriorityClass with name pilotlight-placeholder was found/,
        );
        return failures.map(({ why }) => why).join();
      },
    );
    await report.check('with it, placeholders of priority −10 take the free GPUs', async () => {
      expectEqual('refused', await applyAll(admin, objects), []);
      await held.settle([]);
      const report = await held.settle([HOLD]);
      expectEqual('failures', report.failures, []);
      const all = await until('four on the node', async () => {
        const there = bound(await pods());
        return there.length === 4 ? there : undefined;
      });
      const [spec] = all.map(({ spec }) => spec as { priority: number; preemptionPolicy: string });
      expectEqual('priority', [spec?.priority, spec?.preemptionPolicy], [-10, 'Never']);
    });
    await report.check('a settled state is left alone', async () => {
      const { applied, deleted, failures } = await held.settle([HOLD]);
      expectEqual('changes', [applied, deleted, failures], [[], [], []]);
    });
    await report.check("the workload's own pods take their places", async () => {
      const before = performance.now();
      await admin.put(
        deployment({ namespace: 'holding', name: 'llm', pool: 'held', resource: GPU, replicas: 2 }),
      );
      await until(
        'two of the workload on the node',
        async () => bound(await admin.items('/api/v1/namespaces/holding/pods')).length === 2 || undefined,
      );
      const seconds = (performance.now() - before) / 1000;
      around.report.figure('secondsToPreemptTwo', seconds);
      expectEqual('placeholders on the node', bound(await pods()).length, 2);
      return `after ${seconds.toFixed(1)} s; the Deployment's two new placeholders wait`;
    });
    await report.check('fewer are held when told so, and none when nothing is', async () => {
      const fewer = await held.settle([{ ...HOLD, replicas: 2 }]);
      expectEqual('failures', fewer.failures, []);
      await until('two', async () => ((await pods()).length === 2 ? true : undefined));
      const { deleted, failures } = await held.settle([]);
      expectEqual('deleted', [deleted.length, failures], [1, []]);
      await until('none', async () => ((await pods()).length === 0 ? true : undefined));
    });
    await buffers(around, access, config);
  } finally {
    access.close();
  }
}

async function buffers(
  { report, admin, binaries, folder }: Surroundings,
  access: Awaited<ReturnType<typeof kubeconfigAccess>>,
  config: (more: object) => Parameters<typeof openPlaceholders>[1],
): Promise<void> {
  for (const version of ['v1alpha1', 'v1beta1']) {
    await report.check(`as PodTemplate and CapacityBuffer ${version}`, async () => {
      const objects = await renderedIn(binaries.kubectl, 'components/capacity-buffers', 'pilotlight', folder);
      expectEqual('refused', await applyAll(admin, objects), []);
      const held = openPlaceholders(
        openWriter(access),
        config({ buffer: `autoscaling.x-k8s.io/${version}` }),
        { now: () => Date.now() },
      );
      await until('the right to hold', async () =>
        (await held.settle([])).failures.length === 0 ? true : undefined,
      );
      const made = await held.settle([HOLD]);
      expectEqual('made', [made.applied.length, made.failures], [2, []]);
      const { applied, deleted, failures } = await held.settle([HOLD]);
      expectEqual('settled', [applied, deleted, failures], [[], [], []]);
      expectEqual('gone', (await held.settle([])).deleted.length, 2);
    });
  }
}
