import { leaf, StandInApi } from '../cluster/stand-in-api.js';
import { messageOf, until, type Answer, type KubeObject } from './api.js';
import { ownersOf } from './owners.js';
import { namespace, scaledObject } from './objects.js';
import { expectEqual } from './report.js';
import type { Surroundings } from './setup.js';

/** One of the two, as a client sees it. */
interface Side {
  ask(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>;
  owners(path: string, ...field: string[]): Promise<string[]>;
}

const NAMESPACE = 'parity';
const OBJECTS = `/apis/keda.sh/v1alpha1/namespaces/${NAMESPACE}/scaledobjects`;
const EVENTS = `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`;
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

type Scenario = (side: Side) => Promise<unknown>;

const made = (name: string, spec: object = {}) => scaledObject({ namespace: NAMESPACE, name }, spec);
const bare = (name: string, metadata: object = {}, spec?: object) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name, namespace: NAMESPACE, ...metadata },
  ...(spec === undefined ? {} : { spec }),
});
const create = (side: Side, name: string, spec: object = {}) =>
  side.ask('POST', `${OBJECTS}?fieldManager=somebody`, made(name, spec));
const apply = (side: Side, object: KubeObject | ReturnType<typeof bare>, more = '') =>
  side.ask('PATCH', `${OBJECTS}/${object.metadata.name}?fieldManager=ours${more}`, object, APPLY);
const versionOf = ({ body }: Answer) =>
  String((body['metadata'] as Record<string, unknown>)['resourceVersion']);
const minimumOf = ({ body }: Answer) =>
  (body['spec'] as Record<string, unknown> | undefined)?.['minReplicaCount'] ?? null;

const event = (name: string, more: object = {}) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name, namespace: NAMESPACE },
  eventTime: '2026-11-22T10:00:00.000000Z',
  reportingController: 'pilotlight',
  reportingInstance: 'pod',
  action: 'Scale',
  reason: 'Any',
  type: 'Normal',
  note: 'note',
  regarding: { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', namespace: NAMESPACE, name: 'any' },
  ...more,
});
const told = async (side: Side, name: string, more: object = {}) =>
  (await side.ask('POST', `${EVENTS}?fieldManager=ours`, event(name, more))).code;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'an apply without force meets a conflict': async (side) => {
    await create(side, 'conflict', { minReplicaCount: 1 });
    const { code, body } = await apply(side, bare('conflict', {}, { minReplicaCount: 4 }));
    return [
      code,
      /^Apply failed with 1 conflict: conflict with "somebody".*: \.spec\.minReplicaCount/.test(
        messageOf(body),
      ),
    ];
  },
  'by force the field is ours alone': async (side) => {
    await create(side, 'forced', { minReplicaCount: 1 });
    const answer = await apply(side, bare('forced', {}, { minReplicaCount: 4 }), '&force=true');
    return [
      answer.code,
      minimumOf(answer),
      await side.owners(`${OBJECTS}/forced`, 'spec', 'minReplicaCount'),
    ];
  },
  'the same value is shared': async (side) => {
    await create(side, 'shared', { minReplicaCount: 1 });
    const { code } = await apply(side, bare('shared', {}, { minReplicaCount: 1 }));
    return [code, await side.owners(`${OBJECTS}/shared`, 'spec', 'minReplicaCount')];
  },
  'what is shared stays when we leave it out': async (side) => {
    await create(side, 'left', { minReplicaCount: 1 });
    await apply(side, bare('left', {}, { minReplicaCount: 1 }));
    const answer = await apply(side, bare('left'));
    return [answer.code, minimumOf(answer), await side.owners(`${OBJECTS}/left`, 'spec', 'minReplicaCount')];
  },
  'what is ours alone goes when we leave it out': async (side) => {
    await create(side, 'gone', {});
    await apply(side, bare('gone', { labels: { mine: 'yes' } }, { minReplicaCount: 4 }), '&force=true');
    const answer = await apply(side, bare('gone'));
    return [
      answer.code,
      minimumOf(answer),
      (answer.body['metadata'] as Record<string, unknown>)['labels'] ?? null,
    ];
  },
  'an apply of what was read before another wrote': async (side) => {
    const before = versionOf(await create(side, 'stale'));
    await side.ask(
      'PATCH',
      `${OBJECTS}/stale?fieldManager=somebody`,
      { spec: { minReplicaCount: 2 } },
      MERGE,
    );
    return (
      await apply(side, bare('stale', { resourceVersion: before }, { minReplicaCount: 4 }), '&force=true')
    ).code;
  },
  'an apply of what was read, and nobody wrote': async (side) => {
    const before = versionOf(await create(side, 'fresh'));
    return (
      await apply(side, bare('fresh', { resourceVersion: before }, { minReplicaCount: 4 }), '&force=true')
    ).code;
  },
  'an apply that changes nothing makes no new version': async (side) => {
    await create(side, 'same');
    const first = await apply(side, bare('same', {}, { minReplicaCount: 4 }), '&force=true');
    const second = await apply(side, bare('same', {}, { minReplicaCount: 4 }), '&force=true');
    return [first.code, second.code, versionOf(first) === versionOf(second)];
  },
  'a merge that changes nothing makes no new version': async (side) => {
    const first = await create(side, 'unmoved', { minReplicaCount: 1 });
    const second = await side.ask(
      'PATCH',
      `${OBJECTS}/unmoved?fieldManager=ours`,
      { spec: { minReplicaCount: 1 } },
      MERGE,
    );
    return [
      second.code,
      versionOf(first) === versionOf(second),
      await side.owners(`${OBJECTS}/unmoved`, 'spec', 'minReplicaCount'),
    ];
  },
  'an apply with a version to what is not there': async (side) =>
    (await apply(side, bare('absent', { resourceVersion: '5' }, { minReplicaCount: 4 }), '&force=true')).code,
  'an apply with a version to what is not there, and whole': async (side) =>
    (
      await apply(side, {
        ...made('whole'),
        metadata: { name: 'whole', namespace: NAMESPACE, resourceVersion: '5' },
      })
    ).code,
  'an apply that makes an object without what it must have': async (side) =>
    (await apply(side, bare('incomplete', {}, { minReplicaCount: 4 }), '&force=true')).code,
  'an apply under another name than the path has': async (side) => {
    await create(side, 'named');
    return (await side.ask('PATCH', `${OBJECTS}/named?fieldManager=ours`, bare('other'), APPLY)).code;
  },
  'an apply with managedFields': async (side) => {
    await create(side, 'managed');
    return (
      await apply(
        side,
        bare('managed', { managedFields: [{ manager: 'x', operation: 'Apply' }] }, { minReplicaCount: 4 }),
        '&force=true',
      )
    ).code;
  },
  'an apply without a field manager': async (side) => {
    await create(side, 'nobody');
    return (await side.ask('PATCH', `${OBJECTS}/nobody`, bare('nobody'), APPLY)).code;
  },
  'a merge without a field manager': async (side) => {
    await create(side, 'unsaid');
    return (await side.ask('PATCH', `${OBJECTS}/unsaid`, { spec: { minReplicaCount: 2 } }, MERGE)).code;
  },
  'a merge takes the field from who had it': async (side) => {
    await create(side, 'merged', { minReplicaCount: 1 });
    await side.ask('PATCH', `${OBJECTS}/merged?fieldManager=editor`, { spec: { minReplicaCount: 2 } }, MERGE);
    return side.owners(`${OBJECTS}/merged`, 'spec', 'minReplicaCount');
  },
  'a merge with null deletes': async (side) => {
    await create(side, 'nulled', { minReplicaCount: 1 });
    const answer = await side.ask(
      'PATCH',
      `${OBJECTS}/nulled?fieldManager=editor`,
      { spec: { minReplicaCount: null } },
      MERGE,
    );
    return [
      answer.code,
      minimumOf(answer),
      await side.owners(`${OBJECTS}/nulled`, 'spec', 'minReplicaCount'),
    ];
  },
  'who takes itself out of the managed fields leaves the value to whoever comes': async (side) => {
    await create(side, 'left-over', { minReplicaCount: 1 });
    const { body } = await apply(side, bare('left-over', {}, { minReplicaCount: 4 }), '&force=true');
    const { resourceVersion, managedFields } = body['metadata'] as Record<string, unknown>;
    const others = (managedFields as { manager: string }[]).filter(({ manager }) => manager !== 'ours');
    const metadata = { resourceVersion, managedFields: others };
    const answer = await side.ask('PATCH', `${OBJECTS}/left-over?fieldManager=ours`, { metadata }, MERGE);
    const owners = await side.owners(`${OBJECTS}/left-over`, 'spec', 'minReplicaCount');
    const stale = await side.ask('PATCH', `${OBJECTS}/left-over?fieldManager=ours`, { metadata }, MERGE);
    const next = await side.ask(
      'PATCH',
      `${OBJECTS}/left-over?fieldManager=other`,
      bare('left-over', {}, { minReplicaCount: 2 }),
      APPLY,
    );
    return [answer.code, minimumOf(answer), owners, stale.code, next.code];
  },
  'a merge into what is not there': async (side) =>
    (await side.ask('PATCH', `${OBJECTS}/absent?fieldManager=ours`, { spec: {} }, MERGE)).code,
  'two that are created under one name': async (side) => [
    (await create(side, 'twice')).code,
    (await create(side, 'twice')).code,
  ],
  'a name that is none': async (side) => (await create(side, 'Not_A_Name')).code,
  'an object is deleted, and once more': async (side) => {
    await create(side, 'deleted');
    const path = `${OBJECTS}/deleted?propagationPolicy=Background`;
    return [(await side.ask('DELETE', path)).code, (await side.ask('DELETE', path)).code];
  },
  'what is not there is read': async (side) => (await side.ask('GET', `${OBJECTS}/absent`)).code,
  'a kind that nobody knows': async (side) =>
    (await side.ask('GET', `/apis/unknown.dev/v1/namespaces/${NAMESPACE}/things`)).code,
  'a list by label': async (side) => {
    await side.ask('POST', `${OBJECTS}?fieldManager=ours`, {
      ...made('labelled'),
      metadata: { name: 'labelled', namespace: NAMESPACE, labels: { 'pilotlight.dev/any': 'x' } },
    });
    const { code, body } = await side.ask('GET', `${OBJECTS}?labelSelector=pilotlight.dev%2Fany`);
    return [code, (body['items'] as KubeObject[]).map(({ metadata }) => metadata.name)];
  },
  'an event': (side) => told(side, 'plain'),
  'an event twice': async (side) => [await told(side, 'again'), await told(side, 'again')],
  'an event about another namespace': (side) =>
    told(side, 'elsewhere', { regarding: { kind: 'ScaledObject', namespace: 'other', name: 'any' } }),
  'an event whose note has 1024 bytes': (side) => told(side, 'full', { note: 'n'.repeat(1024) }),
  'an event whose note has one more': (side) => told(side, 'over', { note: 'n'.repeat(1025) }),
  'an event whose note has 1024 letters of three bytes': (side) =>
    told(side, 'wide', { note: '€'.repeat(1024) }),
  'an event without a time': (side) => told(side, 'timeless', { eventTime: null }),
  'an event with a time to the second': (side) => told(side, 'second', { eventTime: '2026-11-22T10:00:00Z' }),
  'an event without an action': (side) => told(side, 'inactive', { action: '' }),
  'an event from an instance of 129 letters': (side) =>
    told(side, 'long', { reportingInstance: 'x'.repeat(129) }),
  'an event of another type': (side) => told(side, 'typed', { type: 'Alarm' }),
  'an event under a name of 253': (side) => told(side, 'n'.repeat(253)),
  'an event under a name of 254': (side) => told(side, 'n'.repeat(254)),
  'an event under a name with a dash before a dot': (side) => told(side, 'cut-.18ea'),
  'a Deployment by apply, and again': async (side) => {
    const body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'held', namespace: NAMESPACE },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'held' } },
        template: {
          metadata: { labels: { app: 'held' } },
          spec: {
            containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1000m' }, limits: {} } }],
          },
        },
      },
    };
    const path = `${DEPLOYMENTS}/held?fieldManager=ours&force=true`;
    const answers = [await side.ask('PATCH', path, body, APPLY), await side.ask('PATCH', path, body, APPLY)];
    return answers.map(({ code }) => code);
  },
};

/** The stand-in of the tests is held against the real one, request by request. */
export async function parity({ report, admin }: Surroundings): Promise<void> {
  report.part('the stand-in of test/cluster answers as the real one');
  await admin.put(namespace(NAMESPACE));
  await until('the namespace', () => admin.get(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`));
  const api = await StandInApi.start();
  const real: Side = {
    ask: (...request) => admin.ask(...request),
    owners: async (path, ...field) => ownersOf(await admin.get(path), ...field),
  };
  const standIn: Side = {
    async ask(method, path, body, contentType = 'application/json') {
      const init =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } };
      const answer = await fetch(`${api.url}${path}`, { method, ...init });
      return { code: answer.status, body: (await answer.json()) as Answer['body'] };
    },
    owners: async (path, ...field) => api.owners(path, leaf(...field)).toSorted(),
  };
  try {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await report.check(name, async () => {
        const expected = await scenario(real);
        expectEqual('the stand-in', await scenario(standIn), expected);
        return JSON.stringify(expected);
      });
    }
  } finally {
    await api.stop();
  }
}
