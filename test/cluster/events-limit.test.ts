import { expect, test } from 'vitest';
import { EventLimiter } from '../../src/cluster/events-limit.js';

const NOW = 1_800_000_000_000;
const SECOND = 1000;

/** How many of as many ScaledObjects of the namespace may tell something. */
function admitted(limiter: EventLimiter, namespace: string, objects: number, now = NOW): number {
  let count = 0;
  for (let index = 0; index < objects; index += 1)
    if (limiter.admit({ object: `${namespace}/w${index}`, reason: 'Blind' }, now) !== null) count += 1;
  return count;
}

test('one namespace leaves the others theirs: twenty at once, and one more every five seconds', () => {
  const limiter = new EventLimiter();
  expect(admitted(limiter, 'loud', 500)).toBe(20);
  expect(admitted(limiter, 'calm', 5)).toBe(5);
  expect(admitted(limiter, 'other', 100)).toBe(20);
  expect(admitted(limiter, 'last', 100)).toBe(5);
  expect(admitted(limiter, 'loud', 500, NOW + 60 * SECOND)).toBe(12);
});

test('what is held back takes nothing from anybody, and what was quiet for an hour begins anew', () => {
  const limiter = new EventLimiter();
  expect(admitted(limiter, 'loud', 100_000)).toBe(20);
  expect(admitted(limiter, 'calm', 20)).toBe(20);
  expect(admitted(limiter, 'loud', 500, NOW + 3600 * SECOND)).toBe(20);
});
