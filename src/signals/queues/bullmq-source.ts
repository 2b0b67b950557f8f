import { Redis, type RedisOptions } from 'ioredis';
import type { Clock } from '../../ports/clock.js';
import type { MetricAnswer, MetricRequest, MetricSource } from '../../ports/metric-source.js';

/** One tick's patience: an answer that takes longer is late anyway. */
const TIMEOUT_MS = 1500;

const OPTIONS = {
  commandTimeout: TIMEOUT_MS,
  connectTimeout: TIMEOUT_MS,
  // A command fails at once while Redis is away, and the next tick asks anew.
  maxRetriesPerRequest: 1,
  // The queues of one tick go out together.
  enableAutoPipelining: true,
  retryStrategy: (attempt: number) => Math.min(5000, 100 * 2 ** Math.min(attempt, 6)),
} satisfies RedisOptions;

/** What ioredis says of a command that found no connection; why there is none, it says in an event. */
const UNCONNECTED = /^Stream isn't writeable|^Reached the max retries per request|^Connection is closed/;

/** BullMQ keeps a delayed job's due time in milliseconds times this, plus a counter (getDelayedScore.lua). */
const DELAYED_SCORE_STEP = 0x1000;

export interface BullmqSource extends MetricSource {
  close(): void;
}

/**
 * Backlogs of BullMQ queues, straight from their Redis: jobs that wait, by priority or not, that run, and whose delay is
 * over. Jobs of a paused queue wait for a person, not for a replica, and count only while they run.
 *
 * @param url such as `redis://:password@host:6379/0` or `rediss://…`
 */
export function createBullmqSource(url: string, clock: Clock): BullmqSource {
  const redis = new Redis(url, OPTIONS);
  let lastError = 'not connected yet';
  redis.on('error', (error: Error) => {
    lastError = error.message;
  });
  return {
    async read({ queue }: MetricRequest): Promise<MetricAnswer> {
      if (queue === undefined) return { kind: 'failed', why: 'no queue was named' };
      try {
        return await backlog(redis, queue, clock);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const cause = UNCONNECTED.test(why) ? lastError : why;
        return { kind: 'failed', why: `Redis gave no backlog for queue ${queue}: ${cause}` };
      }
    },
    close: () => redis.disconnect(),
  };
}

async function backlog(redis: Redis, queue: string, clock: Clock): Promise<MetricAnswer> {
  const at = clock.now();
  const key = (suffix: string) => `${keyPrefix(queue)}:${suffix}`;
  const [known, paused, waiting, prioritized, active, due] = await Promise.all([
    redis.exists(key('meta')),
    redis.hexists(key('meta'), 'paused'),
    redis.llen(key('wait')),
    redis.zcard(key('prioritized')),
    redis.llen(key('active')),
    redis.zcount(key('delayed'), '-inf', (at + 1) * DELAYED_SCORE_STEP - 1),
  ]);
  if (known === 0) {
    return {
      kind: 'failed',
      why: `no such queue: Redis has no ${key('meta')}; BullMQ writes it with the first Queue`,
    };
  }
  const value = active + (paused === 1 ? 0 : waiting + prioritized + due);
  return {
    kind: 'answered',
    series: [{ namespace: '', service: queue, model: null, sample: { pod: null, value, at } }],
  };
}

/** `NAME` under BullMQ's own prefix `bull`, or `PREFIX:NAME`. */
function keyPrefix(queue: string): string {
  return queue.includes(':') ? queue : `bull:${queue}`;
}
