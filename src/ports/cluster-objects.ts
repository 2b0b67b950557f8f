import type { Millis } from '../core/time.js';

export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

export interface Taint {
  readonly key: string;
  /** Empty where the taint has none. */
  readonly value: string;
  readonly effect: TaintEffect;
}

export interface Toleration {
  /** Null with `Exists` tolerates every key. */
  readonly key: string | null;
  readonly operator: 'Equal' | 'Exists';
  /** Empty where it has none. */
  readonly value: string;
  /** Null: every effect. */
  readonly effect: TaintEffect | null;
}

export interface NodeRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}

/** All of its requirements hold. One without any matches no node, as Kubernetes has it. */
export interface NodeTerm {
  /** Of the node's labels. */
  readonly labels: readonly NodeRequirement[];
  /** Of its fields, of which there is one: `metadata.name`. */
  readonly fields: readonly NodeRequirement[];
}

/**
 * A node, as far as it is used. Quantities are numbers in the resource's base unit: `cpu` in cores, `memory` and
 * `ephemeral-storage` in bytes, the rest as counted (`nvidia.com/gpu`, `nvidia.com/gpu.shared`, `nvidia.com/mig-1g.5gb`).
 */
export interface Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Cordoned. */
  readonly unschedulable: boolean;
  readonly ready: boolean;
  /** What has no allocatable amount yet is absent: a GPU before its device plugin has registered it. */
  readonly allocatable: Readonly<Record<string, number>>;
  readonly createdAt: Millis;
}

/**
 * `unschedulable`: no node takes it. `scheduling`: not tried yet. `image-pull`: the kubelet says that the image cannot be
 * pulled. `creating`: on a node, and its containers (images, volumes, init containers) are being prepared. `crash-loop`: it
 * fails and is started again, with back-off. `not-ready`: its containers run, and the readiness probe does not agree yet.
 */
export type WaitingReason =
  'unschedulable' | 'scheduling' | 'image-pull' | 'creating' | 'crash-loop' | 'not-ready';

/** A pod, as far as it is used. Moments are to the second, as the API server gives them; null: has not happened. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Null while it is not scheduled. */
  readonly node: string | null;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  readonly ready: boolean;
  /** Its deletion has been asked for: it drains, and is no replica any more, but holds its resources until it is gone. */
  readonly deleting: boolean;
  /** Of the whole pod as the scheduler counts it (init containers, overhead), in the units of `Node.allocatable`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly priority: number;
  /** Its controller; a Deployment's pod names the Deployment, not the ReplicaSet in between. Null: none. */
  readonly owner: { readonly kind: string; readonly name: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The annotation `controller.kubernetes.io/pod-deletion-cost`; absent: none. */
  readonly deletionCost?: number;
  readonly createdAt: Millis;
  readonly scheduledAt: Millis | null;
  /** When the last of its containers started. */
  readonly startedAt: Millis | null;
  readonly readyAt: Millis | null;
  /** Why it is not ready; null when it is, and for one that has ended or drains. */
  readonly waiting: WaitingReason | null;
  /** What Kubernetes says of its waiting, such as the scheduler's message; null or absent: nothing. */
  readonly detail?: string | null;
}
