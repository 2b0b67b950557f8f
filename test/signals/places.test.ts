import { expect, it } from 'vitest';
import { createPlaces } from '../../src/signals/places.js';

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('lets no more in than there are places, in order of arrival', async () => {
  const places = createPlaces(2);
  const entered: number[] = [];
  for (const who of [1, 2, 3, 4]) void places.take(never).then(() => entered.push(who));
  await settled();
  expect(entered).toEqual([1, 2]);
  expect([places.taken(), places.waiting()]).toEqual([2, 2]);
  places.leave();
  await settled();
  expect(entered).toEqual([1, 2, 3]);
  places.leave();
  places.leave();
  places.leave();
  await settled();
  expect(entered).toEqual([1, 2, 3, 4]);
  expect([places.taken(), places.waiting()]).toEqual([0, 0]);
});

it('forgets who gives up waiting, and passes the place to the next', async () => {
  const places = createPlaces(1);
  await places.take(never);
  const impatient = new AbortController();
  const first = places.take(impatient.signal);
  const second = places.take(never);
  impatient.abort(new Error('deadline'));
  await expect(first).rejects.toThrow('deadline');
  places.leave();
  await second;
  expect([places.taken(), places.waiting()]).toEqual([1, 0]);
});

it('takes no place for a call that is already over', async () => {
  const places = createPlaces(1);
  await expect(places.take(AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  expect(places.taken()).toBe(0);
});
