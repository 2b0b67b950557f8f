import type { Node } from '../ports/cluster-objects.js';
import { gpuResource, isGpu, repartitioning } from './capacity-gpu.js';
import { PRICE_LABELS } from './cost-price.js';

/** The watches replace objects and never change them, and keep what is alike once. */
const texts = new WeakMap<object, string>();

export function textOf(value: object): string {
  const before = texts.get(value);
  if (before !== undefined) return before;
  const text = JSON.stringify(value);
  texts.set(value, text);
  return text;
}

const kinds = new WeakMap<Node, { readonly gpuMemory: number | null; readonly kind: string }>();

/**
 * All that capacity and cost look at in a node, save its age, its pods and the labels that shapes name: equal for nodes
 * that are alike in it.
 *
 * @param gpuMemory as declared for its pool
 */
export function nodeKind(node: Node, gpuMemory: number | null): string {
  const before = kinds.get(node);
  if (before !== undefined && before.gpuMemory === gpuMemory) return before.kind;
  const gpus = Object.keys(node.allocatable).filter(isGpu);
  const kind = [
    textOf(node.allocatable),
    textOf(node.taints),
    node.unschedulable,
    node.ready,
    repartitioning(node),
    JSON.stringify(gpus.map((name) => gpuResource(node, name, gpuMemory))),
    JSON.stringify(PRICE_LABELS.map((label) => node.labels[label] ?? null)),
  ].join(' ');
  kinds.set(node, { gpuMemory, kind });
  return kind;
}
