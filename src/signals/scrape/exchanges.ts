import { inWords, type Millis } from '../../core/time.js';
import { createPlaces } from '../places.js';

/** Exchanges with targets: so many at once, each with a deadline that waiting for its turn counts towards. */
export interface Exchanges {
  /** @throws what `exchange` throws; at the deadline and on close, an Error that says so */
  run<T>(exchange: (signal: AbortSignal) => Promise<T>): Promise<T>;
  close(): void;
}

export function createExchanges(concurrency: number, timeoutMs: Millis): Exchanges {
  const places = createPlaces(concurrency);
  const underWay = new Set<AbortController>();

  async function inPlace<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await places.take(signal);
    try {
      return await work();
    } finally {
      places.leave();
    }
  }

  return {
    async run(exchange) {
      const controller = new AbortController();
      let stage = 'waiting for its turn';
      const timer = setTimeout(() => {
        controller.abort(new Error(`no whole page within ${inWords(timeoutMs)}, ${stage} until then`));
      }, timeoutMs);
      underWay.add(controller);
      try {
        return await inPlace(controller.signal, () => {
          stage = 'connecting or reading';
          return exchange(controller.signal);
        });
      } finally {
        clearTimeout(timer);
        underWay.delete(controller);
      }
    },
    close() {
      for (const controller of underWay) controller.abort(new Error('the scrape source has been closed'));
    },
  };
}
