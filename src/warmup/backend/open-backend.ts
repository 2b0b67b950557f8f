import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Log } from '../log.js';
import type { Backend } from './backend.js';
import { openPglite } from './pglite.js';
import { redisOnPath, startRedisChild } from './redis-child.js';
import { openRedis } from './redis.js';
import { lockState } from './state-lock.js';

export interface StorePlace {
  readonly redisUrl: string | null;
  /** For the embedded stores; null: a temporary folder, which goes with the process. */
  readonly stateDir: string | null;
  /** Which of the embedded stores; `auto`: Redis where one is on PATH. */
  readonly embedded: 'auto' | 'redis-server' | 'pglite';
}

/**
 * Opens the store: Redis by URL, else a Redis of our own where the machine has one, else PostgreSQL in this process.
 *
 * @throws Error when an embedded store does not start, or another process has it
 */
export async function openBackend({ redisUrl, stateDir, embedded }: StorePlace, log: Log): Promise<Backend> {
  if (redisUrl !== null) {
    const description = 'warm-ups are kept in Redis, shared by all scaler replicas on it';
    return openRedis({ kind: 'redis', shared: true, description, at: { url: redisUrl } }, log);
  }
  const binary = embedded === 'pglite' ? null : redisOnPath();
  if (embedded === 'redis-server' && binary === null)
    throw new Error('expected redis-server or valkey-server on PATH for the embedded store');
  const home = await homeOf(stateDir);
  const lock = await lockState(home.folder, log);
  const leave = async () => {
    await lock.release();
    await home.remove();
  };
  try {
    const single = `in ${home.folder}${home.note}: an embedded store serves a single scaler replica`;
    if (binary === null)
      return await openPglite(home.folder, `warm-ups are kept in PGlite ${single}`, leave, log);
    const child = await startRedisChild(binary, home.folder, log);
    const onClose = async () => {
      await child.close();
      await leave();
    };
    const description = `warm-ups are kept in a ${basename(binary)} of this process ${single}`;
    return openRedis(
      { kind: 'redis-server', shared: false, description, at: { socket: child.socket }, onClose },
      log,
    );
  } catch (error) {
    await leave();
    throw error;
  }
}

async function homeOf(
  stateDir: string | null,
): Promise<{ readonly folder: string; readonly note: string; readonly remove: () => Promise<void> }> {
  if (stateDir === null) {
    const folder = await mkdtemp(join(tmpdir(), 'pilotlight-warm-ups-'));
    const note = ' (no --state-dir: gone with the process)';
    return { folder, note, remove: () => rm(folder, { recursive: true, force: true }) };
  }
  const folder = join(stateDir, 'warm-ups');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return { folder, note: '', remove: () => Promise.resolve() };
}
