import type { Redis } from 'ioredis';
import { COMMIT, LEASE, RELEASE } from './redis-scripts.js';
import { StoreUnavailable, type Store, type Stored, type Write } from './store.js';

/** What the client learns from the scripts it defines. */
interface Scripted extends Redis {
  pilotlightCommit(prefix: string, ...args: (string | number)[]): Promise<number>;
  pilotlightLease(key: string, owner: string, length: number): Promise<number>;
  pilotlightRelease(key: string, owner: string): Promise<number>;
}

/**
 * The store on Redis 6 or later. All keys share one hash tag, so that a script finds them on one node of a cluster.
 *
 * @param client with a command timeout, and without endless retries
 * @param prefix in braces, such as `{pilotlight}`
 */
export function createRedisStore(client: Redis, prefix: string): Store {
  client.defineCommand('pilotlightCommit', { numberOfKeys: 1, lua: COMMIT });
  client.defineCommand('pilotlightLease', { numberOfKeys: 1, lua: LEASE });
  client.defineCommand('pilotlightRelease', { numberOfKeys: 1, lua: RELEASE });
  const redis = client as Scripted;
  const docs = (collection: string) => `${prefix}:docs:${collection}`;
  const leaseKey = (key: string) => `${prefix}:lease:${key}`;
  return {
    async read(collection, id) {
      const text = await answered(redis.hget(docs(collection), id));
      return text === null ? null : storedFrom(text);
    },
    async list(collection) {
      const all = await answered(redis.hgetall(docs(collection)));
      return new Map(Object.entries(all).map(([id, text]) => [id, storedFrom(text)]));
    },
    async version(collection) {
      return (await answered(redis.hget(`${prefix}:versions`, collection))) ?? '';
    },
    async commit(writes) {
      const args = writes.flatMap(argumentsOf);
      return (await answered(redis.pilotlightCommit(prefix, ...args))) === 1;
    },
    async lease(key, owner, length) {
      return (await answered(redis.pilotlightLease(leaseKey(key), owner, length))) === 1;
    },
    async release(key, owner) {
      await answered(redis.pilotlightRelease(leaseKey(key), owner));
    },
  };
}

/** `REVISION\nTEXT`, as the script writes it. */
function storedFrom(text: string): Stored {
  const end = text.indexOf('\n');
  return { revision: Number(text.slice(0, end)), value: text.slice(end + 1) };
}

/** Seven each, as the script reads them. */
function argumentsOf(write: Write): (string | number)[] {
  switch (write.op) {
    case 'put':
      return ['put', write.in, write.id, write.expect, write.value, 0, 0];
    case 'drop':
      return ['drop', write.in, write.id, write.expect, '', 0, 0];
    case 'append':
      return ['append', write.in, write.id, -1, write.value, write.at, write.most];
  }
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new StoreUnavailable(`Redis did not answer: ${(error as Error).message}`, { cause: error });
  }
}
