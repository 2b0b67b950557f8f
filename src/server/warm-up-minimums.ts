import type { Log } from '../cluster/log.js';
import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { ScaledObjectMinimums } from '../cluster/scaled-object.js';
import type { LiftChange, LiftWish } from '../cluster/scaled-object-lift.js';
import { grouped } from '../warmup/grouped.js';
import type { UnderWay } from './warm-ups-under-way.js';

interface Parts {
  readonly minimums: ScaledObjectMinimums;
  /** Null: of the whole cluster. */
  readonly namespaces: readonly string[] | null;
  /** Null while they are not known. */
  readonly underWay: () => readonly UnderWay[] | null;
  readonly isWholeTruth: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Lifts `minReplicaCount` for the warm-ups under way, and puts back what nobody needs, whoever lifted it. */
export class WarmUpMinimums {
  readonly #parts: Parts;
  /** ScaledObjects that this process has lifted. */
  readonly #ours = new Set<string>();
  /** Those whose minimum somebody else has set meanwhile, and until when they are left alone. */
  readonly #left = new Map<string, Millis>();
  /** What was said last, by ScaledObject or namespace: what fails at every round is said once. */
  #said = new Map<string, string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Never rejects; what fails is tried again in the next round. */
  async round(): Promise<void> {
    const known = this.#parts.underWay();
    const wishes = known === null ? null : wishesOf(known);
    const failures = new Map<string, string>();
    const lifted = await this.#lifted(failures);
    for (const id of new Set([...(wishes?.keys() ?? []), ...lifted])) {
      const [namespace = '', name = ''] = id.split('/');
      const wish = this.#wishFor(id, wishes);
      const result = await this.#parts.minimums.settle(namespace, name, wish);
      if (result.kind === 'failed') {
        failures.set(id, result.why);
        continue;
      }
      if (result.change.kind === 'forget' && wish.kind === 'lift') this.#left.set(id, wish.until);
      this.#tell(id, result.change);
    }
    for (const [of, why] of failures)
      if (this.#said.get(of) !== why)
        this.#parts.log.warn({ of, why }, 'a minReplicaCount could not be looked after; tried again');
    this.#said = failures;
  }

  #wishFor(id: string, wishes: ReadonlyMap<string, LiftWish> | null): LiftWish {
    const wish = wishes?.get(id);
    if ((this.#left.get(id) ?? 0) > this.#parts.clock.now()) return { kind: 'none' };
    this.#left.delete(id);
    if (wish !== undefined) {
      this.#ours.add(id);
      return wish;
    }
    const isSure = wishes !== null && (this.#parts.isWholeTruth() || this.#ours.has(id));
    return { kind: isSure ? 'none' : 'unknown' };
  }

  async #lifted(failures: Map<string, string>): Promise<string[]> {
    const found: string[] = [];
    for (const namespace of this.#parts.namespaces ?? [null]) {
      try {
        found.push(...(await this.#parts.minimums.lifted(namespace)));
      } catch (error) {
        failures.set(namespace ?? 'all namespaces', error instanceof Error ? error.message : String(error));
      }
    }
    return found;
  }

  #tell(scaledObject: string, change: LiftChange): void {
    const { log } = this.#parts;
    switch (change.kind) {
      case 'nothing':
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

/** Several warm-ups of one ScaledObject: the most of them, until the last has ended. */
function wishesOf(known: readonly UnderWay[]): ReadonlyMap<string, LiftWish> {
  return new Map(
    Array.from(
      grouped(known, ({ id }) => id),
      ([id, all]): [string, LiftWish] => {
        const replicas = Math.max(...all.map((each) => each.replicas));
        const until = Math.max(...all.map(({ warmUp }) => warmUp.holdUntil));
        return [id, { kind: 'lift', replicas, until }];
      },
    ),
  );
}
