import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { explain } from '../../src/cli/explain.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { redecider } from '../../src/replay/pilotlight/log.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { temporaryFolder } from '../support/processes.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/** Warm-ups in a whole server on a real Redis: windows, wakes, the admin API, what is learned of them. */

const WAIT = { timeout: 20_000, interval: 50 };
let api: PrometheusApi;
let redis: RedisServer;
let server: TestServer;
let folder: string;
let readyPods: Record<string, number> = {};

beforeAll(async () => {
  folder = await temporaryFolder('warm-ups');
  redis = await startRedis();
  api = await servePrometheusApi((promql, response) => {
    const pods = Object.entries(readyPods).flatMap(([name, count]) =>
      Array.from({ length: count }, (_, index) => ({
        labels: { namespace: 'shop', pod: podOf(name, index) },
        value: 0,
      })),
    );
    const services = ['learned', 'windowed', 'woken', 'dry'];
    const gateway = services.map((service) => ({ labels: { namespace: 'shop', service }, value: 0 }));
    response.end(vectorOf(promql.includes('nv_inference_pending_request_count') ? pods : gateway));
  });
  server = await serveHere({
    redis: redis.url,
    prometheus: api.url,
    decisionLog: join(folder, 'decisions.jsonl'),
  });
});

afterAll(async () => {
  await server.stop();
  await redis.stop();
  await api.stop();
  await rm(folder, { recursive: true });
});

let printed = '';

beforeEach(() => {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

function ref(name: string, metadata: Record<string, string>): TriggerRef {
  return { namespace: 'shop', name, metadata: { profile: 'triton-pending', ...metadata } };
}

async function post(path: string, body: object = {}) {
  const response = await fetch(`${server.http}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const known = (name: string) => server.warmUps.of('shop', name);
const desired = (name: string) => server.views.named('shop', name)[0]?.decision?.desired;
const outcomes = async (name: string) =>
  (await server.warmUps.ledger('shop', name)).map(({ outcome }) => outcome);

describe('a warm window', () => {
  test('is a warm-up ahead of it, which explain tells of', async () => {
    await server.keda.isActive(ref('windowed', { warmWindows: '* * * * */1h=2', leadTime: '5m' }));
    // Each minute one begins; those in one slot of five minutes are one.
    await expect.poll(() => known('windowed').map(({ phase }) => phase), WAIT).toContain('begun');
    expect(known('windowed')[0]?.warmUp).toMatchObject({ source: 'window', replicas: 2 });
    await expect.poll(() => desired('windowed'), WAIT).toBe(2);
    expect(await explain.run(['shop/windowed', '--server', server.http])).toBe(0);
    expect(printed).toMatch(/warm-ups {3}warm-ups are kept in Redis, shared by all scaler replicas/);
    expect(printed).toMatch(/floor {6}at least 2 until \S+Z \(window\): warm window/);
    expect(printed).toMatch(/begun +window +2 +\S+Z +\S+Z +\d+ GPU-s +(?:late, )?nodes nothing +warm window/);
    expect(printed).toContain('ledger     no warm-up has ended yet');
  });
});

describe('a wake', () => {
  test('is a warm-up that every scaler replica sees, and that a person can cancel', async () => {
    await server.keda.isActive(ref('woken', { leadTime: '5m' }));
    await post('workloads/shop/woken/wake', { replicas: 3, for: '30m' });
    expect(desired('woken')).toBe(3);
    await expect.poll(() => known('woken').map(({ phase }) => phase), WAIT).toEqual(['begun']);
    await post('workloads/shop/woken/wake', { replicas: 2, for: '30m' });
    await expect.poll(() => known('woken').map(({ warmUp }) => warmUp.replicas), WAIT).toEqual([2]);
    await expect.poll(() => desired('woken'), WAIT).toBe(2);
    const [status] = known('woken');
    expect(await post(`warm-ups/${status?.warmUp.id}/cancel`)).toMatchObject({
      status: 200,
      body: { outcome: 'cancelled' },
    });
    // One that was asked for counts as starting until its lead time is over.
    await expect.poll(() => desired('woken'), WAIT).toBeLessThan(2);
    expect(await post(`warm-ups/${status?.warmUp.id}/cancel`)).toMatchObject({ status: 404 });
  });

  test('in a dry run is no warm-up, for nothing would come of it', async () => {
    await server.keda.isActive(ref('dry', { dryRun: 'true' })).catch(() => undefined);
    expect((await post('workloads/shop/dry/wake')).status).toBe(200);
    await server.ticked();
    expect(known('dry')).toEqual([]);
  });
});

describe('what warm-ups teach', () => {
  test('the lead time is learned from three of them, and the log says so', { timeout: 60_000 }, async () => {
    await server.keda.isActive(ref('learned', {}));
    for (let time = 1; time <= 3; time += 1) {
      readyPods['learned'] = 0;
      await server.ticked();
      await post('workloads/shop/learned/wake', { for: '5s' });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      readyPods['learned'] = 1;
      await expect.poll(() => known('learned')[0]?.phase, WAIT).toBe('holding');
      await expect.poll(() => outcomes('learned'), WAIT).toHaveLength(time);
    }
    const steps = () => readFileSync(join(folder, 'decisions.jsonl'), 'utf8').trimEnd().split('\n');
    const learned = () =>
      steps().some(
        (line) => line.includes('"leadTime":') && line.includes('/learned/') && !line.includes('"policy"'),
      );
    await expect.poll(learned, WAIT).toBe(true);
    const ofLearned = steps().filter((line) => line.includes('shop/learned/'));
    const last = JSON.parse(ofLearned.at(-1)!) as { leadTime: number };
    expect(last.leadTime).toBeGreaterThan(1000);
    expect(last.leadTime).toBeLessThan(5000);
    const redecide = redecider();
    expect(ofLearned.flatMap((line) => redecide(line) ?? [])).toEqual([]);
  });

  test('what they were good for is counted', async () => {
    const page = await (await fetch(`${server.http}/metrics`)).text();
    expect(page).toMatch(/^pilotlight_warm_up_store_up 1$/m);
    expect(page).toMatch(/^pilotlight_warm_ups_ended_total\{source="wake",outcome="wasted"\} 3$/m);
    expect(page).toMatch(/^pilotlight_warm_ups\{phase="begun"\} 1$/m);
    expect(page).toMatch(/^pilotlight_warm_up_gpu_seconds_ahead_total (?!0$)\S+$/m);
    expect(await explain.run(['shop/learned', '--server', server.http])).toBe(0);
    expect(printed).toMatch(
      /ledger {5}3 ended \(3 wasted\); the load came for 0; \d+ GPU-seconds ahead of it/,
    );
  });
});

describe('an embedded store', () => {
  test(
    'that another server has is waited for, and the scaler serves meanwhile',
    { timeout: 60_000 },
    async () => {
      const stateDir = await temporaryFolder('state');
      const first = await serveHere({ stateDir, prometheus: api.url });
      const other = ref('woken', { leadTime: '5m' });
      let second: TestServer | null = null;
      try {
        await expect.poll(() => first.warmUps.store().kind, WAIT).toBe('open');
        expect(first.warmUps.store()).toMatchObject({ keptIn: 'redis-server', shared: false });
        second = await serveHere({ stateDir, prometheus: api.url });
        const { warmUps, http, keda } = second;
        await expect
          .poll(() => warmUps.store(), WAIT)
          .toMatchObject({ kind: 'opening', why: expect.stringContaining(stateDir) as string });
        expect(await keda.isActive(other)).toBe(false);
        const wake = { method: 'POST', headers: { 'content-type': 'application/json' } };
        expect((await fetch(`${http}/v1/workloads/shop/woken/wake`, wake)).status).toBe(200);
        expect(await keda.isActive(other)).toBe(true);
        expect(await (await fetch(`${http}/metrics`)).text()).toMatch(/^pilotlight_warm_up_store_up 0$/m);
        expect((await fetch(`${http}/v1/warm-ups/w1/cancel`, wake)).status).toBe(503);
        expect(await explain.run(['shop/woken', '--server', http])).toBe(0);
        expect(printed).toMatch(/warm-ups {3}off until their store opens: /);
        await first.stop();
        await expect.poll(() => warmUps.store().kind, WAIT).toBe('open');
        await expect.poll(() => warmUps.known().map(({ warmUp }) => warmUp.source), WAIT).toEqual(['wake']);
      } finally {
        await second?.stop();
        if (second === null) await first.stop();
        await rm(stateDir, { recursive: true });
      }
    },
  );

  test('without a place for it there are no warm-ups, and explain says what to give', async () => {
    const plain = await serveHere({ prometheus: api.url });
    try {
      await plain.keda.isActive(ref('woken', {}));
      expect(await explain.run(['shop/woken', '--server', plain.http])).toBe(0);
      expect(printed).toContain('warm-ups   off: neither --redis nor --state-dir is given');
    } finally {
      await plain.stop();
    }
  });
});
