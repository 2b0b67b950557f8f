import type { Taint, Toleration } from '../ports/cluster-objects.js';

/** Why nothing can be scheduled on a node now. `starting`: a young node may look like that on its way. */
export interface Unusable {
  readonly why: string;
  readonly starting: boolean;
}

/**
 * Taints that say how a node is just now and not what it is: Kubernetes' own, by condition, and those of the autoscalers
 * for nodes that come or go.
 */
const STATES: Readonly<Record<string, Unusable>> = {
  'node.kubernetes.io/unschedulable': { why: 'cordoned', starting: false },
  'node.kubernetes.io/not-ready': { why: 'not ready', starting: true },
  'node.kubernetes.io/unreachable': { why: 'unreachable', starting: false },
  'node.kubernetes.io/network-unavailable': { why: 'without network', starting: true },
  'node.kubernetes.io/memory-pressure': { why: 'short of memory', starting: false },
  'node.kubernetes.io/disk-pressure': { why: 'short of disk', starting: false },
  'node.kubernetes.io/pid-pressure': { why: 'short of process ids', starting: false },
  'node.cloudprovider.kubernetes.io/uninitialized': { why: 'not initialised', starting: true },
  'karpenter.sh/unregistered': { why: 'not registered', starting: true },
  'karpenter.sh/disrupted': { why: 'to be removed', starting: false },
  ToBeDeletedByClusterAutoscaler: { why: 'to be removed', starting: false },
};

/** How the node is just now, if the taint says that. */
export function stateOf(taint: Taint): Unusable | null {
  return Object.hasOwn(STATES, taint.key) ? (STATES[taint.key] ?? null) : null;
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  if (taint.effect === 'PreferNoSchedule') return true;
  return tolerations.some(
    ({ key, operator, value, effect }) =>
      (effect === null || effect === taint.effect) &&
      (key === null ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === taint.value),
  );
}
