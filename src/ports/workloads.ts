import type { ClusterReplicas } from '../core/observation.js';

/** A scale target in the words of a manifest. */
export interface ScaleTarget {
  readonly namespace: string;
  readonly kind: 'deployment' | 'statefulset';
  readonly name: string;
}

/** What the cluster knows of a workload. Answers from memory; null where there is no cluster access. */
export interface Workloads {
  replicas(target: ScaleTarget): ClusterReplicas | null;
}
