import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { ApiServer } from '../support/api-server.js';
import { deployment, node, pod, scaledObject } from '../support/cluster-under-test.js';
import { pilotlight } from '../support/command-line.js';
import { temporaryFolder } from '../support/processes.js';
import { servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/**
 * The whole server beside an API server and a Prometheus: one workload that has just begun, with one start of its own, and
 * one that has had three on the same GPUs. The pod serves 50 requests a second and says that loading took 25 s.
 */

const WAIT = { timeout: 15_000, interval: 100 };
const ref: TriggerRef = {
  namespace: 'ns',
  name: 'llm',
  metadata: { profile: 'triton-pending', target: '10', maxReplicas: '8' },
};

let api: ApiServer;
let prometheus: PrometheusApi;
let server: TestServer;

beforeAll(async () => {
  api = await ApiServer.start();
  for (const name of ['llm', 'other']) {
    api.put('scaledobjects', scaledObject(name, { minReplicaCount: 0, maxReplicaCount: 8 }));
    api.put('deployments', deployment(name, name === 'llm' ? 1 : 3));
  }
  api.put('nodes', node('gpu-1', -3600, 4, { pool: 'l4' }));
  for (const [owner, id] of STARTS) api.put('pods', pod(owner, id, { node: 'gpu-1' }));
  const began = Date.now();
  prometheus = await servePrometheusApi((promql, response) => {
    const seconds = (Date.now() - began) / 1000;
    const value = promql.includes('load_duration') ? 25 : promql.includes('success') ? 50 * seconds : 5;
    const labels = { namespace: 'ns', pod: 'llm-abc123-aaaaa' };
    response.end(vectorOf(promql.includes('offset') ? [] : [{ labels, value, ageSeconds: 0 }]));
  });
  const folder = await temporaryFolder('cluster-figures');
  const gpu = parseCapacityConfig(
    { pools: [{ name: 'l4', match: { pool: 'l4' }, maxNodes: 1, price: 2 }] },
    'the test',
  );
  server = await serveHere({
    prometheus: prometheus.url,
    kubeconfig: await api.kubeconfig(folder),
    gpu,
    tick: 50,
  });
  await server.keda.isActive(ref);
  for (const [index, [owner, id]] of STARTS.entries())
    api.put('pods', pod(owner, id, { node: 'gpu-1', started: 5, ready: 35 + 10 * index }));
});

const STARTS = [
  ['llm', 'aaaaa'],
  ['other', 'bbbbb'],
  ['other', 'ccccc'],
  ['other', 'ddddd'],
] as const;

afterAll(async () => {
  await server.stop();
  await prometheus.stop();
  await api.stop();
});

interface Shown {
  readonly triggers: readonly [
    { readonly cluster: { readonly inferences: { readonly moneyPerThousand: number } | null } },
  ];
}

async function cluster() {
  const answer = (await (await fetch(`${server.http}/v1/workloads/ns/llm`)).json()) as Shown;
  return answer.triggers[0].cluster;
}

describe('with access to the cluster and prices', () => {
  test('a thousand inferences have a price, worked out from what the pods have served', async () => {
    await expect
      .poll(async () => (await cluster()).inferences, WAIT)
      .toMatchObject({ perSecond: expect.any(Number) as number });
    // One GPU of four, at 2 an hour for the node; 50 requests a second are 180 000 an hour.
    await expect
      .poll(async () => (await cluster()).inferences?.moneyPerThousand ?? 0, WAIT)
      .toBeCloseTo(0.5 / 180, 3);
  });

  test('a start is told by its parts, with what the model server says of loading', async () => {
    await expect.poll(cluster, WAIT).toMatchObject({
      modelLoad: 25_000,
      leadTimes: { warmNode: { p50: 35_000, samples: 1, parts: { model: 30_000 } }, coldNode: null },
    });
  });

  test('with one start of its own, the lead time is that of all starts on such GPUs', async () => {
    expect(await cluster()).toMatchObject({
      leadTime: 65_000,
      leadTimeFrom: 'gpu-type',
      gpus: [{ type: 'nvidia-l4', leadTimes: { warmNode: { samples: 4 } }, node: null }],
      bounds: { minReplicas: 0, maxReplicas: 8, idleReplicas: null },
    });
  });

  test('the metrics have all of it', async () => {
    const page = await (await fetch(`${server.http}/metrics`)).text();
    const labels = 'namespace="ns",scaledobject="llm"';
    expect(page).toContain(`pilotlight_workload_money_per_hour{${labels},currency="USD"} 0.5`);
    expect(page).toContain(`pilotlight_workload_always_on_money_per_hour{${labels},currency="USD"} 4`);
    expect(page).toContain(`pilotlight_money_per_thousand_inferences{${labels},currency="USD"} 0.00`);
    expect(page).toContain(`pilotlight_start_seconds{${labels},node="warm",quantile="0.9"} 35`);
    expect(page).toMatch(/^pilotlight_cluster_stale_seconds 0$/m);
    // Nobody has asked about it: it is in the cluster, and not ours to speak of.
    expect(page).not.toContain('scaledobject="other"');
  });

  test('`explain` says it in words', async () => {
    const { stdout } = await pilotlight(['explain', 'ns/llm', '--server', server.http]).ended;
    expect(stdout).toContain('bounds     0 to 8; the HPA ignores changes within 10 %');
    expect(stdout).toContain('starts     on a warm node: p50 35 s, p90 35 s (1 start)');
    expect(stdout).toContain('model 30 s, of it 25 s loading');
    expect(stdout).toContain('lead time  65 s, the longest p90 of all starts on nvidia-l4');
    expect(stdout).toMatch(/cost {7}0\.50 USD\/h.*\n {13}0\.00\d+ USD for a thousand inferences/);
  });
});

test('a replica that waits is a metric with its reason', async () => {
  api.put('deployments', deployment('llm', 2));
  api.put('pods', pod('llm', 'eeeee', { unschedulable: 'no room' }));
  const page = async () => (await fetch(`${server.http}/metrics`)).text();
  await expect
    .poll(page, WAIT)
    .toContain('pilotlight_waiting_replicas{namespace="ns",scaledobject="llm",reason="unschedulable"} 1');
});
