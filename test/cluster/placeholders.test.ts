import { dumpYaml, loadYaml } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { roomFor, viewOf } from '../../src/cluster/capacity.js';
import type { ReplicaShape } from '../../src/cluster/capacity-shape.js';
import { placeholderChanges, type Existing } from '../../src/cluster/placeholders-diff.js';
import {
  placeholderCaps,
  planHolds,
  poolToHold,
  type Hold,
  type HoldWish,
} from '../../src/cluster/placeholders-plan.js';
import { isPlaceholder, priorityClass, render } from '../../src/cluster/placeholders-render.js';
import { openPlaceholders } from '../../src/cluster/placeholders.js';
import { openWriter, type Writer } from '../../src/cluster/write.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { node, NOW, pod, shape } from './cluster-objects.js';
import { leaf, StandInApi } from './stand-in-api.js';

const config = parseCapacityConfig({}, 'test').placeholders;
const buffered = { ...config, buffer: 'autoscaling.x-k8s.io/v1beta1' as const };
const HOUR = 3_600_000;

const serving: ReplicaShape = shape(
  { 'nvidia.com/gpu': 1, cpu: 3.5, memory: 2 ** 33 },
  {
    nodeSelector: { 'cloud.google.com/gke-nodepool': 'a100' },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', value: '', effect: 'NoSchedule' }],
    affinity: [{ labels: [{ key: 'zone', operator: 'In', values: ['a'] }], fields: [] }],
  },
);

function wish(workload: string, more: Partial<HoldWish> = {}): HoldWish {
  return {
    workload,
    replicas: 4,
    readyBy: NOW + HOUR,
    until: NOW + 2 * HOUR,
    pool: 'a100',
    shape: serving,
    pods: 1,
    ...more,
  };
}

function hold(workload: string, more: Partial<Hold> = {}): Hold {
  return { workload, pool: 'a100', shape: serving, replicas: 3, until: NOW + HOUR, why: '', ...more };
}

function plan(wishes: readonly HoldWish[], cap = 10) {
  return planHolds(wishes, new Map([['a100', cap]]), NOW).map(({ workload, replicas, why }) => [
    workload,
    replicas,
    why,
  ]);
}

describe('how many placeholders', () => {
  test('one for each replica whose pod is not there yet', () => {
    expect(plan([wish('team-a/bert')])).toEqual([['team-a/bert', 3, '1 of 4 pods are there: 3 held']]);
    expect(plan([wish('team-a/bert', { pods: 3 })])).toEqual([
      ['team-a/bert', 1, '3 of 4 pods are there: 1 held'],
    ]);
  });

  test('none any more when all pods are there, when the warm-up has ended, or where the pool has no cap for them', () => {
    expect(plan([wish('team-a/bert', { pods: 4 }), wish('team-b/bert', { until: NOW })])).toEqual([]);
    expect(plan([wish('team-a/bert', { pool: 't4' })])).toEqual([]);
  });

  test('within the cap, who must be ready first gets them first', () => {
    const wishes = [
      wish('team-a/later'),
      wish('team-b/sooner', { readyBy: NOW + 60_000 }),
      wish('team-c/last', { readyBy: NOW + 9 * HOUR }),
    ];
    expect(plan(wishes, 4)).toEqual([
      ['team-b/sooner', 3, '1 of 4 pods are there: 3 held'],
      ['team-a/later', 1, '1 of 4 pods are there: 1 held, 3 wanted, capped by pool a100'],
    ]);
  });

  test('several warm-ups of one workload hold the most of them, not the sum', () => {
    expect(plan([wish('team-a/bert', { replicas: 6 }), wish('team-a/bert')])).toEqual([
      ['team-a/bert', 5, '1 of 6 pods are there: 5 held'],
    ]);
  });
});

test('a warm-up’s pool is the first that has room or can grow, with the cap that is configured', () => {
  const { pools, ...rest } = parseCapacityConfig(
    {
      pools: [
        { name: 'full', match: { pool: 'full' }, maxNodes: 1, placeholders: 1 },
        {
          name: 'more',
          match: { pool: 'more' },
          maxNodes: 2,
          node: { resources: { 'nvidia.com/gpu': 1 } },
          placeholders: 2,
        },
      ],
      placeholders: { enabled: true },
    },
    'test',
  );
  const nodes = [node('n', { labels: { pool: 'full' } })];
  const pods = [pod('n', { 'nvidia.com/gpu': 1 })];
  const find = (list: typeof pods) =>
    poolToHold(roomFor(shape({ 'nvidia.com/gpu': 1 }), viewOf({ now: NOW, nodes, pods: list, pools })));
  expect([find(pods), find([])]).toEqual(['more', 'full']);
  expect(poolToHold({ now: 0, coming: 0, growth: 0, pools: [] })).toBeNull();
  expect([...placeholderCaps({ ...rest, pools })]).toEqual([
    ['full', 1],
    ['more', 2],
  ]);
});

describe('what holds a node', () => {
  test('is a pod like the workload’s, of the lowest priority that still makes a pool grow, gone at once', () => {
    const [deployment, ...others] = render(hold('team-a/bert'), config);
    expect(others).toEqual([]);
    expect(deployment?.object).toMatchObject({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'hold-team-a-bert-cc9335f4',
        namespace: 'pilotlight',
        annotations: {
          'pilotlight.dev/workload': 'team-a/bert',
          'pilotlight.dev/until': '2026-03-02T11:00:00.000Z',
        },
      },
      spec: {
        replicas: 3,
        strategy: { type: 'Recreate' },
        template: {
          spec: {
            priorityClassName: 'pilotlight-placeholder',
            terminationGracePeriodSeconds: 0,
            nodeSelector: { 'cloud.google.com/gke-nodepool': 'a100' },
            tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
            affinity: {
              nodeAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: {
                  nodeSelectorTerms: [
                    { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }], matchFields: [] },
                  ],
                },
              },
            },
            containers: [
              {
                image: 'registry.k8s.io/pause:3.10',
                resources: {
                  requests: { 'nvidia.com/gpu': '1', cpu: '3500m', memory: '8589934592' },
                  limits: { 'nvidia.com/gpu': '1' },
                },
              },
            ],
          },
        },
      },
    });
    expect(priorityClass(config)).toMatchObject({
      value: -10,
      globalDefault: false,
      metadata: { name: 'pilotlight-placeholder' },
    });
  });

  test('has no field that Kubernetes does not know', () => {
    const objects = [hold('team-a/bert')].flatMap((each) => [
      ...render(each, config).map(({ object }) => object),
      ...render(each, buffered)
        .slice(0, 1)
        .map(({ object }) => object),
      priorityClass(config),
    ]);
    expect(objects.map(({ kind }) => kind)).toEqual(['Deployment', 'PodTemplate', 'PriorityClass']);
    // The client's models drop what is not in the API's own description.
    for (const object of objects) expect(parse(dumpYaml(loadYaml(JSON.stringify(object))))).toEqual(object);
  });

  test('selects its own pods alone, and names them as long as labels may be', () => {
    const name = (workload: string) => render(hold(workload), config)[0]?.path.name ?? '';
    expect(name('team-a/bert')).not.toBe(name('team/a-bert'));
    const long = name(`team/${'x'.repeat(250)}`);
    expect(long.length).toBeLessThanOrEqual(63);
    expect(long).toMatch(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/);
  });

  test('is a CapacityBuffer with its PodTemplate where the autoscaler knows them', () => {
    const [template, buffer] = render(hold('team-a/bert'), buffered);
    expect(template?.object).toMatchObject({
      kind: 'PodTemplate',
      template: { spec: { priorityClassName: 'pilotlight-placeholder' } },
    });
    expect(buffer?.object).toMatchObject({
      apiVersion: 'autoscaling.x-k8s.io/v1beta1',
      kind: 'CapacityBuffer',
      spec: { podTemplateRef: { name: template?.path.name }, replicas: 3 },
    });
  });

  test('counts as one in our own namespace alone, where nobody else makes pods', () => {
    const labels = { 'pilotlight.dev/placeholder': 'hold-x' };
    expect(isPlaceholder({ namespace: 'pilotlight', labels }, config)).toBe(true);
    expect(isPlaceholder({ namespace: 'team-a', labels }, config)).toBe(false);
    expect(isPlaceholder({ namespace: 'pilotlight', labels: {} }, config)).toBe(false);
  });
});

describe('what there is and what is wanted', () => {
  const [wanted] = render(hold('team-a/bert'), config);
  const there: Existing = {
    path: wanted!.path,
    workload: 'team-a/bert',
    trouble: null,
    digest: wanted!.digest,
    replicas: 3,
    until: NOW + HOUR,
  };
  const kinds = (...changes: Parameters<typeof placeholderChanges>) =>
    placeholderChanges(...changes).map(({ kind, why }) => `${kind}: ${why}`);

  test('the same needs nothing', () => {
    expect(kinds([there], [wanted!], NOW)).toEqual([]);
    expect(kinds([{ ...there, until: NOW + HOUR - 30_000 }], [wanted!], NOW)).toEqual([]);
  });

  test('another count, another template and another end are applied', () => {
    expect(kinds([{ ...there, replicas: 9 }], [wanted!], NOW)).toEqual([
      'apply: it has 9 replicas, and 3 are wanted',
    ]);
    expect(kinds([{ ...there, digest: 'old' }], [wanted!], NOW)).toEqual(['apply: the workload has changed']);
    expect(kinds([{ ...there, until: NOW }], [wanted!], NOW)).toEqual(['apply: its end has moved']);
  });

  test('what nobody wants goes', () => {
    expect(kinds([there], [], NOW)).toEqual(['delete: no warm-up of team-a/bert needs it']);
  });

  test('what may be somebody else’s goes when it has ended', () => {
    const change = (now: number) =>
      placeholderChanges([there], [], now, () => false).map(({ kind, why }) => `${kind}: ${why}`);
    expect([change(NOW), change(NOW + HOUR)]).toEqual([[], ['delete: its warm-up has ended']]);
  });

  test('while nobody knows what is wanted only what has ended goes', () => {
    expect(kinds([there], null, NOW)).toEqual([]);
    expect(kinds([{ ...there, until: null }], null, NOW)).toEqual([]);
    expect(kinds([there], null, NOW + HOUR)).toEqual(['delete: its warm-up has ended']);
  });
});

describe('in the cluster', () => {
  let api: StandInApi;
  beforeEach(async () => {
    api = await StandInApi.start();
  });
  afterEach(() => api.stop());

  const writer = () => openWriter({ server: api.url, options: () => Promise.resolve({}), close: () => {} });
  const opened = (settings = config) => openPlaceholders(writer(), settings, { now: () => NOW });
  /** As an admission webhook refuses. */
  const refusing =
    (prefix: string): Writer['apply'] =>
    (path, object, force) => {
      if (path.name.startsWith(prefix)) api.failNext(403);
      return writer().apply(path, object, force);
    };
  const path = (name: string) => `/apis/apps/v1/namespaces/pilotlight/deployments/${name}`;
  const bert = render(hold('team-a/bert'), config)[0]!.path.name;

  test('they come, change and go, and a settled one costs a list', async () => {
    const placeholders = opened();
    expect((await placeholders.settle([hold('team-a/bert')])).applied).toEqual([
      `deployments/${bert}: it is not there`,
    ]);
    expect(api.get(path(bert))).toMatchObject({ spec: { replicas: 3 } });
    const before = api.requests.length;
    expect(await placeholders.settle([hold('team-a/bert')])).toEqual({
      applied: [],
      deleted: [],
      failures: [],
    });
    expect(api.requests.slice(before).map(({ method }) => method)).toEqual(['GET']);
    await placeholders.settle([hold('team-a/bert', { replicas: 1 })]);
    expect(api.get(path(bert))).toMatchObject({ spec: { replicas: 1 } });
    await placeholders.settle([]);
    expect(api.paths()).toEqual([]);
  });

  test('the next process adopts what the last one left, and clears what nobody wants', async () => {
    await opened().settle([hold('team-a/bert'), hold('team-b/gone')]);
    const report = await opened().settle([hold('team-a/bert')]);
    expect(report.applied).toEqual([]);
    expect(report.deleted).toHaveLength(1);
    expect(api.paths()).toEqual([path(bert)]);
  });

  test('what keeps their pods from being created is told', async () => {
    await opened().settle([hold('team-a/bert')]);
    const message = 'pods "hold-1" is forbidden: no PriorityClass with name pilotlight-placeholder was found';
    const condition = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message };
    api.edit(path(bert), leaf('status', 'conditions'), [condition], 'kube-controller-manager');
    const { failures, applied } = await opened().settle([hold('team-a/bert')]);
    expect([failures, applied]).toEqual([
      [{ workload: 'team-a/bert', why: `deployments/${bert}: ${message}` }],
      [],
    ]);
  });

  test('what others have in the namespace stays, whatever it is called', async () => {
    api.put(
      path('serving'),
      { metadata: { name: 'serving', namespace: 'pilotlight', labels: { app: 'x' } }, spec: { replicas: 1 } },
      'kubectl',
    );
    await opened().settle([]);
    expect(api.paths()).toEqual([path('serving')]);
  });

  test('a count that somebody changed is put right', async () => {
    const placeholders = opened();
    await placeholders.settle([hold('team-a/bert')]);
    api.edit(path(bert), leaf('spec', 'replicas'), 50, 'kubectl');
    await placeholders.settle([hold('team-a/bert')]);
    expect(api.get(path(bert))).toMatchObject({ spec: { replicas: 3 } });
  });

  test('nothing is deleted while the list does not come, and a failure is a line', async () => {
    const placeholders = opened();
    await placeholders.settle([hold('team-a/bert')]);
    api.failNext(500);
    const { failures, deleted } = await placeholders.settle([]);
    expect(deleted).toEqual([]);
    const why = expect.stringContaining('list deployments.apps (500)') as string;
    expect(failures).toEqual([{ workload: null, why }]);
    expect(api.paths()).toEqual([path(bert)]);
  });

  test('what is refused is of one workload, and the others get theirs', async () => {
    const refuse = { ...writer(), apply: refusing('hold-team-a') };
    const placeholders = openPlaceholders(refuse, config, { now: () => NOW });
    const { applied, failures } = await placeholders.settle([hold('team-a/bert'), hold('team-b/bert')]);
    expect(applied).toHaveLength(1);
    expect(failures).toMatchObject([{ workload: 'team-a/bert' }]);
  });

  test('a stop ends it between two objects', async () => {
    const stopping = new AbortController();
    const stops: Writer = {
      ...writer(),
      apply: (...given) => {
        stopping.abort();
        return writer().apply(...given);
      },
    };
    const placeholders = openPlaceholders(stops, config, { now: () => NOW });
    await placeholders.settle([hold('team-a/bert'), hold('team-b/bert')], undefined, stopping.signal);
    expect(api.paths()).toEqual([path(bert)]);
  });

  test('a buffer comes with its template, and takes the place of a Deployment', async () => {
    await opened().settle([hold('team-a/bert')]);
    const { failures } = await opened(buffered).settle([hold('team-a/bert')]);
    expect(failures).toEqual([]);
    expect(api.paths()).toEqual([
      `/api/v1/namespaces/pilotlight/podtemplates/${bert}`,
      `/apis/autoscaling.x-k8s.io/v1beta1/namespaces/pilotlight/capacitybuffers/${bert}`,
    ]);
  });
});
