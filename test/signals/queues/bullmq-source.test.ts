import { Queue, Worker, type JobsOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MetricAnswer } from '../../../src/ports/metric-source.js';
import { createBullmqSource, type BullmqSource } from '../../../src/signals/queues/bullmq-source.js';
import { loadProfiles } from '../../../src/server/profiles-folder.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';

const clock = { now: () => Date.now() };
const profile = loadProfiles(undefined).get('bullmq-backlog')!;

let redis: RedisServer;
let source: BullmqSource;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = await startRedis();
  source = createBullmqSource(redis.url, clock);
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

afterAll(async () => {
  source.close();
  await redis.stop();
});

function connection() {
  return { host: '127.0.0.1', port: Number(new URL(redis.url).port) };
}

async function open(name: string, prefix?: string): Promise<Queue> {
  const queue = new Queue(name, { connection: connection(), ...(prefix === undefined ? {} : { prefix }) });
  opened.push(queue);
  await queue.waitUntilReady();
  return queue;
}

async function add(queue: Queue, count: number, options: JobsOptions = {}): Promise<void> {
  await queue.addBulk(Array.from({ length: count }, () => ({ name: 'render', data: {}, opts: options })));
}

function read(queue: string, from = source): Promise<MetricAnswer> {
  return from.read({ profile, byModel: false, queue });
}

async function backlog(queue: string): Promise<number> {
  const answer = await read(queue);
  if (answer.kind === 'failed') throw new Error(answer.why);
  expect(answer.series).toHaveLength(1);
  return answer.series[0]!.sample.value;
}

async function failure(queue: string, from = source): Promise<string> {
  const answer = await read(queue, from);
  return answer.kind === 'failed' ? answer.why : `answered ${JSON.stringify(answer.series)}`;
}

describe('the backlog of a queue', () => {
  test('is what waits, by priority or not', async () => {
    const queue = await open('team.waiting');
    expect(await backlog('team.waiting')).toBe(0);
    await add(queue, 3);
    await add(queue, 2, { priority: 5 });
    expect(await backlog('team.waiting')).toBe(5);
    expect(await backlog('bull:team.waiting')).toBe(5);
  });

  test('and what runs, but not what has been done', async () => {
    const queue = await open('team.running');
    await add(queue, 4);
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const worker = new Worker('team.running', () => held, { connection: connection(), concurrency: 3 });
    opened.push(worker);
    await expect.poll(() => queue.getActiveCount()).toBe(3);
    expect(await backlog('team.running')).toBe(4);
    release();
    await expect.poll(() => backlog('team.running')).toBe(0);
    expect(await queue.getCompletedCount()).toBe(4);
  });

  test('and what was delayed, once its time has come', async () => {
    const queue = await open('team.delayed');
    await add(queue, 2, { delay: 3_600_000 });
    await add(queue, 3, { delay: 50 });
    await pause(60);
    expect(await queue.getDelayedCount()).toBe(5); // no worker has taken any
    expect(await backlog('team.delayed')).toBe(3);
  });

  test('a job counts from the millisecond on that BullMQ would start it', async () => {
    const queue = await open('team.moment');
    let now = Date.now();
    const still = createBullmqSource(redis.url, { now: () => now });
    opened.push({ close: () => Promise.resolve(still.close()) });
    const job = await queue.add('render', {}, { delay: 5000 });
    const due = job.timestamp + 5000;
    const values: number[] = [];
    for (now of [due - 1, due]) {
      const answer = await read('team.moment', still);
      values.push(answer.kind === 'answered' ? answer.series[0]!.sample.value : Number.NaN);
    }
    expect(values).toEqual([0, 1]);
  });

  test('is what runs alone while the queue is paused', async () => {
    const queue = await open('team.paused');
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const worker = new Worker('team.paused', () => held, { connection: connection() });
    opened.push(worker);
    await add(queue, 3);
    await expect.poll(() => queue.getActiveCount()).toBe(1);
    await queue.pause();
    expect(await backlog('team.paused')).toBe(1);
    await queue.resume();
    expect(await backlog('team.paused')).toBe(3);
    release();
    await expect.poll(() => backlog('team.paused')).toBe(0);
  });

  test('under a prefix of its own', async () => {
    const queue = await open('render', 'team');
    await add(queue, 2);
    expect(await backlog('team:render')).toBe(2);
    expect(await failure('render')).toContain('bull:render:meta');
  });
});

describe('no backlog', () => {
  test('of a queue that nobody has made', async () => {
    expect(await failure('team.nobody')).toBe(
      'no such queue: Redis has no bull:team.nobody:meta; BullMQ writes it with the first Queue',
    );
  });

  test('of a key that is no queue', async () => {
    const client = new Redis(redis.url);
    await client.set('bull:team.odd:meta', 'text');
    expect(await failure('team.odd')).toMatch(/^Redis gave no backlog for queue team\.odd: WRONGTYPE/);
    client.disconnect();
  });

  test('where nothing listens', async () => {
    const nowhere = createBullmqSource('redis://:hunter2@127.0.0.1:1', clock);
    const why = await failure('team.any', nowhere);
    expect(why).toMatch(/^Redis gave no backlog for queue team\.any: .*ECONNREFUSED/);
    expect(why).not.toContain('hunter2');
    nowhere.close();
  });

  test('from a Redis that does not answer, which is found out soon', async () => {
    await open('team.hang');
    expect(await backlog('team.hang')).toBe(0);
    redis.daemon.signal('SIGSTOP');
    const started = Date.now();
    expect(await failure('team.hang')).toMatch(/timed out/i);
    expect(Date.now() - started).toBeLessThan(5000);
    redis.daemon.signal('SIGCONT');
    await expect.poll(() => failure('team.hang')).toMatch(/^answered/);
  });

  test('from a Redis that is gone, until it is back', async () => {
    const port = Number(new URL(redis.url).port);
    for (const each of opened.splice(0)) await each.close();
    await redis.stop();
    await expect.poll(() => failure('team.back')).toMatch(/^Redis gave no backlog for queue team\.back: /);
    redis = await startRedis(port);
    const queue = await open('team.back');
    await add(queue, 2);
    await expect.poll(() => failure('team.back'), { timeout: 10_000 }).toMatch(/^answered.*"value":2/);
  });

  test('without the password, and none of it in the words', async () => {
    const client = new Redis(redis.url);
    await client.config('SET', 'requirepass', 'hunter2');
    const { port } = connection();
    for (const url of [`redis://127.0.0.1:${port}`, `redis://:hunter3@127.0.0.1:${port}`]) {
      const stranger = createBullmqSource(url, clock);
      await expect.poll(() => failure('team.back', stranger)).toMatch(/NOAUTH|WRONGPASS/);
      expect(await failure('team.back', stranger)).not.toMatch(/hunter/);
      stranger.close();
    }
    const friend = createBullmqSource(`redis://:hunter2@127.0.0.1:${port}`, clock);
    await expect.poll(() => failure('team.back', friend)).toMatch(/^answered/);
    friend.close();
    client.disconnect();
  });
});
