import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roomFor, viewOf, type ViewInput } from '../../src/cluster/capacity.js';
import { requiredAffinity, type ReplicaShape } from '../../src/cluster/capacity-shape.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import type { Node } from '../../src/ports/cluster-objects.js';
import { node, NOW, pod, shape } from './cluster-objects.js';

const GPU = 'nvidia.com/gpu';
const GIB = 2 ** 30;
const one = shape({ [GPU]: 1 });

function room(wanted: ReplicaShape, input: Partial<ViewInput> & { nodes: readonly Node[] }) {
  return roomFor(wanted, viewOf({ now: NOW, pods: [], pools: [], ...input }));
}

function pools(...list: unknown[]) {
  return parseCapacityConfig({ pools: list }, 'test').pools;
}

const a100 = {
  'nvidia.com/gpu.product': 'A100-SXM4-40GB',
  'nvidia.com/gpu.count': '1',
  'nvidia.com/gpu.replicas': '1',
  'nvidia.com/gpu.memory': '40960',
};
const sevenths = node('a100-0', {
  labels: {
    ...a100,
    'nvidia.com/mig.strategy': 'single',
    'nvidia.com/mig.config': 'all-1g.5gb',
    'nvidia.com/mig.config.state': 'success',
    'nvidia.com/gpu.product': 'A100-SXM4-40GB-MIG-1g.5gb',
    'nvidia.com/gpu.count': '7',
    'nvidia.com/gpu.memory': '4864',
  },
  allocatable: { cpu: 32, memory: 128 * GIB, pods: 110, [GPU]: 7 },
});
const t4 = node('t4-0', {
  labels: {
    'nvidia.com/gpu.product': 'Tesla-T4-SHARED',
    'nvidia.com/gpu.count': '1',
    'nvidia.com/gpu.replicas': '14',
    'nvidia.com/gpu.memory': '15360',
    'nvidia.com/gpu.sharing-strategy': 'time-slicing',
    'nvidia.com/device-plugin.config': 'tesla-t4',
  },
  allocatable: { cpu: 32, memory: 128 * GIB, pods: 110, [GPU]: 14 },
});
const balanced = node('a100-1', {
  labels: {
    ...a100,
    'nvidia.com/mig.strategy': 'mixed',
    'nvidia.com/mig.config': 'all-balanced',
    'nvidia.com/mig.config.state': 'success',
    'nvidia.com/mig-1g.5gb.count': '2',
    'nvidia.com/mig-1g.5gb.replicas': '4',
    'nvidia.com/mig-1g.5gb.memory': '4864',
    'nvidia.com/mig-2g.10gb.count': '1',
    'nvidia.com/mig-2g.10gb.replicas': '3',
    'nvidia.com/mig-2g.10gb.memory': '9856',
    'nvidia.com/mig-3g.20gb.count': '1',
    'nvidia.com/mig-3g.20gb.replicas': '4',
    'nvidia.com/mig-3g.20gb.memory': '19968',
  },
  allocatable: {
    cpu: 32,
    pods: 110,
    [GPU]: 0,
    'nvidia.com/mig-1g.5gb': 8,
    'nvidia.com/mig-2g.10gb': 3,
    'nvidia.com/mig-3g.20gb': 4,
  },
});

describe('how a GPU is shared', () => {
  test('without sharing one pod takes one GPU, and the second waits', () => {
    const nodes = [node('a100-0', { labels: { ...a100, 'nvidia.com/mig.config': 'all-disabled' } })];
    expect(room(one, { nodes }).now).toBe(1);
    expect(room(one, { nodes, pods: [pod('a100-0', { [GPU]: 1 })] }).now).toBe(0);
  });

  test('an A100 cut into all-1g.5gb with strategy single takes seven, and four beside three', () => {
    expect(room(one, { nodes: [sevenths] }).now).toBe(7);
    const pods = [1, 2, 3].map(() => pod('a100-0', { [GPU]: 1 }));
    expect(room(one, { nodes: [sevenths], pods }).now).toBe(4);
  });

  test('a T4 in fourteen time slices takes fourteen, whoever selects the shared product', () => {
    const selecting = shape({ [GPU]: 1 }, { nodeSelector: { 'nvidia.com/gpu.product': 'Tesla-T4-SHARED' } });
    expect(room(selecting, { nodes: [t4, sevenths] }).now).toBe(14);
    expect(
      room(selecting, { nodes: [t4], pods: [1, 2, 3, 4].map(() => pod('t4-0', { [GPU]: 1 })) }).now,
    ).toBe(10);
  });

  test('all-balanced with slices in each instance takes 8, 3 and 4 of the three profiles, and no whole GPU', () => {
    const of = (resource: string) => room(shape({ [resource]: 1 }), { nodes: [balanced] }).now;
    expect(
      ['nvidia.com/mig-1g.5gb', 'nvidia.com/mig-2g.10gb', 'nvidia.com/mig-3g.20gb', GPU].map(of),
    ).toEqual([8, 3, 4, 0]);
  });

  test('renamed slices are a resource of their own', () => {
    const renamed = node('t4-1', {
      labels: { 'nvidia.com/gpu.count': '1', 'nvidia.com/gpu.memory': '15360' },
      allocatable: { cpu: 8, pods: 110, 'nvidia.com/gpu.shared': 10 },
    });
    expect(room(shape({ 'nvidia.com/gpu.shared': 1 }), { nodes: [renamed] }).now).toBe(10);
    expect(room(one, { nodes: [renamed] }).now).toBe(0);
    const big = shape({ 'nvidia.com/gpu.shared': 1 }, { gpuMemory: 5 * GIB });
    expect(room(big, { nodes: [renamed] }).now).toBe(3);
  });
});

describe('the memory of shared GPUs', () => {
  const big = shape({ [GPU]: 1 }, { gpuMemory: 4 * GIB });

  test('slices that do not fit are not counted, and it says who would suffer', () => {
    const { now, pools } = room(big, { nodes: [t4] });
    expect(now).toBe(3);
    expect(pools[0]?.notes).toEqual([
      '1 node: 14 slices are free, and 15 GiB of GPU memory hold 3 more of 4 GiB: with more the neighbours would get OOM',
    ]);
  });

  test('neighbours take what they declare, and else the fair part of their slice', () => {
    const pods = [pod('t4-0', { [GPU]: 1 }, { labels: { app: 'known' } }), pod('t4-0', { [GPU]: 1 })];
    // 15 − 15/14 leaves 13.9 for 3, and with 8 taken 5.9 for 1.
    expect(room(big, { nodes: [t4], pods: pods.slice(1) }).now).toBe(3);
    const memoryOf = ({ labels }: { labels: Readonly<Record<string, string>> }) =>
      labels['app'] === 'known' ? 8 * GIB : null;
    expect(room(big, { nodes: [t4], pods, memoryOf }).now).toBe(1);
  });

  test('slices of a MIG instance share that instance alone', () => {
    const four = (memory: number) => shape({ 'nvidia.com/mig-3g.20gb': 1 }, { gpuMemory: memory * GIB });
    expect(room(four(4), { nodes: [balanced] }).now).toBe(4);
    expect(room(four(8), { nodes: [balanced] }).now).toBe(2);
    // Two instances of 4.75 GiB each: one of 3 GiB in each.
    expect(
      room(shape({ 'nvidia.com/mig-1g.5gb': 1 }, { gpuMemory: 3 * GIB }), { nodes: [balanced] }).now,
    ).toBe(2);
  });

  test('an unshared GPU is not divided, and MPS gives each its part', () => {
    expect(
      room(shape({ [GPU]: 1 }, { gpuMemory: 90 * GIB }), { nodes: [node('plain', { labels: a100 })] }).now,
    ).toBe(1);
    const mps = { ...t4, labels: { ...t4.labels, 'nvidia.com/gpu.sharing-strategy': 'mps' } };
    expect(room(big, { nodes: [mps] }).now).toBe(0);
    expect(room(shape({ [GPU]: 1 }, { gpuMemory: GIB }), { nodes: [mps] }).now).toBe(14);
  });

  test("GKE's own labels and a declared memory do as well", () => {
    const gke = node('gke-0', {
      labels: {
        'cloud.google.com/gke-nodepool': 't4',
        'cloud.google.com/gke-accelerator': 'nvidia-tesla-t4',
        'cloud.google.com/gke-gpu-sharing-strategy': 'time-sharing',
        'cloud.google.com/gke-max-shared-clients-per-gpu': '8',
      },
      allocatable: { cpu: 32, pods: 110, [GPU]: 16 },
    });
    expect(room(big, { nodes: [gke] }).now).toBe(16);
    const declared = pools({
      name: 't4',
      match: { 'cloud.google.com/gke-nodepool': 't4' },
      gpuMemory: '15Gi',
    });
    expect(room(big, { nodes: [gke], pools: declared }).now).toBe(6);
  });

  test('never fills a device beyond its memory, whoever is there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 14 }),
        fc.integer({ min: 1, max: 16 }),
        (tenants, need) => {
          const pods = tenants.map((gib) => pod('t4-0', { [GPU]: 1 }, { labels: { gib: String(gib) } }));
          const memoryOf = ({ labels }: { labels: Readonly<Record<string, string>> }) =>
            Number(labels['gib']) * GIB;
          const { now } = room(shape({ [GPU]: 1 }, { gpuMemory: need * GIB }), {
            nodes: [t4],
            pods,
            memoryOf,
          });
          const taken = tenants.reduce((sum, gib) => sum + gib, 0);
          expect(now === 0 || taken + now * need <= 15).toBe(true);
          expect(now + tenants.length).toBeLessThanOrEqual(14);
        },
      ),
    );
  });
});

describe('which nodes count', () => {
  test('not those that are cordoned, broken or being re-partitioned', () => {
    const labels = (state: string) => ({
      ...sevenths.labels,
      'nvidia.com/mig.config': 'all-2g.10gb',
      'nvidia.com/mig.config.state': state,
    });
    const nodes = [
      { ...sevenths, name: 'a', unschedulable: true },
      { ...sevenths, name: 'b', ready: false },
      ...['pending', 'rebooting', 'failed'].map((state) => ({
        ...sevenths,
        name: state,
        labels: labels(state),
      })),
      { ...sevenths, name: 'fine' },
    ];
    const { now, pools } = room(one, { nodes });
    expect(now).toBe(7);
    expect(pools[0]?.notes).toEqual([
      '1 node: cordoned',
      '1 node: not ready',
      '1 node: re-partitioning to all-2g.10gb is pending',
      '1 node: re-partitioning to all-2g.10gb is rebooting',
      '1 node: re-partitioning to all-2g.10gb is failed',
    ]);
  });

  test('a node whose new partition has only been asked for is none either', () => {
    const { 'nvidia.com/mig.config.state': _, ...labels } = sevenths.labels;
    expect(room(one, { nodes: [{ ...sevenths, labels }] }).now).toBe(0);
  });

  test('a pod that has been asked to go holds its GPU until it is gone; one that ended holds none', () => {
    const nodes = [node('n')];
    expect(room(one, { nodes, pods: [pod('n', { [GPU]: 1 }, { deleting: true })] }).now).toBe(0);
    expect(room(one, { nodes, pods: [pod('n', { [GPU]: 1 }, { phase: 'Succeeded' })] }).now).toBe(1);
    expect(room(one, { nodes, pods: [pod('n', { [GPU]: 1 })], released: () => true }).now).toBe(1);
  });

  test('processors, memory and the number of pods bound as GPUs do', () => {
    const nodes = [node('n', { allocatable: { cpu: 4, memory: 16 * GIB, pods: 5, [GPU]: 8 } })];
    expect(room(shape({ [GPU]: 1, cpu: 1.3 }), { nodes }).now).toBe(3);
    expect(room(shape({ [GPU]: 1, cpu: 0.1, memory: 8 * GIB }), { nodes }).now).toBe(2);
    expect(room(one, { nodes, pods: [pod('n', { cpu: 0.1 })] }).now).toBe(4);
    expect(room(shape({ [GPU]: 3 }), { nodes }).now).toBe(2);
    // Ten tenths of a core are a core.
    const tenths = Array.from({ length: 10 }, () => pod('m', { cpu: 0.1 }));
    const small = node('m', { allocatable: { cpu: 2, pods: 110, [GPU]: 8 } });
    expect(room(shape({ [GPU]: 1, cpu: 1 }), { nodes: [small], pods: tenths }).now).toBe(1);
  });

  test('taints need their toleration, save the one named like a requested resource where the cluster adds it', () => {
    const taint = (key: string, value: string, effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute') => [
      node('n', { taints: [{ key, value, effect }] }),
    ];
    const spot = taint('spot', 'true', 'NoSchedule');
    const toleration = { key: 'spot', operator: 'Equal', value: 'true', effect: null } as const;
    expect(room(one, { nodes: spot }).pools).toEqual([]);
    expect(room({ ...one, tolerations: [toleration] }, { nodes: spot }).now).toBe(1);
    expect(room({ ...one, tolerations: [{ ...toleration, value: 'no' }] }, { nodes: spot }).now).toBe(0);
    expect(room({ ...one, tolerations: [{ ...toleration, effect: 'NoExecute' }] }, { nodes: spot }).now).toBe(
      0,
    );
    const everything = { key: null, operator: 'Exists', value: '', effect: null } as const;
    expect(room({ ...one, tolerations: [everything] }, { nodes: spot }).now).toBe(1);
    expect(room(one, { nodes: taint('spot', '', 'PreferNoSchedule') }).now).toBe(1);
    const gpuTaint = taint(GPU, 'present', 'NoSchedule');
    expect(room(one, { nodes: gpuTaint }).now).toBe(1);
    expect(room(one, { nodes: gpuTaint, extendedResourceToleration: false }).now).toBe(0);
  });

  test('required node affinity is one of its terms, and all of a term', () => {
    const nodes = [node('n', { labels: { zone: 'a', generation: '8' } })];
    const with_ = (...affinity: NonNullable<ReplicaShape['affinity']>) =>
      room({ ...one, affinity }, { nodes }).now;
    const term = (
      key: string,
      operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt',
      ...values: string[]
    ) => ({
      key,
      operator,
      values,
    });
    expect(with_({ labels: [term('zone', 'In', 'a', 'b')], fields: [] })).toBe(1);
    expect(with_({ labels: [term('zone', 'In', 'a'), term('generation', 'Gt', '8')], fields: [] })).toBe(0);
    expect(with_({ labels: [term('generation', 'Lt', '9')], fields: [] })).toBe(1);
    expect(with_({ labels: [term('zone', 'Gt', '1')], fields: [] })).toBe(0);
    expect(with_({ labels: [term('gone', 'NotIn', 'x'), term('gone', 'DoesNotExist')], fields: [] })).toBe(1);
    expect(
      with_(
        { labels: [term('gone', 'Exists')], fields: [] },
        { labels: [], fields: [term('metadata.name', 'In', 'n')] },
      ),
    ).toBe(1);
    expect(with_({ labels: [], fields: [] })).toBe(0);
    expect(with_()).toBe(0);
  });
});

test('the required node affinity of a pod template is read as it is, and what makes no sense matches nothing', () => {
  const spec = (terms: unknown) => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
    },
  });
  expect(requiredAffinity({})).toBeNull();
  expect(requiredAffinity({ affinity: { nodeAffinity: {} } })).toBeNull();
  const read = requiredAffinity(
    spec([
      { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] },
      { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] },
    ]),
  );
  expect(room({ ...one, affinity: read }, { nodes: [node('n')] }).now).toBe(1);
  expect(room({ ...one, affinity: read }, { nodes: [node('m')] }).now).toBe(0);
  for (const odd of [
    null,
    'x',
    [{}],
    [{ matchExpressions: [{ key: 'zone', operator: 'Like', values: ['a'] }] }],
  ]) {
    expect(room({ ...one, affinity: requiredAffinity(spec(odd)) }, { nodes: [node('n')] }).now).toBe(0);
  }
});

describe('pools that can grow', () => {
  const match = { 'cloud.google.com/gke-nodepool': 'a100' };
  const member = { ...sevenths, labels: { ...sevenths.labels, ...match } };

  test('take what a new node takes, for as many as the maximum leaves', () => {
    const declared = pools({ name: 'a100', match, maxNodes: 4 });
    expect(room(one, { nodes: [member], pools: declared })).toMatchObject({ now: 7, coming: 0, growth: 21 });
    const daemon = pod('a100-0', { [GPU]: 1 }, { owner: { kind: 'DaemonSet', name: 'd' } });
    const other = pod('a100-0', { [GPU]: 2 });
    expect(room(one, { nodes: [member], pools: declared, pods: [daemon, other] })).toMatchObject({
      now: 4,
      growth: 18,
    });
  });

  test('an empty pool grows as declared, and as nobody knows when it is not', () => {
    const empty = pools({ name: 'a100', match, maxNodes: 2, node: { resources: { [GPU]: 8 } } });
    expect(room(one, { nodes: [], pools: empty })).toMatchObject({ now: 0, growth: 16 });
    expect(room(one, { nodes: [], pools: pools({ name: 'a100', match, maxNodes: 2 }) }).growth).toBeNull();
    const elsewhere = shape({ [GPU]: 1 }, { nodeSelector: { 'cloud.google.com/gke-nodepool': 't4' } });
    expect(room(elsewhere, { nodes: [], pools: empty }).pools).toEqual([]);
  });

  test('an undeclared pool, or one without a maximum, grows as nobody knows', () => {
    expect(room(one, { nodes: [member] }).growth).toBeNull();
    expect(room(one, { nodes: [member], pools: pools({ name: 'a100', match }) }).growth).toBeNull();
  });

  test('a node on its way is not bought twice, and a broken one takes its place without giving room', () => {
    const declared = pools({ name: 'a100', match, maxNodes: 3 });
    const young = { ...member, name: 'a100-9', ready: false, createdAt: NOW - 120_000 };
    expect(room(one, { nodes: [member, young], pools: declared })).toMatchObject({
      now: 7,
      coming: 7,
      growth: 7,
    });
    const unplugged = { ...young, ready: true, allocatable: { cpu: 32, pods: 110 } };
    expect(room(one, { nodes: [member, unplugged], pools: declared })).toMatchObject({
      coming: 7,
      growth: 7,
    });
    const old = { ...young, createdAt: NOW - 3_600_000 };
    expect(room(one, { nodes: [member, old], pools: declared })).toMatchObject({
      now: 7,
      coming: 0,
      growth: 7,
    });
  });

  test('a taint that says how a node is just now is no reason against the node', () => {
    const declared = pools({ name: 'a100', match, maxNodes: 3 });
    const tainted = (key: string, more: Partial<Node> = {}) => ({
      ...member,
      name: 'a100-9',
      taints: [{ key, value: '', effect: 'NoSchedule' as const }],
      ...more,
    });
    const young = tainted('node.kubernetes.io/not-ready', { ready: false, createdAt: NOW - 120_000 });
    expect(room(one, { nodes: [member, young], pools: declared })).toMatchObject({
      now: 7,
      coming: 7,
      growth: 7,
    });
    const cordoned = tainted('node.kubernetes.io/unschedulable', { unschedulable: true });
    const going = tainted('ToBeDeletedByClusterAutoscaler', { name: 'a100-8' });
    expect(room(one, { nodes: [member, cordoned, going], pools: declared })).toMatchObject({
      now: 7,
      coming: 0,
      pools: [{ notes: ['1 node: cordoned', '1 node: to be removed'] }],
    });
  });

  test('a pool in back-off does not grow', () => {
    const declared = pools({ name: 'a100', match, maxNodes: 3 });
    const blocked = new Map([['a100', 'no node has come for 15 min']]);
    expect(room(one, { nodes: [member], pools: declared, blocked }).growth).toBe(0);
  });
});
