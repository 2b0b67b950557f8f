import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/** Orders over HTTP and jobs in a queue, to KEDA’s open stream, with a tick so long that only a push can be in time. */

const WAIT = { timeout: 5000, interval: 5 };
let redis: RedisServer;
let server: TestServer;
const queues: Queue[] = [];

beforeAll(async () => {
  redis = await startRedis();
  server = await serveHere({ redis: redis.url, tick: 60_000 });
});

afterAll(async () => {
  await server.stop();
  for (const queue of queues) await queue.close();
  await redis.stop();
});

function ref(name: string, metadata: Record<string, string> = {}): TriggerRef {
  return {
    namespace: 'team',
    name,
    metadata: {
      profile: 'bullmq-backlog',
      queue: `team.${name}`,
      serviceTime: '30',
      leadTime: '5m',
      ...metadata,
    },
  };
}

async function open(name: string): Promise<Queue> {
  const queue = new Queue(`team.${name}`, {
    connection: { host: '127.0.0.1', port: Number(new URL(redis.url).port) },
  });
  queue.on('error', () => undefined);
  queues.push(queue);
  await queue.waitUntilReady();
  return queue;
}

async function post(path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.http}/v1/workloads/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A workload at zero whose stream has said so. */
async function asleep(name: string, metadata: Record<string, string> = {}) {
  await open(name);
  const trigger = ref(name, metadata);
  const stream = server.keda.streamIsActive(trigger);
  await expect.poll(() => stream.received, WAIT).toEqual([false]);
  return { trigger, stream };
}

describe('a wake', () => {
  test('reaches KEDA over its stream without a tick, and ends on its own', async () => {
    const { trigger, stream } = await asleep('woken');
    const answer = await post('team/woken/wake', { replicas: 3, for: '30m' });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'awake', replicas: 3 } });
    await expect.poll(() => stream.received, WAIT).toEqual([false, true]);
    const [value] = await server.keda.metrics(trigger, 'pilotlight-replicas');
    expect(value?.metricValueFloat).toBe(3);
    const shown = await (await fetch(`${server.http}/v1/workloads/team/woken`)).text();
    expect(shown).toContain('woken by hand: at least 3 for 30 min');
    await post('team/woken/wake', { for: '0s' });
    await expect.poll(() => stream.received, WAIT).toEqual([false, true, false]);
    stream.cancel();
  });

  test('needs no body, and wakes out of a sleep window', async () => {
    const { stream } = await asleep('napping', { sleepWindows: '* * * * */1h' });
    expect((await post('team/napping/wake')).status).toBe(200);
    await expect.poll(() => stream.received, WAIT).toEqual([false, true]);
    stream.cancel();
  });

  test.each([
    ['team/woken/wake', '{', 400, 'expected a body of JSON'],
    ['team/woken/wake', { replicas: 0 }, 400, 'replicas'],
    ['team/woken/wake', { replicas: 1.5 }, 400, 'replicas'],
    ['team/woken/wake', { for: 'ever' }, 400, 'for: expected a duration'],
    ['team/woken/wake', { until: 'noon' }, 400, 'until'],
    ['team/woken/wake', { for: '25h' }, 422, 'for: expected a duration of at most 24 h'],
    ['team/nobody/wake', {}, 404, 'no ScaledObject team/nobody'],
    ['team/woken/wake', `{"for":"${'9'.repeat(20_000)}"}`, 413, 'at most 16384 bytes'],
  ])('%s with %j is refused', async (path, body, status, why) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(answer.body['error']).toContain(why);
  });

  test('from a page of another origin, or from a form, is refused', async () => {
    expect((await post('team/woken/wake', {}, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await post('team/woken/wake', {}, { origin: server.http })).status).toBe(200);
    await post('team/woken/wake', { for: '0s' });
    expect((await post('team/woken/wake', 'replicas=9', { 'content-type': 'text/plain' })).status).toBe(415);
  });
});

describe('an announcement', () => {
  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

  test('is ready by its start: within the lead time KEDA hears of it at once', async () => {
    const { stream } = await asleep('announced');
    const announcement = {
      jobs: 200,
      startsAt: inMinutes(4),
      deadline: inMinutes(54),
      idempotencyKey: 'nightly-2026-11-23',
    };
    const first = await post('team/announced/announce', announcement);
    // 100 rounds of one slot in 50 min, of which one is lost to the lead time: 3 replicas and not 2.
    expect(first).toMatchObject({ status: 201, body: { outcome: 'accepted', replicas: 3, inTime: true } });
    await expect.poll(() => stream.received, WAIT).toEqual([false, true]);
    const again = await post('team/announced/announce', announcement);
    expect(again).toEqual({ status: 200, body: { ...first.body, outcome: 'duplicate' } });
    expect((await post('team/announced/announce', { ...announcement, jobs: 1 })).status).toBe(409);
    stream.cancel();
  });

  test('of later leaves the workload where it is until then', async () => {
    const { stream } = await asleep('later');
    const answer = await post('team/later/announce', {
      jobs: 10,
      startsAt: inMinutes(120),
      deadline: inMinutes(180),
      idempotencyKey: 'later',
    });
    expect(answer.body).toMatchObject({ outcome: 'accepted', replicas: 1 });
    expect(server.views.named('team', 'later')[0]?.decision).toMatchObject({ desired: 0, active: false });
    stream.cancel();
  });

  test.each([
    [{ jobs: 0 }, 400, 'jobs'],
    [{ startsAt: 'tomorrow' }, 400, 'startsAt: expected ISO 8601 with a zone'],
    [{ deadline: '2026-11-23T08:00:00' }, 400, 'deadline: expected ISO 8601 with a zone'],
    [{ idempotencyKey: '' }, 400, 'idempotencyKey'],
    [{ deadline: '2020-01-01T00:00:00Z' }, 422, 'deadline: it is past'],
  ])('with %j is refused', async (changes, status, why) => {
    const good = { jobs: 1, startsAt: inMinutes(1), deadline: inMinutes(9), idempotencyKey: 'x' };
    const answer = await post('team/announced/announce', { ...good, ...changes });
    expect(answer.status).toBe(status);
    expect(answer.body['error']).toContain(why);
  });
});

describe('a job in a queue', () => {
  const queueOf = (name: string) => queues.find((each) => each.name === `team.${name}`)!;

  test('wakes a workload at zero without a tick, each time', async () => {
    const { stream } = await asleep('busy');
    await queueOf('busy').add('render', {});
    await expect.poll(() => stream.received, WAIT).toEqual([false, true]);
    stream.cancel();
  });

  test('wakes what scales on its own signal, by its wake profile', async () => {
    const { stream } = await asleep('other', { profile: 'triton-pending', wake: 'bullmq-backlog' });
    await queueOf('other').addBulk([
      { name: 'render', data: {} },
      { name: 'render', data: {}, opts: { priority: 3 } },
    ]);
    await expect.poll(() => stream.received, WAIT).toEqual([false, true]);
    stream.cancel();
  });

  test('of which the delay is not over wakes nobody, and neither does one in a sleep window', async () => {
    const patient = await asleep('patient');
    const napping = await asleep('dozing', { sleepWindows: '* * * * */1h' });
    await queueOf('patient').add('render', {}, { delay: 3_600_000 });
    await queueOf('dozing').add('render', {});
    const loud = await asleep('loud');
    await queueOf('loud').add('render', {});
    await expect.poll(() => loud.stream.received, WAIT).toEqual([false, true]);
    expect([patient.stream.received, napping.stream.received]).toEqual([[false], [false]]);
    for (const { stream } of [patient, napping, loud]) stream.cancel();
  });
});
