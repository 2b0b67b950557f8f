import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '../../core/time.js';
import type { Log } from '../log.js';

/** The owner says so often that it lives; from another machine nothing else shows it. */
const BEAT_EVERY: Millis = 5000;
const SILENT_IS_DEAD: Millis = 20_000;
const LOOK_EVERY: Millis = 1000;

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly token: string;
}

export interface StateLock {
  release(): Promise<void>;
}

/** Tokens of locks that this very process holds: a process that was restarted may get the number of the dead one. */
const held = new Set<string>();

/**
 * Takes a folder for this process alone: an embedded store that is opened twice loses what was acknowledged. The lock of
 * a dead process is taken over: one of this machine at once, one of another machine (a pod that was replaced) when it has
 * been silent for 20 s, for which this waits.
 *
 * @throws Error naming the owner that lives
 */
export async function lockState(folder: string, log: Log): Promise<StateLock> {
  const file = join(folder, 'lock');
  const owner: Owner = { pid: process.pid, host: hostname(), token: randomUUID() };
  const text = JSON.stringify(owner);
  while (!(await created(file, text))) {
    const found = await read(file);
    if (found === null) continue; // gone in between
    const state = await stateOf(file, found);
    if (state === 'lives') throw new Error(livesIn(folder, ownerIn(found)));
    if (state === 'silent') await pause(LOOK_EVERY);
    else {
      log.warn(
        { lock: file },
        'the embedded store was left locked by a process that is gone, and is taken over',
      );
      await takeAway(file, found);
    }
  }
  held.add(owner.token);
  const beat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch((error: Error) =>
      log.warn({ lock: file, why: error.message }, 'the lock is gone'),
    );
  }, BEAT_EVERY);
  beat.unref();
  return {
    async release() {
      clearInterval(beat);
      held.delete(owner.token);
      if ((await read(file)) === text) await rm(file, { force: true });
    },
  };
}

function livesIn(folder: string, owner: Owner | null): string {
  const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return `${folder} is in use by ${who}: an embedded store has one server; give this one its own --state-dir, or both the same --redis`;
}

async function created(file: string, text: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(text);
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** `silent`: of another machine, and not yet dead for certain. */
async function stateOf(file: string, text: string): Promise<'lives' | 'silent' | 'dead'> {
  const owner = ownerIn(text);
  const age = Date.now() - ((await modifiedAt(file)) ?? 0);
  if (owner !== null && owner.host === hostname()) return isAlive(owner) ? 'lives' : 'dead';
  // Half-written by a process that died between making and filling it, or of another machine.
  if (age >= SILENT_IS_DEAD) return 'dead';
  return age > BEAT_EVERY * 2 || owner === null ? 'silent' : 'lives';
}

function isAlive({ pid, token }: Owner): boolean {
  if (pid === process.pid) return held.has(token);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Moves it aside, and looks what it was: of two that take over at once, one may move the other's new lock. */
async function takeAway(file: string, expected: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return; // somebody else was quicker
  }
  const moved = await read(aside);
  if (moved !== null && moved !== expected) {
    if (!(await created(file, moved)))
      throw new Error(`${file} was taken by two processes at once; start again`);
  }
  await rm(aside, { force: true });
}

function ownerIn(text: string): Owner | null {
  try {
    const owner = JSON.parse(text) as Owner;
    return typeof owner.pid === 'number' && typeof owner.host === 'string' ? owner : null;
  } catch {
    return null;
  }
}

async function read(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}

async function modifiedAt(file: string): Promise<Millis | null> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
}
