import { execFileSync } from 'node:child_process';
import { openEvents } from '../../src/cluster/events.js';
import { kubeconfigAccess } from '../../src/cluster/client/kubeconfig.js';
import type { Access } from '../../src/cluster/client/connection.js';
import { DELETION_COST } from '../../src/cluster/deletion-cost.js';
import { writeDeletionCosts } from '../../src/cluster/deletion-cost-writer.js';
import type { LiftWish } from '../../src/cluster/scaled-object-lift.js';
import { openScaledObjectMinimums } from '../../src/cluster/scaled-object.js';
import { openWriter, type Writer } from '../../src/cluster/write.js';
import { messageOf, until } from './api.js';
import { applyAll, rendered } from './install.js';
import { ownersOf } from './owners.js';
import { deployment, namespace, putNode, scaledObject } from './objects.js';
import { expectEqual, expectMatch, Skip } from './report.js';
import { SERVICE_ACCOUNT, type Surroundings } from './setup.js';

export const NAMESPACE = 'writing';
const PATH = `/apis/keda.sh/v1alpha1/namespaces/${NAMESPACE}/scaledobjects`;
const CLOCK = { now: () => Date.now() };
const HOUR = 3_600_000;

interface Writing extends Surroundings {
  readonly writer: Writer;
}

/** What is changed in the cluster, with the rights of deploy/components and no others. */
export async function writing(around: Surroundings): Promise<void> {
  const { report, admin, kubeconfig } = around;
  report.part('writing');
  await admin.put(namespace(NAMESPACE));
  await until('its service account', () =>
    admin.get(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`),
  );
  const access: Access = await kubeconfigAccess(kubeconfig);
  const writing = { ...around, writer: openWriter(access) };
  try {
    await rights(writing);
    await events(writing);
    await minimums(writing);
    await costs(writing);
  } finally {
    access.close();
  }
}

async function rights({ report, admin, writer, binaries }: Writing): Promise<void> {
  await report.check('without the rights each call is refused, and names the rule it lacks', async () => {
    const where = { group: 'keda.sh', version: 'v1alpha1', resource: 'scaledobjects', namespace: NAMESPACE };
    const said = await writer.read({ ...where, name: 'any' }).then(
      () => 'it was allowed',
      (error: unknown) => String(error),
    );
    expectMatch(
      'said',
      said,
      /a Role in namespace writing bound to our service account lacks the rule \{apiGroups: \["keda\.sh"\], resources: \["scaledobjects"\], verbs: \["get"\]\} \(403/,
    );
  });
  for (const component of ['events', 'exact-minimum', 'deletion-cost']) {
    await report.check(`the API server takes components/${component}`, async () => {
      expectEqual(
        'refused',
        await applyAll(admin, rendered(binaries.kubectl, `components/${component}`)),
        [],
      );
    });
  }
  // The authorizer learns of a binding a moment after it was made.
  await until('the rights to hold', async () => {
    const found = await writer
      .list({ group: 'keda.sh', version: 'v1alpha1', resource: 'scaledobjects', namespace: null }, 'any')
      .catch(() => undefined);
    return found;
  });
}

async function events({ report, admin, writer, binaries, plane }: Writing): Promise<void> {
  await admin.put(scaledObject({ namespace: NAMESPACE, name: 'told' }));
  const { metadata } = await admin.get(`${PATH}/told`);
  const uid = String(metadata['uid']);
  const told = openEvents(writer, CLOCK, 'x'.repeat(200));
  const event = { namespace: NAMESPACE, name: 'told', uid, type: 'Warning', reason: 'GpuShortage' } as const;
  const admins = await plane.kubeconfig('admin', 'token-of-the-admin');
  const described = () =>
    execFileSync(
      binaries.kubectl,
      ['--kubeconfig', admins, '-n', NAMESPACE, 'describe', 'scaledobject', 'told'],
      { encoding: 'utf8' },
    );
  await report.check('an event is taken, and `kubectl describe` shows it', async () => {
    expectEqual('answer', await told.tell({ ...event, note: 'wanted 9, 6 fit' }), 'told');
    expectMatch('kubectl describe', described(), /Warning {2}GpuShortage .*pilotlight.*wanted 9, 6 fit/);
  });
  await report.check('an event without a uid is taken, and `kubectl describe` leaves it out', async () => {
    expectEqual(
      'answer',
      await told.tell({ ...event, uid: null, reason: 'WithoutUid', note: 'by name' }),
      'told',
    );
    expectEqual('kubectl describe shows it', described().includes('WithoutUid'), false);
  });
  for (const [what, name, note] of [
    ['a note of 2000 letters', 'told', 'n'.repeat(2000)],
    ['a note of 2000 letters beyond ASCII', 'told', 'ü€'.repeat(1000)],
    ['the longest name there is', `${'a-'.repeat(126)}a`, 'note'],
  ] as const) {
    await report.check(`an event with ${what} is taken`, async () => {
      expectEqual('answer', await told.tell({ ...event, name, reason: `Long${what.length}`, note }), 'told');
    });
  }
}

async function minimums(writing: Writing): Promise<void> {
  const { report, admin, writer } = writing;
  const lifts = openScaledObjectMinimums(writer, CLOCK);
  const lift = (replicas: number): LiftWish => ({ kind: 'lift', replicas, until: Date.now() + HOUR });
  const settle = (name: string, wish: LiftWish) => lifts.settle(NAMESPACE, name, wish);
  const minimum = async (name: string) =>
    ((await admin.get(`${PATH}/${name}`))['spec'] as { minReplicaCount?: number }).minReplicaCount;
  const owners = async (name: string) =>
    ownersOf(await admin.get(`${PATH}/${name}`), 'spec', 'minReplicaCount');
  await report.check('a minimum is lifted and put back, and the marks go', async () => {
    await admin.put(scaledObject({ namespace: NAMESPACE, name: 'lifted' }, { minReplicaCount: 1 }));
    expectEqual('change', (await settle('lifted', lift(4))).kind, 'done');
    expectEqual('lifted', [await minimum('lifted'), await owners('lifted')], [4, ['pilotlight']]);
    expectEqual('change', (await settle('lifted', { kind: 'none' })).kind, 'done');
    const { metadata } = await admin.get(`${PATH}/lifted`);
    expectEqual(
      'put back',
      [await minimum('lifted'), metadata['labels'], metadata['annotations']],
      [1, undefined, undefined],
    );
    expectEqual('owners', await owners('lifted'), []);
  });
  await report.check('what was not set is not set again', async () => {
    const { spec, ...bare } = scaledObject({ namespace: NAMESPACE, name: 'unset' }) as {
      spec: Record<string, unknown>;
    } & ReturnType<typeof scaledObject>;
    const { minReplicaCount: _, ...rest } = spec;
    await admin.put({ ...bare, spec: rest });
    await settle('unset', lift(3));
    expectEqual('lifted', await minimum('unset'), 3);
    await settle('unset', { kind: 'none' });
    expectEqual('put back', [await minimum('unset'), await owners('unset')], [undefined, []]);
  });
  await report.check('who edits it meanwhile wins, and keeps the field', async () => {
    await admin.put(scaledObject({ namespace: NAMESPACE, name: 'edited' }, { minReplicaCount: 1 }));
    await settle('edited', lift(4));
    await admin.patch(
      'merge',
      `${PATH}/edited`,
      { spec: { minReplicaCount: 2 } },
      '?fieldManager=kubectl-edit',
    );
    const result = await settle('edited', { kind: 'none' });
    expectEqual('change', result.kind === 'done' ? result.change.kind : result.why, 'forget');
    const { metadata } = await admin.get(`${PATH}/edited`);
    expectEqual(
      'left',
      [await minimum('edited'), await owners('edited'), Object.keys(metadata['annotations'] as object)],
      [2, ['kubectl-edit'], ['pilotlight.dev/min-replicas-left-until']],
    );
  });
  await report.check(
    'who applies the manifest server-side meets a conflict while it is lifted, and afterwards none',
    async () => {
      const manifest = scaledObject({ namespace: NAMESPACE, name: 'gitops' }, { minReplicaCount: 1 });
      const apply = async (minReplicaCount: number) =>
        admin.ask(
          'PATCH',
          `${PATH}/gitops?fieldManager=gitops`,
          { ...manifest, spec: { ...(manifest['spec'] as object), minReplicaCount } },
          'application/apply-patch+yaml',
        );
      expectEqual('made', (await apply(1)).code, 201);
      await settle('gitops', lift(4));
      const during = await apply(1);
      expectMatch(
        'during',
        `${during.code} ${messageOf(during.body)}`,
        /^409 Apply failed with 1 conflict: conflict with "pilotlight".*: \.spec\.minReplicaCount/,
      );
      await settle('gitops', { kind: 'none' });
      const same = await apply(1);
      expectEqual('the same again', [same.code, await owners('gitops')], [200, ['gitops']]);
      const other = await apply(2);
      expectEqual('another minimum', `${other.code} ${messageOf(other.body)}`, '200 ');
    },
  );
  await report.check('an object that changes between read and apply is not overwritten', async () => {
    await admin.put(scaledObject({ namespace: NAMESPACE, name: 'raced' }, { minReplicaCount: 1 }));
    const racing: Writer = {
      ...writer,
      async read(path) {
        const object = await writer.read(path);
        await admin.patch('merge', `${PATH}/raced`, { spec: { minReplicaCount: 2 } });
        return object;
      },
    };
    const result = await openScaledObjectMinimums(racing, CLOCK).settle(NAMESPACE, 'raced', lift(4));
    expectMatch('result', result.kind === 'failed' ? result.why : 'done', /409/);
    expectEqual('left', await minimum('raced'), 2);
    return result.kind === 'failed' ? result.why : '';
  });
  await report.check('an object that is deleted between read and apply is not made again', async () => {
    await admin.put(scaledObject({ namespace: NAMESPACE, name: 'deleted' }, { minReplicaCount: 1 }));
    const racing: Writer = {
      ...writer,
      async read(path) {
        const object = await writer.read(path);
        await admin.must('DELETE', `${PATH}/deleted`);
        return object;
      },
    };
    const result = await openScaledObjectMinimums(racing, CLOCK).settle(NAMESPACE, 'deleted', lift(4));
    expectEqual('there', (await admin.ask('GET', `${PATH}/deleted`)).code, 404);
    return result.kind === 'failed' ? result.why : 'done';
  });
}

async function costs({ report, admin, writer, plane, kubelet }: Writing): Promise<void> {
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
  const written = async () => {
    const ready = await until('five replicas', () => {
      const names = kubelet.ready(NAMESPACE, 'costly');
      return names.length === 5 ? names.toSorted() : undefined;
    });
    return ready.map((name, index) => ({ namespace: NAMESPACE, name, cost: (index + 1) * 100 }));
  };
  await putNode(admin, { name: 'costly-1', pool: 'costly', gpus: {} });
  await admin.put(
    deployment({ namespace: NAMESPACE, name: 'costly', pool: 'costly', resource: 'cpu', replicas: 5 }),
  );
  await report.check('deletion costs are written, and a pod that is gone is passed over', async () => {
    const changes = await written();
    const result = await writeDeletionCosts(writer, [
      ...changes,
      { namespace: NAMESPACE, name: 'gone', cost: 1 },
    ]);
    expectEqual('failures', result.failures, []);
    const [first] = changes;
    const { metadata } = await admin.get(`${pods}/${first?.name ?? ''}`);
    expectEqual('annotation', (metadata['annotations'] as Record<string, string>)[DELETION_COST], '100');
  });
  await report.check('the ReplicaSet deletes the cheapest first', async () => {
    const { body } = await admin.ask('GET', '/version');
    if (Number(String(body['minor']).replace('+', '')) < 22) {
      throw new Skip(
        `Kubernetes ${String(body['gitVersion'])} does not know the annotation: alpha in 1.21, on from 1.22`,
      );
    }
    const changes = await written();
    await admin.patch('merge', `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/costly/scale`, {
      spec: { replicas: 2 },
    });
    const left = await until('two to be left', () => {
      const names = kubelet.ready(NAMESPACE, 'costly');
      return names.length === 2 ? names.toSorted() : undefined;
    });
    expectEqual(
      'left',
      left,
      changes
        .slice(-2)
        .map(({ name }) => name)
        .toSorted(),
    );
  });
  await report.check('nothing was asked for that the components do not give', async () => {
    const asked = (await plane.audit(SERVICE_ACCOUNT)).filter(({ requestURI }) =>
      requestURI.includes(NAMESPACE),
    );
    const verbs = [...new Set(asked.map(({ verb }) => verb))].toSorted();
    return `verbs: ${verbs.join(', ')}`;
  });
}
