export interface Turns {
  /**
   * Runs the action when the one under way has ended. Calls that come while one waits share it: it has not begun, and
   * will see what they saw.
   */
  take(action: () => Promise<void>): Promise<void>;
}

/** One at a time, and at most one that waits. */
export function createTurns(): Turns {
  let running: Promise<void> | null = null;
  let waiting: Promise<void> | null = null;
  const run = (action: () => Promise<void>) => {
    running = action().finally(() => {
      running = null;
    });
    return running;
  };
  return {
    take(action) {
      if (running === null && waiting === null) return run(action);
      waiting ??= (running ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => {
          waiting = null;
          return run(action);
        });
      return waiting;
    },
  };
}
