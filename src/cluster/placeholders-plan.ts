import type { Millis } from '../core/time.js';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Room } from './capacity.js';
import type { ReplicaShape } from './capacity-shape.js';

/** One warm-up whose replicas need room on nodes. */
export interface HoldWish {
  /** `namespace/name` of the ScaledObject. */
  readonly workload: string;
  /** Replicas to be ready. */
  readonly replicas: number;
  readonly readyBy: Millis;
  /** The warm-up's end. */
  readonly until: Millis;
  /** Where its nodes are. */
  readonly pool: string;
  readonly shape: ReplicaShape;
  /** Pods of the workload that are there, on a node or waiting for one, and are not going. */
  readonly pods: number;
}

/** Placeholders of one workload. */
export interface Hold {
  readonly workload: string;
  readonly pool: string;
  readonly shape: ReplicaShape;
  /** At least 1. */
  readonly replicas: number;
  readonly until: Millis;
  readonly why: string;
}

/**
 * How many placeholders each warm-up needs now: one for each replica whose pod is not there yet, for that pod will take
 * its place. None any more when all pods are there, and none after the warm-up's end. Where a pool's cap does not suffice,
 * who must be ready first gets them first.
 *
 * @param caps the most placeholders by pool; a pool that is not named gets none
 */
export function planHolds(
  wishes: readonly HoldWish[],
  caps: ReadonlyMap<string, number>,
  now: Millis,
): Hold[] {
  const left = new Map(caps);
  const holds: Hold[] = [];
  for (const wish of largestOfEach(wishes, now)) {
    const missing = wish.replicas - wish.pods;
    const free = left.get(wish.pool) ?? 0;
    const replicas = Math.min(missing, free);
    if (replicas <= 0) continue;
    left.set(wish.pool, free - replicas);
    const cut = replicas < missing ? `, ${missing} wanted, capped by pool ${wish.pool}` : '';
    holds.push({
      workload: wish.workload,
      pool: wish.pool,
      shape: wish.shape,
      replicas,
      until: wish.until,
      why: `${wish.pods} of ${wish.replicas} pods are there: ${replicas} held${cut}`,
    });
  }
  return holds;
}

/** Several warm-ups of one workload ask for the most of them and not for their sum. The earliest first. */
function largestOfEach(wishes: readonly HoldWish[], now: Millis): HoldWish[] {
  const largest = new Map<string, HoldWish>();
  for (const wish of wishes) {
    if (wish.until <= now) continue;
    const other = largest.get(wish.workload);
    if (other === undefined) largest.set(wish.workload, wish);
    else {
      largest.set(wish.workload, {
        ...(wish.replicas > other.replicas ? wish : other),
        readyBy: Math.min(wish.readyBy, other.readyBy),
      });
    }
  }
  return [...largest.values()].toSorted(
    (a, b) => a.readyBy - b.readyBy || (a.workload < b.workload ? -1 : 1),
  );
}

/** The pool whose nodes a warm-up would get: the first that has room or can grow; null: none. */
export function poolToHold({ pools }: Room): string | null {
  const able = pools.find(({ now, coming, growth }) => now + coming > 0 || growth === null || growth > 0);
  return able?.pool ?? null;
}

/** The most placeholders by pool, as configured. */
export function placeholderCaps({ pools }: CapacityConfig): ReadonlyMap<string, number> {
  return new Map(pools.map(({ name, placeholders }) => [name, placeholders]));
}
