import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Log } from '../log.js';
import { within } from '../within.js';

const COMES_UP_WITHIN_MS = 15_000;
const RESTART_AFTER_MS = 200;
const LONGEST_RESTART_MS = 10_000;
/** What the kernel has room for in the address of a unix socket, with some to spare. */
const LONGEST_SOCKET = 100;

/** The first of the known servers on PATH, or null. */
export function redisOnPath(path = process.env['PATH'] ?? ''): string | null {
  const folders = path.split(delimiter).filter((each) => each !== '');
  const candidates = ['redis-server', 'valkey-server'].flatMap((name) =>
    folders.map((each) => join(each, name)),
  );
  return candidates.find((each) => existsSync(each)) ?? null;
}

export interface RedisChild {
  readonly socket: string;
  readonly pid: () => number | undefined;
  close(): Promise<void>;
}

/**
 * A Redis of our own on a unix socket, which writes every change to its append-only file, and which is started again
 * when it dies. @param folder of its data; the caller holds its lock
 * @throws Error when it does not come up
 */
export async function startRedisChild(binary: string, folder: string, log: Log): Promise<RedisChild> {
  const place = await socketPlace(folder);
  const { socket } = place;
  await stopOrphan(socket);
  // Everysec syncs to disk once a second, but hands every write to the kernel before it is answered: what was
  // acknowledged outlives the process, and only a power cut loses the last second.
  const args = ['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', folder];
  const keeping = [
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ];
  let child: ChildProcess | null = null;
  let stopping = false;
  let deaths = 0;
  let restart: Promise<void> = Promise.resolve();

  const start = () => {
    // In a group of its own: Ctrl-C ends the server, and the server ends its child when nothing needs it any more.
    child = spawn(binary, [...args, ...keeping], { stdio: 'ignore', detached: true });
    child.once('error', (error) => log.error({ why: error.message }, `${binary} cannot be run`));
    child.once('exit', (code, signal) => {
      if (stopping) return;
      log.warn({ code, signal }, 'the embedded Redis died and is started again');
      restart = pause(Math.min(LONGEST_RESTART_MS, RESTART_AFTER_MS * 2 ** deaths)).then(() => {
        if (!stopping) start();
      });
      deaths += 1;
    });
  };
  start();
  try {
    await answers(socket);
  } catch (error) {
    stopping = true;
    (child as ChildProcess | null)?.kill('SIGKILL');
    throw new Error(
      `${binary} does not come up in ${folder}; look at its append-only file with redis-check-aof`,
      {
        cause: error,
      },
    );
  }
  return {
    socket,
    pid: () => child?.pid,
    async close() {
      stopping = true;
      await restart;
      await stopped(child);
      await place.remove();
    },
  };
}

async function socketPlace(folder: string): Promise<{ socket: string; remove: () => Promise<void> }> {
  const socket = join(folder, 'redis.sock');
  if (socket.length <= LONGEST_SOCKET) return { socket, remove: () => Promise.resolve() };
  const short = await mkdtemp(join(tmpdir(), 'pilotlight-'));
  return { socket: join(short, 'redis.sock'), remove: () => rm(short, { recursive: true, force: true }) };
}

/** A server that was killed leaves its child behind: two on one append-only file would ruin it. */
async function stopOrphan(socket: string): Promise<void> {
  if (!existsSync(socket)) return;
  const client = new Redis({
    path: socket,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
  });
  client.on('error', () => undefined);
  try {
    await within(2000, client.connect());
    const gone = once(client, 'end');
    client.shutdown().catch(() => undefined); // answered by the end of the connection
    await within(5000, gone);
  } catch {
    // Nobody listens: the socket is all that was left.
  } finally {
    client.disconnect();
    await rm(socket, { force: true });
  }
}

async function answers(socket: string): Promise<void> {
  const client = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  try {
    await within(COMES_UP_WITHIN_MS, client.ping());
  } finally {
    client.disconnect();
  }
}

async function stopped(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await within(5000, exit).catch(() => child.kill('SIGKILL'));
}
