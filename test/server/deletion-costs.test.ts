import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFeature } from '../../src/cluster/feature.js';
import type { Observation } from '../../src/core/observation.js';
import type { ScaledObjectFacts } from '../../src/ports/cluster.js';
import type { Pod } from '../../src/ports/cluster-objects.js';
import { DeletionCosts } from '../../src/server/deletion-costs.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import type { Workload } from '../../src/server/workload.js';
import { noRight, RefusingApi } from '../cluster/refusing-api.js';

const allowed = () => [200] as const;
const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };

let api: RefusingApi;
let now: number;
let registry: Registry;
let costs: DeletionCosts;
let pods: Map<string, Pod[]>;
let facts: Partial<ScaledObjectFacts>;
let warned: { readonly why: string; readonly pod?: string }[];

beforeEach(async () => {
  api = await RefusingApi.start(allowed);
  now = 1_800_000_000_000;
  const clock = { now: () => now };
  registry = new Registry(loadProfiles(undefined), nothing, clock);
  pods = new Map();
  facts = { paused: false, target: { kind: 'Deployment', name: 'any' } };
  warned = [];
  const log = { info: () => undefined, warn: (details: object) => void warned.push(details as never) };
  const { writer } = openFeature('deletionCost', api.writer(), clock, log);
  const cluster = {
    // Nothing else of the facts is looked at.
    scaledObject: () => facts as ScaledObjectFacts,
    podsOf: (namespace: string, name: string) => pods.get(`${namespace}/${name}`) ?? null,
    pods: () => ({ kind: 'known' as const, items: [...pods.values()].flat(), asOf: now }),
  };
  costs = new DeletionCosts({ cluster, registry, writer, stop: new AbortController().signal, log });
});

afterEach(() => api.stop());

function workload(id: string, replicas = 2, metadata: Record<string, string> = {}): Workload {
  const [namespace = '', name = ''] = id.split('/');
  const found = registry.find({ namespace, name, metadata: { profile: 'triton-pending', ...metadata } });
  if ('kind' in found) throw new Error(found.kind);
  pods.set(
    id,
    Array.from({ length: replicas }, (_, index) => pod(namespace, `${name}-${index}`)),
  );
  return found;
}

function pod(namespace: string, name: string, node = `node-of-${name}`): Pod {
  return {
    namespace,
    name,
    uid: `${namespace}-${name}`,
    node,
    phase: 'Running',
    ready: true,
    deleting: false,
    requests: { 'nvidia.com/gpu': 1 },
    priority: 0,
    owner: null,
    labels: {},
    createdAt: 0,
    scheduledAt: 0,
  } as unknown as Pod;
}

/** All replicas are busy, and as far as anybody knows have no costs: each needs one. */
function shrinks(of: Workload): void {
  const own = pods.get(`${of.namespace}/${of.name}`) ?? [];
  of.decision = {
    at: now,
    verdict: 'fresh',
    desired: 1,
    active: true,
    replicas: { current: own.length, reporting: own.length, missing: 0, starting: 0, source: 'cluster' },
    signals: [],
    stages: [],
    metrics: [],
    reason: '',
    needsWake: false,
    presumesZero: false,
  };
  const samples = own.map(({ name }) => ({ pod: name, value: 1000, at: now }));
  const observation: Observation = {
    readings: [{ kind: 'answered', exists: true, samples }],
    wake: { kind: 'unread' },
    replicas: null,
    hpaAsks: true,
  };
  costs.noteDecision(of, observation, now);
}

async function round(workloads: readonly Workload[]): Promise<string[]> {
  for (const each of workloads) shrinks(each);
  const before = api.paths.length;
  await costs.round();
  return api.paths.slice(before).map((path) => path.replace('/api/v1/namespaces/', ''));
}

describe('a round', () => {
  test('writes a hundred pods at most, and begins the next where it had to stop', async () => {
    const workloads = Array.from({ length: 4 }, (_, index) => workload(`ns/w${index}`, 40));
    const turns = (paths: readonly string[]) => {
      const counts = new Map<string, number>();
      for (const path of paths) {
        const name = /w\d+/.exec(path)?.[0] ?? '';
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      return [...counts].map(([name, count]) => `${name} ${count}`);
    };
    expect(turns(await round(workloads))).toEqual(['w0 40', 'w1 40', 'w2 20']);
    expect(turns(await round(workloads))).toEqual(['w3 40', 'w0 40', 'w1 20']);
    expect(turns(await round(workloads))).toEqual(['w2 40', 'w3 40', 'w0 20']);
  });

  test('lets others have their turn between two workloads that need nothing', async () => {
    const workloads = Array.from({ length: 20 }, (_, index) => workload(`ns/w${index}`));
    for (const each of workloads) shrinks(each);
    // A cost is nothing to those that are not ready: they go first whatever it is.
    for (const own of pods.values()) for (const each of own) Object.assign(each, { ready: false });
    let turns = 0;
    let ended = false;
    const count = () => {
      turns += 1;
      if (!ended) setImmediate(count);
    };
    setImmediate(count);
    await costs.round();
    ended = true;
    expect(turns).toBeGreaterThanOrEqual(20);
  });

  test('keeps the replicas of the node that others use too', async () => {
    const own = workload('ns/own', 2);
    workload('ns/other', 1);
    pods.set('ns/own', [pod('ns', 'shared', 'a'), pod('ns', 'alone', 'b')]);
    pods.set('ns/other', [pod('ns', 'other-0', 'a')]);
    // The dearest is written first.
    expect(await round([own])).toEqual(['ns/pods/shared', 'ns/pods/alone']);
  });
});

describe('what nobody deletes by cost is not written', () => {
  test('of a dry run', async () => {
    expect(await round([workload('ns/llm', 2, { dryRun: 'true' })])).toEqual([]);
  });

  test('of a ScaledObject that is paused, until it goes on', async () => {
    const llm = workload('ns/llm');
    facts = { ...facts, paused: true };
    expect(await round([llm])).toEqual([]);
    facts = { ...facts, paused: false };
    expect(await round([llm])).toHaveLength(2);
  });

  test('of a StatefulSet', async () => {
    facts = { ...facts, target: { kind: 'StatefulSet', name: 'any' } };
    expect(await round([workload('ns/llm')])).toEqual([]);
  });
});

test('a trigger that was edited away does not keep the others from it', async () => {
  workload('ns/llm', 2, { target: '3' });
  now += 60_000;
  expect(await round([workload('ns/llm', 2, { target: '5' })])).toHaveLength(2);
});

describe('what fails', () => {
  test('for a right that a namespace lacks is asked for once, said once, and leaves the others theirs', async () => {
    const workloads = Array.from({ length: 10 }, (_, index) => workload(`no/w${index}`, 60));
    workloads.push(workload('yes/llm'));
    api.answer = (path) => (path.includes('/no/') ? [403, noRight('patch', 'pods', 'no')] : [200]);
    expect(await round(workloads)).toEqual(['no/pods/w0-9', 'yes/pods/llm-1', 'yes/pods/llm-0']);
    const lines = warned.length;
    now += 15_000;
    expect(await round(workloads)).toEqual(['yes/pods/llm-1', 'yes/pods/llm-0']);
    expect(new Set(warned.map(({ why }) => why)).size).toBe(1);
    expect(warned).toHaveLength(lines);
  });

  test('for one pod is said with the pod, each reason once while it lasts and five a round at most', async () => {
    const llm = workload('ns/llm', 8);
    api.answer = () => [500, 'etcd is away'];
    await round([llm]);
    await round([llm]);
    expect(warned).toEqual([
      { why: 'the API server would not patch pods (500): etcd is away', pod: 'ns/llm-7' },
    ]);
    api.answer = (path) => [500, `${path} is odd`];
    await round([llm]);
    expect(warned).toHaveLength(6);
  });

  test('since the API server is busy ends the round', async () => {
    api.answer = () => [503];
    expect(await round([workload('ns/one'), workload('ns/two')])).toEqual(['ns/pods/one-1']);
    api.answer = allowed;
    expect((await round([...registry.all()]))[0]).toBe('ns/pods/two-1');
  });
});
