import type { ScaledObjectFacts } from '../../src/ports/cluster.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openScaledObjectMinimums } from '../../src/cluster/scaled-object.js';
import { isMarked, LIFTED_LABEL, minimumStateOf } from '../../src/cluster/scaled-object-marks.js';
import { openWriter } from '../../src/cluster/write.js';
import { WarmUpMinimums } from '../../src/server/warm-up-minimums.js';
import { leaf, StandInApi } from '../cluster/stand-in-api.js';
import { underWay } from './warm-ups-under-way.js';

/** Two scaler replicas beside one API server; KEDA asks the first of them, unless a test says otherwise. */

const NOW = Date.parse('2026-11-22T10:00:00Z');
const ROUND = 15_000;
const HOUR = 3_600_000;
const COLLECTION = '/apis/keda.sh/v1alpha1/namespaces/ns/scaledobjects';
const PATH = `${COLLECTION}/llm`;
const MINIMUM = leaf('spec', 'minReplicaCount');

let api: StandInApi;
let now: number;
let asked: 'first' | 'second';
let said: string[];
/** Null: they are not known. */
let wanted: { readonly first: number; readonly second: number } | null;
let until: number;
let isWatching: boolean;
let isShared: boolean;
let ours: boolean;

beforeEach(async () => {
  api = await StandInApi.start();
  now = NOW;
  [asked, said, wanted, until] = ['first', [], { first: 5, second: 8 }, NOW + HOUR];
  [isWatching, isShared, ours] = [true, true, true];
  put(1);
});
afterEach(() => api.stop());

function put(minReplicaCount: number): void {
  const spec = { scaleTargetRef: { name: 'llm' }, minReplicaCount, maxReplicaCount: 20 };
  const metadata = { name: 'llm', namespace: 'ns' };
  api.put(PATH, { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', metadata, spec }, 'helm');
}

const minimum = () => (api.get(PATH) as { spec: { minReplicaCount?: number } } | null)?.spec.minReplicaCount;
const stateAt = (path: string) => {
  const object = isWatching ? api.get(path) : null;
  return object === null ? null : minimumStateOf(object);
};

function replica(name: 'first' | 'second', stop = new AbortController().signal): WarmUpMinimums {
  const clock = { now: () => now };
  const access = { server: api.url, options: () => Promise.resolve({}), close: () => {} };
  const log = (details: object, message: string) =>
    void said.push(`${name}: ${message} ${JSON.stringify(details)}`);
  return new WarmUpMinimums({
    // A watch that tells of everything at once.
    cluster: {
      // Nothing else of it is looked at.
      scaledObject: (namespace, name) =>
        ours ? ({ namespace, name } as unknown as ScaledObjectFacts) : null,
      minimum: (namespace, id) =>
        stateAt(`/apis/keda.sh/v1alpha1/namespaces/${namespace}/scaledobjects/${id}`),
      marked: () =>
        api.paths().flatMap((path) => {
          const state = stateAt(path);
          return state !== null && isMarked(state) ? [`ns/${path.split('/').at(-1)}`] : [];
        }),
    },
    minimums: openScaledObjectMinimums(openWriter(access), clock),
    underWay: () =>
      wanted === null
        ? null
        : wanted[name] === 0
          ? []
          : [underWay('ns/llm', wanted[name], { holdUntil: until })],
    isWholeTruth: () => isShared,
    isAskedHere: () => name === asked,
    stop,
    clock,
    log: { info: log, warn: log },
  });
}

async function rounds(count: number, ...replicas: WarmUpMinimums[]): Promise<number[]> {
  const seen: number[] = [];
  for (let round = 0; round < count; round += 1) {
    for (const each of replicas) await each.round();
    seen.push(minimum() ?? 0);
    now += ROUND;
  }
  return seen;
}

describe('two scaler replicas', () => {
  test('that are granted different numbers lift to what the one that KEDA asks is granted', async () => {
    const both = [replica('first'), replica('second')];
    expect(await rounds(3, ...both)).toEqual([5, 5, 5]);
    asked = 'second';
    expect(await rounds(2, ...both)).toEqual([8, 8]);
  });

  test('leave it to whoever sets it meanwhile, and so do those that start later', async () => {
    const both = [replica('second'), replica('first')];
    await rounds(2, ...both);
    api.edit(PATH, MINIMUM, 2, 'kubectl-edit');
    expect(await rounds(3, ...both, replica('first'))).toEqual([2, 2, 2]);
    until += HOUR;
    now = NOW + HOUR;
    // The moment goes with the first round, and the next lifts for a warm-up that goes on.
    expect(await rounds(2, replica('first'))).toEqual([2, 5]);
  });

  test('that act at the same moment say nothing of it', async () => {
    const [one, other] = [replica('first'), replica('first')];
    await Promise.all([one.round(), other.round()]);
    now += ROUND;
    await Promise.all([one.round(), other.round()]);
    expect(minimum()).toBe(5);
    expect(said.filter((line) => line.includes('could not'))).toEqual([]);
  });

  test('put back what no warm-up wants, whichever comes first', async () => {
    await rounds(1, replica('first'));
    wanted = { first: 0, second: 0 };
    expect(await rounds(1, replica('second'))).toEqual([1]);
  });

  test('that know nothing of the other’s warm-ups leave them until their end', async () => {
    await rounds(1, replica('first'));
    isShared = false;
    wanted = { first: 5, second: 0 };
    expect(await rounds(1, replica('second'))).toEqual([5]);
    now = until;
    expect(await rounds(1, replica('second'))).toEqual([1]);
  });

  test('of which nobody is asked lift nothing, and put it back at its end', async () => {
    await rounds(1, replica('first'));
    asked = 'second';
    const first = replica('first');
    expect(await rounds(2, first)).toEqual([5, 5]);
    now = until;
    expect(await rounds(1, first)).toEqual([1]);
  });
});

test('a ScaledObject of another installation is left lifted until the end that it says itself', async () => {
  wanted = { first: 5, second: 0 };
  await replica('first').round();
  ours = false;
  wanted = { first: 0, second: 0 };
  await replica('second').round();
  expect(minimum()).toBe(5);
  now = until;
  await replica('second').round();
  expect(minimum()).toBe(1);
});

describe('requests', () => {
  test('are none while everything is as it should be', async () => {
    const first = replica('first');
    await rounds(1, first);
    const before = api.requests.length;
    await rounds(3, first, replica('second'));
    expect(api.requests.length).toBe(before);
  });

  test('are never a list, however many carry the label', async () => {
    for (const name of ['a', 'b', 'c']) {
      const metadata = { name, namespace: 'ns', labels: { [LIFTED_LABEL]: 'x' } };
      api.put(`${COLLECTION}/${name}`, { metadata, spec: { scaleTargetRef: { name } } }, 'tenant');
    }
    expect(await rounds(1, replica('first'))).toEqual([5]);
    expect(api.requests.map(({ path }) => path).filter((path) => path.includes('labelSelector'))).toEqual([]);
    const labels = (name: string) =>
      (api.get(`${COLLECTION}/${name}`) as { metadata: { labels?: object } } | null)?.metadata.labels;
    expect(['a', 'b', 'c'].map((name) => labels(name) ?? {})).toEqual([{}, {}, {}]);
  });
});

test('while neither warm-ups nor the cluster are known it is put back at its end, by memory alone', async () => {
  const first = replica('first');
  await rounds(1, first);
  wanted = null;
  isWatching = false;
  expect(await rounds(1, first)).toEqual([5]);
  now = until;
  expect(await rounds(1, first)).toEqual([1]);
});

test('a stop ends a round between two ScaledObjects', async () => {
  const stopping = new AbortController();
  stopping.abort();
  await replica('first', stopping.signal).round();
  expect([minimum(), api.requests]).toEqual([1, []]);
});

test('what fails is said once, and done when it can be', async () => {
  const first = replica('first');
  api.failNext(500);
  await rounds(1, first);
  api.failNext(500);
  await rounds(1, first);
  expect(said).toHaveLength(1);
  expect(await rounds(1, first)).toEqual([5]);
});
