import { stepwise, type Steps } from '../steps.js';

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

/** Chains of moves tried for one replica: more only where it takes more than those who move. */
const MOST_MOVES = 32;

interface Holding {
  readonly who: Placing;
  readonly pools: Map<string, number>;
  total: number;
}

export class Placement {
  readonly #left: Map<string, number>;
  readonly #held = new Map<string, Holding>();
  /** Those with replicas in a pool who could be elsewhere. */
  readonly #movable = new Map<string, Set<Holding>>();
  /** Pools of which it is known that no chain of moves makes room, and for how many units, until somebody movable comes. */
  readonly #stuck = new Map<string, number>();

  /** @param supply units by pool; Infinity where nobody knows an end */
  constructor(supply: ReadonlyMap<string, number>) {
    this.#left = new Map(supply);
  }

  left(pool: string): number {
    return this.#left.get(pool) ?? 0;
  }

  /** These pools, and those into which replicas could move out of them. */
  *within(pools: ReadonlySet<string>): Steps<ReadonlySet<string>> {
    const reached = new Set(pools);
    for (const pool of reached) {
      yield* stepwise(this.#movable.get(pool) ?? [], 64, ({ who }) => {
        for (const to of who.options) reached.add(to.pool);
      });
    }
    return reached;
  }

  /** Replicas of a workload, by pool. */
  heldBy(id: string): ReadonlyMap<string, number> {
    return this.#held.get(id)?.pools ?? NOTHING;
  }

  total(id: string): number {
    return this.#held.get(id)?.total ?? 0;
  }

  /**
   * Adds up to so many replicas. Where its pools are full, others that fit elsewhere move there; nobody ever loses one.
   * @returns how many were added
   */
  add(who: Placing, count: number): number {
    const holding = this.#held.get(who.id) ?? { who, pools: new Map<string, number>(), total: 0 };
    this.#held.set(who.id, holding);
    let missing = count;
    for (const option of who.options) {
      const fit = Math.min(missing, this.#fits(holding, option));
      if (fit > 0) this.#grow(holding, option, fit);
      missing -= fit;
    }
    while (missing > 0 && this.#addByMoving(holding)) missing -= 1;
    return count - missing;
  }

  #fits(holding: Holding, { pool, units, most }: Option): number {
    const here = holding.pools.get(pool) ?? 0;
    return Math.max(0, Math.min(Math.floor(this.left(pool) / units + 1e-9), most - here));
  }

  #grow(holding: Holding, option: Option, count: number): void {
    holding.total += count;
    this.#put(holding, option, count);
    if (holding.who.options.length > 1) this.#stuck.clear();
  }

  #put(holding: Holding, { pool, units }: Option, count: number): void {
    const here = (holding.pools.get(pool) ?? 0) + count;
    holding.pools.set(pool, here);
    this.#left.set(pool, this.left(pool) - units * count);
    if (holding.who.options.length < 2) return;
    const movable = this.#movable.get(pool) ?? new Set<Holding>();
    this.#movable.set(pool, movable);
    if (here > 0) movable.add(holding);
    else movable.delete(holding);
  }

  #addByMoving(holding: Holding): boolean {
    for (const option of holding.who.options) {
      if ((holding.pools.get(option.pool) ?? 0) >= option.most || !this.#makeRoom(option)) continue;
      this.#grow(holding, option, 1);
      return true;
    }
    return false;
  }

  /** Moves replicas out of a pool, and others out of where they go, until one more fits. What has moved stays moved. */
  #makeRoom({ pool, units }: Option): boolean {
    if (units >= (this.#stuck.get(pool) ?? Infinity) || this.#isFull()) return false;
    for (let moves = 0; moves < MOST_MOVES; moves += 1) {
      if (this.left(pool) + 1e-9 >= units) return true;
      if (!this.#moveOneOut(pool)) break;
    }
    if (this.left(pool) + 1e-9 >= units) return true;
    this.#stuck.set(pool, units);
    return false;
  }

  #isFull(): boolean {
    for (const left of this.#left.values()) if (left > 1e-9) return false;
    return true;
  }

  /** The shortest chain of moves that begins in the pool and ends where there is room, found breadth first. */
  #moveOneOut(start: string): boolean {
    const reached = new Map<
      string,
      { readonly who: Holding; readonly from: Option; readonly to: Option } | null
    >([[start, null]]);
    for (const pool of reached.keys()) {
      for (const who of this.#movable.get(pool) ?? []) {
        const from = who.who.options.find((option) => option.pool === pool);
        if (from === undefined) continue;
        for (const to of who.who.options) {
          if (reached.has(to.pool) || (who.pools.get(to.pool) ?? 0) >= to.most) continue;
          reached.set(to.pool, { who, from, to });
          if (this.left(to.pool) + 1e-9 < to.units) continue;
          return this.#move(reached, to.pool);
        }
      }
    }
    return false;
  }

  /** From its end, so that each goes where the one before it has just left; what takes more than that stays. */
  #move(
    chain: ReadonlyMap<string, { readonly who: Holding; readonly from: Option; readonly to: Option } | null>,
    end: string,
  ): boolean {
    let pool = end;
    for (let step = chain.get(pool); step !== null && step !== undefined; step = chain.get(pool)) {
      const { who, from, to } = step;
      if (this.left(to.pool) + 1e-9 < to.units) return pool !== end;
      this.#put(who, from, -1);
      this.#put(who, to, 1);
      pool = from.pool;
    }
    return true;
  }
}

const NOTHING: ReadonlyMap<string, number> = new Map();
