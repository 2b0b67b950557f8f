import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackend } from '../../src/warmup/backend/open-backend.js';
import type { Backend } from '../../src/warmup/backend/backend.js';
import { pause } from '../../src/warmup/pause.js';
import { ABSENT, ANY, type Store } from '../../src/warmup/store/store.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { NotedLog, redisBench, warmUp } from './support.js';

const never = new AbortController().signal;

describe.each(['Redis', 'PGlite'] as const)('the store on %s', (kind) => {
  let redis: RedisServer | null = null;
  let backend: Backend;
  let store: Store;
  let stateDir = '';

  beforeAll(async () => {
    redis = kind === 'Redis' ? await startRedis() : null;
    stateDir = mkdtempSync(join(tmpdir(), 'pilotlight-s-'));
    backend = await openBackend(
      { redisUrl: redis?.url ?? null, stateDir, embedded: 'pglite' },
      new NotedLog(),
    );
    store = backend.store;
  }, 120_000);

  afterAll(async () => {
    await backend.close();
    await redis?.stop();
    rmSync(stateDir, { recursive: true });
  });

  const put = (id: string, value: string, expected: number, collection = 'c') =>
    ({ op: 'put', in: collection, id, value, expect: expected }) as const;

  test('writes what was expected, and tells what was not', async () => {
    expect(await store.read('c', 'a')).toBeNull();
    expect(await store.commit([put('a', 'one\ntwo €', ABSENT)])).toBe(true);
    expect(await store.commit([put('a', 'again', ABSENT)])).toBe(false);
    const first = (await store.read('c', 'a'))!;
    expect(first.value).toBe('one\ntwo €');
    expect(await store.commit([put('a', 'next', first.revision)])).toBe(true);
    expect(await store.commit([put('a', 'late', first.revision)])).toBe(false);
    expect(await store.commit([put('a', 'anyway', ANY)])).toBe(true);
    expect([...(await store.list('c')).values()].map(({ value }) => value)).toEqual(['anyway']);
  });

  test('writes all or nothing', async () => {
    const before = await store.version('d');
    const half = [put('x', '1', ABSENT, 'd'), put('y', '1', 77, 'd')];
    expect(await store.commit(half)).toBe(false);
    expect((await store.list('d')).size).toBe(0);
    expect(await store.version('d')).toBe(before);
    expect(await store.commit([put('x', '1', ABSENT, 'd'), put('y', '1', ABSENT, 'd')])).toBe(true);
    expect(await store.version('d')).not.toBe(before);
  });

  test('takes nothing for the document that was there before it was dropped', async () => {
    await store.commit([put('z', 'old', ABSENT)]);
    const { revision } = (await store.read('c', 'z'))!;
    expect(await store.commit([{ op: 'drop', in: 'c', id: 'z', expect: revision }])).toBe(true);
    await store.commit([put('z', 'new', ABSENT)]);
    expect(await store.commit([{ op: 'drop', in: 'c', id: 'z', expect: revision }])).toBe(false);
    expect((await store.read('c', 'z'))?.value).toBe('new');
  });

  test('appends once for each id, and keeps the newest', async () => {
    const line = (id: string, at: number) =>
      ({ op: 'append', in: 'e', id, at, value: `${at}`, most: 3 }) as const;
    for (const [id, at] of [
      ['a', 10],
      ['b', 20],
      ['a', 99],
      ['c', 5],
      ['d', 30],
      ['e', 25],
    ] as const)
      await store.commit([line(id, at)]);
    expect(
      [...(await store.list('e')).values()].map(({ value }) => Number(value)).toSorted((a, b) => a - b),
    ).toEqual([20, 25, 30]);
  });

  test('leases to one owner until it lets go, or its time is over', async () => {
    expect(await store.lease('k', 'one', 60_000)).toBe(true);
    expect(await store.lease('k', 'two', 60_000)).toBe(false);
    await store.release('k', 'two');
    expect(await store.lease('k', 'two', 60_000)).toBe(false);
    expect(await store.lease('k', 'one', 200)).toBe(true);
    await pause(300, never);
    expect(await store.lease('k', 'two', 60_000)).toBe(true);
    await store.release('k', 'two');
    expect(await store.lease('k', 'one', 60_000)).toBe(true);
  });

  test('lets one of many writers through', async () => {
    await store.commit([put('race', '0', ANY)]);
    const { revision } = (await store.read('c', 'race'))!;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.commit([put('race', `${n}`, revision)])),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
  });
});

describe('what a crash or a hand left in the store', () => {
  test('is made good: alarm clocks that are gone, floors of nothing, and texts that nobody can read', async () => {
    const bench = await redisBench();
    const { warmUps, steps, log } = await bench.open();
    const client = new Redis(bench.redis.url);
    const queue = new Queue('warm-ups', { connection: client, prefix: '{pilotlight}' });
    const planned = warmUp({ in: 800, hold: 60_000 });
    await warmUps.queue.plan(planned);
    await queue.obliterate({ force: true });
    const floor = { workload: 'ml/nothing/aaa', replicas: 9, until: Date.now() + 3_600_000, why: 'a test' };
    await client.hset('{pilotlight}:docs:floors', 'wnothing', `1\n${JSON.stringify(floor)}`);
    await client.hset('{pilotlight}:docs:warm-ups', 'wbroken', '1\nno warm-up');
    await client.hset('{pilotlight}:docs:accounts', planned.id, '1\n[');
    await client.hset('{pilotlight}:versions', 'floors', 'x');
    await expect.poll(() => steps.of(planned.id), { timeout: 5000 }).toEqual(['nodes', 'ready', 'model']);
    await expect.poll(() => client.hkeys('{pilotlight}:docs:floors')).toEqual([planned.id]);
    expect(warmUps.floors.floorsOf(floor.workload)).toEqual([]);
    expect(await warmUps.queue.list()).toHaveLength(1);
    expect(await warmUps.queue.cancel(planned.id)).toBe(true);
    expect((await warmUps.ledger.records(planned.workload)).map(({ outcome }) => outcome)).toEqual([
      'cancelled',
    ]);
    expect(log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
    await queue.close();
    client.disconnect();
    await bench.stop();
  });
});
