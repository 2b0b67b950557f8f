import type { Node, Taint, TaintEffect } from '../../ports/cluster-objects.js';
import { list, moment, record, strings, text, type Json, type JsonRecord } from './json.js';
import { isGpuResource } from './pod-requests.js';
import { quantities } from './quantity.js';
import { Shared } from './shared.js';

/** Keeps the fields that are used. Null for what is no node. */
export function nodeReader(): (object: JsonRecord) => Node | null {
  // Most of a node's labels are those of its pool, each with the same value.
  const words = new Shared<string>(50_000);
  const amounts = new Shared<Readonly<Record<string, number>>>();
  const taints = new Shared<readonly Taint[]>();
  return (object) => {
    const metadata = record(object['metadata']);
    const [spec, status] = [record(object['spec']), record(object['status'])];
    const name = text(metadata['name']);
    const createdAt = moment(metadata['creationTimestamp']);
    if (name === null || createdAt === null) return null;
    const labels: Record<string, string> = {};
    for (const [key, value] of Object.entries(strings(metadata['labels']))) labels[key] = words.one(value);
    return {
      name,
      labels,
      taints: taints.one(list(spec['taints']).flatMap(taintOf)),
      unschedulable: spec['unschedulable'] === true,
      ready: list(status['conditions']).some(isReady),
      allocatable: amounts.one(quantities(status['allocatable'])),
      createdAt,
    };
  };
}

function isReady(condition: Json): boolean {
  const { type, status } = record(condition);
  return type === 'Ready' && status === 'True';
}

function taintOf(value: Json): Taint[] {
  const taint = record(value);
  const [key, effect] = [text(taint['key']), effectOf(taint['effect'])];
  return key === null || effect === null ? [] : [{ key, value: text(taint['value']) ?? '', effect }];
}

export function effectOf(value: Json): TaintEffect | null {
  return value === 'NoSchedule' || value === 'PreferNoSchedule' || value === 'NoExecute' ? value : null;
}

export function hasGpus(node: Node): boolean {
  return Object.entries(node.allocatable).some(([name, amount]) => amount > 0 && isGpuResource(name));
}

/** In the order of how exactly they name the card: GPU feature discovery's, then the clouds' and Karpenter's. */
const GPU_LABELS = [
  'nvidia.com/gpu.product',
  'cloud.google.com/gke-accelerator',
  'k8s.amazonaws.com/accelerator',
  'karpenter.k8s.aws/instance-gpu-name',
  'eks.amazonaws.com/instance-gpu-name',
  'kubernetes.azure.com/accelerator',
];

/** The GPU type by which lead times are kept; null for a node that names none. */
export function gpuTypeOf(node: Pick<Node, 'labels'>): string | null {
  for (const label of GPU_LABELS) {
    const type = node.labels[label];
    if (type !== undefined && type !== '') return type;
  }
  return null;
}
