import { describe, expect, test } from 'vitest';
import {
  capacityTick,
  NO_CAPACITY_STATE,
  type CapacityState,
  type TickWorkload,
} from '../../src/cluster/capacity-tick.js';
import { writeDeletionCosts } from '../../src/cluster/deletion-cost-writer.js';
import { openWriter } from '../../src/cluster/write.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { Pod } from '../../src/ports/cluster-objects.js';
import { node, NOW, pod, shape } from './cluster-objects.js';
import { StandInApi } from './stand-in-api.js';

const GPU = 'nvidia.com/gpu';
const match = { pool: 'a100' };
const config = parseCapacityConfig(
  {
    pools: [{ name: 'a100', match, maxNodes: 3, price: 30 }],
    budgets: { 'team-b': 40 },
    guaranteed: { 'team-b/batch': 1 },
  },
  'test',
);
const eight = (name: string) => node(name, { labels: match, allocatable: { cpu: 96, pods: 110, [GPU]: 4 } });

function workload(namespace: string, name: string, wanted: number, tier: 1 | 2 = 2): TickWorkload {
  return {
    id: `${namespace}/${name}`,
    namespace,
    tier,
    wanted,
    minimum: 0,
    shape: shape({ [GPU]: 1 }),
  };
}

function ticks(
  count: number,
  every: number,
  at: (index: number) => { workloads: TickWorkload[]; pods?: Pod[]; nodes?: string[] },
) {
  let state: CapacityState = NO_CAPACITY_STATE;
  return Array.from({ length: count }, (_, index) => {
    const { workloads, pods = [], nodes = ['n0', 'n1', 'n2'] } = at(index);
    const result = capacityTick(state, {
      now: NOW + index * every,
      nodes: nodes.map(eight),
      pods,
      config,
      workloads,
      ownerOf: ({ labels }) => labels['app'] ?? null,
    });
    state = result.state;
    return result;
  });
}

/** As many as n0 and n1 hold. */
function running(more: Partial<Pod>): Pod[] {
  return ['n0', 'n1'].flatMap((on) => Array.from({ length: 4 }, () => pod(on, { [GPU]: 1 }, more)));
}

describe('a tick of capacity', () => {
  test('grants what the budget covers of what the pools have, and says what it costs', () => {
    // A replica costs 7.50 an hour: the budget of 40 has five of team-b.
    const pods = [pod('n0', { [GPU]: 1 }, { labels: { app: 'team-b/batch' }, namespace: 'team-b' })];
    const [result] = ticks(1, 5000, () => ({
      workloads: [workload('team-a', 'chat', 6, 1), workload('team-b', 'batch', 20)],
      pods,
    }));
    expect(result?.grants.map(({ granted, why }) => [granted, why])).toEqual([
      [6, null],
      [5, 'wanted 20, 5 fit: the budget of namespace team-b is 40 USD/h'],
    ]);
    expect(result?.spending.get('team-b')).toMatchObject({ perHour: 37.5, cut: 112.5, over: false });
    expect(result?.cost.workloads.get('team-b/batch')).toBe(7.5);
    expect(result?.cost).toMatchObject({ total: 90, idle: 82.5 });
  });

  test('lets tier 2 yield to a burst of tier 1 down to its guaranteed minimum, and tells of it when it lasts', () => {
    const results = ticks(14, 5000, (index) => ({
      workloads: [workload('team-a', 'chat', index === 0 ? 6 : 40, 1), workload('team-b', 'batch', 5)],
    }));
    expect(results.map(({ grants }) => grants.map(({ granted }) => granted).join(' ')).slice(0, 3)).toEqual([
      '6 5',
      '11 1',
      '11 1',
    ]);
    expect(
      results.flatMap(({ events }, index) => events.map(({ id, reason }) => `${index} ${id} ${reason}`)),
    ).toEqual(['13 team-a/chat GpuShortage', '13 team-b/batch GpuShortage']);
  });

  test('stops counting on a pool whose nodes do not come', () => {
    const of = { labels: { app: 'team-a/chat' } };
    const waiting = Array.from({ length: 4 }, () => pod(null, { [GPU]: 1 }, of));
    const results = ticks(24, 60_000, () => ({
      workloads: [workload('team-a', 'chat', 12)],
      pods: [...running(of), ...waiting],
      nodes: ['n0', 'n1'],
    }));
    const granted = results.map(({ grants }) => grants[0]?.granted);
    expect(granted.slice(0, 16).every((each) => each === 12)).toBe(true);
    expect(granted[16]).toBe(8);
    expect(results[16]?.grants[0]?.why).toBe(
      'wanted 12, 8 fit: pool a100 grows no further for 5 min: no node has come within 15 min',
    );
    expect(granted.at(-1)).toBe(12);
  });

  test('keeps counting on a pool for the others, whatever the pods of one namespace wait for', () => {
    const stuck = pod(null, { [GPU]: 1 }, { namespace: 'team-c', labels: { app: 'team-c/odd' } });
    const results = ticks(60, 60_000, (index) => ({
      workloads: [
        workload('team-a', 'chat', index >= 36 && index < 40 ? 12 : 8, 1),
        workload('team-c', 'odd', 1),
      ],
      pods: [stuck, ...running({ labels: { app: 'team-a/chat' } })],
      nodes: ['n0', 'n1'],
    }));
    expect(Object.keys(results[36]?.state.blocked ?? {})).toEqual([]);
    // The first round in which it asks was worked out with the back-off of the round before.
    expect(results.slice(37, 40).map(({ grants }) => grants[0]?.granted)).toEqual([12, 12, 12]);
  });

  test('tells of pods that no node could hold, caps nothing for it, and leaves their GPUs to the others', () => {
    const large = { ...workload('team-a', 'large', 3), shape: shape({ [GPU]: 8 }) };
    const results = ticks(10, 60_000, (index) => ({
      workloads: [index === 8 ? { ...large, wanted: 0 } : large, workload('team-a', 'chat', 12)],
    }));
    const note =
      'no node takes its pods: each asks for 8 nvidia.com/gpu, and nodes of pool a100 have 4 nvidia.com/gpu';
    for (const { grants, unfit } of results) {
      expect(grants.map(({ granted, wanted, why }) => [wanted - granted, why])).toEqual([
        [0, null],
        [0, null],
      ]);
      expect([...unfit]).toEqual([['team-a/large', note]]);
    }
    expect(
      results.flatMap(({ events }, index) => events.map(({ id, ...event }) => [index, id, event])),
    ).toEqual([
      [1, 'team-a/large', { type: 'Warning', reason: 'NoNodeFits', note: `${note}; for 1 min` }],
      [6, 'team-a/large', { type: 'Warning', reason: 'NoNodeFits', note: `${note}; for 6 min` }],
    ]);
  });

  test('says in which node pools the replicas are', () => {
    const [result] = ticks(1, 5000, () => ({ workloads: [workload('team-a', 'chat', 2)] }));
    expect(result?.grants[0]?.pools).toEqual([{ pool: 'a100', replicas: 2 }]);
  });

  test('leaves alone what it knows nothing of', () => {
    const unknown = { ...workload('team-a', 'chat', 900), shape: null };
    expect(ticks(1, 5000, () => ({ workloads: [unknown] }))[0]?.grants[0]).toMatchObject({
      granted: 900,
      why: null,
    });
  });
});

test('deletion costs are annotations, and a pod that is gone is no failure', async () => {
  const api = await StandInApi.start();
  try {
    const path = '/api/v1/namespaces/team-a/pods/a';
    api.put(path, { metadata: { name: 'a', namespace: 'team-a' } }, 'kubelet');
    const writer = openWriter({ server: api.url, options: () => Promise.resolve({}), close: () => {} });
    const change = (name: string) => ({ namespace: 'team-a', name, cost: 100_001 });
    expect(await writeDeletionCosts(writer, [change('gone'), change('a')])).toEqual({
      written: [change('a')],
      failures: [],
    });
    expect(api.get(path)).toMatchObject({
      metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '100001' } },
    });
    api.failNext(403, 500);
    const { failures } = await writeDeletionCosts(writer, [change('a'), change('a')]);
    expect(failures).toEqual([
      { why: 'the API server would not patch pods (403): told to answer 403', pod: 'team-a/a' },
      { why: 'the API server would not patch pods (500): told to answer 500', pod: 'team-a/a' },
    ]);
  } finally {
    await api.stop();
  }
});

test('an API server that is not there, or says nothing, is a line and no wait', async () => {
  const access = { server: 'http://127.0.0.1:1', options: () => Promise.resolve({}), close: () => {} };
  const path = { group: '', version: 'v1', resource: 'pods', namespace: 'a', name: 'b' };
  await expect(openWriter(access).read(path)).rejects.toThrow(
    'cannot reach the API server at http://127.0.0.1:1',
  );
});
