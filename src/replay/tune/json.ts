import type { Score } from '../score.js';
import { meets } from './frontier.js';
import type { Dimension } from './space.js';
import type { Part } from './split.js';
import type { Row, Tuning } from './tuning.js';

/** The search for programs. Waits are in seconds; null where there is none, or no end to it. */
export function tuningJson(tuning: Tuning): unknown {
  const { manifest, load, setup, share, pricePerHour, split, searched, verdict, written, notes } = tuning;
  const { method, combinations, runs, alike, leftOut } = searched;
  const row = (each: Row) => rowJson(each, tuning);
  return {
    manifest,
    load,
    setup,
    slo: { wait: setup.slo, share },
    pricePerHour,
    split,
    search: {
      method,
      combinations,
      runs,
      alike,
      leftOut,
      budget: tuning.budget,
      seed: tuning.seed,
      space: Object.fromEntries(
        tuning.space.map((dimension) => [dimension.knob.key, optionsJson(dimension)]),
      ),
    },
    now: row(tuning.now),
    frontier: tuning.frontier.map(row),
    verdict: verdict.kind,
    chosen: verdict.kind === 'missed' ? null : row(verdict.chosen),
    nearest: verdict.kind === 'missed' ? row(verdict.nearest) : null,
    take: verdict.take === null ? null : row(verdict.take),
    /** By whole days, on days that the search has not seen. */
    checked: split.kind === 'days' && verdict.kind === 'met',
    scaledObject: written?.scaledObject ?? null,
    notes,
  };
}

/** Nodes that were paid for, on average: two parts of different length compare. */
export function meanNodes({ nodeSeconds }: Score, { from, to }: Part): number {
  return nodeSeconds / (to - from);
}

function rowJson({ candidate, search, check }: Row, tuning: Tuning): unknown {
  const { split } = tuning;
  return {
    setting: Object.fromEntries(candidate.changes.map(({ knob, value }) => [knob.key, value])),
    search: scoreJson(search, split.search, tuning),
    check: check === null || split.check === null ? null : scoreJson(check, split.check, tuning),
  };
}

function scoreJson(score: Score, part: Part, { pricePerHour, share }: Tuning): unknown {
  const { nodeSeconds, podSeconds, requests, inTime, attainment, coldRequests } = score;
  const nodes = meanNodes(score, part);
  return {
    nodeSeconds,
    nodes,
    costPerDay: pricePerHour === null ? null : nodes * 24 * pricePerHour,
    podSeconds,
    requests,
    inTime,
    attainment,
    met: meets(score, share),
    wait: { p50: finite(score.p50), p95: finite(score.p95), p99: finite(score.p99) },
    coldRequests,
  };
}

function optionsJson({ options }: Dimension): unknown {
  return options.map(({ value, shown }) => ({ value: value ?? shown, now: value === null }));
}

function finite(seconds: number | null): number | null {
  return seconds !== null && Number.isFinite(seconds) ? seconds : null;
}
