import { Queue } from 'bullmq';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ScrapeTarget } from '../../src/ports/scrape-targets.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { FROM_HPA, refusal } from '../support/keda-client.js';
import { podOf } from '../support/prometheus-api.js';
import { listen } from '../support/prometheus-server.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { serveHere, type TestServer } from '../support/running-server.js';
import { tritonPending } from './pages.js';

/** Jobs in real queues, through the server to KEDA's questions. */

const NAME = 'pilotlight-replicas';
const WAIT = { timeout: 15_000, interval: 50 };

let ahead = 0;
const clock = { now: () => Date.now() + ahead };
let redis: RedisServer;
let server: TestServer;
let pages: string;
const pods: ScrapeTarget[] = [];
const queues: Queue[] = [];
const triton = createServer((_request, response) => response.end(tritonPending(0)));

beforeAll(async () => {
  redis = await startRedis();
  pages = `http://127.0.0.1:${await listen(triton)}/metrics`;
  server = await serveHere({ redis: redis.url }, { clock, targets: { list: () => pods } });
});

afterAll(async () => {
  await server.stop();
  for (const queue of queues) await queue.close();
  await redis.stop();
  triton.closeAllConnections();
  triton.close();
});

async function open(name: string): Promise<Queue> {
  const port = Number(new URL(redis.url).port);
  const queue = new Queue(name, { connection: { host: '127.0.0.1', port } });
  queue.on('error', () => undefined); // Redis is taken away in the end
  queues.push(queue);
  await queue.waitUntilReady();
  return queue;
}

async function add(queue: Queue, count: number): Promise<void> {
  await queue.addBulk(Array.from({ length: count }, () => ({ name: 'render', data: {} })));
}

async function published(ref: TriggerRef): Promise<{ value: number; active: boolean }> {
  const [value] = await server.keda.metrics(ref, NAME, FROM_HPA);
  return { value: value!.metricValueFloat, active: await server.keda.isActive(ref) };
}

const worker: TriggerRef = {
  namespace: 'team',
  name: 'renderer',
  metadata: {
    profile: 'bullmq-backlog',
    queue: 'team.render',
    target: '2',
    maxReplicas: '6',
    holdFor: '30s',
    burst: 'off', // which would hold the six for a minute
  },
};

test('a backlog scales its workers from zero and back', async () => {
  expect(await refusal(server.keda.isActive(worker))).toMatchObject({
    code: 'UNAVAILABLE',
    details: expect.stringContaining('no such queue: Redis has no bull:team.render:meta') as string,
  });
  const queue = await open('team.render');
  await expect.poll(() => server.keda.isActive(worker).catch(() => null), WAIT).toBe(false);
  await add(queue, 5);
  await expect.poll(() => published(worker), WAIT).toEqual({ value: 3, active: true });
  await add(queue, 50);
  await expect.poll(() => published(worker), WAIT).toEqual({ value: 6, active: true });
  await queue.drain();
  await expect.poll(() => server.keda.isActive(worker), WAIT).toBe(false);
});

test('a backlog wakes what scales on something else, and its own signal takes over', async () => {
  const queue = await open('team.wake');
  const woken: TriggerRef = {
    namespace: 'team',
    name: 'triton',
    metadata: { profile: 'triton-pending', wake: 'bullmq-backlog', queue: 'team.wake' },
  };
  const stream = server.keda.streamIsActive(woken);
  await expect.poll(() => stream.received, WAIT).toEqual([false]);
  await add(queue, 2);
  await expect.poll(() => stream.received, WAIT).toEqual([false, true]);
  expect(await server.keda.isActive(woken)).toBe(true);
  pods.push({ kind: 'pod', namespace: 'team', pod: podOf('triton'), url: pages });
  await queue.drain();
  await expect
    .poll(() => server.views.named('team', 'triton')[0]?.decision?.signals[0]?.evidence, WAIT)
    .toBe('fresh');
  await expect.poll(() => server.keda.isActive(woken), WAIT).toBe(false);
  stream.cancel();
});

test('without Redis the last decision stands, then the reason is given', async () => {
  await add(queues[0]!, 4);
  await expect.poll(() => published(worker), WAIT).toEqual({ value: 2, active: true });
  redis.daemon.signal('SIGKILL');
  const decision = () => server.views.named('team', 'renderer')[0]?.decision;
  await expect.poll(() => decision()?.reason, WAIT).toMatch(/Redis gave no backlog for queue team\.render/);
  expect(await published(worker)).toEqual({ value: 2, active: true });
  ahead = 100_000; // the last values are too old by now
  await expect.poll(() => decision()?.verdict, WAIT).toBe('held');
  expect(await published(worker)).toEqual({ value: 2, active: true });
  ahead = 140_000; // and the last decision has stood for long enough
  await expect.poll(() => decision()?.verdict, WAIT).toBe('blind');
  expect(await refusal(server.keda.isActive(worker))).toMatchObject({
    code: 'UNAVAILABLE',
    details: expect.stringMatching(
      /^blind: bullmq-backlog: no sample younger than 90 s; .*holdFor is 30 s/,
    ) as string,
  });
});
