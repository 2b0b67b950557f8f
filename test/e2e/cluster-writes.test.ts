import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DELETION_COST } from '../../src/cluster/deletion-cost.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { leaf, StandInApi } from '../cluster/stand-in-api.js';
import { ApiServer } from '../support/api-server.js';
import { deployment, node, pod, scaledObject, type PodState } from '../support/cluster-under-test.js';
import { temporaryFolder } from '../support/processes.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/**
 * The whole server with all that it changes in a cluster. What it reads comes from one stand-in and what it changes goes to
 * another, so that a change shows in what it reads only when the test lets it. The tests go on where the last ended.
 */

const WAIT = { timeout: 20_000, interval: 50 };
const ref: TriggerRef = {
  namespace: 'ns',
  name: 'llm',
  metadata: { profile: 'triton-pending', target: '10', leadTime: '5m' },
};
const SCALED_OBJECT = '/apis/keda.sh/v1alpha1/namespaces/ns/scaledobjects/llm';
const HOLDS = '/apis/apps/v1/namespaces/pilotlight/deployments/';

let api: ApiServer;
let changes: StandInApi;
let redis: RedisServer;
let prometheus: PrometheusApi;
let server: TestServer;
let waiting: readonly number[] = [4, 4];

beforeAll(async () => {
  api = await ApiServer.start();
  changes = await StandInApi.start();
  api.changes = changes.url;
  redis = await startRedis();
  const spec = { minReplicaCount: 1, maxReplicaCount: 8 };
  const scaled = scaledObject('llm', spec);
  api.put('scaledobjects', { ...scaled, metadata: { ...scaled.metadata, uid: 'uid-llm' } });
  changes.put(
    SCALED_OBJECT,
    { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', ...whole(spec) },
    'helm',
  );
  api.put('deployments', deployment('llm', 2));
  api.put('nodes', node('gpu-1', 0, 8, { pool: 'a100' }));
  for (const index of [0, 1]) api.put('pods', llm(index, RUNNING));
  prometheus = await servePrometheusApi((promql, response) => {
    const values = waiting.map((value, index) => ({
      labels: { namespace: 'ns', pod: podOf('llm', index) },
      value,
    }));
    response.end(vectorOf(promql.includes('offset') ? [] : values));
  });
  server = await serve();
});

afterAll(async () => {
  await server.stop();
  await prometheus.stop();
  await redis.stop();
  await changes.stop();
  await api.stop();
});

const RUNNING: PodState = { node: 'gpu-1', started: 5, ready: 30 };

/** Named as the Prometheus has it. */
function llm(index: number, state: PodState) {
  const [, hash = '', id = ''] = podOf('llm', index).split('-');
  return pod('llm', id, { ...state, hash });
}

function podPath(index: number): string {
  return `/api/v1/namespaces/ns/pods/${podOf('llm', index)}`;
}

function whole(spec: object) {
  return { metadata: { name: 'llm', namespace: 'ns' }, spec: { ...spec } };
}

async function serve(): Promise<TestServer> {
  const pool = { name: 'a100', match: { pool: 'a100' }, maxNodes: 4, placeholders: 3 };
  const gpu = parseCapacityConfig(
    { pools: [pool], placeholders: { enabled: true }, exactMinimum: true, deletionCost: true },
    'the test',
  );
  const kubeconfig = await api.kubeconfig(await temporaryFolder('cluster-writes'));
  const started = await serveHere({ prometheus: prometheus.url, redis: redis.url, kubeconfig, gpu });
  await started.keda.isActive(ref);
  return started;
}

/** The server sees the ScaledObject as it has made it, and is asked about it again. */
async function seesWhatItDid(): Promise<void> {
  const { metadata, spec } = changes.get(SCALED_OBJECT) as { metadata: object; spec: object };
  const seen = scaledObject('llm', spec);
  api.put('scaledobjects', { ...seen, metadata: { ...metadata, ...seen.metadata, uid: 'uid-llm' } });
  await server.keda.isActive(ref);
}

async function post(path: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${server.http}/v1/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return answer.status;
}

interface Steps {
  readonly warmUps: readonly {
    readonly id: string;
    readonly steps: readonly { readonly step: string; readonly outcome: string; readonly note: string }[];
  }[];
}

async function warmUps(): Promise<Steps['warmUps']> {
  const answer = await fetch(`${server.http}/v1/warm-ups?workload=ns/llm`);
  return ((await answer.json()) as Steps).warmUps;
}

const placeholders = () =>
  changes
    .paths()
    .filter((path) => path.startsWith(HOLDS))
    .map((path) => changes.get(path)?.['spec'] as { replicas: number });
const minimum = () =>
  (changes.get(SCALED_OBJECT) as { spec: { minReplicaCount?: number } } | null)?.spec.minReplicaCount;
const events = () =>
  changes.requests.flatMap(({ method, path, body }) =>
    method === 'POST' && path.includes('/events') ? [body] : [],
  );

describe('a warm-up', () => {
  test('holds nodes for the pods that are missing, within the cap of the pool', async () => {
    expect(await post('workloads/ns/llm/wake', { replicas: 6, for: '10m' })).toBe(200);
    await expect.poll(placeholders, WAIT).toMatchObject([{ replicas: 3 }]);
    const step = {
      step: 'nodes',
      outcome: 'done',
      note: expect.stringContaining(
        'in pool a100: 2 of 6 pods are there: 3 held, 4 wanted, capped by pool a100',
      ) as string,
    };
    await expect
      .poll(async () => (await warmUps())[0]?.steps, WAIT)
      .toContainEqual(expect.objectContaining(step));
  });

  test('lifts the minimum of the ScaledObject', async () => {
    await expect.poll(minimum, WAIT).toBe(6);
    expect(changes.owners(SCALED_OBJECT, leaf('spec', 'maxReplicaCount'))).toEqual(['helm']);
    await seesWhatItDid();
  });

  test('needs fewer placeholders as pods come', async () => {
    for (const index of [2, 3]) api.put('pods', llm(index, { unschedulable: 'no node' }));
    api.put('deployments', deployment('llm', 6));
    await expect.poll(placeholders, WAIT).toMatchObject([{ replicas: 2 }]);
  });

  test('is put back by the next process, whatever became of the first', async () => {
    await server.stop();
    expect([minimum(), placeholders().length]).toEqual([6, 1]);
    server = await serve();
    await expect.poll(async () => (await warmUps()).length, WAIT).toBe(1);
    const [warmUp] = await warmUps();
    expect(await post(`warm-ups/${warmUp?.id}/cancel`, {})).toBe(200);
    await expect.poll(placeholders, WAIT).toEqual([]);
    await expect.poll(minimum, WAIT).toBe(1);
    await seesWhatItDid();
  });
});

test('a ScaledObject that is deleted in the middle of a warm-up leaves nothing behind', async () => {
  expect(await post('workloads/ns/llm/wake', { replicas: 8, for: '10m' })).toBe(200);
  await expect.poll(placeholders, WAIT).toMatchObject([{ replicas: 3 }]);
  const [deleted] = api.objects('scaledobjects');
  api.remove('scaledobjects', 'ns/llm');
  await expect.poll(placeholders, WAIT).toEqual([]);
  if (deleted !== undefined) api.put('scaledobjects', deleted);
  await expect.poll(placeholders, WAIT).toMatchObject([{ replicas: 3 }]);
  const [warmUp] = await warmUps();
  expect(await post(`warm-ups/${warmUp?.id}/cancel`, {})).toBe(200);
  await expect.poll(placeholders, WAIT).toEqual([]);
});

test('replicas that carry nothing are marked to go first, when fewer are wanted', async () => {
  api.put('deployments', deployment('llm', 3));
  for (const index of [2, 3]) api.remove('pods', `ns/${podOf('llm', index)}`);
  for (const index of [0, 1])
    changes.put(podPath(index), { metadata: { name: podOf('llm', index) } }, 'kubelet');
  waiting = [0, 9];
  const costOf = (index: number) => {
    const metadata = changes.get(podPath(index))?.['metadata'] as { annotations?: Record<string, string> };
    return Number(metadata.annotations?.[DELETION_COST] ?? 0);
  };
  await expect.poll(() => costOf(1) - costOf(0), WAIT).toBeGreaterThan(0);
});

describe('events of the ScaledObject', () => {
  test('say when it cannot be seen any more, and when it can', async () => {
    const reasons = () => events().map(({ reason }) => reason);
    waiting = [];
    await expect.poll(reasons, { timeout: 100_000, interval: 200 }).toContain('Blind');
    const told = events().find(({ reason }) => reason === 'Blind');
    expect(told).toMatchObject({
      type: 'Warning',
      regarding: { kind: 'ScaledObject', name: 'llm', uid: 'uid-llm' },
    });
    waiting = [1, 1];
    await expect.poll(reasons, WAIT).toContain('SeesAgain');
  }, 120_000);
});
