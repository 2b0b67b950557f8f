import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { connectKeda, type KedaClient } from '../support/keda-client.js';
import { Daemon, eventually, temporaryFolder } from '../support/processes.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

/** Two servers as processes on one Redis, of which one is killed, and then the Redis. The tests go on where the last ended. */

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const ref: TriggerRef = {
  namespace: 'shop',
  name: 'triton',
  metadata: { profile: 'triton-pending', slots: '4', serviceTime: '30', leadTime: '1m' },
};

interface Serving {
  readonly daemon: Daemon;
  readonly keda: KedaClient;
  readonly http: string;
}

let api: PrometheusApi;
let redis: RedisServer;
let readyPods = 0;
let a: Serving;
let b: Serving;

beforeAll(async () => {
  redis = await startRedis();
  api = await servePrometheusApi((promql, response) => {
    const pods = Array.from({ length: readyPods }, (_, index) => ({
      labels: { namespace: 'shop', pod: podOf('triton', index) },
      value: 0,
    }));
    const gateway = [{ labels: { namespace: 'shop', service: 'triton' }, value: 0 }];
    const isAboutPods = promql.includes('nv_inference_pending_request_count');
    response.end(vectorOf(isAboutPods ? pods : gateway));
  });
});

afterAll(async () => {
  for (const { daemon, keda } of [a, b]) {
    keda.close();
    await daemon.stop();
  }
  await redis.stop();
  await api.stop();
});

async function serve(): Promise<Serving> {
  const listen = ['--grpc-listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0', '--tick', '1s'];
  const sources = ['--redis', redis.url, '--prometheus', api.url];
  const args = ['--import', 'tsx', MAIN, 'serve', ...listen, ...sources];
  const daemon = new Daemon(process.execPath, args, await temporaryFolder('serve'));
  const [grpc, http] = await eventually('the server is ready', () => {
    const ports = /gRPC for KEDA on port (\d+), HTTP on port (\d+)/.exec(daemon.output);
    return Promise.resolve(ports === null ? undefined : ([Number(ports[1]), Number(ports[2])] as const));
  });
  const keda = connectKeda(grpc);
  await eventually('it has decided', () => keda.isActive(ref).then(() => true));
  return { daemon, keda, http: `http://127.0.0.1:${http}` };
}

async function get<T>({ http }: Serving, path: string): Promise<T> {
  return (await (await fetch(`${http}${path}`)).json()) as T;
}

async function post({ http }: Serving, path: string, body: object) {
  const response = await fetch(`${http}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

interface Shown {
  readonly store: { readonly kind: string; readonly health?: { readonly kind: string } };
  readonly warmUps: readonly { readonly phase: string; readonly source: string; readonly id: string }[];
}

const warmUps = (server: Serving) => get<Shown>(server, '/v1/warm-ups?workload=shop/triton');
const wanted = async (server: Serving) =>
  (await server.keda.metrics(ref, 'pilotlight-replicas'))[0]?.metricValueFloat;
const SLOW = { timeout: 60_000, interval: 200 };

describe('two servers on one Redis', () => {
  test('what is announced to one is a floor of both, and worked on by one', { timeout: 60_000 }, async () => {
    a = await serve();
    await expect.poll(async () => (await warmUps(a)).store.kind, SLOW).toBe('open');
    expect(a.daemon.output).toContain('warm-ups are kept in Redis, shared by all scaler replicas on it');
    const announcement = {
      jobs: 160,
      startsAt: new Date(Date.now() + 50_000).toISOString(),
      deadline: new Date(Date.now() + 650_000).toISOString(),
      idempotencyKey: 'launch',
    };
    const answer = await post(a, 'workloads/shop/triton/announce', announcement);
    expect(answer).toMatchObject({ status: 201, body: { replicas: 3 } });
    await expect.poll(async () => (await warmUps(a)).warmUps[0]?.phase, SLOW).toBe('begun');
    b = await serve();
    await expect.poll(() => wanted(b), SLOW).toBe(3);
    expect(await wanted(a)).toBe(3);
    expect(await warmUps(b)).toMatchObject({ warmUps: [{ phase: 'begun', source: 'announced' }] });
    expect(await post(b, 'workloads/shop/triton/announce', announcement)).toEqual({
      status: 200,
      body: { ...answer.body, outcome: 'duplicate' },
    });
    expect(await post(b, 'workloads/shop/triton/announce', { ...announcement, jobs: 1 })).toMatchObject({
      status: 409,
    });
  });

  test('when the one that works is killed, the other finishes it', { timeout: 90_000 }, async () => {
    a.daemon.signal('SIGKILL');
    readyPods = 3;
    await expect.poll(async () => (await warmUps(b)).warmUps[0]?.phase, SLOW).toBe('holding');
    expect(await wanted(b)).toBe(3);
    const page = await get<{ warmUps: object }>(b, '/v1/workloads/shop/triton');
    expect(page.warmUps).toMatchObject({
      floors: [{ replicas: 3, source: 'announced' }],
      warmUps: [{ phase: 'holding', steps: [{ step: 'floor' }, { step: 'nodes' }, { step: 'ready' }, {}] }],
      ledger: { sums: { warmUps: 0 } },
    });
  });

  test('without Redis the scaler answers, floors stand, and it says so', { timeout: 90_000 }, async () => {
    redis.daemon.signal('SIGKILL');
    await expect.poll(async () => (await warmUps(b)).store.health?.kind, SLOW).toBe('stale');
    const woken = await post(b, 'workloads/shop/triton/wake', { replicas: 5, for: '10m' });
    expect(woken).toMatchObject({ status: 200, body: { outcome: 'awake' } });
    for (let second = 0; second < 20; second += 1) {
      expect(await wanted(b)).toBe(5); // the wake, from memory
      await pause(1000);
    }
    const page = await get<{ warmUps: object }>(b, '/v1/workloads/shop/triton');
    expect(page.warmUps).toMatchObject({
      floors: [{ replicas: 3 }],
      store: { health: { kind: 'stale', since: expect.stringMatching(/Z$/) as string } },
      ledger: { error: expect.any(String) as string },
    });
    const metrics = await (await fetch(`${b.http}/metrics`)).text();
    expect(metrics).toMatch(/^pilotlight_warm_up_store_up 0$/m);
    expect(Number(/^pilotlight_floors_stale_seconds (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(10);
    expect((await post(b, 'warm-ups/w1/cancel', {})).status).toBe(503);
    expect(b.daemon.output).toContain('the last known floors stand until they expire');
  });

  test('when Redis is back, what was asked for meanwhile is handed over', { timeout: 90_000 }, async () => {
    redis = await startRedis(Number(new URL(redis.url).port));
    await expect.poll(async () => (await warmUps(b)).store.health?.kind, SLOW).toBe('current');
    // This Redis kept nothing: what is there was put there since.
    await expect
      .poll(async () => (await warmUps(b)).warmUps.map(({ source }) => source), SLOW)
      .toEqual(['wake']);
    expect(await wanted(b)).toBe(5);
    const [wake] = (await warmUps(b)).warmUps;
    expect((await post(b, `warm-ups/${wake?.id}/cancel`, {})).body).toMatchObject({ outcome: 'cancelled' });
    await expect.poll(() => wanted(b), SLOW).toBeLessThan(5);
    expect((await post(b, `warm-ups/${wake?.id}/retry`, {})).status).toBe(404);
  });
});
