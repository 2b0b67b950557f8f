import { afterEach, expect, test } from 'vitest';
import { servePrometheusApi, podOf, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { serveHere, type TestServer } from '../support/running-server.js';

let api: PrometheusApi;
let server: TestServer;

afterEach(async () => {
  await server.stop();
  await api.stop();
});

async function absent(): Promise<string[]> {
  const text = await (await fetch(`${server.http}/metrics`)).text();
  return [...text.matchAll(/^pilotlight_signal_absent\{(.*)\} 1$/gm)].map(([, labels = '']) =>
    labels.replace(/trigger="[\da-f]{12}"/, 'trigger'),
  );
}

test('a signal that nobody exports has a series, until somebody does', async () => {
  api = await servePrometheusApi((_promql, response) => response.end(vectorOf([])));
  server = await serveHere({ prometheus: api.url });
  const metadata = { profile: 'triton-pending,tgi-queue-size', wake: 'gateway-rps' };
  await server.keda.isActive({ namespace: 'shop', name: 'triton', metadata }).catch(() => undefined);
  const series = (profile: string, role: string) =>
    `namespace="shop",scaledobject="triton",trigger,profile="${profile}",role="${role}"`;
  expect(await absent()).toEqual([
    series('triton-pending', 'demand'),
    series('tgi-queue-size', 'demand'),
    series('gateway-rps', 'wake'),
  ]);

  api.answer = (promql, response) => {
    const labels = { namespace: 'shop', pod: podOf('triton') };
    response.end(vectorOf(promql.includes('nv_inference') ? [{ labels, value: 25 }] : []));
  };
  await server.ticked();
  // The wake signal is not read while a replica reports: it is not known to be absent.
  expect(await absent()).toEqual([series('tgi-queue-size', 'demand')]);
});
