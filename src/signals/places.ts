/** A bound on how many do something at once; the rest wait in order of arrival. */
export interface Places {
  /** Resolves with a place held; rejects with the signal's reason when that comes first. */
  take(signal: AbortSignal): Promise<void>;
  leave(): void;
  taken(): number;
  waiting(): number;
}

export function createPlaces(most: number): Places {
  let taken = 0;
  const queue = new Set<() => void>();

  function take(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      if (taken < most) {
        taken += 1;
        return resolve();
      }
      const giveUp = () => {
        queue.delete(enter);
        reject(signal.reason as Error);
      };
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      queue.add(enter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  function leave(): void {
    const [next] = queue;
    if (next === undefined) {
      taken -= 1;
      return;
    }
    queue.delete(next); // the place passes on
    next();
  }

  return { take, leave, taken: () => taken, waiting: () => queue.size };
}
