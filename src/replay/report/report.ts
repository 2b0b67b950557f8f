import type { Score } from '../score.js';
import type { Setup } from '../setup.js';

/** What a replay found, before it is printed: plain data for text, JSON and the page alike. */
export interface ReplayReport {
  readonly manifest: {
    readonly file: string;
    /** `namespace/name` */
    readonly object: string;
    readonly profiles: readonly string[];
  };
  readonly load: {
    /** The file, or the query and its range. */
    readonly source: string;
    readonly seconds: number;
    /** In the whole recording; a score counts those from `setup.scoreFrom` on. */
    readonly requests: number;
  };
  readonly setup: Setup;
  /** What a node costs in an hour, in the user's own currency; null: nobody said. */
  readonly pricePerHour: number | null;
  /** The manifest first, then the baselines. */
  readonly rows: readonly ReplayRow[];
  /** Null when it was not asked for. */
  readonly bound: Bound | null;
  /** What to know before believing the figures. */
  readonly notes: readonly string[];
}

export interface ReplayRow {
  readonly name: string;
  readonly kind: 'manifest' | 'baseline';
  readonly score: Score;
}

/** The least node-seconds that serve so large a share of the scored requests in time, proven. */
export interface Bound {
  readonly nodeSeconds: number;
  readonly attainment: number;
}

const HOUR = 3600;

export function nodeHours(nodeSeconds: number): number {
  return nodeSeconds / HOUR;
}

/** Null without a price. */
export function money(nodeSeconds: number, { pricePerHour }: ReplayReport): number | null {
  return pricePerHour === null ? null : nodeHours(nodeSeconds) * pricePerHour;
}

/** How many times the least that anybody could have paid; null without a bound, or where that is nothing. */
export function costOverBound(nodeSeconds: number, { bound }: ReplayReport): number | null {
  return bound === null || bound.nodeSeconds <= 0 ? null : nodeSeconds / bound.nodeSeconds;
}
