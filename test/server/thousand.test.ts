import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { stepByHand, type SteppedScaler } from '../support/stepped-scaler.js';

/** A thousand ScaledObjects on five profiles: a query costs the same for one of them and for all. */

const WORKLOADS = 1000;
const PROFILES = [
  { profile: 'triton-pending', metric: 'nv_inference_pending_request_count' },
  { profile: 'tgi-queue-size', metric: 'tgi_queue_size' },
  { profile: 'vllm-waiting', metric: 'vllm:num_requests_waiting' },
  { profile: 'vllm-kv-cache', metric: 'vllm:kv_cache_usage_perc' },
  { profile: 'dcgm-gpu-util', metric: 'DCGM_FI_DEV_GPU_UTIL' },
] as const;

const refs: TriggerRef[] = Array.from({ length: WORKLOADS }, (_, index) => ({
  namespace: `team-${index % 40}`,
  name: `model-${index}`,
  metadata: { profile: PROFILES[index % PROFILES.length]!.profile, scalerAddress: 'pilotlight:50051' },
}));

let api: PrometheusApi;
let stepped: SteppedScaler;

beforeAll(async () => {
  api = await servePrometheusApi((promql, response) => {
    const asked = PROFILES.find(({ metric }) => promql.includes(metric));
    const owners = refs.filter(({ metadata }) => metadata['profile'] === asked?.profile);
    const series = owners.map(({ namespace, name }) => ({
      labels: { namespace, pod: podOf(name) },
      value: 3,
    }));
    response.end(vectorOf(series));
  });
  stepped = await stepByHand({ prometheus: api.url });
});

afterAll(async () => {
  await stepped.stop();
  await api.stop();
});

test('all at once, they are registered with one query for each profile and one for what wakes them', async () => {
  // On a slow machine some are told to come again: KEDA does.
  await Promise.allSettled(refs.map((ref) => stepped.keda.isActive(ref)));
  expect(stepped.registry.size()).toBe(WORKLOADS);
  expect(api.queries.length).toBeGreaterThan(0);
  expect(api.queries.length).toBeLessThanOrEqual(PROFILES.length + 1);
});

test('from then on a tick costs one query for each profile', async () => {
  await settled();
  const before = api.queries.length;
  for (let tick = 0; tick < 10; tick += 1) await stepped.scaler.tick();
  expect(api.queries.length - before).toBe(10 * PROFILES.length);
  const active = await Promise.all(refs.map((ref) => stepped.keda.isActive(ref)));
  expect(active).toEqual(refs.map(() => true));
});

/** Resolves when each has its data, and so none asks what would wake it. */
async function settled(): Promise<void> {
  await expect
    .poll(
      async () => {
        await stepped.scaler.tick();
        return [...stepped.registry.all()].filter(({ decision }) => decision?.needsWake !== false).length;
      },
      { timeout: 20_000 },
    )
    .toBe(0);
}

test('calls cost none', async () => {
  const before = api.queries.length;
  await Promise.all(refs.map((ref) => stepped.keda.metrics(ref, 'pilotlight-replicas')));
  expect(api.queries.length).toBe(before);
});

test('a trigger that names the server’s own Prometheus, however it spells it, costs no more', async () => {
  const { port } = new URL(api.url);
  const spellings = [api.url, `${api.url}/`, `HTTP://127.0.0.1:${port}`, `http://2130706433:${port}`];
  for (const prometheusAddress of spellings)
    expect(
      await stepped.keda.isActive({ ...refs[0]!, metadata: { ...refs[0]!.metadata, prometheusAddress } }),
    ).toBe(true);
  await settled();
  const before = api.queries.length;
  await stepped.scaler.tick();
  expect(api.queries.length - before).toBe(PROFILES.length);
});
