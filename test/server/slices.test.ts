import { expect, test } from 'vitest';
import { drained, inSlices } from '../../src/server/slices.js';

/** Holds the event loop. */
function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('long work lets others have their turn every few items, in the items’ order', async () => {
  let turns = 0;
  let working = true;
  const count = () => {
    turns += 1;
    if (working) setImmediate(count);
  };
  setImmediate(count);
  const done: number[] = [];
  const items = Array.from({ length: 80 }, (_, index) => index);
  await inSlices(items, (item) => {
    busy(1);
    done.push(item);
  });
  working = false;
  expect(done).toEqual(items);
  expect(turns).toBeGreaterThanOrEqual(8); // 80 ms in stretches of 8
});

test('what throws ends it, as in a loop', async () => {
  const done: number[] = [];
  const work = inSlices([1, 2, 3], (item) => {
    if (item === 2) throw new Error('no');
    done.push(item);
  });
  await expect(work).rejects.toThrow('no');
  expect(done).toEqual([1]);
});

test('steps are taken to their end in slices, and their answer is given', async () => {
  let turns = 0;
  let working = true;
  const count = () => {
    turns += 1;
    if (working) setImmediate(count);
  };
  setImmediate(count);
  const steps = (function* work() {
    for (let step = 0; step < 80; step += 1) {
      busy(1);
      yield;
    }
    return 'done';
  })();
  expect(await drained(steps)).toBe('done');
  working = false;
  expect(turns).toBeGreaterThanOrEqual(8);
});
