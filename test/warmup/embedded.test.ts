import { spawn } from 'node:child_process';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PgliteClient, threadOver } from '../../src/warmup/backend/pglite-client.js';
import { lockState } from '../../src/warmup/backend/state-lock.js';
import { redisOnPath } from '../../src/warmup/backend/redis-child.js';
import { eventually, temporaryFolder } from '../support/processes.js';
import { killScalers, startScaler } from './processes.js';
import { embeddedBench, NotedLog, warmUp, type Bench } from './support.js';

const benches: Bench[] = [];

afterEach(async () => {
  killScalers();
  for (const bench of benches.splice(0)) await bench.stop();
}, 60_000);

function bench(kind: 'redis-server' | 'pglite') {
  const made = embeddedBench(kind);
  benches.push(made);
  return made;
}

const STEPS = ['nodes', 'ready', 'model'];

describe.each(['redis-server', 'pglite'] as const)('the embedded store %s', (kind) => {
  test('says that it serves a single replica, and keeps what it has over a restart', async () => {
    const place = bench(kind);
    const first = await place.open();
    expect(first.warmUps.store).toMatchObject({ kind, shared: false });
    expect(first.warmUps.store.description).toContain('serves a single scaler replica');
    const done = warmUp({ workload: 'ml/done/aaa', hold: 1000 });
    const later = warmUp({ workload: 'ml/later/aaa', in: 30_000 });
    await first.warmUps.queue.plan(done);
    await first.warmUps.queue.plan(later);
    await eventually('a line', async () => (await first.warmUps.ledger.records(done.workload))[0]);
    await expect(place.open()).rejects.toThrow(
      /is in use by process \d+ on .*an embedded store has one server/,
    );
    await first.warmUps.close();
    const second = await place.open();
    expect((await second.warmUps.ledger.records(done.workload)).map(({ id }) => id)).toEqual([done.id]);
    expect((await second.warmUps.queue.list()).map((each) => each.warmUp)).toEqual([later]);
    expect(await second.warmUps.queue.plan({ ...later, startAt: Date.now() })).toEqual({ kind: 'replaced' });
    await expect.poll(() => second.steps.of(later.id), { timeout: 5000 }).toEqual(STEPS);
  }, 60_000);

  test('of a process that was killed is taken over with all that was promised', async () => {
    const place = bench(kind);
    const first = await place.open();
    const planned = warmUp({ workload: 'ml/left/aaa', in: 3000, hold: 60_000 });
    await first.warmUps.queue.plan(planned);
    await first.warmUps.close();
    const parts = { redisUrl: null, stateDir: place.folder, embedded: kind, stepMs: 60_000 } as const;
    const dying = await startScaler(parts);
    await eventually('it acts', async () => dying.lines[0]);
    await dying.kill();
    const second = await place.open();
    expect(second.log.lines.filter((line) => line.includes('taken over'))).toHaveLength(1);
    await expect.poll(() => second.warmUps.floors.floorsOf(planned.workload)).toHaveLength(1);
    await expect.poll(() => second.steps.of(planned.id), { timeout: 10_000 }).toEqual(STEPS);
    expect(await second.warmUps.queue.cancel(planned.id)).toBe(true);
  }, 90_000);
});

test('the thread of PGlite is started again when it dies, with all that was acknowledged', async () => {
  const folder = await temporaryFolder('pglite');
  const threads: Worker[] = [];
  const open = (data: Parameters<typeof threadOver>[0]) => {
    const thread = threadOver(data);
    threads.push(thread);
    return thread;
  };
  const log = new NotedLog();
  const database = new PgliteClient(folder, log, open);
  const heard: string[] = [];
  database.listen((channel, payload) => heard.push(`${channel} ${payload}`));
  await database.start();
  await database.query('CREATE TABLE public.kept (a int); INSERT INTO public.kept VALUES (7)');
  const asked = database.query('SELECT pg_sleep(5)').catch((error: Error) => error.message);
  await threads[0]!.terminate();
  expect(await asked).toBe('the embedded store stopped');
  await expect(database.query('SELECT 1')).rejects.toThrow('being started again');
  const rows = await eventually(
    'it answers',
    async () => (await database.query('SELECT a FROM public.kept')).rows,
  );
  expect(rows).toEqual([{ a: 7 }]);
  await database.query('SELECT pg_notify($1, $2)', ['bullmq_jobs', 'warm-ups']);
  await expect.poll(() => heard).toEqual(['bullmq_jobs warm-ups']);
  expect(threads).toHaveLength(2);
  await database.close();
  await rm(folder, { recursive: true });
}, 60_000);

describe('the redis-server of its own', () => {
  test('is started again when it dies, and forgets nothing', async () => {
    const place = bench('redis-server');
    const { warmUps, steps, log } = await place.open();
    const planned = warmUp({ in: 1500, hold: 60_000 });
    await warmUps.queue.plan(planned);
    const socket = join(place.folder, 'warm-ups', 'redis.sock');
    expect(existsSync(socket)).toBe(true);
    process.kill(childOf(process.pid, 'redis-server'), 'SIGKILL');
    await expect.poll(() => steps.of(planned.id), { timeout: 10_000 }).toEqual(STEPS);
    expect(log.lines.filter((line) => line.includes('died and is started again'))).toHaveLength(1);
    await warmUps.close();
    expect(() => childOf(process.pid, 'redis-server')).toThrow();
  });

  test('is found on PATH, or not', () => {
    expect(redisOnPath('/nowhere:/usr/bin')).toBe('/usr/bin/redis-server');
    expect(redisOnPath('/nowhere')).toBeNull();
  });
});

describe('the lock of a state folder', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await temporaryFolder('lock');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('is one process at a time, and free again when it is let go', async () => {
    const log = new NotedLog();
    const lock = await lockState(folder, log);
    await expect(lockState(folder, log)).rejects.toThrow('is in use by process');
    await lock.release();
    const again = await lockState(folder, log);
    await again.release();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  test('of a living process stands, of a dead one not, even where this one has its number', async () => {
    const file = join(folder, 'lock');
    const other = spawn('sleep', ['60']);
    const hold = (pid: number) =>
      writeFileSync(file, JSON.stringify({ pid, host: hostname(), token: 'another' }));
    hold(other.pid!);
    await expect(lockState(folder, new NotedLog())).rejects.toThrow(`process ${other.pid}`);
    const gone = new Promise((resolve) => other.once('exit', resolve));
    other.kill();
    await gone;
    await (await lockState(folder, new NotedLog())).release();
    hold(process.pid);
    await (await lockState(folder, new NotedLog())).release();
  });

  test('of another machine stands while it beats, and falls when it is silent', async () => {
    const file = join(folder, 'lock');
    writeFileSync(file, JSON.stringify({ pid: 1, host: 'another-pod', token: 'another' }));
    await expect(lockState(folder, new NotedLog())).rejects.toThrow('process 1 on another-pod');
    const before = new Date(Date.now() - 30_000);
    utimesSync(file, before, before);
    const log = new NotedLog();
    const lock = await lockState(folder, log);
    expect(log.lines).toHaveLength(1);
    await lock.release();
  });
});

/** @throws Error when there is none */
function childOf(parent: number, name: string): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
  const found = children.find(
    (pid) => pid !== '' && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name,
  );
  if (found === undefined) throw new Error(`no child ${name}`);
  return Number(found);
}
