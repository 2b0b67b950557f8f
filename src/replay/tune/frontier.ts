import type { Score } from '../score.js';
import type { Candidate } from './candidate.js';
import type { Point } from './space.js';

/** A setting and what it came to on the search part. */
export interface Tried {
  /** Null: the manifest as it is, where that is no point of the space. */
  readonly point: Point | null;
  readonly candidate: Candidate;
  readonly score: Score;
}

/** Requests are counted whole; the small number is for the share's own rounding. */
export function meets({ inTime, requests }: Score, share: number): boolean {
  return inTime >= share * requests - 1e-9;
}

/** Cheapest that meets the share; of those that do not, the one that misses it least. Negative: `a` is better. */
export function compare(a: Score, b: Score, share: number): number {
  const [first, second] = [meets(a, share), meets(b, share)];
  if (first !== second) return first ? -1 : 1;
  const cheaper = a.nodeSeconds - b.nodeSeconds;
  const later = b.inTime - a.inTime;
  return first ? cheaper || later : later || cheaper;
}

/** The best; of equals the one that changes least, then the one tried first. Null of none. */
export function bestOf(tried: readonly Tried[], share: number): Tried | null {
  let best: Tried | null = null;
  for (const each of tried) {
    if (best === null || order(each, best, share) < 0) best = each;
  }
  return best;
}

function order(a: Tried, b: Tried, share: number): number {
  return compare(a.score, b.score, share) || a.candidate.changes.length - b.candidate.changes.length;
}

/** Settings that nothing beats in both cost and attainment, the cheapest first. */
export function frontierOf(tried: readonly Tried[]): Tried[] {
  const byCost = tried.toSorted(
    (a, b) =>
      a.score.nodeSeconds - b.score.nodeSeconds ||
      b.score.inTime - a.score.inTime ||
      a.candidate.changes.length - b.candidate.changes.length,
  );
  const frontier: Tried[] = [];
  for (const each of byCost) {
    if (each.score.inTime > (frontier.at(-1)?.score.inTime ?? -1)) frontier.push(each);
  }
  return frontier;
}

/** A step up the frontier is worth a line when it is a tenth of the way to the share, and 0.01 % at least. */
const STEP = 0.1;

/**
 * A frontier that a person reads: small steps near the share, large ones far from it, and of more than `most` settings
 * those farthest from it go. Keeps the chosen one, and its order.
 */
export function readable(
  frontier: readonly Tried[],
  chosen: Tried | null,
  share: number,
  most: number,
): Tried[] {
  const distance = ({ score }: Tried) => Math.abs((score.attainment ?? 0) - share);
  const kept: Tried[] = [];
  for (const each of frontier) {
    const before = kept.at(-1);
    const least = Math.max(1, Math.ceil(distance(each) * 10_000 * STEP));
    const isStep = before === undefined || shownShare(each.score) - shownShare(before.score) >= least;
    if (isStep || each === chosen) kept.push(each);
  }
  const near = kept.toSorted((a, b) => distance(a) - distance(b)).slice(0, most);
  return kept.filter((each) => near.includes(each) || each === chosen);
}

/** In hundredths of a percent, down: 99.996 % is not 100 %. */
export function shownShare({ attainment }: Pick<Score, 'attainment'>): number {
  return Math.floor((attainment ?? 0) * 10_000 + 1e-6);
}
