import type { Node } from '../ports/cluster-objects.js';

/** What one of a node's GPU resources stands for. */
export interface GpuResource {
  readonly name: string;
  /** The MIG profile such as `1g.5gb`; null for whole GPUs. */
  readonly profile: string | null;
  /** Allocatable units: GPUs, MIG instances or time slices of either. */
  readonly slices: number;
  /** Units that share one device: 1 where nothing is shared. */
  readonly perDevice: number;
  /** Bytes of one device, which its units share; null: not known. */
  readonly memory: number | null;
  /** `time-slicing` shares the memory without any limit; `mps` gives each client its part and no more. */
  readonly sharing: 'none' | 'time-slicing' | 'mps';
}

const MIB = 2 ** 20;
const NAME = /^nvidia\.com\/(?:gpu|mig-(?<profile>\d+g\.\d+gb(?:\.me)?))(?:\.shared)?$/;

export function isGpu(resource: string): boolean {
  return NAME.test(resource);
}

/** `1g.5gb` of `nvidia.com/mig-1g.5gb.shared`; null for whole GPUs and for what is no GPU. */
export function migProfile(resource: string): string | null {
  return NAME.exec(resource)?.groups?.['profile'] ?? null;
}

/** The GPU resource that a pod asks for, and how many; null when it asks for none. */
export function gpuRequest(
  requests: Readonly<Record<string, number>>,
): { readonly resource: string; readonly count: number } | null {
  for (const [resource, count] of Object.entries(requests)) {
    if (count > 0 && isGpu(resource)) return { resource, count };
  }
  return null;
}

/**
 * From the labels of the GPU feature discovery, of GKE and of Karpenter. `gpu.count` says how many devices there are (with
 * MIG strategy `single` the instances), before they are shared. `gpu.replicas` is per device in the plugin's code and the
 * total in its README, so that it counts only where it agrees with what is allocatable.
 */
export function gpuResource(node: Node, name: string, declaredMemory: number | null): GpuResource | null {
  const slices = node.allocatable[name];
  if (slices === undefined || !isGpu(name)) return null;
  const profile = migProfile(name) ?? node.labels['cloud.google.com/gke-gpu-partition-size'] ?? null;
  const label = profile === null || name.includes('/gpu') ? 'nvidia.com/gpu' : `nvidia.com/mig-${profile}`;
  const perDevice = unitsPerDevice(node, name, label, slices);
  const memory = number(node, `${label}.memory`);
  return {
    name,
    profile,
    slices,
    perDevice,
    memory: memory === null ? memoryOtherwise(node, profile, declaredMemory) : memory * MIB,
    sharing: sharingOf(node, name, perDevice),
  };
}

function unitsPerDevice(node: Node, name: string, label: string, slices: number): number {
  const clients = number(node, 'cloud.google.com/gke-max-shared-clients-per-gpu');
  if (clients !== null) return clients;
  const replicas = number(node, `${label}.replicas`);
  const devices = number(node, `${label}.count`) ?? (name.includes('/gpu') ? instanceGpus(node) : null);
  if (replicas !== null && slices % replicas === 0 && slices <= replicas * (devices ?? Infinity)) {
    return replicas;
  }
  return devices === null ? 1 : Math.max(1, Math.ceil(slices / devices));
}

function instanceGpus(node: Node): number | null {
  // With a partition size these count GPUs, and the units are instances.
  if (node.labels['cloud.google.com/gke-gpu-partition-size'] !== undefined) return null;
  return (
    number(node, 'cloud.google.com/gke-accelerator-count') ??
    number(node, 'karpenter.k8s.aws/instance-gpu-count') ??
    number(node, 'eks.amazonaws.com/instance-gpu-count')
  );
}

function memoryOtherwise(node: Node, profile: string | null, declared: number | null): number | null {
  // 1g.5gb has 4864 MiB, which is 5.1 GB: the name is a little less than what there is.
  const named = /\.(\d+)gb/.exec(profile ?? '')?.[1];
  if (named !== undefined) return Number(named) * 1e9;
  if (declared !== null) return declared;
  const instance =
    number(node, 'karpenter.k8s.aws/instance-gpu-memory') ??
    number(node, 'eks.amazonaws.com/instance-gpu-memory');
  return instance === null ? null : instance * MIB;
}

function sharingOf(node: Node, name: string, perDevice: number): GpuResource['sharing'] {
  const said =
    node.labels['nvidia.com/gpu.sharing-strategy'] ??
    node.labels['cloud.google.com/gke-gpu-sharing-strategy'];
  if (said === 'mps') return perDevice > 1 ? 'mps' : 'none';
  const product = node.labels['nvidia.com/gpu.product'] ?? '';
  const shared =
    perDevice > 1 || name.endsWith('.shared') || (product.endsWith('-SHARED') && said !== 'none');
  return shared ? 'time-slicing' : 'none';
}

/** A count or an amount that a label gives; null when it gives none above 0. */
function number(node: Node, label: string): number | null {
  const text = node.labels[label];
  return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : null;
}

/**
 * Why a node's GPUs are no capacity while the MIG manager works on them, or null. It stops the device plugin before it
 * begins, and what is allocatable until then is what was. States: pending, rebooting, success, failed.
 */
export function repartitioning({ labels }: Pick<Node, 'labels'>): string | null {
  const wanted = labels['nvidia.com/mig.config'];
  const state = labels['nvidia.com/mig.config.state'];
  if (state === undefined) {
    return wanted === undefined || wanted === 'all-disabled'
      ? null
      : `re-partitioning to ${wanted} has not begun`;
  }
  if (state === 'success') return null;
  return `re-partitioning${wanted === undefined ? '' : ` to ${wanted}`} is ${state}`;
}
