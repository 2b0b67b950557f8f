import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { writeDeletionCosts } from '../../src/cluster/deletion-cost-writer.js';
import { openEvents } from '../../src/cluster/events.js';
import { openPlaceholders } from '../../src/cluster/placeholders.js';
import type { Hold } from '../../src/cluster/placeholders-plan.js';
import { openScaledObjectMinimums } from '../../src/cluster/scaled-object.js';
import { openWriter, type Writer } from '../../src/cluster/write.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { NOW, shape } from '../cluster/cluster-objects.js';
import { StandInApi } from '../cluster/stand-in-api.js';
import { ApiServer } from '../support/api-server.js';
import { openOn } from '../support/cluster-under-test.js';
import { eventually } from '../support/processes.js';
import { only, type KubernetesObject } from './manifests.js';
import { rendered } from './render.js';

/** What is asked of the API server and what is granted, both as `verb resource.group`, in the order of the alphabet. */
type Rights = readonly string[];

const role = z.looseObject({
  rules: z.array(
    z.strictObject({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      verbs: z.array(z.string()),
    }),
  ),
});

function granted(...folders: string[]): Rights {
  return folders
    .flatMap((folder) => rendered(folder))
    .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
    .flatMap((each) => role.parse(each).rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((each) => verbs.map((verb) => right(verb, each, group))),
      ),
    )
    .toSorted();
}

function right(verb: string, resource: string, group: string): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}`;
}

const PATH =
  /^\/(?:api|apis\/(?<group>[^/]+))\/[^/]+(?:\/namespaces\/[^/]+)?\/(?<resource>[a-z]+)(?<name>\/[^/]+)?$/;

/** @param there paths of objects that were there before: an apply to another path makes one, which is a right of its own */
function asked(
  requests: readonly { readonly method: string; readonly path: string; readonly contentType?: string }[],
  there: Iterable<string>,
): Rights {
  const paths = new Set(there);
  const rights = requests.flatMap(({ method, path, contentType }) => {
    const { pathname, searchParams } = new URL(path, 'http://api');
    const { group = '', resource = '', name } = PATH.exec(pathname)?.groups ?? {};
    const of = (...verbs: string[]) => verbs.map((verb) => right(verb, resource, group));
    switch (method) {
      case 'GET':
        if (searchParams.has('watch')) return of('watch');
        return of(name === undefined ? 'list' : 'get');
      case 'PATCH': {
        const makes = contentType === 'application/apply-patch+yaml' && !paths.has(pathname);
        paths.add(pathname);
        return makes ? of('patch', 'create') : of('patch');
      }
      case 'POST':
        return of('create');
      case 'DELETE':
        return of('delete');
      default:
        throw new Error(`${method} ${path}`);
    }
  });
  return [...new Set(rights)].toSorted();
}

/** All that is asked of the API server meanwhile, every answer being a good one. */
async function askedBy(
  use: (writer: Writer) => Promise<unknown>,
  before: (api: StandInApi, writer: Writer) => unknown = () => undefined,
): Promise<Rights> {
  const api = await StandInApi.start();
  try {
    const writer = openWriter({ server: api.url, options: () => Promise.resolve({}), close: () => {} });
    await before(api, writer);
    const [there, past] = [api.paths(), api.requests.length];
    await use(writer);
    return asked(api.requests.slice(past), there);
  } finally {
    await api.stop();
  }
}

const clock = { now: () => NOW };
const scaledObject = { namespace: 'team-a', name: 'bert' };
const hold: Hold = {
  workload: 'team-a/bert',
  pool: 'a100',
  shape: shape({ 'nvidia.com/gpu': 1 }),
  replicas: 2,
  until: NOW + 3_600_000,
  why: '',
};
const { placeholders: deployments } = parseCapacityConfig({}, 'test');
const buffers = { ...deployments, buffer: 'autoscaling.x-k8s.io/v1beta1' } as const;

async function holdAndLetGo(writer: Writer, config: typeof deployments): Promise<void> {
  const placeholders = openPlaceholders(writer, config, clock);
  for (const holds of [[hold], []]) expect((await placeholders.settle(holds)).failures).toEqual([]);
}

describe('a component grants what the code asks for, and nothing else', () => {
  test('reading the cluster', async () => {
    const server = await ApiServer.start();
    const { cluster } = await openOn(server);
    try {
      const watched = cluster.health().watches.map(({ resource }) => resource.split('.')[0] ?? '');
      await eventually('all are watched', async () =>
        watched.every((each) => server.watchers(each) > 0) ? true : undefined,
      );
    } finally {
      await cluster.close();
      await server.stop();
    }
    const requests = server.requests.map(({ path, query }) => ({
      method: 'GET',
      path: `${path}?${query.toString()}`,
    }));
    expect(granted('deploy/components/cluster')).toEqual(asked(requests, []));
    expect(granted('deploy/components/cluster-namespaced', 'deploy/components/cluster-nodes')).toEqual(
      granted('deploy/components/cluster'),
    );
  });

  test('events', async () => {
    const event = {
      ...scaledObject,
      uid: null,
      type: 'Warning',
      reason: 'GpuShortage',
      note: 'no GPU',
    } as const;
    const rights = await askedBy(async (writer) =>
      expect(await openEvents(writer, clock, 'pilotlight-0').tell(event)).toBe('told'),
    );
    expect(granted('deploy/components/events')).toEqual(rights);
  });

  test('placeholders', async () => {
    const rights = await askedBy((writer) => holdAndLetGo(writer, deployments));
    expect(granted('deploy/components/placeholders')).toEqual(rights);
  });

  test('capacity buffers, also after Deployments', async () => {
    const rights = await askedBy(
      (writer) => holdAndLetGo(writer, buffers),
      (_, writer) => openPlaceholders(writer, deployments, clock).settle([hold]),
    );
    expect(granted('deploy/components/capacity-buffers')).toEqual(rights);
  });

  test('the exact minimum', async () => {
    const { namespace, name } = scaledObject;
    const rights = await askedBy(
      async (writer) => {
        const minimums = openScaledObjectMinimums(writer, clock);
        for (const wish of [{ kind: 'lift', replicas: 3, until: hold.until }, { kind: 'none' }] as const) {
          expect(await minimums.settle(namespace, name, wish)).toMatchObject({ kind: 'done' });
        }
      },
      (api) =>
        api.put(
          `/apis/keda.sh/v1alpha1/namespaces/${namespace}/scaledobjects/${name}`,
          { metadata: { ...scaledObject }, spec: { scaleTargetRef: { name } } },
          'kubectl',
        ),
    );
    expect(granted('deploy/components/exact-minimum')).toEqual(rights);
  });

  test('deletion costs', async () => {
    const rights = await askedBy(
      async (writer) => {
        const { failures } = await writeDeletionCosts(writer, [{ ...scaledObject, cost: 3 }]);
        expect(failures).toEqual([]);
      },
      (api) => api.put('/api/v1/namespaces/team-a/pods/bert', { metadata: { ...scaledObject } }, 'kubelet'),
    );
    expect(granted('deploy/components/deletion-cost')).toEqual(rights);
  });
});

const binding = z.looseObject({
  roleRef: z.strictObject({
    apiGroup: z.literal('rbac.authorization.k8s.io'),
    kind: z.string(),
    name: z.string(),
  }),
  subjects: z.array(z.strictObject({ kind: z.string(), name: z.string(), namespace: z.string() })),
});

function boundTo(all: readonly KubernetesObject[], roles: string): string[] {
  return all
    .filter(({ kind }) => kind === `${roles}Binding`)
    .map((each) => {
      const { roleRef, subjects } = binding.parse(each);
      expect(subjects).toEqual([{ kind: 'ServiceAccount', name: 'pilotlight', namespace: 'pilotlight' }]);
      expect(roleRef.kind).toBe(roles);
      return roleRef.name;
    })
    .toSorted();
}

describe.each([
  'deploy/overlays/default',
  'deploy/overlays/gpu-cluster',
  'deploy/overlays/namespaced',
  'deploy/components/cluster-namespaced',
  'deploy/components/cluster-nodes',
])('%s', (folder) => {
  test('binds every role that it has to the scaler’s account, and no other', () => {
    const all = rendered(folder);
    const names = (kind: string) =>
      all
        .filter((each) => each.kind === kind)
        .map(({ metadata }) => metadata.name)
        .toSorted();
    for (const roles of ['Role', 'ClusterRole']) expect(boundTo(all, roles)).toEqual(names(roles));
  });
});

test('the plain installation reads and tells events, and changes nothing', () => {
  const all = granted('deploy/overlays/default');
  expect(all).toEqual(granted('deploy/components/cluster', 'deploy/components/events'));
  expect(all.filter((each) => !/^(?:list|watch) /.test(each))).toEqual(['create events.events.k8s.io']);
});

test('the installation for some namespaces alone reads those that its settings name, and nodes', () => {
  const all = rendered('deploy/overlays/namespaced');
  const data = z.object({ 'config.yaml': z.string() }).parse(only(all, 'ConfigMap')['data']);
  const settings = z.looseObject({ namespaces: z.array(z.string()), noEvents: z.literal(true) });
  const { namespaces } = settings.parse(parse(data['config.yaml']));
  const roles = all.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata.namespace);
  expect(roles).toEqual(namespaces);
  const bindings = all.filter(({ kind }) => kind === 'RoleBinding').map(({ metadata }) => metadata.namespace);
  expect(bindings).toEqual(namespaces);
  const { rules } = role.parse(only(all, 'ClusterRole'));
  expect(rules).toEqual([{ apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] }]);
});

test('the scaler alone has a token', () => {
  const all = rendered('deploy/overlays/gpu-cluster');
  const { metadata } = only(all, 'ServiceAccount');
  expect(metadata).toMatchObject({ name: 'pilotlight', namespace: 'pilotlight' });
  for (const kind of ['Deployment', 'StatefulSet']) {
    const { spec, metadata } = only(all, kind);
    const { automountServiceAccountToken } = (
      spec as { template: { spec: { automountServiceAccountToken: boolean } } }
    ).template.spec;
    expect(automountServiceAccountToken).toBe(metadata.name === 'pilotlight');
  }
});
