import { expect, test } from 'vitest';
import { createTurns } from '../../src/server/turns.js';

/** Actions that end when they are told to. */
function actions() {
  const begun: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const act = () => new Promise<void>((end, fail) => void begun.push({ end, fail }));
  return { begun, act };
}

test('one at a time, and those that come meanwhile share the next', async () => {
  const { begun, act } = actions();
  const turns = createTurns();
  const first = turns.take(act);
  const [second, third] = [turns.take(act), turns.take(act)];
  expect(begun).toHaveLength(1);
  begun[0]?.end();
  await first;
  await expect.poll(() => begun.length).toBe(2);
  begun[1]?.end();
  await Promise.all([second, third]);
  expect(begun).toHaveLength(2);
});

test('a failure is its own caller’s, and the next has its turn', async () => {
  const { begun, act } = actions();
  const turns = createTurns();
  const first = turns.take(act);
  const second = turns.take(act);
  begun[0]?.fail(new Error('broken'));
  await expect(first).rejects.toThrow('broken');
  await expect.poll(() => begun.length).toBe(2);
  begun[1]?.end();
  await expect(second).resolves.toBeUndefined();
  const third = turns.take(act);
  expect(begun).toHaveLength(3);
  begun[2]?.end();
  await third;
});
