import type { KubeObject } from './api.js';
import { until } from './api.js';
import { applyAll, rendered, renderedIn } from './install.js';
import { deployment, putNode, scaledObject } from './objects.js';
import { Product } from './product.js';
import { expectEqual, expectMatch } from './report.js';
import { SERVICE_ACCOUNT, type Surroundings } from './setup.js';

const BINDINGS = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
const TEAMS = ['team-a', 'team-b'];

/** Rights that reach less far than the whole cluster, down to none. */
export async function access(around: Surroundings): Promise<void> {
  const { report, admin, plane, binaries, folder, load } = around;
  report.part('access');
  await putNode(admin, { name: 'teams-1', pool: 'teams', gpus: {} });
  for (const namespace of [...TEAMS, 'gpu']) {
    await admin.put(deployment({ namespace, name: 'llm', pool: 'teams', resource: 'cpu', replicas: 2 }));
    await admin.put(scaledObject({ namespace, name: 'llm' }));
  }
  load.waiting.set('team-a/llm', 20);
  await until('two pods to report', () => around.kubelet.ready('team-a', 'llm').length === 2 || undefined);
  const all = rendered(binaries.kubectl, 'components/cluster');
  await withdraw(around, all);
  await report.check('no rights at all: it serves, and says which rule is missing', async () => {
    const product = await serve(around, 'no-rights', {}, ['team-a/llm']);
    try {
      const { why } = await unknown(product, 'team-a/llm');
      expectMatch(
        'why',
        why,
        /lacks the rule \{apiGroups: \["keda\.sh"\], resources: \["scaledobjects"\], verbs: \["list", "watch"\]\} \(403: /,
      );
      expectEqual('KEDA is told', await product.asked('team-a/llm'), 2);
      expectEqual('counted by', (await product.shown('team-a/llm')).decision?.replicas.source, 'pods');
      const before = performance.now();
      await applyAll(admin, all);
      await product.current();
      const seconds = (performance.now() - before) / 1000;
      report.figure('secondsFromGrantToCurrent', seconds);
      return `current ${seconds.toFixed(1)} s after the rights were given`;
    } finally {
      await product.stop();
    }
  });
  await withdraw(around, all);
  await report.check(
    '--namespaces with Roles alone: theirs are known, others are not, nodes are not asked of them',
    async () => {
      for (const team of TEAMS) {
        const refused = await applyAll(
          admin,
          await renderedIn(binaries.kubectl, 'components/cluster-namespaced', team, folder),
        );
        expectEqual('refused', refused, []);
      }
      const product = await serve(around, 'namespaces', { namespaces: TEAMS }, ['team-a/llm', 'gpu/llm']);
      try {
        await product.current();
        await until('two to be counted', async () => {
          const { facts } = (await product.shown('team-a/llm')).cluster ?? {};
          return facts?.replicas.current === 2 || undefined;
        });
        expectMatch(
          'elsewhere',
          (await unknown(product, 'gpu/llm')).why,
          /namespace gpu is not one of those that are watched/,
        );
        const page = await product.metrics();
        expectMatch('metrics', page, /watch_current\{resource="nodes",watched_namespace=""\} 0/);
        expectMatch('metrics', page, /watch_current\{resource="pods",watched_namespace="team-b"\} 1/);
        expectMatch(
          'the log',
          product.said(),
          /ClusterRole bound to our service account lacks the rule .*\\"nodes\\"/,
        );
        await applyAll(admin, rendered(binaries.kubectl, 'components/cluster-nodes'));
        await until(
          'the nodes to be known',
          async () =>
            /watch_current\{resource="nodes",watched_namespace=""\} 1/.test(await product.metrics()) ||
            undefined,
          60,
        );
        return 'and nodes once components/cluster-nodes is there';
      } finally {
        await product.stop();
      }
    },
  );
  await applyAll(admin, all);
  await report.check('a wrong token: it serves as without a cluster, and says why', async () => {
    const wrong = await plane.kubeconfig('wrong', 'a-token-that-nobody-gave-out');
    const product = await Product.start(
      folder,
      'wrong-token',
      { kubeconfig: wrong, prometheus: around.load.api.url },
      ['team-a/llm'],
    );
    try {
      const { why } = await unknown(product, 'team-a/llm');
      expectMatch('why', why, /does not accept our credentials \(401\)/);
      expectMatch('metrics', await product.metrics(), /^pilotlight_cluster_current 0$/m);
      return why;
    } finally {
      await product.stop();
    }
  });
  await report.check('it reads, tells, and tries nothing else', async () => {
    const asked = await plane.audit(SERVICE_ACCOUNT);
    const kinds = asked.map(({ verb, requestURI }) =>
      ['list', 'watch'].includes(verb) ? verb : `${verb} ${/[a-z]+(?=\?)/.exec(requestURI)?.[0] ?? ''}`,
    );
    const tried = [...new Set(kinds)].filter((each) => !['list', 'watch', 'create events'].includes(each));
    expectEqual('tried besides', tried, []);
  });
}

function serve(
  { folder, kubeconfig, load }: Surroundings,
  name: string,
  config: object,
  workloads: readonly string[],
): Promise<Product> {
  return Product.start(folder, name, { kubeconfig, prometheus: load.api.url, ...config }, workloads);
}

async function unknown(product: Product, workload: string): Promise<{ readonly why: string }> {
  return until(`${workload} to be unknown`, async () => {
    const { cluster } = await product.shown(workload);
    return cluster?.facts === null && cluster.why !== null ? { why: cluster.why } : undefined;
  });
}

async function withdraw({ admin }: Surroundings, objects: readonly KubeObject[]): Promise<void> {
  for (const { kind, metadata } of objects) {
    if (kind === 'ClusterRoleBinding') await admin.ask('DELETE', `${BINDINGS}/${metadata.name}`);
  }
}
