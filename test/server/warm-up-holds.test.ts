import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPlaceholders } from '../../src/cluster/placeholders.js';
import { openWriter, type Writer } from '../../src/cluster/write.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { WarmUpHolds } from '../../src/server/warm-up-holds.js';
import type { UnderWay } from '../../src/server/warm-ups-under-way.js';
import { node } from '../cluster/cluster-objects.js';
import { StandInApi } from '../cluster/stand-in-api.js';
import { underWay } from './warm-ups-under-way.js';

/** Scaler replicas that hold nodes beside one API server. */

const NOW = Date.parse('2026-11-22T10:00:00Z');
const ROUND = 15_000;
const config = parseCapacityConfig(
  {
    placeholders: { enabled: true },
    pools: [{ name: 'a', match: { pool: 'a' }, maxNodes: 5, placeholders: 4 }],
  },
  'the test',
);
const EVER = { readyBy: NOW + 60_000, holdUntil: NOW + 3_600_000 };

let api: StandInApi;
let now: number;
let known: readonly UnderWay[] | null;
/** ScaledObjects by the replica that KEDA asks about them. */
let asked: Readonly<Record<string, string>>;
let refused: string | null;

beforeEach(async () => {
  api = await StandInApi.start();
  [now, known, asked, refused] = [NOW, [], { 'ns/llm': 'first' }, null];
});
afterEach(() => api.stop());

function replica(name: string, isShared = true): WarmUpHolds {
  const clock = { now: () => now };
  const silent = () => undefined;
  const writer = openWriter({ server: api.url, options: () => Promise.resolve({}), close: silent });
  const refusing: Writer = {
    ...writer,
    apply(path, object, force) {
      if (refused !== null && path.name.startsWith(`hold-${refused}`)) api.failNext(500);
      return writer.apply(path, object, force);
    },
  };
  return new WarmUpHolds({
    cluster: {
      nodes: () => ({ kind: 'known', items: [node('n', { labels: { pool: 'a' } })], asOf: now }),
      pods: () => ({ kind: 'known', items: [], asOf: now }),
    },
    config,
    placeholders: openPlaceholders(refusing, config.placeholders, clock),
    underWay: () => known,
    isWholeTruth: () => isShared,
    isAskedHere: (id) => asked[id] === name,
    stop: new AbortController().signal,
    clock,
    log: { info: silent, warn: silent },
  });
}

/** Placeholders by ScaledObject. */
function held(): Record<string, number> {
  return Object.fromEntries(
    api.paths().map((path) => {
      const { metadata, spec } = api.get(path) as {
        metadata: { annotations: Record<string, string> };
        spec: { replicas: number };
      };
      return [metadata.annotations['pilotlight.dev/workload'] ?? '', spec.replicas];
    }),
  );
}

async function rounds(...replicas: WarmUpHolds[]): Promise<Record<string, number>> {
  for (const each of replicas) await each.round();
  now += ROUND;
  return held();
}

describe('two scaler replicas', () => {
  test('hold for what KEDA asks them about, and leave what the other holds', async () => {
    known = [underWay('ns/llm', 3, EVER), underWay('ns/other', 2, EVER)];
    asked = { 'ns/llm': 'first', 'ns/other': 'second' };
    const [first, second] = [replica('first'), replica('second')];
    expect(await rounds(first)).toEqual({ 'ns/llm': 2 });
    expect(await rounds(second, first)).toEqual({ 'ns/llm': 2, 'ns/other': 1 });
    known = [underWay('ns/other', 2, EVER)];
    // What no warm-up wants any of them removes.
    expect(await rounds(second)).toEqual({ 'ns/other': 1 });
  });

  test('stay within the cap of the pool together', async () => {
    known = [underWay('ns/llm', 4, EVER), underWay('ns/other', 4, { ...EVER, readyBy: NOW + 120_000 })];
    asked = { 'ns/llm': 'first', 'ns/other': 'second' };
    expect(await rounds(replica('second'), replica('first'))).toEqual({ 'ns/llm': 3, 'ns/other': 1 });
  });

  test('a step that runs where KEDA does not ask says who holds', async () => {
    known = [underWay('ns/llm', 3, EVER)];
    const note = expect.stringContaining('KEDA does not ask this scaler replica') as string;
    expect(await replica('second').hold(known[0]!.warmUp)).toMatchObject({ outcome: 'nothing', note });
    expect(held()).toEqual({});
  });

  test('hold nothing once its replicas were ready, whichever ran the steps and whatever goes missing later', async () => {
    known = [underWay('ns/llm', 3, EVER)];
    const [first, second] = [replica('first'), replica('second')];
    expect(await first.hold(known[0]!.warmUp)).toMatchObject({ outcome: 'done' });
    expect(held()).toEqual({ 'ns/llm': 2 });
    known = [{ ...underWay('ns/llm', 3, EVER, 2), wasReady: true }];
    now += ROUND;
    expect(await rounds(second, first)).toEqual({});
    asked = { 'ns/llm': 'second' };
    expect(await rounds(second, first)).toEqual({});
  });
});

test('what a step has let go is not held before the store shows it', async () => {
  known = [underWay('ns/llm', 3, EVER)];
  const first = replica('first');
  await first.hold(known[0]!.warmUp);
  await first.release(known[0]!.warmUp);
  expect(held()).toEqual({});
  await first.hold(known[0]!.warmUp);
  expect(held()).toEqual({ 'ns/llm': 2 });
});

test('a step tells of its own workload’s failure alone', async () => {
  known = [underWay('ns/llm', 3, EVER), underWay('ns/bad', 2, { ...EVER, readyBy: NOW })];
  asked = { 'ns/llm': 'first', 'ns/bad': 'first' };
  refused = 'ns-bad';
  const first = replica('first');
  expect(await first.hold(known[0]!.warmUp)).toMatchObject({ outcome: 'done' });
  const note = expect.stringContaining('told to answer 500') as string;
  expect(await first.hold(known[1]!.warmUp)).toMatchObject({ outcome: 'nothing', note });
});

test('while the warm-ups are not known nothing goes', async () => {
  known = [underWay('ns/llm', 3, EVER)];
  await rounds(replica('first'));
  known = null;
  expect(await rounds(replica('first'))).toEqual({ 'ns/llm': 2 });
});
