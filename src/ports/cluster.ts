import type { ClusterReplicas, ScaledObjectSettings } from '../core/observation.js';
import type { Millis } from '../core/time.js';
import type { HpaBehavior } from '../policy/manifest/defaults.js';
import type { Node, NodeTerm, Pod, Toleration, WaitingReason } from './cluster-objects.js';
import type { ScaleTarget, Workloads } from './workloads.js';

/** Pods of a workload that are not ready, by reason. */
export interface Waiting {
  /** `not-created`: asked for, and no pod is there yet (a quota, a webhook, or the controller has not come to it). */
  readonly reason: WaitingReason | 'not-created';
  readonly pods: number;
  /** What Kubernetes says of one of them, such as `0/2 nodes are available: …`; null: nothing. */
  readonly detail: string | null;
}

/** `ready + starting + pending = current`, unless a rollout or a scale-down has more pods than are asked for. */
export interface ReplicaCounts extends ClusterReplicas {
  /** On a node and not ready. */
  readonly starting: number;
  /** Without a node, or not even created. */
  readonly pending: number;
}

/** What the pod template asks the scheduler for. */
export interface PodShape {
  /** A GPU resource is one of `nvidia.com/gpu`, `nvidia.com/gpu.shared`, `nvidia.com/mig-…`. Null: it asks for none. */
  readonly gpu: { readonly resource: string; readonly perPod: number } | null;
  /** In the units of `Node.allocatable`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  readonly priorityClass: string | null;
  /** Required during scheduling: one of the terms matches. Null: none is required. */
  readonly nodeAffinity: readonly NodeTerm[] | null;
}

/** What one ScaledObject says. */
export interface ScaledObjectFacts extends ScaledObjectSettings {
  /** Null where it has none. */
  readonly uid: string | null;
  /** As it is written: KEDA also scales other kinds that have a scale subresource. */
  readonly target: { readonly kind: string; readonly name: string };
  readonly pollingInterval: Millis;
  readonly cooldown: Millis;
  /** Null: the ScaledObject gives none, and the HPA has limits of its own. */
  readonly behavior: HpaBehavior | null;
  /** KEDA's annotation `autoscaling.keda.sh/paused` or `paused-replicas`. */
  readonly paused: boolean;
}

/** What the cluster says of one ScaledObject and its scale target. */
export interface WorkloadFacts extends Omit<ScaledObjectFacts, 'target'> {
  readonly target: ScaleTarget;
  readonly replicas: ReplicaCounts;
  readonly waiting: readonly Waiting[];
  readonly shape: PodShape;
  /** As of when the oldest part of this is true: now while the watches stand. */
  readonly asOf: Millis;
}

export type FactsAnswer =
  | { readonly kind: 'known'; readonly facts: WorkloadFacts }
  /** `since`: since when it is not known; null: it never was. `why` is one line for an operator. */
  | { readonly kind: 'unknown'; readonly why: string; readonly since: Millis | null };

/** Mean lengths of the stretches of a start; they add up to its mean. */
export interface LeadTimeParts {
  /** Created until bound to a node; on a cold node this is the node. */
  readonly schedule: Millis;
  /** Bound until the image is there; until the containers started where nobody saw the pull. */
  readonly image: Millis;
  /** The image until the containers started. */
  readonly start: Millis;
  /** Containers started until Ready: the model. */
  readonly model: Millis;
}

/** From a pod's creation until it is Ready, over the last starts. */
export interface LeadTime {
  /** Nearest rank: the least that at least this share of the starts took no longer than. */
  readonly p50: Millis;
  readonly p90: Millis;
  readonly parts: LeadTimeParts;
  readonly samples: number;
  /** The latest start it is made of. */
  readonly at: Millis;
}

/** Never mixed: a start on a node that was there takes a fraction of one that waits for a node. Null: none seen. */
export interface LeadTimes {
  readonly warmNode: LeadTime | null;
  readonly coldNode: LeadTime | null;
}

/** How long a new node of one GPU type takes. */
export interface NodeLeadTime {
  /** From the oldest pod that waited for it until its GPUs can be allocated. */
  readonly p50: Millis;
  readonly p90: Millis;
  /** Means: asked until registered, registered until its device plugin has registered the GPUs. */
  readonly parts: { readonly provision: Millis; readonly device: Millis };
  readonly samples: number;
}

export type WatchHealth =
  | { readonly kind: 'current' }
  /** Not yet listed for the first time. */
  | { readonly kind: 'starting'; readonly since: Millis; readonly why: string | null }
  /** Known once, and not kept up to date since. */
  | { readonly kind: 'stale'; readonly since: Millis; readonly why: string };

export interface WatchStatus {
  /** As in RBAC: `pods`, `scaledobjects.keda.sh`. */
  readonly resource: string;
  /** Null: of the whole cluster. */
  readonly namespace: string | null;
  readonly health: WatchHealth;
  readonly objects: number;
  /** How often an object came that could not be read; it is left out. */
  readonly unreadable: number;
  /** Whether decisions need it; without the others only lead times or capacity are less well known. */
  readonly needed: boolean;
}

export interface ClusterHealth {
  /** `current`: all that decisions need is known. */
  readonly kind: 'current' | 'starting' | 'stale';
  /** One line, naming the worst; null when all is current. */
  readonly why: string | null;
  readonly watches: readonly WatchStatus[];
}

/** Nodes and pods as capacity is worked out from them. Null while they are not known. */
export type Snapshot<T> =
  | { readonly kind: 'known'; readonly items: readonly T[]; readonly asOf: Millis }
  | { readonly kind: 'unknown'; readonly why: string; readonly since: Millis | null };

/**
 * What the cluster says, from memory: no call waits. What is not kept up to date for half a minute is not known any more,
 * and the answer says why and since when. Left out on purpose: changing anything.
 */
export interface Cluster extends Workloads {
  /** What costs nothing to know: no pod is counted, and the scale target need not be known. Null: not known, or not there. */
  scaledObject(namespace: string, name: string): ScaledObjectFacts | null;
  facts(namespace: string, name: string): FactsAnswer;
  /** Pods of the ScaledObject's scale target, those that drain included; null where they are not known. */
  podsOf(namespace: string, name: string): readonly Pod[] | null;
  /** Null: no start has been seen. */
  leadTime(namespace: string, name: string): LeadTimes | null;
  /** Over all workloads that started on such GPUs. */
  leadTimeOfGpu(type: string): LeadTimes | null;
  nodeLeadTime(type: string): NodeLeadTime | null;
  nodes(): Snapshot<Node>;
  /** Pods that hold or want resources: those that have ended are left out. */
  pods(): Snapshot<Pod>;
  health(): ClusterHealth;
  close(): Promise<void>;
}

/** Keeps one JSON document over restarts. */
export interface ClusterState {
  /** Null: there is none. Rejects when there is one that cannot be read. */
  load(): Promise<unknown>;
  save(document: unknown): Promise<void>;
}
