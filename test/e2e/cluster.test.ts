import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { ApiServer } from '../support/api-server.js';
import { deployment, node, pod, scaledObject } from '../support/cluster-under-test.js';
import { pilotlight } from '../support/command-line.js';
import { temporaryFolder } from '../support/processes.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/** The whole server beside an API server: one pool of one node with two GPUs, and load for five replicas. */

const WAIT = { timeout: 10_000, interval: 50 };
const UNSCHEDULABLE = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.';
const ref: TriggerRef = {
  namespace: 'ns',
  name: 'llm',
  metadata: { profile: 'triton-pending', target: '10', leadTime: '5m' },
};

let api: ApiServer;
let prometheus: PrometheusApi;
let server: TestServer;
const pending = 25;

beforeAll(async () => {
  api = await ApiServer.start();
  api.put('scaledobjects', scaledObject('llm', { minReplicaCount: 0, maxReplicaCount: 8 }));
  api.put('deployments', deployment('llm', 3));
  api.put('nodes', node('gpu-1', 0, 2, { pool: 'a100' }));
  for (const id of ['a', 'b']) api.put('pods', pod('llm', id, { node: 'gpu-1', started: 5, ready: 30 }));
  api.put('pods', pod('llm', 'c', { unschedulable: UNSCHEDULABLE }));
  prometheus = await servePrometheusApi((promql, response) => {
    const values = [0, 1].map((index) => ({
      labels: { namespace: 'ns', pod: podOf('llm', index) },
      value: pending,
    }));
    response.end(vectorOf(promql.includes('offset') ? [] : values));
  });
  const folder = await temporaryFolder('server-cluster');
  const gpu = parseCapacityConfig(
    { pools: [{ name: 'a100', match: { pool: 'a100' }, maxNodes: 1, price: 3 }] },
    'the test',
  );
  server = await serveHere({ prometheus: prometheus.url, kubeconfig: await api.kubeconfig(folder), gpu });
});

afterAll(async () => {
  await server.stop();
  await prometheus.stop();
  await api.stop();
});

interface Shown {
  readonly decision: {
    readonly desired: number;
    readonly wanted?: number;
    readonly reason: string;
    readonly replicas: { readonly current: number; readonly reporting: number; readonly source: string };
    readonly stages: readonly { readonly stage: string; readonly why: string }[];
  };
  readonly cluster: Record<string, unknown>;
}

async function shown(): Promise<Shown> {
  const answer = await fetch(`${server.http}/v1/workloads/ns/llm`);
  const { triggers } = (await answer.json()) as { triggers: [Shown] };
  return triggers[0];
}

describe('with access to the cluster', () => {
  test('replicas are counted there, and a pod that waits is named with its reason', async () => {
    await server.keda.isActive(ref);
    const { decision, cluster } = await shown();
    expect(decision.replicas).toMatchObject({ current: 3, source: 'cluster' });
    expect(cluster).toMatchObject({
      facts: {
        replicas: { current: 3, ready: 2, starting: 0, pending: 1 },
        waiting: [{ reason: 'unschedulable', pods: 1, detail: UNSCHEDULABLE }],
        maxReplicas: 8,
      },
      why: null,
    });
  });

  test('KEDA is told what fits, and the decision says what was wanted and what is in the way', async () => {
    const why = expect.stringContaining('wanted 5, 2 fit: pool a100 at its maximum of 1 node') as string;
    await expect
      .poll(async () => (await shown()).decision, WAIT)
      .toMatchObject({
        desired: 2,
        wanted: 5,
        stages: expect.arrayContaining([expect.objectContaining({ stage: 'ceiling', why })]) as object[],
      });
    expect((await shown()).cluster).toMatchObject({
      share: { wanted: 5, granted: 2, why },
      cost: { perHour: 3, complete: true, currency: 'USD', alwaysOn: 12 },
    });
  });

  test('the metrics say what was wanted, what is granted and what it costs', async () => {
    const page = await (await fetch(`${server.http}/metrics`)).text();
    const labels = '{namespace="ns",scaledobject="llm"}';
    expect(page).toContain(`pilotlight_wanted_replicas${labels} 5`);
    expect(page).toContain(`pilotlight_granted_replicas${labels} 2`);
    expect(page).toContain('pilotlight_money_per_hour{namespace="ns",currency="USD"} 3');
    expect(page).toMatch(/^pilotlight_cluster_current 1$/m);
  });

  test('`explain` says it in words', async () => {
    const { stdout } = await pilotlight(['explain', 'ns/llm', '--server', server.http]).ended;
    expect(stdout).toContain('cluster    3 asked for: 2 ready, 0 starting, 1 pending');
    expect(stdout).toContain(`1 unschedulable: ${UNSCHEDULABLE}`);
    expect(stdout).toContain('granted    2: wanted 5, 2 fit: pool a100 at its maximum of 1 node');
    expect(stdout).toContain('cost       3.00 USD/h, 12.00 with its most replicas always on');
  });

  test('nothing is ever changed there', () => {
    expect(api.refused).toEqual([]);
  });
});

test('the API server that is away is no reason not to start', async () => {
  const folder = await temporaryFolder('server-cluster-away');
  const away = await ApiServer.start();
  const kubeconfig = await away.kubeconfig(folder);
  await away.stop();
  const alone = await serveHere({ prometheus: prometheus.url, kubeconfig });
  await alone.keda.isActive(ref);
  const answer = await fetch(`${alone.http}/v1/workloads/ns/llm`);
  const { triggers } = (await answer.json()) as { triggers: [Shown] };
  // Those that it has asked for by now count besides.
  expect(triggers[0].decision.replicas).toMatchObject({ reporting: 2, source: 'pods' });
  expect(triggers[0].cluster).toMatchObject({ facts: null, why: expect.any(String) as string });
  expect(await (await fetch(`${alone.http}/metrics`)).text()).toMatch(/^pilotlight_cluster_current 0$/m);
  await alone.stop();
});

test('a kubeconfig that cannot be read is named', async () => {
  const kubeconfig = `${await temporaryFolder('no-kubeconfig')}/absent`;
  await expect(readFile(kubeconfig)).rejects.toThrow();
  await expect(serveHere({ kubeconfig })).rejects.toThrow(
    `--kubeconfig: cannot read the kubeconfig ${kubeconfig}`,
  );
});
