import type { PoolConfig } from '../policy/capacity-config.js';
import type { Node } from '../ports/cluster-objects.js';
import { gpuResource, isGpu } from './capacity-gpu.js';
import { declaredNode, type ClusterView } from './capacity.js';
import { refusedBy, type ReplicaShape } from './capacity-shape.js';

/** Money per GPU and hour, by product, such as `Tesla-T4`. */
export type GpuPrices = Readonly<Record<string, number>>;

/** Money per hour of one node: its pool's price, else its GPUs'; null: not known, which is not free. */
export function nodePrice(node: Node, config: PoolConfig | null, prices: GpuPrices): number | null {
  if (config !== null && config.price !== null) return config.price;
  const label = node.labels['nvidia.com/gpu.product'] ?? node.labels['cloud.google.com/gke-accelerator'];
  if (label === undefined) return null;
  // GPU feature discovery writes how a GPU is shared into its product: A100-SXM4-40GB-MIG-1g.5gb-SHARED.
  const product = label.replace(/-SHARED$/, '').replace(/-MIG-.*$/, '');
  const price = Object.hasOwn(prices, product) ? prices[product] : undefined;
  const gpus = physicalGpus(node, label, product);
  return price === undefined || gpus === null ? null : price * gpus;
}

function physicalGpus(node: Node, label: string, product: string): number | null {
  const profile = /-MIG-(\d+)g\.(\d+)gb/.exec(label);
  const counted =
    node.labels['nvidia.com/gpu.count'] ??
    node.labels['cloud.google.com/gke-accelerator-count'] ??
    node.labels['karpenter.k8s.aws/instance-gpu-count'];
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

/**
 * What share of a node such requests are: of its GPUs, MIG instances by their compute slices and time slices by their
 * number, so that a node which is fully used is fully paid by who uses it. 0 for pods without GPUs.
 */
export function shareOfNode(requests: Readonly<Record<string, number>>, node: Node): number {
  let all = 0;
  let taken = 0;
  const resources = Object.keys(node.allocatable).filter(isGpu);
  const mixed = resources.some((name) => name.includes('/mig-'));
  for (const name of resources) {
    const gpu = gpuResource(node, name, null);
    if (gpu === null) continue;
    const compute = name.includes('/mig-') ? Number.parseInt(gpu.profile ?? '1', 10) : mixed ? 7 : 1;
    const weight = compute / gpu.perDevice;
    all += gpu.slices * weight;
    taken += (requests[name] ?? 0) * weight;
  }
  return all === 0 ? 0 : Math.min(1, taken / all);
}

/** Money per hour of one replica, in the first pool that can take it and has a price; null: none has. */
export function replicaPrice(shape: ReplicaShape, view: ClusterView, prices: GpuPrices): number | null {
  for (const { config, nodes } of view.pools) {
    const declared = config === null ? null : declaredNode(config, view.now);
    for (const node of declared === null ? nodes : [...nodes, declared]) {
      if (refusedBy(shape, node, view.extendedResourceToleration) !== null) continue;
      const price = nodePrice(node, config, prices);
      const share = shareOfNode(shape.requests, node);
      if (price !== null && share > 0) return price * share;
    }
  }
  return null;
}
