import type { Log } from '../cluster/log.js';
import type { WritableCluster } from '../cluster/open.js';
import type { ScaledObjectMinimums } from '../cluster/scaled-object.js';
import { liftChange, type LiftChange, type LiftWish } from '../cluster/scaled-object-lift.js';
import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import { grouped } from '../warmup/grouped.js';
import { scaledObjectName } from './scaled-object-name.js';
import type { UnderWay } from './warm-ups-under-way.js';

interface Parts {
  readonly cluster: Pick<WritableCluster, 'minimum' | 'marked' | 'scaledObject'>;
  readonly minimums: ScaledObjectMinimums;
  /** Null while they are not known. */
  readonly underWay: () => readonly UnderWay[] | null;
  readonly isWholeTruth: () => boolean;
  /** By `namespace/name` of a ScaledObject. */
  readonly isAskedHere: (id: string) => boolean;
  /** Aborted when the server stops: what has begun is ended, and nothing more is begun. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

type Wishes = ReadonlyMap<string, Extract<LiftWish, { kind: 'lift' }>>;

/**
 * Lifts `minReplicaCount` for the warm-ups under way, and puts back what nobody needs, whoever lifted it. Of several scaler
 * replicas the one that KEDA asks lifts, for it alone knows what is granted; what no warm-up wants any of them puts back.
 */
export class WarmUpMinimums {
  readonly #parts: Parts;
  /** What this process has wanted lifted, and until when, until it has been seen to be put back. */
  readonly #ours = new Map<string, Millis>();
  /** What was said last, by ScaledObject: what fails at every round is said once. */
  #said = new Map<string, string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Never rejects; what fails is tried again in the next round. What is as it should be costs no request. */
  async round(): Promise<void> {
    const { cluster, underWay, stop } = this.#parts;
    const known = underWay();
    const wishes = known === null ? null : wishesOf(known);
    const failures = new Map<string, string>();
    for (const id of new Set([...(wishes?.keys() ?? []), ...cluster.marked(), ...this.#ours.keys()])) {
      if (stop.aborted) return;
      const wish = this.#wishFor(id, wishes);
      if (!this.#needsLook(id, wish)) continue;
      const why = await this.#settle(id, wish);
      if (why !== null) failures.set(id, why);
    }
    for (const [of, why] of failures)
      if (this.#said.get(of) !== why)
        this.#parts.log.warn({ of, why }, 'a minReplicaCount could not be looked after; tried again');
    this.#said = failures;
  }

  #wishFor(id: string, wishes: Wishes | null): LiftWish {
    const wish = wishes?.get(id);
    if (wish !== undefined) {
      if (!this.#parts.isAskedHere(id)) return { kind: 'unknown' };
      this.#ours.set(id, wish.until);
      return wish;
    }
    const { cluster, isWholeTruth, isAskedHere } = this.#parts;
    // One that names another scaler, or none any more, may be another installation's to lift.
    const isKnown = wishes !== null && cluster.scaledObject(...partsOf(id)) !== null;
    const isSure = isKnown && (isWholeTruth() || (this.#ours.has(id) && isAskedHere(id)));
    return { kind: isSure ? 'none' : 'unknown' };
  }

  /** By what the watch says, and by memory where it may not have said it yet. */
  #needsLook(id: string, wish: LiftWish): boolean {
    const { cluster, clock } = this.#parts;
    const now = clock.now();
    if ((this.#ours.get(id) ?? Infinity) <= now) return true;
    const seen = cluster.minimum(...partsOf(id));
    return seen !== null && liftChange(seen, wish, now).kind !== 'nothing';
  }

  /** @returns why it failed; null: it did not */
  async #settle(id: string, wish: LiftWish): Promise<string | null> {
    const result = await this.#parts.minimums.settle(...partsOf(id), wish);
    if (result.kind === 'failed') return result.raced ? null : result.why;
    if (wish.kind !== 'lift' && (this.#ours.get(id) ?? 0) <= this.#parts.clock.now()) this.#ours.delete(id);
    this.#tell(id, result.change);
    return null;
  }

  #tell(scaledObject: string, change: LiftChange): void {
    const { log } = this.#parts;
    switch (change.kind) {
      case 'nothing':
      case 'tidy':
        return;
      case 'lift':
        return log.info({ scaledObject, to: change.to, before: change.before }, 'minReplicaCount was lifted');
      case 'restore':
        return log.info({ scaledObject, to: change.to, why: change.why }, 'minReplicaCount was put back');
      case 'forget':
        return log.warn({ scaledObject, why: change.why }, 'minReplicaCount is left as it is');
    }
  }
}

function partsOf(id: string): [namespace: string, name: string] {
  const { namespace, name } = scaledObjectName(id);
  return [namespace, name];
}

/** Several warm-ups of one ScaledObject: the most of them, until the last has ended. */
function wishesOf(known: readonly UnderWay[]): Wishes {
  return new Map(
    Array.from(
      grouped(known, ({ id }) => id),
      ([id, all]) => {
        const replicas = Math.max(...all.map((each) => each.replicas));
        const until = Math.max(...all.map(({ warmUp }) => warmUp.holdUntil));
        return [id, { kind: 'lift', replicas, until }];
      },
    ),
  );
}
