import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { declaredNode, roomFor, viewOf } from '../../src/cluster/capacity.js';
import type { ReplicaShape } from '../../src/cluster/capacity-shape.js';
import { nodeReader } from '../../src/cluster/objects/node.js';
import { targetReader } from '../../src/cluster/objects/scale-target.js';
import { PLACEHOLDER_PRIORITY } from '../../src/cluster/placeholders-render.js';
import { lintManifest } from '../../src/policy/lint/lint.js';
import { parseCapacityConfig, type CapacityConfig } from '../../src/policy/capacity-config.js';
import type { Node } from '../../src/ports/cluster-objects.js';
import { NOW, pod, shape } from '../cluster/cluster-objects.js';
import { shippedContext } from '../policy/lint/shipped-profiles.js';
import { objects, only, repository, text, type KubernetesObject } from './manifests.js';
import { rendered } from './render.js';

const FOLDER = 'deploy/examples/gpu-sharing';
const GIB = 2 ** 30;
const A100 = { product: 'A100-SXM4-40GB', mebibytes: 40_960 };
const T4 = { product: 'Tesla-T4', mebibytes: 15_360 };
const MODES = [
  ['whole-gpus', A100],
  ['mig-single', A100],
  ['mig-mixed', A100],
  ['time-slicing', T4],
  ['time-slicing-in-mig', A100],
] as const;
type Card = typeof A100;

/** What GPU feature discovery says of the instances of an A100 with 40 GB, in MiB. */
const INSTANCE_MEMORY: Record<string, number> = { '1g.5gb': 4864, '2g.10gb': 9856, '3g.20gb': 19_968 };

interface PluginConfig {
  readonly flags: { readonly migStrategy: string };
  readonly sharing: { readonly timeSlicing: { readonly resources: { name: string; replicas: number }[] } };
}
interface PartedConfig {
  readonly 'mig-configs': Record<string, { 'mig-devices'?: Record<string, number> }[]>;
}

function gpuOf(path: string): CapacityConfig {
  const { gpu } = parse(text(path)) as { gpu: unknown };
  return parseCapacityConfig(gpu, path);
}

/** The mode's node as the kubelet, the device plugin and GPU feature discovery tell of it, by the mode's own configuration. */
function advertised(mode: string, card: Card): Node {
  const { instances, replicasOf, strategy, wanted } = nvidiaOf(mode);
  const [pool] = gpuOf(`${FOLDER}/${mode}/gpu.yaml`).pools;
  const labels: Record<string, string> = { ...pool?.match, 'nvidia.com/mig.strategy': strategy };
  const allocatable: Record<string, string> = { pods: '110', 'nvidia.com/gpu': '0' };
  for (const [name, amount] of Object.entries(pool?.node?.resources ?? {}))
    if (!name.includes('/')) allocatable[name] = String(amount);
  if (wanted !== null)
    Object.assign(labels, { 'nvidia.com/mig.config': wanted, 'nvidia.com/mig.config.state': 'success' });
  const offer = (resource: string, product: string, count: number, mebibytes: number) => {
    const replicas = replicasOf(resource);
    allocatable[resource] = String(count * replicas);
    labels[`${resource}.product`] = `${product}${replicas > 1 ? '-SHARED' : ''}`;
    labels[`${resource}.count`] = String(count);
    labels[`${resource}.replicas`] = String(replicas);
    labels[`${resource}.memory`] = String(mebibytes);
    labels[`${resource}.sharing-strategy`] = replicas > 1 ? 'time-slicing' : 'none';
  };
  if (instances.length === 0) offer('nvidia.com/gpu', card.product, 1, card.mebibytes);
  for (const [profile, count] of instances) {
    const resource = strategy === 'single' ? 'nvidia.com/gpu' : `nvidia.com/mig-${profile}`;
    offer(resource, `${card.product}-MIG-${profile}`, count, INSTANCE_MEMORY[profile] ?? 0);
  }
  const node = nodeReader()({
    metadata: { name: mode, creationTimestamp: new Date(NOW - 3_600_000).toISOString(), labels },
    spec: { taints: pool?.node?.taints.map((taint) => ({ ...taint })) ?? [] },
    status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] },
  });
  if (node === null) throw new Error(`${mode}: no node`);
  return node;
}

/** What the ConfigMaps say, taken as the commands above them have it. */
function nvidiaOf(mode: string) {
  const path = `${FOLDER}/${mode}/nvidia.yaml`;
  const source = existsSync(join(repository, path)) ? text(path) : '';
  const said = (command: RegExp) => command.exec(source)?.[1] ?? null;
  const configOf = (name: string | null, key: string | null): unknown => {
    if (name === null) return null;
    const { metadata, data } = only(objects(source), 'ConfigMap', name) as KubernetesObject & {
      data: Record<string, string>;
    };
    expect(metadata.namespace).toBe('gpu-operator');
    return parse(data[key ?? ''] ?? '');
  };
  const strategy = said(/--set mig\.strategy=(\w+)/) ?? 'none';
  const wanted = said(/nvidia\.com\/mig\.config=([\w.-]+)/);
  const parted = configOf(said(/migManager\.config\.name=([\w-]+)/), 'config.yaml') as PartedConfig | null;
  const key = said(/nvidia\.com\/device-plugin\.config=([\w-]+)/);
  const plugin = configOf(said(/devicePlugin\.config\.name=([\w-]+)/), key) as PluginConfig | null;
  if (plugin !== null) expect(plugin.flags.migStrategy).toBe(strategy);
  const [devices] = parted?.['mig-configs'][wanted ?? ''] ?? [];
  const slices = plugin?.sharing.timeSlicing.resources ?? [];
  return {
    strategy,
    wanted,
    instances: Object.entries(devices?.['mig-devices'] ?? {}),
    replicasOf: (resource: string) => slices.find(({ name }) => name === resource)?.replicas ?? 1,
  };
}

/** The Deployments of a file as the server sees them, with what the configuration says of their GPU memory. */
function shapesOf(path: string, { replicaMemory }: CapacityConfig): [name: string, shape: ReplicaShape][] {
  return objects(text(path))
    .filter(({ kind }) => kind === 'Deployment')
    .map((deployment) => {
      const target = targetReader('deployment')(deployment);
      if (target === null) throw new Error(`${path}: ${deployment.metadata.name} cannot be read`);
      const { requests, nodeSelector, tolerations, nodeAffinity } = target.shape;
      const gpuMemory = replicaMemory[`${target.namespace}/${target.name}`] ?? null;
      return [target.name, { requests, nodeSelector, tolerations, affinity: nodeAffinity, gpuMemory }];
    });
}

/** The cluster adds no tolerations here, so that those of the examples have to do. */
function room(shape: ReplicaShape, nodes: readonly Node[], more: Partial<Parameters<typeof viewOf>[0]> = {}) {
  const view = viewOf({ now: NOW, nodes, pods: [], pools: [], extendedResourceToleration: false, ...more });
  return roomFor(shape, view);
}

const maximumOf = (path: string, name: string) =>
  (only(objects(text(path)), 'ScaledObject', name).spec as { maxReplicaCount: number }).maxReplicaCount;

/** A comment of the file as one line. */
const commentOf = (path: string) => text(path).replaceAll(/\n#/g, '');

/** `2 triton-small, 1 triton-medium` of a sentence; without names the number is that of all. */
function numbersIn(sentence: string): [count: number, name: string | null][] {
  return [...sentence.matchAll(/(\d+)(?: ([a-z][a-z-]+))?(?:,|$)/g)].map(([, count, name]) => [
    Number(count),
    name ?? null,
  ]);
}

describe.each(MODES)('%s', (mode, card) => {
  const path = `${FOLDER}/${mode}/triton.yaml`;
  const gpu = gpuOf(`${FOLDER}/${mode}/gpu.yaml`);
  const shapes = shapesOf(path, gpu);
  const node = advertised(mode, card);

  test('one node takes as many as its comment says, and not one more', () => {
    const said = numbersIn(/One node takes ([^.]+)\./.exec(text(path))?.[1] ?? '');
    const counts = shapes.map(([, shape]) => room(shape, [node]).now);
    expect(said).toEqual(
      counts.map((count, index) => [count, shapes.length > 1 ? shapes[index]?.[0] : null]),
    );
    const full = shapes.flatMap(([, { requests }], index) =>
      Array.from({ length: counts[index] ?? 0 }, () => pod(mode, { ...requests })),
    );
    const memoryOf = () => shapes[0]?.[1].gpuMemory ?? null;
    for (const [, shape] of shapes) expect(room(shape, [node], { pods: full, memoryOf }).now).toBe(0);
  });

  test('the pool takes as many as the ScaledObject may have, also from no node', () => {
    for (const [name, shape] of shapes) {
      const maximum = maximumOf(path, name);
      const one = room(shape, [node], { pools: gpu.pools });
      expect(one.now + (one.growth ?? Infinity)).toBe(maximum);
      expect(room(shape, [], { pools: gpu.pools })).toMatchObject({ now: 0, growth: maximum });
    }
  });

  test('no other mode’s node takes its pods, nor a node without a GPU', () => {
    const others = MODES.filter(([name]) => name !== mode).map(([name, other]) => advertised(name, other));
    const bare = { ...node, name: 'bare', labels: {}, taints: [], allocatable: { cpu: 64, pods: 110 } };
    for (const [, shape] of shapes) expect(room(shape, [...others, bare]).now).toBe(0);
  });

  test('kubectl renders it, and lint finds no fault', () => {
    const files = ['nvidia.yaml', 'triton.yaml'].map((file) => `${FOLDER}/${mode}/${file}`);
    const all = files
      .filter((file) => existsSync(join(repository, file)))
      .flatMap((file) => objects(text(file)));
    const key = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.namespace}/${metadata.name}`;
    expect(rendered(`${FOLDER}/${mode}`).map(key).toSorted()).toEqual(all.map(key).toSorted());
    expect(lintManifest(text(path), path, shippedContext())).toEqual([]);
  });

  test('the monitor selects the pods and names a port of theirs', () => {
    const all = objects(text(path));
    const { selector, podMetricsEndpoints } = only(all, 'PodMonitor').spec as {
      selector: { matchLabels: object };
      podMetricsEndpoints: [{ port: string }];
    };
    for (const { spec } of all.filter(({ kind }) => kind === 'Deployment')) {
      const { metadata, spec: podSpec } = (spec as { template: { metadata: object; spec: object } }).template;
      expect(metadata).toMatchObject({ labels: selector.matchLabels });
      const { containers } = podSpec as { containers: [{ ports: { name: string }[] }] };
      expect(containers[0].ports.map(({ name }) => name)).toContain(podMetricsEndpoints[0].port);
    }
  });
});

describe('without what a replica takes of the GPU’s memory', () => {
  const declared = (mode: string, card: Card) => {
    const gpu = gpuOf(`${FOLDER}/${mode}/gpu.yaml`);
    const [[, shape] = ['', null]] = shapesOf(`${FOLDER}/${mode}/triton.yaml`, gpu);
    if (shape === null) throw new Error(`${mode}: no Deployment`);
    const comment = commentOf(`${FOLDER}/${mode}/triton.yaml`);
    return { shape, node: advertised(mode, card), pools: gpu.pools, comment };
  };

  test('fourteen slices of a T4 count as fourteen, where three have room', () => {
    const { shape, node, comment } = declared('time-slicing', T4);
    const slices = room({ ...shape, gpuMemory: null }, [node]).now;
    expect([slices, shape.gpuMemory]).toEqual([14, 4 * GIB]);
    expect(comment).toContain(`Without replicaMemory it would be ${slices}, which want ${slices * 4} GiB`);
    expect(room(shape, [node]).pools[0]?.notes[0]).toContain('with more the neighbours would get OOM');
  });

  test('slices of MIG instances count by instance, and by what fits into each', () => {
    const { shape, node, pools, comment } = declared('time-slicing-in-mig', A100);
    const as = (resource: string) =>
      room({ ...shape, requests: { ...shape.requests, 'nvidia.com/mig-1g.5gb': 0, [resource]: 1 } }, [node])
        .now;
    const said = [...comment.matchAll(/(\d+) times as (mig-[\w.]+\w)/g)];
    expect(said.map(([, count, name]) => [Number(count), as(`nvidia.com/${name}`)])).toEqual([
      [3, 3],
      [4, 4],
    ]);
    const big = room({ ...shape, gpuMemory: 2 * GIB }, [node]).now;
    expect(room({ ...shape, gpuMemory: 2 * GIB }, [], { pools }).pools[0]?.perNode).toBe(big);
    const blind = room({ ...shape, gpuMemory: null }, [node]).now;
    expect(comment).toContain(
      `With replicas of 2 GiB one node takes ${big}. Without replicaMemory it would still be ${blind}`,
    );
  });
});

describe('EKS with processors and GPUs apart', () => {
  const path = 'deploy/examples/eks-cpu-gpu.yaml';
  const gpu = gpuOf('deploy/examples/eks-cpu-gpu-pools.yaml');
  const shapes = new Map(shapesOf(path, gpu));
  const roomOf = (name: string) => {
    const found = shapes.get(name);
    if (found === undefined) throw new Error(`no Deployment ${name}`);
    return room(found, [], { pools: gpu.pools }).pools.map(({ pool, perNode, growth }) => [
      pool,
      perNode,
      growth,
    ]);
  };

  test('each model fits its own node group alone, as often as the comment says', () => {
    expect(commentOf(path)).toContain(
      'One GPU node takes 1 image-classifier; one text node takes 3 text-classifier.',
    );
    expect(roomOf('image-classifier')).toEqual([['gpu-t4', 1, maximumOf(path, 'image-classifier')]]);
    expect(roomOf('text-classifier')).toEqual([['text', 3, 12]]);
  });

  test('what asks for no GPU and selects no node stays off the GPU nodes', () => {
    expect(room(shape({ cpu: 1 }), [], { pools: gpu.pools }).pools.map(({ pool }) => pool)).toEqual(['text']);
  });

  test('the GPU node group has the label that Cluster Autoscaler looks for', () => {
    const [pool] = gpu.pools;
    expect(pool && declaredNode(pool, NOW)?.labels).toHaveProperty(
      ['k8s.amazonaws.com/accelerator'],
      'nvidia-tesla-t4',
    );
  });
});

test('tier 1 evicts what has no priority, and both evict placeholders', () => {
  const { value } = only(objects(text(`${FOLDER}/priority-class.yaml`)), 'PriorityClass') as unknown as {
    value: number;
  };
  expect([value, 0, PLACEHOLDER_PRIORITY]).toEqual(
    [value, 0, PLACEHOLDER_PRIORITY].toSorted((a, b) => b - a),
  );
});
