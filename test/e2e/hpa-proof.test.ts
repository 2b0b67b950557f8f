import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/** An HPA only asks above zero replicas: without access to the cluster that is what proves that some run. */

const WAIT = { timeout: 10_000, interval: 50 };
/** What is left of the API server's 60 s (KEDA-PROTOCOL 14). */
const FROM_HPA = { deadlineMs: 59_997 };
const refOf = (name: string): TriggerRef => ({
  namespace: 'ns',
  name,
  metadata: { profile: 'triton-pending' },
});

let prometheus: PrometheusApi;
let server: TestServer;

beforeAll(async () => {
  // No pod of ours reports, the gateway has seen no request, and both metrics are there for others.
  prometheus = await servePrometheusApi((promql, response) => {
    const labels = promql.includes('nv_inference') ? { pod: 'other-7d9f8c6b5d-xxxx0' } : { service: 'other' };
    response.end(vectorOf([{ labels: { namespace: 'elsewhere', ...labels }, value: 0 }]));
  });
  server = await serveHere({ prometheus: prometheus.url });
});

afterAll(async () => {
  await server.stop();
  await prometheus.stop();
});

async function verdictOf(name: string): Promise<string> {
  const answer = await fetch(`${server.http}/v1/workloads/ns/${name}`);
  const { triggers } = (await answer.json()) as { triggers: { decision: { presumesZero: boolean } }[] };
  return triggers[0]?.decision.presumesZero === true ? 'presumed at zero' : 'taken to run';
}

test('its call for the specs alone, as with useCachedMetrics, is proof', async () => {
  const ref = refOf('cached');
  expect(await server.keda.isActive(ref)).toBe(false);
  await server.ticked();
  expect(await verdictOf('cached')).toBe('presumed at zero');
  await server.keda.metricSpec(ref, FROM_HPA);
  await expect.poll(() => verdictOf('cached'), WAIT).toBe('taken to run');
});

test('KEDA’s own call for them is none', async () => {
  const ref = refOf('polled');
  expect(await server.keda.isActive(ref)).toBe(false);
  await server.keda.metricSpec(ref);
  await server.ticked();
  expect(await verdictOf('polled')).toBe('presumed at zero');
});
