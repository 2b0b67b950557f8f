import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEvents } from '../../src/cluster/events.js';
import { EventLimiter, type EventKey } from '../../src/cluster/events-limit.js';
import { ClusterModel } from '../../src/cluster/model.js';
import { openScaledObjectMinimums } from '../../src/cluster/scaled-object.js';
import { liftChange, type LiftWish } from '../../src/cluster/scaled-object-lift.js';
import { LEFT_ANNOTATION, LIFTED_LABEL, minimumStateOf } from '../../src/cluster/scaled-object-marks.js';
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
interface Metadata {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}
const metadata = () => api.get(PATH)?.['metadata'] as Metadata;
const annotations = () => metadata().annotations;
const label = () => metadata().labels?.[LIFTED_LABEL];
const methods = () => api.requests.map(({ method }) => method);

describe('lifting a minimum for a warm-up', () => {
  test.each([[1], [null], [0]])('and putting back %s leaves the object as it was', async (before) => {
    api.put(PATH, manifest(before), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(5));
    expect([minimum(), label()]).toEqual([5, 'true']);
    await minimums().settle('team-a', 'bert', none);
    expect([minimum(), label()]).toEqual([before ?? undefined, undefined]);
    expect(annotations()).toEqual({ team: 'a' });
  });

  test('what is put back belongs to nobody, so that the next apply of the manifest meets no conflict', async () => {
    api.put(PATH, manifest(1), 'gitops');
    await minimums().settle('team-a', 'bert', lift(5));
    expect(api.owners(PATH, MINIMUM)).toEqual(['pilotlight']);
    await minimums().settle('team-a', 'bert', none);
    expect(api.owners(PATH, MINIMUM)).toEqual([]);
  });

  test.each([[1], [null]])(
    'a copy of one that was lifted from %s is put back as well, and once',
    async (before) => {
      api.put(PATH, manifest(before), 'kubectl');
      await minimums().settle('team-a', 'bert', lift(5));
      const copied = structuredClone(api.get(PATH)!);
      delete (copied['metadata'] as Record<string, unknown>)['managedFields'];
      api.put(PATH, copied, 'velero');
      await minimums().settle('team-a', 'bert', none);
      expect([minimum(), label(), annotations()]).toEqual([before ?? undefined, undefined, { team: 'a' }]);
      const result = await minimums().settle('team-a', 'bert', none);
      expect(result).toEqual({ kind: 'done', change: { kind: 'nothing' } });
    },
  );

  test('KEDA, which writes the status of one that has changed, does not keep it from being given up', async () => {
    api.put(PATH, manifest(1), 'gitops');
    await minimums().settle('team-a', 'bert', lift(5));
    let writes = 0;
    const beside: Writer = {
      ...writer(),
      merge(path, patch) {
        writes += 1;
        if (writes === 1) api.edit(PATH, leaf('status', 'hpaName'), 'keda-hpa-bert', 'keda');
        return writer().merge(path, patch);
      },
    };
    await openScaledObjectMinimums(beside, { now: () => NOW }).settle('team-a', 'bert', none);
    expect([writes, minimum(), api.owners(PATH, MINIMUM)]).toEqual([2, 1, []]);
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
    expect(methods().slice(before)).toEqual(['GET']);
  });

  test('a later end is written down before the one that is there has come, however little later it is', () => {
    const mark = { before: 1, to: 5, until: NOW + HOUR };
    const state = { minimum: 5, maximum: 8, paused: false, mark, leftUntil: null };
    const later = lift(5, NOW + HOUR + 30_000);
    expect(liftChange(state, later, NOW).kind).toBe('nothing');
    expect(liftChange(state, later, NOW + HOUR - 30_000).kind).toBe('lift');
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
    expect(annotations()).toEqual({ team: 'a', [LEFT_ANNOTATION]: new Date(NOW + HOUR).toISOString() });
    expect(label()).toBeUndefined();
  });

  test('by any process, until the warm-up that found it so has ended', async () => {
    api.put(PATH, manifest(1), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(5));
    api.edit(PATH, MINIMUM, 2, 'kubectl-edit');
    await minimums().settle('team-a', 'bert', { kind: 'unknown' });
    await minimums().settle('team-a', 'bert', lift(5));
    expect(minimum()).toBe(2);
    await minimums(NOW + HOUR).settle('team-a', 'bert', lift(5, NOW + 2 * HOUR));
    expect([minimum(), annotations()]).toEqual([2, { team: 'a' }]);
    await minimums(NOW + HOUR).settle('team-a', 'bert', lift(5, NOW + 2 * HOUR));
    expect(minimum()).toBe(5);
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
      raced: true,
      why: expect.stringContaining('somebody else has it (409)') as string,
    });
    expect(minimum()).toBe(4);
  });

  test('one that is gone or paused is left alone', async () => {
    expect(await minimums().settle('team-a', 'gone', lift(5))).toEqual({
      kind: 'done',
      change: { kind: 'nothing' },
    });
    const paused = (annotations: Record<string, string>) =>
      liftChange(minimumStateOf({ ...manifest(1), metadata: { annotations } }), lift(5), NOW).kind;
    expect(paused({ 'autoscaling.keda.sh/paused-replicas': '0' })).toBe('nothing');
    expect(paused({ 'autoscaling.keda.sh/paused': 'true' })).toBe('nothing');
    // As KEDA reads them, these do not pause.
    expect(paused({ 'autoscaling.keda.sh/paused': 'false' })).toBe('lift');
    expect(paused({ 'autoscaling.keda.sh/paused-scale-in': 'true' })).toBe('lift');
  });

  test.each([
    ['a part of them is broken', leaf('metadata', 'annotations', 'pilotlight.dev/min-replicas-to'), 'five'],
    [
      'a part of them is missing',
      leaf('metadata', 'annotations', 'pilotlight.dev/min-replicas-before'),
      null,
    ],
  ])('marks of which %s are taken off, and the minimum stays', async (_, mark, value) => {
    api.put(PATH, manifest(3), 'kubectl');
    await minimums().settle('team-a', 'bert', lift(5));
    api.edit(PATH, mark, value ?? (undefined as never), 'tenant');
    const result = await minimums().settle('team-a', 'bert', none);
    const why = expect.stringContaining('set minReplicaCount to what it should be') as string;
    expect(result).toMatchObject({ change: { kind: 'forget', leftUntil: null, why } });
    expect([minimum(), annotations(), label()]).toEqual([5, { team: 'a' }, undefined]);
    await minimums().settle('team-a', 'bert', none);
    expect(minimum()).toBe(5);
  });

  test('the label alone is a mark too, whoever has set it', async () => {
    const bert = manifest(3);
    api.put(PATH, { ...bert, metadata: { ...bert.metadata, labels: { [LIFTED_LABEL]: 'x' } } }, 'tenant');
    await minimums().settle('team-a', 'bert', none);
    expect([minimum(), label()]).toEqual([3, undefined]);
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

describe('which ScaledObjects carry a mark', () => {
  const model = new ClusterModel({ now: () => NOW }, () => undefined);
  const sink = model.scaledObjectSink(new Set(['pilotlight:50051']));
  const triggers = (address: string) => [
    { type: 'external', metadata: { scalerAddress: address, profile: 'any' } },
  ];
  const object = (name: string, address: string, labels: Record<string, string> = {}) => ({
    metadata: { name, namespace: 'ns', labels },
    spec: { scaleTargetRef: { name }, minReplicaCount: 2, triggers: triggers(address) },
  });
  const marked = () => model.marked.values().map(({ id }) => id);

  test('is known from the watch, also of one that names this scaler no more', () => {
    sink.begin();
    sink.put(object('ours', 'pilotlight:50051'));
    sink.put(object('lifted', 'pilotlight:50051', { [LIFTED_LABEL]: 'true' }));
    sink.put(object('left', 'other:1', { [LIFTED_LABEL]: 'true' }));
    sink.put(object('other', 'other:1'));
    sink.end();
    expect(marked()).toEqual(['ns/lifted', 'ns/left']);
    expect(model.minimum('ns/ours')).toMatchObject({ minimum: 2, mark: 'none' });
    expect(model.minimum('ns/left')).toMatchObject({ minimum: 2, mark: 'unreadable' });
    expect(model.minimum('ns/other')).toBeNull();
  });

  test('and no more once it is off, or was not there in a list', () => {
    sink.put(object('lifted', 'pilotlight:50051'));
    expect(marked()).toEqual(['ns/left']);
    sink.begin();
    sink.end();
    expect(marked()).toEqual([]);
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
      failed: expect.stringContaining('would not create events.events.k8s.io (403)') as string,
    });
    expect(await events.tell({ ...event, reason: 'Other', note: 'x'.repeat(3000) })).toBe('told');
  });

  test('of one object are ten at most at once, and of all fifty', () => {
    const limiter = new EventLimiter();
    const admitted = (keys: readonly EventKey[], now = NOW) =>
      keys.filter((key) => limiter.admit(key, now) !== null).length;
    const hundred = Array.from({ length: 100 }, (_, index) => index);
    const one = hundred.map((index) => ({ object: 'team-a/bert', reason: `r${index}` }));
    const all = hundred.map((index) => ({ object: `team-${index}/w`, reason: 'r' }));
    expect([admitted(one), admitted(all)]).toEqual([10, 40]);
    expect(limiter.admit({ object: 'team-a/bert', reason: 'later' }, NOW + 300_000)).toBe(0);
    expect(admitted(all, NOW + 3 * HOUR)).toBe(50);
  });
});
