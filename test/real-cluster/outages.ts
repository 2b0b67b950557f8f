import { SECOND } from '../../src/core/time.js';
import { until } from './api.js';
import { deployment, namespace, scaledObject } from './objects.js';
import { openHere } from './open-here.js';
import { Product } from './product.js';
import { expectEqual, expectMatch } from './report.js';
import { SERVICE_ACCOUNT, type Surroundings } from './setup.js';

const WORKLOAD = 'outages/llm';

/** The API server goes and comes back, and etcd forgets. */
export async function outages(around: Surroundings): Promise<void> {
  const { report, admin } = around;
  report.part('outages');
  await admin.put(namespace('outages'));
  await admin.put({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'plain-1', labels: { pool: 'plain' } },
  });
  await admin.put(
    deployment({ namespace: 'outages', name: 'llm', pool: 'nowhere', resource: 'cpu', replicas: 3 }),
  );
  await admin.put(scaledObject({ namespace: 'outages', name: 'llm' }));
  await until('three pods to be there', async () =>
    (await admin.items('/api/v1/namespaces/outages/pods')).length === 3 ? true : undefined,
  );
  await startedWithout(around);
  await killedAndBack(around);
  await changedMeanwhile(around);
  await bookmarks(around);
  await expiredPages(around);
  await frozen(around);
}

function serve({ folder, kubeconfig, load }: Surroundings, name: string): Promise<Product> {
  return Product.start(folder, name, { kubeconfig, prometheus: load.api.url }, [WORKLOAD]);
}

async function startedWithout(around: Surroundings): Promise<void> {
  const { report, plane } = around;
  await report.check(
    'the API server is away at the start: it serves, and finds it when it comes',
    async () => {
      await plane.killApi();
      const product = await serve(around, 'away');
      try {
        const { cluster } = await until('a decision', async () => product.shown(WORKLOAD));
        expectMatch('why', cluster?.why ?? '', /cannot reach the API server at https:/);
        const up = await plane.startApi();
        const came = performance.now();
        await product.current();
        const seconds = (performance.now() - came) / 1000;
        report.figure('secondsFromApiToCurrentAtStart', seconds);
        return `ready after ${product.readyAfter.toFixed(1)} s without it; current ${seconds.toFixed(1)} s after it was ready (it took ${up.toFixed(1)} s)`;
      } finally {
        await product.stop();
      }
    },
  );
}

async function killedAndBack(around: Surroundings): Promise<void> {
  const { report, plane } = around;
  const product = await serve(around, 'killed');
  try {
    await product.current();
    await report.check(
      'killed while it runs: what is known stands for 30 s, with its age, and no longer',
      async () => {
        await plane.killApi();
        const gone = Date.now();
        const { cluster } = await product.shown(WORKLOAD);
        expectEqual('counted', cluster?.facts?.replicas.current, 3);
        const aged = await until('the age to show', async () => {
          const { facts } = (await product.shown(WORKLOAD)).cluster ?? {};
          return facts !== undefined && facts !== null && Date.now() - facts.asOf > 10_000
            ? facts
            : undefined;
        });
        if (Math.abs(aged.asOf - gone) > 2000) throw new Error(`as of ${aged.asOf - gone} ms after the end`);
        const why = await until(
          'it to be given up',
          async () => (await product.shown(WORKLOAD)).cluster?.why ?? undefined,
          40,
        );
        const seconds = (Date.now() - gone) / 1000;
        expectMatch('why', why, /no cluster access to .* for 3\d s: /);
        expectMatch('metrics', await product.metrics(), /^pilotlight_cluster_current 0$/m);
        return `given up after ${seconds.toFixed(0)} s: ${why}`;
      },
    );
    await report.check(
      'back again, and compacted meanwhile: versions are too old (410), and all is listed anew',
      async () => {
        await plane.compact();
        await plane.startApi();
        const came = performance.now();
        await product.current();
        const seconds = (performance.now() - came) / 1000;
        report.figure('secondsFromApiToCurrentAfterRestart', seconds);
        const said = [...product.said().matchAll(/\(410\): ([^"]*)/g)].map(([, words]) => words);
        if (said.length === 0) throw new Error('no 410 was met');
        return `current ${seconds.toFixed(1)} s after it was ready; ${said.length} × 410, such as ${said[0] ?? ''}`;
      },
    );
  } finally {
    await product.stop();
  }
}

/** Deletions that nobody saw. */
async function changedMeanwhile(around: Surroundings): Promise<void> {
  const { report, plane, admin } = around;
  const product = await serve(around, 'meanwhile');
  try {
    await product.current();
    await report.check('what is deleted while nothing is heard is gone afterwards', async () => {
      product.signal('SIGSTOP');
      await admin.put(scaledObject({ namespace: 'outages', name: 'llm' }, { maxReplicaCount: 7 }));
      await admin.patch('merge', '/apis/apps/v1/namespaces/outages/deployments/llm', {
        spec: { replicas: 1 },
      });
      await until(
        'two pods to go',
        async () => (await admin.items('/api/v1/namespaces/outages/pods')).length === 1 || undefined,
        120,
      );
      await plane.killApi();
      await plane.compact();
      await plane.startApi();
      product.signal('SIGCONT');
      await product.current();
      const facts = await until('the one that is left', async () => {
        const { facts } = (await product.shown(WORKLOAD)).cluster ?? {};
        return facts?.replicas.pending === 1 ? facts : undefined;
      });
      expectEqual('counted', [facts.replicas.current, facts.replicas.pending, facts.maxReplicas], [1, 1, 7]);
    });
  } finally {
    await product.stop();
  }
}

async function bookmarks(around: Surroundings): Promise<void> {
  const { report, plane, admin } = around;
  await report.check('bookmarks bring a watch on where nothing happens for it', async () => {
    const { cluster } = await openHere(around, { watchFor: 6 * SECOND });
    try {
      // A pod that has ended is of no interest to us, whatever is done to it.
      const pods = '/api/v1/namespaces/outages/pods';
      const spec = { containers: [{ name: 'c', image: 'i' }], nodeName: 'plain-1' };
      await admin.must('POST', pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'ended' }, spec });
      await admin.patch('strategic', `${pods}/ended/status`, { status: { phase: 'Succeeded' } });
      const { metadata } = await admin.patch('merge', `${pods}/ended`, {
        metadata: { annotations: { any: 'thing' } },
      });
      const { resourceVersion } = metadata as { resourceVersion: string };
      const from = await until(
        'a watch that starts beyond it',
        async () => {
          const watches = (await plane.audit(SERVICE_ACCOUNT)).filter(
            ({ verb, requestURI }) => verb === 'watch' && requestURI.startsWith('/api/v1/pods'),
          );
          const versions = watches.map(({ requestURI }) =>
            Number(/resourceVersion=(\d+)/.exec(requestURI)?.[1]),
          );
          return versions.find((each) => each >= Number(resourceVersion));
        },
        30,
      );
      expectEqual('state', cluster.health().kind, 'current');
      return `an unseen change made version ${resourceVersion}, and a later watch began at ${from}`;
    } finally {
      await cluster.close();
      await admin.ask('DELETE', '/api/v1/namespaces/outages/pods/ended', { gracePeriodSeconds: 0 });
    }
  });
}

async function expiredPages(around: Surroundings): Promise<void> {
  const { report, plane, admin } = around;
  const many = 150;
  await report.check('a list that expires between two pages is taken whole', async () => {
    for (let count = 0; count < many; count += 1) {
      await admin.put(scaledObject({ namespace: 'outages', name: `many-${count}` }));
    }
    const opening = openHere(around, { page: 1, firstPause: 50 });
    const compacting = setInterval(() => void plane.compact().catch(() => undefined), 20);
    const writing = setInterval(
      () =>
        void admin
          .put(
            scaledObject(
              { namespace: 'outages', name: 'many-0' },
              { cooldownPeriod: Math.floor(Math.random() * 1000) },
            ),
          )
          .catch(() => undefined),
      30,
    );
    const { cluster, said } = await opening;
    try {
      await until('all to be listed', () => cluster.health().kind === 'current' || undefined);
      const listed = cluster.health().watches.find(({ resource }) => resource === 'scaledobjects.keda.sh');
      expectEqual('all are there', (listed?.objects ?? 0) >= many, true);
      const expired = said.filter((each) => each.includes('(410)'));
      if (expired.length === 0) throw new Error(`no page expired: ${said.join('; ')}`);
      return `${expired.length} × ${expired[0] ?? ''}`;
    } finally {
      clearInterval(compacting);
      clearInterval(writing);
      await cluster.close();
      for (let count = 0; count < many; count += 1) {
        await admin.ask('DELETE', `/apis/keda.sh/v1alpha1/namespaces/outages/scaledobjects/many-${count}`);
      }
    }
  });
}

async function frozen(around: Surroundings): Promise<void> {
  const { report, plane } = around;
  await report.check(
    'an API server that says nothing is noticed by its silence, and found again',
    async () => {
      const { cluster, said } = await openHere(around, {
        watchSilence: 3 * SECOND,
        grace: SECOND,
        patience: { silence: 2 * SECOND, credentials: SECOND },
      });
      try {
        plane.signalApi('SIGSTOP');
        const why = await until('the silence to be noticed', () => cluster.health().why ?? undefined);
        plane.signalApi('SIGCONT');
        await until('it to be current', () => cluster.health().kind === 'current' || undefined, 60);
        void said;
        return why;
      } finally {
        plane.signalApi('SIGCONT');
        await cluster.close();
      }
    },
  );
}
