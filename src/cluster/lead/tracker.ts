import type { Millis } from '../../core/time.js';
import type { Node } from '../../ports/cluster-objects.js';
import { gpuRequest } from '../capacity-gpu.js';
import { gpuTypeOf, hasGpus } from '../objects/node.js';
import type { SeenPod } from '../objects/pod.js';
import type { LeadBook } from './book.js';
import { groundOf, LONGEST_START, startOf } from './starts.js';

/** A pod on its way. What comes earliest is kept: later writes may move a condition's time. */
interface OnItsWay {
  readonly createdAt: Millis;
  node: string | null;
  scheduledAt: Millis | null;
  pulledAt: Millis | null;
  startedAt: Millis | null;
}

/** A node that came without GPUs, or was new when it was first seen. */
interface NewNode {
  readonly createdAt: Millis;
  /** On our clock: the API server does not say when. */
  allocatableAt: Millis | null;
  /** When the first pod that waited for it was created; null: none has come to it yet. */
  askedAt: Millis | null;
}

/** Pods and nodes on their way at once; beyond, starts are missed, and memory is not. */
const MOST = 20_000;

export interface TrackerParts {
  readonly book: LeadBook;
  /** The workload's key, when the pod's controller is the target of a ScaledObject of ours. */
  readonly workloadOf: (pod: SeenPod) => string | null;
  /** Null where nodes cannot be read, or it is not there. */
  readonly nodeOf: (name: string) => Node | null;
}

/**
 * Watches pods start and nodes come, and notes in the book how long they took. Only starts that were seen from before Ready
 * count: the Ready condition of an older pod may speak of its last flap.
 */
export class LeadTracker {
  readonly #parts: TrackerParts;
  readonly #pods = new Map<string, OnItsWay>();
  readonly #nodes = new Map<string, NewNode>();

  constructor(parts: TrackerParts) {
    this.#parts = parts;
  }

  /** @returns whether the book has changed */
  pod(before: SeenPod | null, after: SeenPod | null): boolean {
    const gone = before !== null && before.uid !== after?.uid;
    if (gone) this.#pods.delete(before.uid);
    if (after === null) return false;
    if (after.deleting || after.restarts > 0 || hasFlapped(after)) {
      // A start with a crash in it says how long the crash took.
      this.#pods.delete(after.uid);
      return false;
    }
    const way = this.#wayOf(after);
    if (way === null) return false;
    way.node ??= after.node;
    way.scheduledAt = earlier(way.scheduledAt, after.scheduledAt);
    way.startedAt ??= after.startedAt;
    if (!after.ready || after.readyAt === null) return false;
    this.#pods.delete(after.uid);
    return this.#arrived(after, after.readyAt, way);
  }

  /** An image that has been pulled for a pod. */
  pulled(uid: string, at: Millis): void {
    const way = this.#pods.get(uid);
    // The last container's image counts.
    if (way !== undefined) way.pulledAt = Math.max(way.pulledAt ?? 0, at);
  }

  node(before: Node | null, after: Node | null, now: Millis): void {
    if (after === null) {
      if (before !== null) this.#nodes.delete(before.name);
      return;
    }
    const known = this.#nodes.get(after.name);
    if (known !== undefined && known.createdAt === after.createdAt) {
      if (hasGpus(after)) known.allocatableAt ??= now;
      return;
    }
    this.#nodes.delete(after.name);
    // One that had its GPUs when it was first seen had them since nobody knows when.
    if (hasGpus(after) || this.#nodes.size >= MOST) return;
    this.#nodes.set(after.name, {
      createdAt: after.createdAt,
      allocatableAt: null,
      askedAt: null,
    });
  }

  #wayOf({ uid, ready, createdAt, node, scheduledAt, startedAt }: SeenPod): OnItsWay | null {
    const known = this.#pods.get(uid);
    if (known !== undefined) return known;
    if (ready || this.#pods.size >= MOST) return null;
    const way: OnItsWay = { createdAt, node, scheduledAt, pulledAt: null, startedAt };
    this.#pods.set(uid, way);
    return way;
  }

  #arrived(pod: SeenPod, readyAt: Millis, way: OnItsWay): boolean {
    const workload = this.#parts.workloadOf(pod);
    const { createdAt, scheduledAt, pulledAt, startedAt } = way;
    if (workload === null || pod.node === null || scheduledAt === null || startedAt === null) return false;
    const node = this.#parts.nodeOf(pod.node);
    const ground = groundOf(createdAt, scheduledAt, node?.createdAt ?? null);
    if (ground === 'contended') return false;
    // What starts beside GPUs without one says nothing of those who need one.
    const gpu = node === null || gpuRequest(pod.requests) === null ? null : gpuTypeOf(node);
    const start = startOf({ createdAt, scheduledAt, pulledAt, startedAt, readyAt });
    this.#parts.book.note(workload, gpu, ground, start);
    if (ground === 'cold' && node !== null && gpu !== null) this.#nodeArrived(node, gpu, way);
    return true;
  }

  /** A node's own way is known once a pod has started on it that waited for it. */
  #nodeArrived(node: Node, gpu: string, way: OnItsWay): void {
    const known = this.#nodes.get(node.name);
    const allocatableAt = known?.allocatableAt ?? null;
    if (known === undefined || allocatableAt === null || known.askedAt !== null) return;
    const others = [...this.#pods.values()].filter((each) => each.node === node.name);
    const askedAt = others.reduce((first, each) => Math.min(first, each.createdAt), way.createdAt);
    known.askedAt = askedAt;
    const provision = atMostADay(node.createdAt - askedAt);
    const device = atMostADay(allocatableAt - node.createdAt);
    this.#parts.book.noteNode(gpu, { at: allocatableAt, provision, device });
  }
}

/** It was Ready and is not any more: the condition changed after its containers had started, to the second. */
function hasFlapped({ ready, unreadySince, startedAt }: SeenPod): boolean {
  return !ready && unreadySince !== null && startedAt !== null && unreadySince > startedAt + 1000;
}

function atMostADay(length: Millis): Millis {
  return Math.min(LONGEST_START, Math.max(0, length));
}

function earlier(one: Millis | null, other: Millis | null): Millis | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
