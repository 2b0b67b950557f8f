import { Queue } from 'bullmq';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchBullmqQueues, type QueueWatch } from '../../../src/signals/queues/bullmq-watch.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';

/** With a real Redis and BullMQ’s own producer. */

const WAIT = { timeout: 10_000, interval: 10 };
let redis: RedisServer;
let watch: QueueWatch;
let wanted: string[] = [];
let told: string[] = [];
let problems: (string | null)[] = [];
const queues: Queue[] = [];

beforeEach(async () => {
  [wanted, told, problems] = [[], [], []];
  redis = await startRedis();
  watch = watchBullmqQueues(redis.url, {
    queues: () => wanted,
    onEvent: (queue) => Promise.resolve(void told.push(queue)),
    onProblem: (why) => problems.push(why),
  });
});

afterEach(async () => {
  watch.close();
  for (const queue of queues.splice(0)) await queue.close();
  await redis.stop();
});

async function open(name: string, prefix = 'bull'): Promise<Queue> {
  const port = Number(new URL(redis.url).port);
  const queue = new Queue(name, { prefix, connection: { host: '127.0.0.1', port } });
  queue.on('error', () => undefined);
  queues.push(queue);
  await queue.waitUntilReady();
  return queue;
}

test('tells of a queue once when it begins to watch it, and of each thing that happens there', async () => {
  const [own, other] = [await open('jobs'), await open('jobs', '{team}')];
  await own.add('before', {});
  wanted = ['jobs', '{team}:jobs'];
  watch.nudge();
  await expect.poll(() => told.toSorted(), WAIT).toEqual(['jobs', '{team}:jobs']);
  await other.add('after', {});
  await expect.poll(() => told, WAIT).toHaveLength(3);
  expect(told.at(-1)).toBe('{team}:jobs');
  await own.add('after', {}, { priority: 2 });
  await expect.poll(() => told, WAIT).toHaveLength(4);
  expect(told.at(-1)).toBe('jobs');
});

test('a flood is told of as one thing now and then, and its end is not missed', async () => {
  const queue = await open('jobs');
  wanted = ['jobs'];
  watch.nudge();
  await expect.poll(() => told, WAIT).toHaveLength(1);
  await queue.addBulk(Array.from({ length: 500 }, (_, index) => ({ name: 'x', data: { index } })));
  await expect.poll(() => told.length, WAIT).toBeGreaterThan(1);
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(told.length).toBeLessThan(10);
});

test('a queue that is watched no longer is silent, and is told of again when it is watched again', async () => {
  const queue = await open('jobs');
  wanted = ['jobs'];
  watch.nudge();
  await expect.poll(() => told, WAIT).toHaveLength(1);
  wanted = [];
  await new Promise((resolve) => setTimeout(resolve, 600));
  await queue.add('unseen', {});
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(told).toHaveLength(1);
  wanted = ['jobs'];
  watch.nudge();
  await expect.poll(() => told, WAIT).toHaveLength(2);
});

test('without Redis it says so once, and goes on when there is one again', async () => {
  const queue = await open('jobs');
  wanted = ['jobs'];
  watch.nudge();
  await expect.poll(() => told, WAIT).toHaveLength(1);
  await queue.close();
  redis.daemon.signal('SIGSTOP');
  await expect.poll(() => problems, WAIT).toHaveLength(1);
  expect(problems[0]).toContain('no events of queues, which then wake at the next tick');
  redis.daemon.signal('SIGCONT');
  await expect.poll(() => problems, WAIT).toEqual([problems[0], null]);
  expect(told.length).toBeGreaterThan(1);
});

test('closed, it watches nothing', async () => {
  await open('jobs');
  watch.close();
  wanted = ['jobs'];
  watch.nudge();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([told, problems]).toEqual([[], []]);
});
