import { SUITE_SHARE, type SuiteEntry } from './suite-file.js';
import type { SuiteOutcome, SuiteRun } from './suite-run.js';

/** How one manifest did on a set of loads, before it is printed. */
export interface SuiteReport {
  readonly manifest: {
    readonly file: string;
    /** `namespace/name` */
    readonly object: string;
    readonly profiles: readonly string[];
  };
  readonly source: string;
  readonly loads: readonly LoadResult[];
  /** Over all loads, then over each class. */
  readonly groups: readonly Group[];
}

/** What was measured on one load. */
export interface LoadResult {
  readonly entry: SuiteEntry;
  /** The least node-seconds that serve 99 % in time. */
  readonly bound: number;
  /** The manifest without its forecast. */
  readonly reactive: Result;
  /** Null: the manifest makes none. */
  readonly forecast: Result | null;
  readonly baselines: readonly Result[];
  /** The baseline with the least `eff`: the best that could have been chosen in hindsight. */
  readonly best: Result | null;
}

export interface Result {
  readonly name: string;
  readonly nodeSeconds: number;
  /** Null: no request was scored. */
  readonly attainment: number | null;
  /** Node-seconds ÷ bound; null where nothing had to be paid. */
  readonly cost: number | null;
  /** One figure for cost and lateness; null where either is unknown. */
  readonly eff: number | null;
}

export interface Group {
  /** Null: all loads. */
  readonly class: string | null;
  readonly loads: number;
  readonly policies: readonly Mean[];
}

/** One policy over the loads of a group. */
export interface Mean {
  readonly name: string;
  /** Geometric means; null where a load has no figure. */
  readonly eff: number | null;
  readonly cost: number | null;
  /** Loads served to the share. */
  readonly met: number;
}

export const REACTIVE = 'reactive';
export const FORECAST = 'forecast';
export const BEST_BASELINE = 'best baseline';

/** Each percent that is missing of 99 % counts as much as a tenth of the bound. */
const LATENESS = 10;

/**
 * cost ÷ bound(99 %) + 10 × max(0, 0.99 − share in time): 1.5 at 99 % and above is 1.5, at 94 % it is 2.0, so that a
 * policy cannot look cheap by serving late.
 */
export function effOf(cost: number, attainment: number): number {
  return cost + LATENESS * Math.max(0, SUITE_SHARE - attainment);
}

export interface Ran {
  readonly run: SuiteRun;
  readonly outcome: SuiteOutcome;
}

/** @param ran as `suiteRuns` has them, in any order */
export function loadResult(entry: SuiteEntry, ran: readonly Ran[]): LoadResult {
  const bound = entry.bound ?? ran.find(({ run }) => run.kind === 'bound')?.outcome.nodeSeconds ?? 0;
  const results = ran.flatMap(({ run, outcome }) =>
    run.kind === 'bound' ? [] : [{ kind: run.kind, result: resultOf(nameOf(run), outcome, bound) }],
  );
  const of = (kind: SuiteRun['kind']) =>
    results.filter((each) => each.kind === kind).map(({ result }) => result);
  const [reactive] = of('reactive');
  if (reactive === undefined) throw new RangeError(`${entry.trace}: the manifest was not run`);
  const baselines = of('baseline');
  return { entry, bound, reactive, forecast: of('forecast')[0] ?? null, baselines, best: bestOf(baselines) };
}

function nameOf(run: Exclude<SuiteRun, { kind: 'bound' }>): string {
  return run.kind === 'baseline' ? run.name : run.kind;
}

function resultOf(name: string, { nodeSeconds, attainment }: SuiteOutcome, bound: number): Result {
  const cost = bound > 0 ? nodeSeconds / bound : null;
  const eff = cost === null || attainment === null ? null : effOf(cost, attainment);
  return { name, nodeSeconds, attainment, cost, eff };
}

function bestOf(baselines: readonly Result[]): Result | null {
  const [best] = baselines.toSorted((a, b) => (a.eff ?? Infinity) - (b.eff ?? Infinity));
  return best ?? null;
}

/** All loads together, and each class by itself where there are several. */
export function groupsOf(loads: readonly LoadResult[]): Group[] {
  const classes = [...new Set(loads.map(({ entry }) => entry.class))].filter((each) => each !== null);
  return [
    groupOf(null, loads),
    ...classes.map((name) =>
      groupOf(
        name,
        loads.filter(({ entry }) => entry.class === name),
      ),
    ),
  ];
}

function groupOf(name: string | null, loads: readonly LoadResult[]): Group {
  const columns: [string, (load: LoadResult) => Result | null][] = [
    [REACTIVE, ({ reactive }) => reactive],
    [FORECAST, ({ forecast }) => forecast],
    [BEST_BASELINE, ({ best }) => best],
    ...(loads[0]?.baselines ?? []).map((one): [string, (load: LoadResult) => Result | null] => [
      one.name,
      ({ baselines }) => baselines.find((each) => each.name === one.name) ?? null,
    ]),
  ];
  const policies = columns.flatMap(([policy, of]) => {
    const results = loads.flatMap((load) => of(load) ?? []);
    return results.length === 0 ? [] : [meanOf(policy, results)];
  });
  return { class: name, loads: loads.length, policies };
}

function meanOf(name: string, results: readonly Result[]): Mean {
  return {
    name,
    eff: geometricMean(results.map(({ eff }) => eff)),
    cost: geometricMean(results.map(({ cost }) => cost)),
    met: results.filter(({ attainment }) => attainment !== null && attainment >= SUITE_SHARE).length,
  };
}

/** Null where a value is unknown, since a mean of the others would be one of other loads. */
function geometricMean(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += Math.log(value);
  }
  return Math.exp(sum / values.length);
}
