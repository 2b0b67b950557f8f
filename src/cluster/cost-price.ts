import type { PoolConfig } from '../policy/capacity-config.js';
import type { Node } from '../ports/cluster-objects.js';
import { gpuResource, isGpu } from './capacity-gpu.js';

/** Money per GPU and hour, by product, such as `Tesla-T4`. */
export type GpuPrices = Readonly<Record<string, number>>;

/** By which a node's product is known, and how many GPUs it has; each in the order in which they are believed. */
const PRODUCT_LABELS = ['nvidia.com/gpu.product', 'cloud.google.com/gke-accelerator'] as const;
const COUNT_LABELS = [
  'nvidia.com/gpu.count',
  'cloud.google.com/gke-accelerator-count',
  'karpenter.k8s.aws/instance-gpu-count',
] as const;
/** Nodes of one pool with the same of these have the same price. */
export const PRICE_LABELS = [...PRODUCT_LABELS, ...COUNT_LABELS] as const;

/** Money per hour of one node: its pool's price, else its GPUs'; null: not known, which is not free. */
export function nodePrice(node: Node, config: PoolConfig | null, prices: GpuPrices): number | null {
  if (config !== null && config.price !== null) return config.price;
  const label = firstOf(node, PRODUCT_LABELS);
  if (label === undefined) return null;
  // GPU feature discovery writes how a GPU is shared into its product: A100-SXM4-40GB-MIG-1g.5gb-SHARED.
  const product = label.replace(/-SHARED$/, '').replace(/-MIG-.*$/, '');
  const price = Object.hasOwn(prices, product) ? prices[product] : undefined;
  const gpus = physicalGpus(node, label, product);
  return price === undefined || gpus === null ? null : price * gpus;
}

function firstOf({ labels }: Node, keys: readonly string[]): string | undefined {
  const key = keys.find((each) => labels[each] !== undefined);
  return key === undefined ? undefined : labels[key];
}

function physicalGpus(node: Node, label: string, product: string): number | null {
  const profile = /-MIG-(\d+)g\.(\d+)gb/.exec(label);
  const counted = firstOf(node, COUNT_LABELS);
  const count = counted !== undefined && /^\d{1,4}$/.test(counted) ? Number(counted) : null;
  if (profile === null) return count;
  // With MIG strategy single the label counts instances.
  const each = instancesPerGpu(product, Number(profile[1]), Number(profile[2]));
  return count === null || each === null ? null : Math.ceil(count / each);
}

/** GB of the products whose name does not say it. */
const MEMORY: Readonly<Record<string, number>> = { A30: 24, H200: 141, B200: 180 };

/**
 * Equal instances that one GPU is cut into: seven compute and eight memory slices, four and four of an A30. An A100 of 40 GB
 * makes 7 of 1g.5gb, 4 of 1g.10gb, 3 of 2g.10gb, 2 of 3g.20gb. Null for a GPU that is not known.
 */
export function instancesPerGpu(product: string, compute: number, gigabytes: number): number | null {
  const named = /-(\d+)GB/i.exec(product)?.[1];
  const memory = named === undefined ? MEMORY[/A30|H200|B200/.exec(product)?.[0] ?? ''] : Number(named);
  if (memory === undefined || compute < 1) return null;
  const [computeSlices, memorySlices] = memory <= 24 ? [4, 4] : [7, 8];
  const taken = Math.max(1, Math.round(gigabytes / (memory / memorySlices)));
  return Math.max(1, Math.min(Math.floor(computeSlices / compute), Math.floor(memorySlices / taken)));
}

/** What one unit of each of a node's GPU resources is of all its GPUs; without any: none. */
export interface GpuWeights {
  readonly all: number;
  readonly each: readonly (readonly [resource: string, weight: number])[];
}

export function gpuWeights(node: Node): GpuWeights {
  let all = 0;
  const each: [string, number][] = [];
  const resources = Object.keys(node.allocatable).filter(isGpu);
  const mixed = resources.some((name) => name.includes('/mig-'));
  for (const name of resources) {
    const gpu = gpuResource(node, name, null);
    if (gpu === null) continue;
    const compute = name.includes('/mig-') ? Number.parseInt(gpu.profile ?? '1', 10) : mixed ? 7 : 1;
    const weight = compute / gpu.perDevice;
    all += gpu.slices * weight;
    each.push([name, weight]);
  }
  return { all, each };
}

/**
 * What share of a node such requests are: of its GPUs, MIG instances by their compute slices and time slices by their
 * number, so that a node which is fully used is fully paid by who uses it. 0 for pods without GPUs.
 */
export function shareOf(requests: Readonly<Record<string, number>>, { all, each }: GpuWeights): number {
  let taken = 0;
  for (const [name, weight] of each) taken += (requests[name] ?? 0) * weight;
  return all === 0 ? 0 : Math.min(1, taken / all);
}

export function shareOfNode(requests: Readonly<Record<string, number>>, node: Node): number {
  return shareOf(requests, gpuWeights(node));
}
