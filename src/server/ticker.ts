import { setTimeout } from 'node:timers/promises';
import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';

export interface Ticker {
  /** Resolves when the round under way has ended. */
  stop(): Promise<void>;
}

/**
 * Runs rounds at whole multiples of the interval, so that two scaler replicas work at the same moments. A round that
 * takes longer than the interval skips moments; rounds never overlap.
 */
export function startTicker(
  interval: Millis,
  clock: Clock,
  round: () => Promise<void>,
  onError: (error: unknown) => void,
): Ticker {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = (async () => {
    while (!signal.aborted) {
      const untilNext = interval - (clock.now() % interval);
      await setTimeout(untilNext, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await round().catch(onError);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
