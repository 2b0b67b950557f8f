import type { Node, NodeRequirement, NodeTerm, Toleration } from '../ports/cluster-objects.js';
import { gpuRequest } from './capacity-gpu.js';
import { stateOf, tolerates } from './capacity-taints.js';
import { list, record, text, type Json, type JsonRecord } from './objects/json.js';

/** All of a replica that decides where it can be: the pod template's shape, its required node affinity and its memory. */
export interface ReplicaShape {
  /** Of the whole pod, as the scheduler counts it. */
  readonly requests: Readonly<Record<string, number>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Required during scheduling: one of the terms matches. Null: none is required. */
  readonly affinity: readonly NodeTerm[] | null;
  readonly tolerations: readonly Toleration[];
  /** GPU memory that one replica takes, in bytes, as declared; null: not said. */
  readonly gpuMemory: number | null;
}

/** A shape as it is asked for: it is compared with every node. */
export interface Needs {
  /** With the pod itself as one of `pods`. */
  readonly amounts: readonly (readonly [resource: string, amount: number])[];
  readonly selector: readonly (readonly [key: string, value: string])[];
  readonly gpu: { readonly resource: string; readonly count: number } | null;
  /** Of nodes: the labels by which it selects, sorted, and whether it selects by name. */
  readonly labels: readonly string[];
  readonly names: boolean;
  /** Both, as a key. */
  readonly looksAt: string;
}

const known = new WeakMap<ReplicaShape, Needs>();

export function needsOf(shape: ReplicaShape): Needs {
  const before = known.get(shape);
  if (before !== undefined) return before;
  const terms = shape.affinity ?? [];
  const selected = terms.flatMap((term) => term.labels.map(({ key }) => key));
  const labels = [...new Set([...Object.keys(shape.nodeSelector), ...selected])].toSorted();
  const names = terms.some(({ fields }) => fields.length > 0);
  const needs: Needs = {
    amounts: Object.entries({ ...shape.requests, pods: 1 }).filter(([, amount]) => amount > 0),
    selector: Object.entries(shape.nodeSelector),
    gpu: gpuRequest(shape.requests),
    labels,
    names,
    looksAt: JSON.stringify([names, ...labels]),
  };
  known.set(shape, needs);
  return needs;
}

/** Why no pod of the shape can ever be on such a node, or null. What is so just now, `unusable` says. */
export function refusedBy(
  shape: ReplicaShape,
  node: Pick<Node, 'name' | 'labels' | 'taints'>,
  extendedResourceToleration: boolean,
): string | null {
  for (const [key, value] of needsOf(shape).selector) {
    if (node.labels[key] !== value) return `the node selector wants ${key}=${value}`;
  }
  if (shape.affinity !== null && !shape.affinity.some((term) => matches(term, node))) {
    return 'the required node affinity does not match';
  }
  const taint = node.taints.find(
    (each) =>
      !tolerates(shape.tolerations, each) &&
      stateOf(each) === null &&
      !(extendedResourceToleration && (shape.requests[each.key] ?? 0) > 0),
  );
  if (taint === undefined) return null;
  return `the taint ${taint.key}${taint.value === '' ? '' : `=${taint.value}`}:${taint.effect} is not tolerated`;
}

function matches({ labels, fields }: NodeTerm, node: Pick<Node, 'name' | 'labels'>): boolean {
  if (labels.length + fields.length === 0) return false;
  return (
    labels.every((each) => holds(each, node.labels[each.key])) &&
    fields.every((each) => holds(each, each.key === 'metadata.name' ? node.name : undefined))
  );
}

function holds({ operator, values }: NodeRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compared(value, values) > 0;
    case 'Lt':
      return compared(value, values) < 0;
  }
}

/** NaN, which is neither above nor below, unless both are whole numbers. */
function compared(value: string | undefined, values: readonly string[]): number {
  const [bound, ...others] = values;
  const whole = /^-?\d+$/;
  if (value === undefined || bound === undefined || others.length > 0) return NaN;
  return whole.test(value) && whole.test(bound) ? Number(value) - Number(bound) : NaN;
}

/**
 * The required node affinity of a pod template's spec; null: none. What cannot be read matches no node, as a term that
 * the API server would refuse.
 */
export function requiredAffinity(spec: JsonRecord): NodeTerm[] | null {
  const required = record(record(spec['affinity'])['nodeAffinity'])[
    'requiredDuringSchedulingIgnoredDuringExecution'
  ];
  if (required === undefined || required === null) return null;
  return list(record(required)['nodeSelectorTerms']).map((term) => ({
    labels: list(record(term)['matchExpressions']).map(requirementOf),
    fields: list(record(term)['matchFields']).map(requirementOf),
  }));
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const;

function requirementOf(value: Json): NodeRequirement {
  const given = record(value);
  const key = text(given['key']);
  const operator = OPERATORS.find((each) => each === given['operator']);
  if (key === null || operator === undefined) return { key: '', operator: 'In', values: [] };
  const values = list(given['values']).filter((each): each is string => typeof each === 'string');
  return { key, operator, values };
}
