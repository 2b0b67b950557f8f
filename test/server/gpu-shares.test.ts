import { beforeEach, describe, expect, test } from 'vitest';
import type { Decision } from '../../src/core/decision.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { Cluster, Snapshot, WorkloadFacts } from '../../src/ports/cluster.js';
import type { Node, Pod } from '../../src/ports/cluster-objects.js';
import { GpuShares, type ShareEvent } from '../../src/server/gpu-shares.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import type { Workload } from '../../src/server/workload.js';

/** One pool of one node with four GPUs. */

const NODE: Node = {
  name: 'gpu-1',
  labels: { pool: 'a100' },
  taints: [],
  unschedulable: false,
  ready: true,
  allocatable: { 'nvidia.com/gpu': 4, cpu: 16, memory: 64e9, pods: 110 },
  createdAt: 0,
};
const CONFIG = parseCapacityConfig(
  { pools: [{ name: 'a100', match: { pool: 'a100' }, maxNodes: 1, price: 4 }] },
  'the test',
);
const FACTS: WorkloadFacts = {
  uid: null,
  target: { namespace: 'ns', kind: 'deployment', name: 'llm' },
  replicas: { current: 1, ready: 1, starting: 0, pending: 0 },
  waiting: [],
  minReplicas: 0,
  maxReplicas: 100,
  idleReplicas: null,
  pollingInterval: 30_000,
  cooldown: 300_000,
  tolerance: { up: 0.1, down: 0.1 },
  behavior: null,
  paused: false,
  shape: {
    gpu: { resource: 'nvidia.com/gpu', perPod: 1 },
    requests: { 'nvidia.com/gpu': 1 },
    nodeSelector: {},
    tolerations: [],
    priorityClass: null,
    nodeAffinity: null,
  },
  asOf: 0,
};

let now: number;
let nodes: Snapshot<Node>;
let facts: Record<string, WorkloadFacts>;
let said: string[];
let told: string[];
let registry: Registry;
let shares: GpuShares;

beforeEach(() => {
  now = 1_000_000;
  nodes = { kind: 'known', items: [NODE], asOf: now };
  facts = {};
  said = [];
  const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };
  registry = new Registry(loadProfiles(undefined), nothing, { now: () => now });
  const log = (_details: object, message: string) => void said.push(message);
  told = [];
  const tell = ({ namespace, name, type, reason, note }: ShareEvent) =>
    void told.push(`${type} ${reason} ${namespace}/${name}: ${note}`);
  shares = new GpuShares(cluster, CONFIG, { info: log, warn: log, error: log }, tell);
});

const cluster: Cluster = {
  facts: (namespace, name) => {
    const known = facts[`${namespace}/${name}`];
    if (known === undefined) return { kind: 'unknown', why: 'not there', since: null };
    return { kind: 'known', facts: known };
  },
  scaledObject: () => null,
  podsOf: () => null,
  nodes: () => nodes,
  pods: (): Snapshot<Pod> => ({ kind: 'known', items: [], asOf: now }),
  replicas: () => null,
  leadTime: () => null,
  leadTimeOfGpu: () => null,
  nodeLeadTime: () => null,
  health: () => ({ kind: 'current', why: null, watches: [] }),
  close: () => Promise.resolve(),
};

function workload(
  name: string,
  wanted: number,
  metadata: Record<string, string> = {},
  more: Partial<WorkloadFacts> = {},
): Workload {
  facts[`ns/${name}`] = { ...FACTS, target: { ...FACTS.target, name }, ...more };
  const found = registry.find({
    namespace: 'ns',
    name,
    metadata: { profile: 'triton-pending', ...metadata },
  });
  if ('kind' in found) throw new Error(found.kind);
  wants(found, wanted);
  return found;
}

function wants(of: Workload, desired: number, more: Partial<Decision> = {}): void {
  of.decision = {
    at: now,
    verdict: 'fresh',
    desired,
    active: desired > 0,
    replicas: { current: 1, reporting: 1, missing: 0, starting: 0, source: 'cluster' },
    signals: [],
    stages: [],
    metrics: [],
    reason: '',
    needsWake: false,
    presumesZero: false,
    ...more,
  };
}

const tick = async () => (await shares.tick(registry.all(), now)).map(({ name }) => name);

describe('a grant', () => {
  test('is there for a workload that does not get all, with the reason, and for no other', async () => {
    const big = workload('big', 9, { tier: '2' });
    const small = workload('small', 2, { tier: '1' });
    expect(await tick()).toEqual(['big']);
    expect(shares.grantOf(small)).toBeNull();
    expect(shares.grantOf(big)).toEqual({
      replicas: 2,
      why: 'wanted 9, 2 fit: pool a100 at its maximum of 1 node; tier 1 has 2',
    });
    expect(shares.shareOf(small)).toMatchObject({ wanted: 2, granted: 2, why: null });
  });

  test('is worked out from what was wanted, not from what an earlier one left of it', async () => {
    const big = workload('big', 9);
    await tick();
    wants(big, 4, { wanted: 9 });
    now += 15_000;
    await tick();
    expect(shares.shareOf(big)).toMatchObject({ wanted: 9, granted: 4 });
  });

  test('comes every 15 s, and at once for a burst beyond what was claimed', async () => {
    const one = workload('one', 2);
    expect(await tick()).toEqual([]);
    wants(one, 1);
    now += 5000;
    await tick();
    expect(shares.shareOf(one)?.wanted).toBe(2);
    wants(one, 6);
    now += 5000;
    expect(await tick()).toEqual(['one']);
    expect(shares.shareOf(one)).toMatchObject({ wanted: 6, granted: 4 });
    wants(one, 3);
    now += 15_000;
    expect(await tick()).toEqual(['one']);
    expect(shares.grantOf(one)).toBeNull();
  });
});

describe('what is wanted', () => {
  test('is the most of a ScaledObject’s triggers, but for those that were edited away', async () => {
    const old = workload('llm', 9, { target: '1' });
    now += 61_000;
    const first = workload('llm', 2, { target: '2' });
    const second = workload('llm', 3, { target: '3' });
    await tick();
    expect(shares.shares()).toMatchObject([{ name: 'llm', wanted: 3, granted: 3 }]);
    for (const each of [old, first, second]) expect(shares.shareOf(each)?.granted).toBe(3);
  });

  test('ends at maxReplicaCount, beyond which KEDA takes nothing', async () => {
    workload('llm', 9, {}, { maxReplicas: 3 });
    await tick();
    expect(shares.shares()).toMatchObject([{ wanted: 3, granted: 3 }]);
  });

  test.each<[string, Record<string, string>, Partial<WorkloadFacts>, Partial<Decision>]>([
    ['decided for show', { dryRun: 'true' }, {}, {}],
    ['paused', {}, { paused: true }, {}],
    ['blind', {}, {}, { verdict: 'blind' }],
  ])('is what there is, of a workload that is %s', async (_, metadata, more, decision) => {
    const one = workload('llm', 9, metadata, more);
    wants(one, 9, decision);
    await tick();
    expect(shares.shareOf(one)).toMatchObject({ wanted: 1, granted: 1 });
  });

  test('leaves what ScaledObjects guarantee to the others', async () => {
    workload('quiet', 0, {}, { minReplicas: 1 });
    const loud = workload('loud', 9);
    await tick();
    expect(shares.shareOf(loud)?.granted).toBe(3);
  });

  test('leaves nothing to one that KEDA keeps at its idle count', async () => {
    workload('idle', 0, {}, { minReplicas: 10_000, maxReplicas: 10_000, idleReplicas: 0 });
    const loud = workload('loud', 9);
    await tick();
    expect(shares.shareOf(loud)?.granted).toBe(4);
  });
});

async function sharesWith(config: Partial<typeof CONFIG>) {
  const ignore = () => undefined;
  const log = { info: ignore, warn: ignore, error: ignore };
  const others = new GpuShares(cluster, { ...CONFIG, ...config }, log, ignore);
  await others.tick(registry.all(), now);
  return others.shares();
}

describe('what is reserved', () => {
  const sharedOut = async (guaranteed: Record<string, number> = {}) =>
    Object.fromEntries((await sharesWith({ guaranteed })).map(({ name, granted }) => [name, granted]));

  test('is nothing that a trigger only says: neither for show, nor beyond maxReplicaCount', async () => {
    const hoarder = workload(
      'hoarder',
      1,
      { tier: '1', minReplicas: '10000', dryRun: 'true' },
      { maxReplicas: 1 },
    );
    wants(hoarder, 10_000, { wanted: 10_000 });
    workload('other', 9);
    expect(await sharedOut()).toEqual({ hoarder: 1, other: 3 });
  });

  test('is nothing that KEDA would not keep: a trigger’s minimum beyond what it wants', async () => {
    workload('quiet', 0, { minReplicas: '3' });
    workload('other', 9);
    expect(await sharedOut()).toEqual({ quiet: 0, other: 4 });
  });

  test('ends at maxReplicaCount', async () => {
    workload('quiet', 0, {}, { minReplicas: 9, maxReplicas: 2 });
    workload('other', 9);
    expect(await sharedOut()).toEqual({ quiet: 0, other: 2 });
  });

  test.each<[string, Record<string, string>, Partial<WorkloadFacts>, Partial<Decision>]>([
    ['decided for show', { dryRun: 'true' }, {}, {}],
    ['paused', {}, { paused: true }, {}],
    ['blind', {}, {}, { verdict: 'blind' }],
  ])('is what there is, of a workload that is %s', async (_, metadata, more, decision) => {
    wants(workload('still', 4, metadata, { ...more, minReplicas: 4 }), 4, decision);
    workload('other', 9);
    expect(await sharedOut()).toEqual({ still: 1, other: 3 });
  });

  test('is what the operator guarantees, wanted or not, before any minimum', async () => {
    workload('quiet', 0);
    workload('large', 9, { tier: '1' }, { minReplicas: 9 });
    expect(await sharedOut({ 'ns/quiet': 3 })).toEqual({ quiet: 0, large: 1 });
  });
});

describe('tier 1', () => {
  const claims = () => {
    workload('mine', 4, { tier: '1' });
    workload('other', 4);
  };
  const granted = async (tierOne: string[] | null) =>
    (await sharesWith({ tierOne })).map(({ granted, why }) => [granted, why]);

  test('is anybody’s to say, until the operator names namespaces', async () => {
    claims();
    const why = 'wanted 4, 0 fit: pool a100 at its maximum of 1 node; tier 1 has 4';
    expect(await granted(null)).toEqual([
      [4, null],
      [0, why],
    ]);
    expect(await granted(['elsewhere', 'ns'])).toEqual([
      [4, null],
      [0, why],
    ]);
  });

  test('of another namespace counts as 2, and the share says so', async () => {
    claims();
    const why = 'wanted 4, 2 fit: pool a100 at its maximum of 1 node; others of tier 2 have 2';
    expect(await granted(['elsewhere'])).toEqual([
      [2, `${why}; its tier 1 counts as 2: gpu.tierOne does not name namespace ns`],
      [2, why],
    ]);
  });
});

describe('what is not known', () => {
  test('caps nothing: nodes', async () => {
    const one = workload('llm', 9);
    await tick();
    nodes = { kind: 'unknown', why: 'the watch is stale', since: now };
    now += 15_000;
    expect(await tick()).toEqual(['llm']);
    expect([shares.grantOf(one), shares.shares(), shares.money()]).toEqual([null, [], null]);
  });

  test('caps nothing: the pool that it would be in, which nobody declared and which has no node', async () => {
    const zone = { key: 'zone', operator: 'In', values: ['elsewhere'] } as const;
    const nodeAffinity = [{ labels: [zone], fields: [] }];
    const elsewhere = workload('elsewhere', 9, {}, { shape: { ...FACTS.shape, nodeAffinity } });
    const here = workload('here', 9);
    expect(await tick()).toEqual(['here']);
    expect([shares.grantOf(elsewhere)?.replicas, shares.grantOf(here)?.replicas]).toEqual([undefined, 4]);
  });

  test('caps nothing: the ScaledObject itself', async () => {
    const strange = workload('strange', 9);
    delete facts['ns/strange'];
    expect(await tick()).toEqual([]);
    expect(shares.grantOf(strange)).toBeNull();
  });

  test('is no fault of the server’s other work', async () => {
    const one = workload('llm', 9);
    await tick();
    nodes = { kind: 'known', items: [null as unknown as Node], asOf: now };
    now += 15_000;
    expect(await tick()).toEqual(['llm']);
    expect(shares.grantOf(one)).toBeNull();
    expect(said).toEqual(['GPUs could not be shared out: nothing is capped until they can']);
  });
});

test('a shortage of more than a minute is told', async () => {
  workload('llm', 9);
  for (let at = 0; at <= 75_000; at += 15_000, now += 15_000) await tick();
  const note = 'wanted 9, 4 fit: pool a100 at its maximum of 1 node; for 1 min';
  expect(said).toEqual([note]);
  expect(told).toEqual([`Warning GpuShortage ns/llm: ${note}`]);
});

test('pods that no node could hold are told of, shown, and not capped', async () => {
  const requests = { 'nvidia.com/mig-2g.10gb': 1 };
  const one = workload('llm', 3, {}, { shape: { ...FACTS.shape, requests } });
  for (let at = 0; at <= 60_000; at += 15_000, now += 15_000) await tick();
  const note =
    'no node takes its pods: each asks for 1 nvidia.com/mig-2g.10gb, and nodes of pool a100 have none but 4 nvidia.com/gpu';
  expect(told).toEqual([`Warning NoNodeFits ns/llm: ${note}; for 1 min`]);
  expect(shares.shareOf(one)).toMatchObject({ granted: 3, why: null, note, pool: null });
});

test('what a budget cuts is known by workload and by namespace', async () => {
  const ignore = () => undefined;
  const log = { info: ignore, warn: ignore, error: ignore };
  const poor = new GpuShares(cluster, { ...CONFIG, budgets: { ns: 2, elsewhere: 5 } }, log, ignore);
  expect(poor.budgets()).toEqual([]);
  const one = workload('one', 3, { tier: '1' });
  const two = workload('two', 2);
  await poor.tick(registry.all(), now);
  expect([poor.shareOf(one), poor.shareOf(two)]).toMatchObject([
    { granted: 2, cutByBudget: 1, pool: 'a100', note: null },
    { granted: 0, cutByBudget: 2 },
  ]);
  expect(poor.budgets()).toEqual([
    { namespace: 'ns', currency: 'USD', budget: 2, perHour: 2, cut: 3 },
    { namespace: 'elsewhere', currency: 'USD', budget: 5, perHour: 0, cut: 0 },
  ]);
});

describe('a round', () => {
  test('lets calls have their turn, and is the only one meanwhile', async () => {
    for (let index = 0; index < 40; index += 1) workload(`llm-${index}`, 1);
    const slow: Cluster = {
      ...cluster,
      facts: (...ref) => {
        for (const until = performance.now() + 1; performance.now() < until;);
        return cluster.facts(...ref);
      },
    };
    const ignore = () => undefined;
    const log = { info: ignore, warn: ignore, error: ignore };
    const slowly = new GpuShares(slow, CONFIG, log, ignore);
    let turns = 0;
    const count = () => {
      turns += 1;
      if (slowly.shares().length === 0) setImmediate(count);
    };
    setImmediate(count);
    const round = slowly.tick(registry.all(), now);
    expect(await slowly.tick(registry.all(), now + 60_000)).toEqual([]);
    expect(slowly.shares()).toEqual([]);
    expect(await round).toHaveLength(36);
    expect(turns).toBeGreaterThanOrEqual(3); // 40 ms in stretches of 8
  });

  test('of what grew while the last was at work comes with the next call', async () => {
    const one = workload('one', 2);
    const first = shares.tick(registry.all(), now);
    wants(one, 6);
    await first;
    now += 5000;
    expect(await tick()).toEqual(['one']);
    expect(shares.grantOf(one)?.replicas).toBe(4);
  });
});

test('a workload without pods costs nothing, and what its most replicas would is known', async () => {
  const one = workload('llm', 0);
  await tick();
  expect(shares.costOf(one, 8)).toEqual({ perHour: 0, complete: true, currency: 'USD', alwaysOn: 8 });
  expect(shares.money()).toMatchObject({ total: 4, idle: 4, held: 0, unpriced: 0 });
});
