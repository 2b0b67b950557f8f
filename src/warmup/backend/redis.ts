import { createRedisBackend } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../log.js';
import { createRedisStore } from '../store/redis-store.js';
import type { Backend, StoreKind } from './backend.js';

/** In braces: a hash tag, so that BullMQ's scripts and ours find all keys on one node of a cluster. */
const PREFIX = '{pilotlight}';
const TIMEOUT_MS = 2000;

const retryStrategy = (attempt: number) => Math.min(2000, 50 * 2 ** Math.min(attempt, 6));

/** For calls somebody waits for: they fail soon, and what is lost is known to be. */
const CALLS = {
  commandTimeout: TIMEOUT_MS,
  connectTimeout: TIMEOUT_MS,
  maxRetriesPerRequest: 1,
  enableAutoPipelining: true,
  retryStrategy,
} satisfies RedisOptions;
/** For the worker, which has nothing to do but wait until Redis is back. */
const WORKER = {
  connectTimeout: TIMEOUT_MS,
  maxRetriesPerRequest: null,
  retryStrategy,
} satisfies RedisOptions;

export interface RedisPlace {
  readonly kind: StoreKind;
  readonly shared: boolean;
  readonly description: string;
  /** A URL, or the path of a unix socket. */
  readonly at: { readonly url: string } | { readonly socket: string };
  /** Called last. */
  readonly onClose?: () => Promise<void>;
}

/** Connects in the background: a Redis that is away is no reason not to start. */
export function openRedis({ kind, shared, description, at, onClose }: RedisPlace, log: Log): Backend {
  const noteError = noting(log);
  const connect = (options: typeof CALLS | typeof WORKER) => {
    const client = 'url' in at ? new Redis(at.url, options) : new Redis(at.socket, options);
    client.on('error', noteError);
    return client;
  };
  const store = connect(CALLS);
  // BullMQ asks the server for its version first, and gives up for good when that command does.
  const calls = connect(WORKER);
  const worker = connect(WORKER);
  return {
    kind,
    shared,
    description,
    store: createRedisStore(store, PREFIX),
    jobs: {
      calls,
      worker,
      prefix: PREFIX,
      factory: createRedisBackend,
      nudge: () => Promise.resolve(),
    },
    async close() {
      for (const client of [store, calls, worker]) client.disconnect();
      await onClose?.();
    },
  };
}

/** Says each refusal once, such as a wrong password, and without the address, which may hold it. */
function noting(log: Log): (error: NodeJS.ErrnoException) => void {
  let last = '';
  return (error) => {
    if (error.code !== undefined || /closed|timed out/i.test(error.message)) return; // the board says once that it is away
    if (error.message !== last) log.warn({ why: error.message }, 'Redis refuses the connection for warm-ups');
    last = error.message;
  };
}
