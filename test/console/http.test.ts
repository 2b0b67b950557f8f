import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consoleApp } from '../../src/console/http.js';
import { createServerMetrics } from '../../src/console/metrics.js';
import { createWarmUpMetrics } from '../../src/console/warm-up-metrics.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import type { WarmUpDesk } from '../../src/ports/warm-ups.js';
import { refusal } from '../support/keda-client.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { temporaryFolder } from '../support/processes.js';
import { serveHere, type TestServer } from '../support/running-server.js';

const ref: TriggerRef = {
  namespace: 'shop',
  name: 'triton',
  metadata: { profile: 'triton-pending', target: '10', scalerAddress: 'pilotlight:50051' },
};

let api: PrometheusApi;
let server: TestServer;

beforeAll(async () => {
  api = await servePrometheusApi((promql, response) => {
    const labels = { namespace: 'shop', pod: podOf('triton') };
    response.end(vectorOf(promql.includes('offset') ? [] : [{ labels, value: 25 }]));
  });
  server = await serveHere({ prometheus: api.url });
  await server.keda.isActive(ref);
  await refusal(server.keda.isActive({ ...ref, metadata: {} }));
});

afterAll(async () => {
  await server.stop();
  await api.stop();
});

async function get(path: string, from = server): Promise<{ status: number; text: string }> {
  const response = await fetch(`${from.http}${path}`);
  return { status: response.status, text: await response.text() };
}

async function json(path: string): Promise<{ status: number; body: unknown }> {
  const { status, text } = await get(path);
  return { status, body: JSON.parse(text) as unknown };
}

describe('the admin API', () => {
  test('lists the triggers with what was decided', async () => {
    const { status, body } = await json('/v1/workloads');
    expect(status).toBe(200);
    expect(body).toEqual({
      workloads: [
        {
          id: expect.stringMatching(/^shop\/triton\/[\da-f]{12}$/) as string,
          namespace: 'shop',
          name: 'triton',
          profiles: ['triton-pending'],
          verdict: 'fresh',
          current: expect.any(Number) as number,
          desired: 3,
          active: true,
          at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
          reason: expect.stringMatching(/^3 replicas: triton-pending 25 requests/) as string,
        },
      ],
    });
  });

  test('shows one with its policy, its stages and its inputs', async () => {
    const { status, body } = await json('/v1/workloads/shop/triton');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      namespace: 'shop',
      name: 'triton',
      triggers: [
        {
          target: { namespace: 'shop', kind: 'deployment', name: 'triton' },
          policy: { holdFor: 300_000, signals: [{ profile: 'triton-pending', target: 10 }] },
          metricSpecs: [{ name: 'pilotlight-replicas', target: 1 }],
          decision: {
            desired: 3,
            signals: expect.arrayContaining([
              expect.objectContaining({ profile: 'triton-pending', raw: 25, pods: 1 }),
            ]) as unknown[],
            stages: expect.arrayContaining([
              expect.objectContaining({ stage: 'demand', replicas: 3 }),
            ]) as unknown[],
          },
        },
      ],
    });
  });

  test.each([
    ['/v1/workloads/shop/nobody', 'no ScaledObject shop/nobody: KEDA has not asked about it'],
    ['/v1/nothing', 'nothing at /v1/nothing'],
    ['/', 'nothing at /'],
  ])('%s is not there, and says what is', async (path, words) => {
    const { status, body } = await json(path);
    expect(status).toBe(404);
    expect((body as { error: string }).error).toContain(words);
  });
});

describe('from elsewhere', () => {
  const metrics = createServerMetrics({ all: () => [], named: () => [] }, () => 0);
  const orders = {
    announce: () => Promise.resolve({ kind: 'unknown' as const, why: 'nobody here' }),
    wake: () => Promise.resolve({ kind: 'awake' as const, replicas: 1, until: 0 }),
  };
  const warmUps: WarmUpDesk = {
    store: () => ({ kind: 'off', why: 'the test has none' }),
    known: () => [],
    of: () => [],
    floors: () => [],
    ledger: () => Promise.resolve([]),
    dead: () => Promise.resolve([]),
    act: () => Promise.resolve(true),
  };
  const warmUpMetrics = createWarmUpMetrics(warmUps, { now: () => 0 });
  const ready = { notReady: () => null, notHealthy: () => null };
  const parts = { metrics, orders, warmUps, warmUpMetrics, ...ready };
  const views = { all: () => [], named: () => [] };
  const remote = {
    incoming: { socket: { remoteAddress: '10.0.0.7', remotePort: 4711, remoteFamily: 'IPv4' } },
  };

  async function ask(path: string, token: string | null, headers: Record<string, string> = {}) {
    const app = consoleApp({ ...parts, views, token: () => token });
    return (await app.request(path, { headers }, remote)).status;
  }

  test('health and metrics are open, what tenants do is not', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) expect(await ask(path, 'secret')).toBe(200);
    for (const path of ['/v1/workloads', '/v1/workloads/shop/triton', '/v1/workloads/shop/nobody', '/v1/x'])
      expect([await ask(path, null), await ask(path, 'secret')]).toEqual([401, 401]);
  });

  test('the token opens it', async () => {
    expect(await ask('/v1/workloads', 'secret', { authorization: 'Bearer secret' })).toBe(200);
    expect(await ask('/v1/workloads', 'secret', { authorization: 'Bearer other' })).toBe(401);
  });

  test('orders take the token too', async () => {
    const app = consoleApp({ ...parts, views, token: () => 'secret' });
    const wake = async (headers: Record<string, string>) => {
      const request = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
      return (await app.request('/v1/workloads/shop/triton/wake', request, remote)).status;
    };
    expect(await wake({})).toBe(401);
    expect(await wake({ authorization: 'Bearer other' })).toBe(401);
    expect(await wake({ authorization: 'Bearer secret' })).toBe(200);
  });

  test('what is done with a warm-up takes the token, JSON and no other page', async () => {
    const app = consoleApp({ ...parts, views, token: () => 'secret' });
    const json = { 'content-type': 'application/json' };
    const bearer = { authorization: 'Bearer secret' };
    const cancel = async (headers: Record<string, string>) =>
      (await app.request('/v1/warm-ups/w1/cancel', { method: 'POST', headers }, remote)).status;
    expect(await cancel(json)).toBe(401);
    expect(await cancel(bearer)).toBe(415);
    expect(await cancel({ ...json, ...bearer, origin: 'https://evil.example' })).toBe(403);
    expect(await cancel({ ...json, ...bearer })).toBe(200);
    expect(await ask('/v1/warm-ups', null)).toBe(401);
    expect(await ask('/v1/warm-ups', 'secret', bearer)).toBe(200);
    expect(await ask('/v1/warm-ups?workload=shop', 'secret', bearer)).toBe(400);
  });

  test('a header that names another origin does not', async () => {
    for (const header of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'host'])
      expect(await ask('/v1/workloads', null, { [header]: '127.0.0.1' })).toBe(401);
  });
});

describe('metrics', () => {
  test('are what promtool expects, and count calls and workloads', async () => {
    const { status, text } = await get('/metrics');
    expect(status).toBe(200);
    expect(text).toContain('pilotlight_rpcs_total{method="IsActive",outcome="answered"} 1\n');
    expect(text).toContain('pilotlight_rpcs_total{method="IsActive",outcome="invalid"} 1\n');
    expect(text).toMatch(
      /^pilotlight_desired_replicas\{namespace="shop",scaledobject="triton",trigger="[\da-f]{12}"\} 3$/m,
    );
    const own = text
      .split('\n')
      .filter((line) => /^(?:# (?:HELP|TYPE) )?pilotlight_/.test(line))
      .join('\n');
    expect(await promtool(`${own}\n`)).toEqual({ code: 0, said: '' });
  });
});

/** `promtool check metrics`: parses the page and judges names and help. */
function promtool(page: string): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile('promtool', ['check', 'metrics'], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: `${stdout}${stderr}` }),
    );
    child.stdin?.end(page);
  });
}

describe('health', () => {
  test('well and ready, also while Prometheus is gone', async () => {
    const alone = await serveHere({ prometheus: 'http://127.0.0.1:1' });
    await refusal(alone.keda.isActive(ref));
    expect(await get('/healthz', alone)).toEqual({ status: 200, text: 'ok' });
    expect(await get('/readyz', alone)).toEqual({ status: 200, text: 'ok' });
    await alone.stop();
  });

  test('not ready while it drains, and well all the same', async () => {
    const hanging = await servePrometheusApi(() => undefined);
    const draining = await serveHere({ prometheus: hanging.url });
    const call = refusal(draining.keda.isActive(ref)); // its first evaluation takes a while
    await expect.poll(() => draining.views.all().length).toBe(1);
    const stopped = draining.stop();
    expect(await get('/readyz', draining)).toEqual({ status: 503, text: 'draining' });
    expect(await get('/healthz', draining)).toEqual({ status: 200, text: 'ok' });
    expect((await call).details).toContain('no answer within'); // a call in flight gets its answer
    await stopped;
    await expect(get('/healthz', draining)).rejects.toThrow();
    await hanging.stop();
  });

  test('not well when nothing has been evaluated for long', async () => {
    let ahead = 0;
    const stuck = await serveHere({ tick: 60_000 }, { clock: { now: () => Date.now() + ahead } });
    expect(await get('/healthz', stuck)).toEqual({ status: 200, text: 'ok' });
    ahead = 400_000;
    expect(await get('/healthz', stuck)).toEqual({
      status: 503,
      text: expect.stringMatching(/^no evaluation for 4\d\d s$/) as string,
    });
    await stuck.stop();
  });
});

describe('the token’s file', () => {
  test('is read anew for each request; without it nobody from elsewhere is let in, and nothing breaks', async () => {
    const folder = await temporaryFolder('token');
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'first\n');
    const guarded = await serveHere({ tokenFile });
    expect((await get('/v1/workloads', guarded)).status).toBe(200);
    rmSync(tokenFile);
    expect((await get('/v1/workloads', guarded)).status).toBe(200); // loopback needs none
    await guarded.stop();
    const missing = /^--token-file .*: expected a file that holds a token: /;
    await expect(serveHere({ tokenFile })).rejects.toThrow(missing);
    writeFileSync(tokenFile, '\n');
    await expect(serveHere({ tokenFile })).rejects.toThrow(missing);
    await rm(folder, { recursive: true });
  });
});

test('an address that is taken is named with its setting', async () => {
  const { port } = new URL(server.http);
  await expect(serveHere({ httpListen: `127.0.0.1:${port}` })).rejects.toThrow(
    new RegExp(`^--http-listen 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
  );
});
