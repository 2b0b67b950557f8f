/** Replicas of several workloads put into pools, one pool's units never used beyond what it has. */

/** Where a workload's replicas can be. */
export interface Option {
  readonly pool: string;
  /** What one replica takes of the pool, above 0; such as GPUs. */
  readonly units: number;
  /** The most of them that fit there if the workload had the pool to itself. */
  readonly most: number;
}

export interface Placing {
  readonly id: string;
  /** In order of preference. */
  readonly options: readonly Option[];
}

export class Placement {
  readonly #left: Map<string, number>;
  readonly #held = new Map<string, Map<string, number>>();
  readonly #who = new Map<string, Placing>();

  /** @param supply units by pool; Infinity where nobody knows an end */
  constructor(supply: ReadonlyMap<string, number>) {
    this.#left = new Map(supply);
  }

  left(pool: string): number {
    return this.#left.get(pool) ?? 0;
  }

  /** Replicas of a workload, by pool. */
  heldBy(id: string): ReadonlyMap<string, number> {
    return this.#held.get(id) ?? new Map<string, number>();
  }

  total(id: string): number {
    let total = 0;
    for (const count of this.heldBy(id).values()) total += count;
    return total;
  }

  /**
   * Adds up to so many replicas. Where its pools are full, others that fit elsewhere move there; nobody ever loses one.
   * @returns how many were added
   */
  add(who: Placing, count: number): number {
    this.#who.set(who.id, who);
    let missing = count;
    for (const option of who.options) {
      const fit = Math.min(missing, this.#fits(who.id, option));
      if (fit > 0) this.#put(who.id, option, fit);
      missing -= fit;
    }
    while (missing > 0 && this.#addByMoving(who)) missing -= 1;
    return count - missing;
  }

  #fits(id: string, { pool, units, most }: Option): number {
    const here = this.heldBy(id).get(pool) ?? 0;
    return Math.max(0, Math.min(Math.floor(this.left(pool) / units + 1e-9), most - here));
  }

  #put(id: string, { pool, units }: Option, count: number): void {
    const held = this.#held.get(id) ?? new Map<string, number>();
    this.#held.set(id, held);
    held.set(pool, (held.get(pool) ?? 0) + count);
    this.#left.set(pool, this.left(pool) - units * count);
  }

  #addByMoving(who: Placing): boolean {
    for (const option of who.options) {
      if ((this.heldBy(who.id).get(option.pool) ?? 0) >= option.most) continue;
      if (this.#makeRoom(option, new Set([option.pool]), who.id)) {
        this.#put(who.id, option, 1);
        return true;
      }
    }
    return false;
  }

  /** Moves replicas out of a pool, and others out of where they go, until one more fits. What has moved stays moved. */
  #makeRoom(option: Option, seen: ReadonlySet<string>, except: string): boolean {
    for (const [id, other] of this.#who) {
      if (id === except || other.options.length < 2) continue;
      const from = other.options.find(({ pool }) => pool === option.pool);
      if (from === undefined) continue;
      while ((this.heldBy(id).get(option.pool) ?? 0) > 0) {
        if (this.left(option.pool) + 1e-9 >= option.units) return true;
        const to = this.#elsewhere(other, seen);
        if (to === null) break;
        this.#put(id, from, -1);
        this.#put(id, to, 1);
      }
    }
    return this.left(option.pool) + 1e-9 >= option.units;
  }

  #elsewhere(other: Placing, seen: ReadonlySet<string>): Option | null {
    for (const to of other.options) {
      if (seen.has(to.pool)) continue;
      if (this.#fits(other.id, to) >= 1) return to;
      if ((this.heldBy(other.id).get(to.pool) ?? 0) >= to.most) continue;
      if (this.#makeRoom(to, new Set([...seen, to.pool]), other.id)) return to;
    }
    return null;
  }
}
