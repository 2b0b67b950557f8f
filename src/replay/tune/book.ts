import type { Score } from '../score.js';
import { prepare, type Base, type Candidate } from './candidate.js';
import type { Tried } from './frontier.js';
import { changesAt, type Point, type Space } from './space.js';

/** Settings to run together, answered with their scores in the same order. */
export type Batches = Generator<readonly Candidate[], void, readonly Score[]>;

/** What has been run. */
export interface Kept {
  /** Runs that were made. */
  readonly runs: number;
  /** Combinations that run like another one, and were not run again. */
  readonly alike: number;
  /** Combinations whose values do not go together, and why the first of them does not. */
  readonly leftOut: number;
  readonly leftOutWhy: string | null;
  /** The manifest as it is. */
  readonly now: Tried;
  readonly tried: readonly Tried[];
}

/** What has been run, so that nothing is run twice. */
export class Book {
  readonly #prepared = new Map<string, Candidate | null>();
  readonly #tried = new Map<string, Tried>();
  readonly #prints = new Set<string>();
  readonly #base: Base;
  readonly #space: Space;
  #alike = 0;
  #leftOut = 0;
  #why: string | null = null;
  #now: Tried | null = null;
  /** Where the manifest as it is lies in the space, if it does. */
  #nowPoint: Point | null = null;
  /** Runs that the budget still allows. */
  left: number;

  constructor(base: Base, space: Space, budget: number) {
    this.#base = base;
    this.#space = space;
    this.left = budget;
  }

  /** The manifest as it is. */
  *begin(): Batches {
    const prepared = prepare(this.#base, []);
    if (!prepared.ok) throw new Error(prepared.why);
    const { candidate } = prepared;
    const [score] = yield [candidate];
    this.#now = this.#keep(null, candidate, score);
  }

  *run(points: readonly Point[]): Batches {
    const batch = new Map<string, readonly [Point, Candidate]>();
    for (const point of points) {
      const candidate = this.#candidate(point);
      if (candidate === null || this.#tried.has(candidate.fingerprint)) continue;
      const twin = batch.get(candidate.fingerprint)?.[1];
      const isNew = twin === undefined && batch.size < this.left;
      // Of those that run alike the one that changes least is worth printing.
      const isLess = twin !== undefined && candidate.changes.length < twin.changes.length;
      if (isNew || isLess) batch.set(candidate.fingerprint, [point, candidate]);
    }
    if (batch.size === 0) return;
    const scores = yield [...batch.values()].map(([, candidate]) => candidate);
    for (const [index, [point, candidate]] of [...batch.values()].entries()) {
      this.#keep(point, candidate, scores[index]);
    }
  }

  of(point: Point): Tried | null {
    const candidate = this.#candidate(point);
    return candidate === null ? null : (this.#tried.get(candidate.fingerprint) ?? null);
  }

  /** How many different runs these points are, beyond those made. */
  unlike(points: readonly Point[]): number {
    const prints = points.map((point) => this.#candidate(point)?.fingerprint);
    return new Set(prints.filter((print) => print !== undefined && !this.#tried.has(print))).size;
  }

  kept(): Kept {
    if (this.#now === null) throw new Error('a search ends after it has begun');
    const now = { ...this.#now, point: this.#nowPoint };
    return {
      runs: this.#tried.size,
      alike: this.#alike,
      leftOut: this.#leftOut,
      leftOutWhy: this.#why,
      now,
      tried: [...this.#tried.values()].map((each) => (each === this.#now ? now : each)),
    };
  }

  #candidate(point: Point): Candidate | null {
    const name = point.join(',');
    const known = this.#prepared.get(name);
    if (known !== undefined) return known;
    const prepared = prepare(this.#base, changesAt(this.#space, point));
    const candidate = prepared.ok ? prepared.candidate : null;
    if (!prepared.ok) {
      this.#leftOut += 1;
      this.#why ??= prepared.why;
    } else if (candidate !== null) {
      if (this.#prints.has(candidate.fingerprint)) this.#alike += 1;
      this.#prints.add(candidate.fingerprint);
      if (candidate.fingerprint === this.#now?.candidate.fingerprint) this.#nowPoint ??= point;
    }
    this.#prepared.set(name, candidate);
    return candidate;
  }

  #keep(point: Point | null, candidate: Candidate, score: Score | undefined): Tried {
    if (score === undefined) throw new Error('a run without a score');
    const tried: Tried = { point, candidate, score };
    this.#tried.set(candidate.fingerprint, tried);
    this.left -= 1;
    return tried;
  }
}
