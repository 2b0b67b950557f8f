import { expect, it } from 'vitest';
import { createPause } from '../../../src/signals/scrape/event-loop.js';
import { createExchanges } from '../../../src/signals/scrape/exchanges.js';
import { createExpositionReader } from '../../../src/signals/scrape/exposition.js';
import { createPageClient } from '../../../src/signals/scrape/page-client.js';
import { endpoint } from './support.js';

it('many who work at once share one stretch of the event loop', async () => {
  const pause = createPause();
  let turn = 0;
  let working = true;
  const count = () => {
    turn += 1;
    if (working) setImmediate(count);
  };
  setImmediate(count);
  const perTurn = new Map<number, number>();
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      await pause();
      const until = performance.now() + 3;
      while (performance.now() < until);
      perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
    }),
  );
  working = false;
  // Pieces of 3 ms begin at 0, 3 and 6 ms of a stretch of 8; on a slow machine there are fewer.
  expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(3);
});

it('a page is parsed in pieces, with a pause before each', async () => {
  const body = 'other{a="b"} 1\n'.repeat(50_000);
  const page = await endpoint(body);
  let pauses = 0;
  const client = createPageClient(10_000_000, async () => {
    pauses += 1;
  });
  const parsed = await client.read(page.url, AbortSignal.timeout(20_000), (format) =>
    createExpositionReader({ format, wanted: () => false }),
  );
  client.close();
  await page.close();
  expect(parsed.kind).toBe('page');
  expect(pauses).toBeGreaterThan(body.length / 65_536);
});

it('an exchange that gets no turn before its deadline says so, and never begins', async () => {
  const exchanges = createExchanges(1, 50);
  let release = () => {};
  const holding = exchanges.run(() => new Promise<void>((resolve) => (release = resolve)));
  let begun = false;
  const waiting = exchanges.run(() => {
    begun = true;
    return Promise.resolve();
  });
  await expect(waiting).rejects.toThrow('no whole page within 50 ms, waiting for its turn until then');
  release();
  await holding;
  expect(begun).toBe(false);
  await expect(exchanges.run(() => Promise.resolve('next'))).resolves.toBe('next');
});
