import type { Score } from '../score.js';
import { Book, type Batches, type Kept } from './book.js';
import type { Base, Candidate } from './candidate.js';
import { bestOf, compare } from './frontier.js';
import { seededRandom, type Random } from './random.js';
import { allPoints, combinations, startPoint, type Point, type Space } from './space.js';

export interface SearchOptions {
  /** The most runs. */
  readonly budget: number;
  readonly seed: number;
  /** Of the requests, in time. */
  readonly share: number;
}

/** What was searched, and how. */
export interface Searched extends Kept {
  readonly method: 'grid' | 'steps';
  readonly combinations: number;
}

/** A batch of settings to run, answered with their scores in the same order. */
export type Search = Generator<readonly Candidate[], Searched, readonly Score[]>;

/** A grid is written out to find combinations that run alike only while it is at most so many budgets large. */
const WRITTEN_OUT = 3;
/** Random beginnings that end where others did, one after the other, after which nothing new is expected. */
const MOST_IDLE_STARTS = 20;

/**
 * Every combination, where the budget allows it. Else steps: from the manifest's own values all settings that differ in
 * one of them are run, and the setting with the best value of each; the best of these is where the next step begins,
 * until none is better. Then the same from a random setting, until the budget is spent. The batches depend on the
 * scores alone, so that the result is the same however many run at once.
 *
 * @throws TuneError where the manifest cannot be written
 */
export function* searchRuns(base: Base, space: Space, options: SearchOptions): Search {
  const book = new Book(base, space, options.budget);
  const all = combinations(space);
  const points = all <= WRITTEN_OUT * options.budget ? [...allPoints(space)] : null;
  yield* book.begin();
  const isGrid = points !== null && book.unlike(points) + 1 <= options.budget;
  if (isGrid) yield* book.run(points);
  else yield* steps(book, space, options);
  return { method: isGrid ? 'grid' : 'steps', combinations: all, ...book.kept() };
}

function* steps(book: Book, space: Space, { seed, share }: SearchOptions): Batches {
  const random = seededRandom(seed);
  let point = startPoint(space);
  for (let idle = 0; book.left > 0 && idle < MOST_IDLE_STARTS; point = randomPoint(space, random)) {
    const before = book.left;
    yield* climb(book, space, point, share);
    idle = book.left === before ? idle + 1 : 0;
  }
}

function* climb(book: Book, space: Space, from: Point, share: number): Batches {
  yield* book.run([from]);
  let at = from;
  for (;;) {
    const around = neighbours(space, at);
    yield* book.run(around.flat());
    const jump = around.map(
      (line, index) => bestPoint(book, [at, ...line], share)?.[index] ?? at[index] ?? 0,
    );
    yield* book.run([jump]);
    const best = bestPoint(book, [at, ...around.flat(), jump], share);
    if (best === null || !isBetter(book, best, at, share) || book.left === 0) return;
    at = best;
  }
}

/** By dimension: the points that differ in that one alone. */
function neighbours(space: Space, point: Point): Point[][] {
  return space.map(({ options }, index) =>
    options.flatMap((_, option) => (option === point[index] ? [] : [point.with(index, option)])),
  );
}

function bestPoint(book: Book, points: readonly Point[], share: number): Point | null {
  const found = points.flatMap((point) => {
    const tried = book.of(point);
    return tried === null ? [] : [{ ...tried, point }];
  });
  return bestOf(found, share)?.point ?? null;
}

/** A point that cannot be run is worse than any that can. */
function isBetter(book: Book, a: Point, b: Point, share: number): boolean {
  const [first, second] = [book.of(a), book.of(b)];
  if (first === null || second === null) return first !== null;
  return compare(first.score, second.score, share) < 0;
}

function randomPoint(space: Space, random: Random): Point {
  return space.map(({ options }) => Math.floor(random() * options.length));
}
