import { beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND, type Millis } from '../../src/core/time.js';
import type { Announcement } from '../../src/ports/orders.js';
import { OrderBook } from '../../src/server/order-book.js';
import { permissionsOf } from '../../src/server/permissions.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import { resolveSettings } from '../../src/server/settings.js';
import type { Workload } from '../../src/server/workload.js';

const settings = resolveSettings({ flags: {}, environment: {}, file: null });
const START: Millis = Date.parse('2026-11-23T06:00:00Z');
let now: Millis;
let registry: Registry;
let book: OrderBook;
let told: (readonly Workload[])[];

beforeEach(() => {
  now = START;
  told = [];
  registry = new Registry(loadProfiles(undefined), permissionsOf(settings), { now: () => now });
  book = new OrderBook(registry, { now: () => now }, (workloads) => told.push(workloads));
  known({ slots: '4', serviceTime: '30' });
});

function known(metadata: Record<string, string>, name = 'triton'): void {
  const profile = { profile: 'triton-pending', leadTime: '5m' };
  registry.find({ namespace: 'shop', name, metadata: { ...profile, ...metadata } });
}

const batch: Announcement = {
  jobs: 480,
  startsAt: START + HOUR,
  deadline: START + HOUR + 10 * MINUTE,
  idempotencyKey: 'nightly',
};
const announce = (changes: Partial<Announcement> = {}, name = 'triton') =>
  book.announce('shop', name, { ...batch, ...changes });

describe('an announcement', () => {
  test('is the fewest replicas that finish, from the lead time before its start until its deadline', async () => {
    // 20 rounds of 4 slots in 10 min are 80 jobs a replica: 6.
    expect(await announce()).toEqual({
      kind: 'accepted',
      preparation: {
        replicas: 6,
        from: START + 55 * MINUTE,
        until: batch.deadline,
        inTime: true,
        why: 'announced: 480 jobs of 30 s by 2026-11-23T07:10:00.000Z: at least 6',
      },
    });
    const at = (moment: Millis) => book.floorsOf('shop', 'triton', moment).map(({ replicas }) => replicas);
    expect(at(START + 55 * MINUTE - 1)).toEqual([]);
    expect(at(START + 55 * MINUTE)).toEqual([6]);
    expect(at(batch.deadline - 1)).toEqual([6]);
    expect(at(batch.deadline)).toEqual([]);
    expect(book.floorsOf('shop', 'other', START + HOUR)).toEqual([]);
    expect(told.map((each) => each.map(({ name }) => name))).toEqual([['triton']]);
  });

  test('twice is once, and its key is not another’s', async () => {
    const first = await announce();
    expect(await announce()).toEqual({ ...first, kind: 'duplicate' });
    expect(await announce({ jobs: 481 })).toMatchObject({ kind: 'conflict' });
    expect(await announce({ idempotencyKey: 'other' })).toMatchObject({ kind: 'accepted' });
    expect(book.floorsOf('shop', 'triton', START + HOUR)).toHaveLength(2);
    expect(told).toHaveLength(2);
  });

  test('at short notice loses what the cold start takes', async () => {
    // 5 min are left after the lead time: 10 rounds of 4.
    const answer = await announce({ startsAt: START, deadline: START + 10 * MINUTE });
    expect(answer).toMatchObject({ preparation: { replicas: 12, from: START, inTime: true } });
  });

  test('that cannot be met says by how much, and does what can be done', async () => {
    expect(await announce({ jobs: 3, startsAt: START, deadline: START + 5 * MINUTE })).toMatchObject({
      preparation: {
        replicas: 1,
        inTime: false,
        why: expect.stringContaining('cannot be met, short by 30 s with 1') as string,
      },
    });
    known({ slots: '4', serviceTime: '30', maxReplicas: '3' }, 'small');
    expect(await announce({}, 'small')).toMatchObject({
      preparation: {
        replicas: 3,
        inTime: false,
        why: expect.stringContaining('short by 10 min with 3') as string,
      },
    });
  });

  test('asks for no more than the ScaledObject allows, where it is known', async () => {
    const parts = { now: () => now };
    book = new OrderBook(registry, parts, () => undefined, { mostOf: () => 2 });
    expect(await announce()).toMatchObject({ preparation: { replicas: 2, inTime: false } });
  });

  test.each([
    [{ deadline: START }, 'deadline: it is past'],
    [{ startsAt: batch.deadline }, 'deadline: expected a moment after startsAt'],
    [{ deadline: START + 32 * DAY }, 'deadline: expected one within 31 days'],
  ])('%o makes no sense', async (changes, why) => {
    expect(await announce(changes)).toEqual({ kind: 'refused', why });
    expect(told).toEqual([]);
  });

  test('of a workload nobody knows, or of which nobody says how long a request takes', async () => {
    expect(await announce({}, 'nobody')).toMatchObject({ kind: 'unknown' });
    known({}, 'vague');
    expect(await announce({}, 'vague')).toEqual({
      kind: 'refused',
      why: 'nobody says how long one request of shop/vague takes: give serviceTime (and slots) in its metadata',
    });
  });

  test('may be one of a hundred at once', async () => {
    for (let index = 0; index < 100; index += 1) {
      expect(await announce({ idempotencyKey: `batch ${index}` })).toMatchObject({ kind: 'accepted' });
    }
    expect(await announce({ idempotencyKey: 'one more' })).toMatchObject({ kind: 'full' });
    now = batch.deadline;
    const later = { startsAt: now + HOUR, deadline: now + 2 * HOUR };
    expect(await announce({ ...later, idempotencyKey: 'one more' })).toMatchObject({ kind: 'accepted' });
  });

  test('outlives an edit of the ScaledObject', async () => {
    await announce();
    known({ slots: '8', serviceTime: '30' });
    expect(book.floorsOf('shop', 'triton', START + HOUR)).toHaveLength(1);
  });
});

describe('a wake', () => {
  const wake = (replicas: number | null, length: Millis | null, name = 'triton') =>
    book.wake('shop', name, { replicas, length });

  test('is one replica for a quarter of an hour, unless said otherwise', async () => {
    expect(await wake(null, null)).toEqual({ kind: 'awake', replicas: 1, until: START + 15 * MINUTE });
    expect(book.floorsOf('shop', 'triton', START)).toEqual([
      { by: 'wake', replicas: 1, until: START + 15 * MINUTE, why: 'woken by hand: at least 1 for 15 min' },
    ]);
    expect(book.floorsOf('shop', 'triton', START + 15 * MINUTE)).toEqual([]);
  });

  test('takes the place of the one before, and of none when it lasts for nothing', async () => {
    await wake(4, HOUR);
    await wake(2, MINUTE);
    expect(book.floorsOf('shop', 'triton', START)).toMatchObject([{ replicas: 2, until: START + MINUTE }]);
    await wake(2, 0);
    expect(book.floorsOf('shop', 'triton', START)).toEqual([]);
    expect(told).toHaveLength(3);
  });

  test('of too many, for too long, or of nobody is refused', async () => {
    expect(await wake(150_001, null)).toMatchObject({ kind: 'refused' });
    expect(await wake(0, null)).toMatchObject({ kind: 'refused' });
    expect(await wake(1.5, null)).toMatchObject({ kind: 'refused' });
    expect(await wake(1, DAY + SECOND)).toMatchObject({ kind: 'refused' });
    expect(await wake(1, -1)).toMatchObject({ kind: 'refused' });
    expect(await wake(1, SECOND, 'nobody')).toMatchObject({ kind: 'unknown' });
    expect(told).toEqual([]);
  });
});

test('orders of ten thousand ScaledObjects are the limit, and those that are over make room', async () => {
  for (let index = 0; index < 9999; index += 1) known({ serviceTime: '30' }, `w-${index}`);
  for (let index = 0; index < 9999; index += 1)
    await book.wake('shop', `w-${index}`, { replicas: 1, length: MINUTE });
  await announce();
  const elsewhere = { namespace: 'lab', name: 'late', metadata: { profile: 'triton-pending' } };
  registry.find(elsewhere);
  expect(await book.wake('lab', 'late', { replicas: null, length: null })).toMatchObject({ kind: 'full' });
  now += MINUTE;
  expect(await book.wake('lab', 'late', { replicas: null, length: null })).toMatchObject({ kind: 'awake' });
  expect(book.floorsOf('shop', 'triton', START + HOUR)).toHaveLength(1);
});
