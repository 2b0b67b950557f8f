import { Redis, type RedisOptions } from 'ioredis';
import type { Millis } from '../../core/time.js';

/** The set of queues can change as often as this. */
const BLOCK_MS: Millis = 400;
/** A queue in which much happens is told of at most as often as this. */
const QUIET_MS: Millis = 100;
const AGAIN_AFTER_FAULT: Millis = 1000;

const OPTIONS = {
  // Longer than it blocks: a Redis that went away in silence is given up, and the next round connects anew.
  commandTimeout: 3000,
  connectTimeout: 1500,
  maxRetriesPerRequest: 1,
  lazyConnect: true,
  retryStrategy: (attempt: number) => Math.min(5000, 100 * 2 ** Math.min(attempt, 6)),
} satisfies RedisOptions;

export interface QueueWatch {
  /** There is something to watch, again or still. */
  nudge(): void;
  close(): void;
}

export interface QueueWatchParts {
  /** What to watch; asked a few times a second. */
  readonly queues: () => Iterable<string>;
  /** Something happened in this queue, or may have before it was watched. Not called again before it settles. */
  readonly onEvent: (queue: string) => Promise<void>;
  /** Why nothing is heard, once for each outage; null when it is over. */
  readonly onProblem: (why: string | null) => void;
}

/**
 * Tells at once that something happened in one of a set of BullMQ queues, by the stream of events that BullMQ writes with
 * every job (`PREFIX:NAME:events`). What happened is not looked at: the backlog is read anew. One connection waits for all
 * queues together, made when there is first something to watch.
 *
 * @param url such as `redis://:password@host:6379/0`
 */
export function watchBullmqQueues(
  url: string,
  { queues: wanted, onEvent, onProblem }: QueueWatchParts,
): QueueWatch {
  const redis = new Redis(url, OPTIONS);
  let lastError = '';
  redis.on('error', (error: Error) => {
    lastError = error.message;
  });
  const state = { failing: false, closed: false };
  let running: Promise<void> | null = null;
  /** The newest event of each queue that has been accounted for. */
  const seen = new Map<string, string>();

  /** First where its events end, then the backlog: what comes in between is told again, and nothing is missed. */
  const tell = async (queue: string) => {
    const [newest] = await redis.xrevrange(eventsOf(queue), '+', '-', 'COUNT', 1);
    seen.set(queue, newest?.[0] ?? '0-0');
    await onEvent(queue);
  };

  const round = async (queues: readonly string[]) => {
    const known = new Set(queues);
    for (const queue of seen.keys()) if (!known.has(queue)) seen.delete(queue);
    await Promise.all(queues.filter((queue) => !seen.has(queue)).map(tell));
    const ids = queues.map((queue) => seen.get(queue) ?? '$');
    const args = [...queues.map(eventsOf), ...ids];
    const events = await redis.xread('COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', ...args);
    if (events === null) return;
    const told = new Set(events.map(([key]) => key));
    await Promise.all(queues.filter((queue) => told.has(eventsOf(queue))).map(tell));
    await pause(QUIET_MS);
  };

  const run = async () => {
    for (let queues = [...wanted()]; queues.length > 0 && !state.closed; queues = [...wanted()]) {
      try {
        await round(queues);
        if (state.failing) onProblem(null);
        state.failing = false;
      } catch (error) {
        if (state.closed) return;
        const why = error instanceof Error ? error.message : String(error);
        if (!state.failing)
          onProblem(`no events of queues, which then wake at the next tick: ${lastError || why}`);
        state.failing = true;
        seen.clear();
        await pause(AGAIN_AFTER_FAULT);
      }
    }
  };

  return {
    nudge() {
      if (state.closed) return;
      running ??= run().finally(() => {
        running = null;
      });
    },
    close() {
      state.closed = true;
      redis.disconnect();
    },
  };
}

/** `NAME` under BullMQ's own prefix `bull`, or `PREFIX:NAME`. */
function eventsOf(queue: string): string {
  return `${queue.includes(':') ? queue : `bull:${queue}`}:events`;
}

function pause(ms: Millis): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
