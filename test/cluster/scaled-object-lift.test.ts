import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEvents } from '../../src/cluster/events.js';
import { EventLimiter, type EventKey } from '../../src/cluster/events-limit.js';
import { openScaledObjectMinimums } from '../../src/cluster/scaled-object.js';
import { liftChange, type LiftWish } from '../../src/cluster/scaled-object-lift.js';
import { openWriter, type Writer } from '../../src/cluster/write.js';
import { NOW } from './cluster-objects.js';
import { leaf, StandInApi } from './stand-in-api.js';

const PATH = '/apis/keda.sh/v1alpha1/namespaces/team-a/scaledobjects/bert';
const HOUR = 3_600_000;
const MINIMUM = leaf('spec', 'minReplicaCount');

function manifest(minimum: number | null) {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'bert', namespace: 'team-a', annotations: { team: 'a' } },
    spec: {
      scaleTargetRef: { name: 'bert' },
      maxReplicaCount: 8,
      ...(minimum === null ? {} : { minReplicaCount: minimum }),
    },
  };
}

const lift = (replicas: number, until = NOW + HOUR): LiftWish => ({ kind: 'lift', replicas, until });
const none: LiftWish = { kind: 'none' };

let api: StandInApi;
beforeEach(async () => {
  api = await StandInApi.start();
});
afterEach(() => api.stop());

function writer() {
  return openWriter({ server: api.url, options: () => Promise.resolve({}), close: () => {} });
}

function minimums(now = NOW) {
  return openScaledObjectMinimums(writer(), { now: () => now });
}

const minimum = () => (api.get(PATH) as { spec: { minReplicaCount?: number } }).spec.minReplicaCount;
const annotations = () => (api.get(PATH) as { metadata: { annotations: object } }).metadata.annotations;

describe('lifting a minimum for a warm-up', () => {
  test.each([[1], [null], [0]])('and putting back %s leaves the object as it was', async (before) => {
    api.put(PATH, manifest(before), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(5));
    expect(minimum()).toBe(5);
    expect(await minimums().lifted(null)).toEqual(['team-a/bert']);
    await minimums().settle('team-a', 'bert', none);
    expect(minimum()).toBe(before ?? undefined);
    expect(annotations()).toEqual({ team: 'a' });
    expect(await minimums().lifted('team-a')).toEqual([]);
  });

  test('never beyond the maximum, and not for less than there is', async () => {
    api.put(PATH, manifest(2), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(2));
    expect(minimum()).toBe(2);
    await minimums().settle('team-a', 'bert', lift(20));
    expect(minimum()).toBe(8);
    await minimums().settle('team-a', 'bert', lift(4));
    expect(minimum()).toBe(4);
    await minimums().settle('team-a', 'bert', lift(2));
    expect(minimum()).toBe(2);
  });

  test('a process that knows nothing puts it back when its time is over, even while the store is silent', async () => {
    api.put(PATH, manifest(1), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(5));
    await minimums().settle('team-a', 'bert', { kind: 'unknown' });
    expect(minimum()).toBe(5);
    await minimums(NOW + HOUR).settle('team-a', 'bert', { kind: 'unknown' });
    expect(minimum()).toBe(1);
  });

  test('a settled one costs one read', async () => {
    api.put(PATH, manifest(1), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(5));
    const before = api.requests.length;
    await minimums().settle('team-a', 'bert', lift(5, NOW + HOUR + 1000));
    expect(api.requests.slice(before).map(({ method }) => method)).toEqual(['GET']);
  });

  test('what somebody sets meanwhile is theirs, and stays', async () => {
    api.put(PATH, manifest(1), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(5));
    api.edit(PATH, MINIMUM, 3, 'kubectl-edit');
    const result = await minimums().settle('team-a', 'bert', lift(6));
    expect(result).toMatchObject({
      change: { kind: 'forget', why: 'minReplicaCount was lifted to 5, and somebody made it 3' },
    });
    expect(minimum()).toBe(3);
    expect(api.owners(PATH, MINIMUM)).toEqual(['kubectl-edit']);
    expect(annotations()).toEqual({ team: 'a' });
  });

  test('an object that changes between reading and applying is left for the next time', async () => {
    api.put(PATH, manifest(1), 'kubectl');
    const slow: Writer = {
      ...writer(),
      async read(path) {
        const object = await writer().read(path);
        api.edit(PATH, MINIMUM, 4, 'kubectl-edit');
        return object;
      },
    };
    const result = await openScaledObjectMinimums(slow, { now: () => NOW }).settle('team-a', 'bert', lift(5));
    expect(result).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('somebody else has it (409)') as string,
    });
    expect(minimum()).toBe(4);
  });

  test('one that is gone or paused is left alone', async () => {
    expect(await minimums().settle('team-a', 'gone', lift(5))).toEqual({
      kind: 'done',
      change: { kind: 'nothing' },
    });
    const paused = {
      ...manifest(1),
      metadata: { annotations: { 'autoscaling.keda.sh/paused-replicas': '0' } },
    };
    expect(liftChange(paused, lift(5), NOW)).toEqual({ kind: 'nothing' });
  });

  test('a mark that cannot be read is taken off, and says what to do', () => {
    const broken = {
      ...manifest(5),
      metadata: { annotations: { 'pilotlight.dev/min-replicas-before': '-1' } },
    };
    expect(liftChange(broken, none, NOW)).toMatchObject({
      kind: 'forget',
      why: expect.stringContaining('set minReplicaCount') as string,
    });
  });

  test('after any series of wishes and crashes, an end puts back what was there', async () => {
    const wishes = fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constant('lift' as const),
          replicas: fc.nat(12),
          until: fc.constantFrom(NOW - 1, NOW + 1, NOW + HOUR),
        }),
        fc.constantFrom<LiftWish>({ kind: 'none' }, { kind: 'unknown' }),
      ),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.nat(8)),
        wishes,
        fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
        async (before, wishes, fails) => {
          api.put(PATH, manifest(before), 'kubectl');
          for (const [index, wish] of wishes.entries()) {
            if (fails[index] === true) api.failNext(500);
            await minimums().settle('team-a', 'bert', wish);
          }
          const result = await minimums(NOW + 2 * HOUR).settle('team-a', 'bert', { kind: 'unknown' });
          expect(result.kind).toBe('done');
          expect(minimum()).toBe(before ?? undefined);
          expect(annotations()).toEqual({ team: 'a' });
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('events', () => {
  const event = {
    namespace: 'team-a',
    name: 'bert',
    uid: 'u-1',
    type: 'Warning',
    reason: 'GpuShortage',
    note: 'wanted 9, 6 fit',
  } as const;

  test('are written onto the ScaledObject', async () => {
    const events = openEvents(writer(), { now: () => NOW }, 'pilotlight-0');
    expect(await events.tell(event)).toBe('told');
    expect(api.get(api.paths()[0]!)).toMatchObject({
      reason: 'GpuShortage',
      note: 'wanted 9, 6 fit',
      regarding: { kind: 'ScaledObject', namespace: 'team-a', name: 'bert', uid: 'u-1' },
    });
  });

  test('of one kind come once a minute, and say how many were held back', async () => {
    let now = NOW;
    const events = openEvents(writer(), { now: () => now }, 'pilotlight-0');
    const told: unknown[] = [];
    for (let second = 0; second <= 60; second += 20) {
      now = NOW + second * 1000;
      told.push(await events.tell(event));
    }
    expect(told).toEqual(['told', 'held back', 'held back', 'told']);
    expect(api.get(api.paths()[1]!)).toMatchObject({ note: 'wanted 9, 6 fit (and 2 more like it)' });
  });

  test('that cannot be written are a line and not an exception', async () => {
    const events = openEvents(writer(), { now: () => NOW }, 'pilotlight-0');
    api.failNext(403);
    expect(await events.tell({ ...event, note: 'x'.repeat(3000) })).toMatchObject({
      failed: expect.stringContaining('verbs: ["create"]') as string,
    });
    expect(await events.tell({ ...event, reason: 'Other', note: 'x'.repeat(3000) })).toBe('told');
  });

  test('of one object are ten at most at once, and of all fifty', () => {
    const limiter = new EventLimiter();
    const admitted = (keys: readonly EventKey[], now = NOW) =>
      keys.filter((key) => limiter.admit(key, now) !== null).length;
    const hundred = Array.from({ length: 100 }, (_, index) => index);
    const one = hundred.map((index) => ({ object: 'team-a/bert', reason: `r${index}` }));
    const all = hundred.map((index) => ({ object: `team-a/w${index}`, reason: 'r' }));
    expect([admitted(one), admitted(all)]).toEqual([10, 40]);
    expect(limiter.admit({ object: 'team-a/bert', reason: 'later' }, NOW + 300_000)).toBe(0);
    expect(admitted(all, NOW + 3 * HOUR)).toBe(50);
  });
});
