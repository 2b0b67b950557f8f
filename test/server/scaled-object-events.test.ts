import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEvents } from '../../src/cluster/events.js';
import { openWriter } from '../../src/cluster/write.js';
import type { Decision } from '../../src/core/decision.js';
import type { ScaledObjectFacts } from '../../src/ports/cluster.js';
import type { WarmUpStatus } from '../../src/ports/warm-up.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import { ScaledObjectEvents } from '../../src/server/scaled-object-events.js';
import type { Workload } from '../../src/server/workload.js';
import { StandInApi } from '../cluster/stand-in-api.js';

let api: StandInApi;
let events: ScaledObjectEvents;
let known: ScaledObjectFacts | null;
let warned: string[];
const now = 1_800_000_000_000;

beforeEach(async () => {
  api = await StandInApi.start();
  warned = [];
  // Nothing else of the facts is looked at.
  known = { uid: 'uid-llm' } as ScaledObjectFacts;
  const writer = openWriter({ server: api.url, options: () => Promise.resolve({}), close: () => undefined });
  events = new ScaledObjectEvents(
    openEvents(writer, { now: () => now }, 'pilotlight-0'),
    { scaledObject: () => known },
    { warn: (details) => void warned.push(JSON.stringify(details)) },
  );
});

afterEach(() => api.stop());

function workload(metadata: Record<string, string> = {}): Workload {
  const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };
  const registry = new Registry(loadProfiles(undefined), nothing, { now: () => now });
  const found = registry.find({
    namespace: 'ns',
    name: 'llm',
    metadata: { profile: 'triton-pending', ...metadata },
  });
  if ('kind' in found) throw new Error(found.kind);
  return found;
}

interface Around {
  readonly current?: number;
  readonly source?: Decision['replicas']['source'];
  readonly kedaAsks?: boolean;
  readonly siblings?: readonly Workload[];
}

function decides(
  of: Workload,
  verdict: Decision['verdict'],
  desired: number,
  reason = '',
  { current = 0, source = 'cluster', kedaAsks = true, siblings = [of] }: Around = {},
): void {
  of.decision = {
    at: now,
    verdict,
    desired,
    active: desired > 0,
    replicas: { current, reporting: 0, missing: 0, starting: 0, source },
    signals: [],
    stages: [],
    metrics: [],
    reason,
    needsWake: false,
    presumesZero: false,
  };
  events.noteDecision(of, { kedaAsks }, () => siblings);
}

const told = () => api.requests.map(({ body }) => [body['type'], body['reason'], body['note']]);

describe('decisions', () => {
  test('that wake a workload or are made blindly are told, with their reason', async () => {
    const llm = workload();
    decides(llm, 'fresh', 0);
    decides(llm, 'fresh', 2, 'gateway-rps 3 requests/s');
    decides(llm, 'held', 2, 'no series for this workload');
    decides(llm, 'held', 2, 'no series for this workload');
    decides(llm, 'fresh', 2, 'triton-pending 4 requests');
    await expect.poll(told).toHaveLength(3);
    expect(told()).toEqual([
      ['Normal', 'Woken', 'to 2: gateway-rps 3 requests/s'],
      ['Warning', 'Blind', 'no series for this workload'],
      ['Normal', 'SeesAgain', 'triton-pending 4 requests'],
    ]);
    expect(api.requests[0]?.body['regarding']).toEqual({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      namespace: 'ns',
      name: 'llm',
      uid: 'uid-llm',
    });
  });

  test('are not told when there was none before, nor for show', async () => {
    const [llm, shown] = [workload(), workload({ dryRun: 'true' })];
    decides(llm, 'blind', 0);
    decides(shown, 'fresh', 0);
    decides(shown, 'fresh', 5);
    decides(llm, 'fresh', 0, 'it sees');
    await expect.poll(told).toEqual([['Normal', 'SeesAgain', 'it sees']]);
  });

  test('of a ScaledObject that the cluster does not know are not told', async () => {
    const llm = workload();
    decides(llm, 'fresh', 0);
    known = null;
    decides(llm, 'fresh', 2);
    known = { uid: 'uid-llm' } as ScaledObjectFacts;
    decides(llm, 'held', 2, 'blind now');
    await expect.poll(told).toEqual([['Warning', 'Blind', 'blind now']]);
  });
});

describe('of a ScaledObject with two triggers', () => {
  test('one that wants some again wakes nothing while the other keeps ten replicas, counted or not', async () => {
    const llm = workload();
    for (const around of [{ current: 10 }, { source: 'pods' }, { source: 'asked' }] as const) {
      decides(llm, 'fresh', 0, '', around);
      decides(llm, 'fresh', 2, 'too early', around);
    }
    decides(llm, 'fresh', 0);
    decides(llm, 'fresh', 3, 'now');
    await expect.poll(told).toEqual([['Normal', 'Woken', 'to 3: now']]);
  });

  test('one that was edited away tells nothing, and a new one that KEDA asks for does', async () => {
    const siblings = [workload({ target: '3' }), workload({ target: '5' })] as const;
    const [old, edited] = siblings;
    old.askedAt = now - 60_000;
    for (const each of siblings) decides(each, 'fresh', 2, '', { siblings });
    decides(old, 'held', 2, 'the old one', { siblings });
    decides(edited, 'held', 2, 'the new one', { siblings });
    await expect.poll(told).toEqual([['Warning', 'Blind', 'the new one']]);
  });
});

test('what another replica of the scaler is asked for is told there, and here once KEDA comes back', async () => {
  const llm = workload();
  decides(llm, 'fresh', 2);
  decides(llm, 'held', 2, 'told elsewhere', { kedaAsks: false });
  decides(llm, 'fresh', 2, 'told elsewhere', { kedaAsks: false });
  decides(llm, 'held', 2, 'told here');
  await expect.poll(told).toEqual([['Warning', 'Blind', 'told here']]);
});

test('a warm-up that is late is told once', async () => {
  const warmUp = { id: 'w1', workload: 'ns/llm/digest', replicas: 4, readyBy: now - 90_000 };
  // Nothing else of it is looked at.
  const status = { warmUp, late: true, lastFailure: 'no node came' } as unknown as WarmUpStatus;
  events.noteWarmUps([{ ...status, late: false }], now);
  events.noteWarmUps([status], now);
  events.noteWarmUps([status], now + 15_000);
  await expect
    .poll(told)
    .toEqual([['Warning', 'WarmUpLate', '4 replicas were to be ready 90 s ago: no node came']]);
});

test('an event that cannot be written is said once, and the next is tried', async () => {
  const tell = (reason: string) =>
    events.tell({ namespace: 'ns', name: 'llm', type: 'Normal', reason, note: 'a word' });
  api.failNext(500, 500);
  tell('One');
  await expect.poll(() => warned).toHaveLength(1);
  tell('Two');
  tell('Three');
  await expect.poll(() => api.requests.length).toBe(3);
  expect(warned).toEqual([expect.stringContaining('told to answer 500')]);
});
