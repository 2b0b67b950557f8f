import type { Score } from '../score.js';
import type { Setup } from '../setup.js';
import type { Candidate } from './candidate.js';
import { bestOf, compare, frontierOf, meets, readable, type Tried } from './frontier.js';
import type { Searched } from './search.js';
import type { Point, Space } from './space.js';
import type { Split } from './split.js';
import type { Written } from './write.js';

/** What a search found, before it is printed: plain data for text and JSON alike. */
export interface Tuning {
  readonly manifest: {
    readonly file: string;
    /** `namespace/name` */
    readonly object: string;
    readonly profiles: readonly string[];
  };
  readonly load: { readonly source: string; readonly seconds: number; readonly requests: number };
  readonly setup: Setup;
  readonly share: number;
  readonly pricePerHour: number | null;
  readonly split: Split;
  readonly space: Space;
  readonly searched: Searched;
  readonly budget: number;
  readonly seed: number;
  readonly now: Row;
  /** The cheapest first. */
  readonly frontier: readonly Row[];
  readonly verdict: Verdict;
  /** The manifest of the verdict's `take`; null where there is nothing to take. */
  readonly written: Written | null;
  /** What to know before believing the figures. */
  readonly notes: readonly string[];
}

/** A setting with its scores. */
export interface Row {
  /** Null: the manifest as it is, where that is no point of the space. */
  readonly point: Point | null;
  readonly candidate: Candidate;
  readonly search: Score;
  /** Null: there is no check part. */
  readonly check: Score | null;
}

export type Verdict =
  /** The cheapest that serves the share on the search part; with a check part, it serves it there too. */
  | { readonly kind: 'met'; readonly chosen: Row; readonly take: Row }
  /** On the check part it does not; `take` is the cheapest of those checked that does on both, or null. */
  | { readonly kind: 'failed'; readonly chosen: Row; readonly take: Row | null }
  /** No setting does on the search part; `nearest` misses it least. */
  | { readonly kind: 'missed'; readonly nearest: Row; readonly take: null };

/** Rows that a person still reads. */
const MOST_ROWS = 12;

/** The settings that are worth a run on the check part: the frontier as it will be shown, the choice and the manifest as it is. */
export function worthChecking({ now, tried }: Searched, share: number): Tried[] {
  const frontier = shownFrontier(tried, share);
  return frontier.includes(now) ? frontier : [now, ...frontier];
}

/**
 * Where the choice fails the check: dearer settings that serve the share on the search part as well, from the whole range
 * of costs. They need not be on the frontier: where a few replicas serve all of a quiet week, more serve no more of it.
 */
export function worthCheckingToo({ tried }: Searched, checks: Checks, share: number): Tried[] {
  const chosen = bestOf(tried, share);
  if (chosen === null || !fails(chosen, checks.get(chosen), share)) return [];
  const dearer = tried
    .filter((each) => meets(each.score, share) && !checks.has(each))
    .toSorted((a, b) => compare(a.score, b.score, share));
  const apart = Math.max(1, (dearer.length - 1) / (MOST_ROWS - 1));
  const places = Array.from({ length: Math.min(MOST_ROWS, dearer.length) }, (_, index) => index * apart);
  return places.flatMap((place) => dearer[Math.round(place)] ?? []);
}

/** The scores on the check part; a setting that was not run there has none. */
export type Checks = ReadonlyMap<Tried, Score>;

/** @param checks of `worthChecking` and `worthCheckingToo`; empty without a check part */
export function verdictOn(
  { now, tried }: Searched,
  checks: Checks,
  share: number,
): Pick<Tuning, 'now' | 'frontier' | 'verdict'> {
  const rows = new Map<Tried, Row>();
  const rowOf = (each: Tried): Row => {
    const { point, candidate, score } = each;
    const row = rows.get(each) ?? { point, candidate, search: score, check: checks.get(each) ?? null };
    rows.set(each, row);
    return row;
  };
  const verdict = verdictFor(bestOf(tried, share) ?? now, checks, share, rowOf);
  return { now: rowOf(now), frontier: shownFrontier(tried, share).map(rowOf), verdict };
}

function shownFrontier(tried: readonly Tried[], share: number): Tried[] {
  return readable(frontierOf(tried), bestOf(tried, share), share, MOST_ROWS);
}

function verdictFor(chosen: Tried, checks: Checks, share: number, rowOf: (each: Tried) => Row): Verdict {
  if (!meets(chosen.score, share)) return { kind: 'missed', nearest: rowOf(chosen), take: null };
  if (!fails(chosen, checks.get(chosen), share)) {
    return { kind: 'met', chosen: rowOf(chosen), take: rowOf(chosen) };
  }
  const both = [...checks].filter(([each, check]) => meets(each.score, share) && meets(check, share));
  const [first] = both.toSorted(([a], [b]) => compare(a.score, b.score, share));
  return { kind: 'failed', chosen: rowOf(chosen), take: first === undefined ? null : rowOf(first[0]) };
}

function fails({ score }: Tried, check: Score | undefined, share: number): boolean {
  return meets(score, share) && check !== undefined && !meets(check, share);
}
