import { describe, expect, test } from 'vitest';
import { Board } from '../../src/warmup/board.js';
import type { Store } from '../../src/warmup/store/store.js';
import { NotedLog } from './support.js';

/** A store that has nothing, and answers when it is told to. */
function slowStore(): { readonly store: Store; readonly answer: (error?: Error) => void } {
  let answer: (error?: Error) => void = () => undefined;
  const answered = new Promise<void>((resolve, reject) => {
    answer = (error) => (error === undefined ? resolve() : reject(error));
  });
  const store: Pick<Store, 'version' | 'list'> = {
    version: () => answered.then(() => '1'),
    list: () => Promise.resolve(new Map()),
  };
  return { store: store as Store, answer };
}

const clock = { now: () => 1000 };

describe('before the first look at the store has succeeded', () => {
  test('nothing is known, and that there is nothing neither', async () => {
    const { store, answer } = slowStore();
    const log = new NotedLog();
    const board = new Board(store, clock, log);
    const look = board.refresh();
    expect(board.health()).toEqual({ kind: 'stale', since: 1000, why: 'not read yet' });
    answer();
    await look;
    expect([board.health().kind, log.lines]).toEqual(['current', []]);
  });

  test('a store that does not answer is said once', async () => {
    const { store, answer } = slowStore();
    const log = new NotedLog();
    const board = new Board(store, clock, log);
    answer(new Error('connection refused'));
    await board.refresh();
    await board.refresh();
    expect(board.health()).toMatchObject({ kind: 'stale', why: 'connection refused' });
    expect(log.lines).toHaveLength(1);
  });
});
