import type { Millis } from '../core/time.js';

export interface Repeated {
  /** Resolves when a round under way is over. */
  stop(): Promise<void>;
}

/**
 * Does `work` again and again, never twice at once, with `every` between the end of one and the start of the next.
 *
 * @param work must not reject
 */
export function repeat(every: Millis, work: () => Promise<void>): Repeated {
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  let round: Promise<void> = Promise.resolve();
  const next = () => {
    timer = setTimeout(() => {
      round = work().finally(() => {
        if (!stopped) next();
      });
    }, every);
    timer.unref();
  };
  next();
  return {
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await round;
    },
  };
}
