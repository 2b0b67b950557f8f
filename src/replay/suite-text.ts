import { aligned, percent } from './report/text.js';
import { nodeHours } from './report/report.js';
import {
  BEST_BASELINE,
  FORECAST,
  REACTIVE,
  type Group,
  type LoadResult,
  type Mean,
  type Result,
  type SuiteReport,
} from './suite.js';
import { SUITE_SHARE } from './suite-file.js';

/** A line for each load, then one for each policy with its means. */
export function suiteText({ manifest, source, loads, groups }: SuiteReport): string {
  return [
    `${manifest.object} (${manifest.file}), by ${manifest.profiles.join(', ')}`,
    `${source}: cost ÷ bound @ share in time. The bound is the least that serves ${SUITE_SHARE * 100} % in time.`,
    '',
    loadsTable(loads),
    '',
    `Geometric means of eff = cost ÷ bound + 10 × (share missing of ${SUITE_SHARE * 100} %), and of cost ÷ bound; loads at ${SUITE_SHARE * 100} %:`,
    '',
    meansTable(groups),
  ].join('\n');
}

function loadsTable(loads: readonly LoadResult[]): string {
  const has = {
    class: loads.some(({ entry }) => entry.class !== null),
    startup: new Set(loads.map(({ entry }) => entry.startup)).size > 1,
    forecast: loads.some(({ forecast }) => forecast !== null),
    best: loads.some(({ best }) => best !== null),
  };
  const row = (load: string, startup: string, kind: string, ...figures: (string | null)[]) => [
    load,
    ...(has.startup ? [startup] : []),
    ...(has.class ? [kind] : []),
    ...figures.filter((figure) => figure !== null),
  ];
  const upper = (name: string, shown = true) => (shown ? name.toUpperCase() : null);
  return aligned([
    row(
      'LOAD',
      'START-UP',
      'CLASS',
      'BOUND',
      upper(REACTIVE),
      upper(FORECAST, has.forecast),
      ...bestHeadings(),
    ),
    ...loads.map(({ entry, bound, reactive, forecast, best }) =>
      row(
        entry.trace,
        entry.startup,
        entry.class ?? '-',
        `${nodeHours(bound).toFixed(1)} h`,
        figure(reactive),
        has.forecast ? figure(forecast) : null,
        ...(has.best ? [figure(best), best?.name ?? '-'] : []),
      ),
    ),
  ]);

  function bestHeadings(): string[] {
    return has.best ? [BEST_BASELINE.toUpperCase(), ''] : [];
  }
}

/** `1.83 @ 99.12 %`. */
function figure(result: Result | null): string {
  if (result === null) return '-';
  const { cost, attainment } = result;
  return `${decimal(cost)} @ ${attainment === null ? '-' : percent(attainment)}`;
}

function meansTable(groups: readonly Group[]): string {
  const [all] = groups;
  const headings = groups.flatMap(({ class: name, loads }) => {
    const of = name === null ? '' : ` ${name}`;
    return [`EFF${of}`, `COST${of}`, `AT ${SUITE_SHARE * 100} %, OF ${loads}`];
  });
  const rows = (all?.policies ?? []).map(({ name }) => [
    name,
    ...groups.flatMap((group) => meanCells(group, name)),
  ]);
  return aligned([['POLICY', ...headings], ...rows]);
}

function meanCells({ policies }: Group, name: string): string[] {
  const mean: Mean | undefined = policies.find((each) => each.name === name);
  return mean === undefined ? ['-', '-', '-'] : [decimal(mean.eff), decimal(mean.cost), String(mean.met)];
}

function decimal(value: number | null): string {
  return value === null ? '-' : value.toFixed(2);
}

/** The report for programs. */
export function suiteJson({ manifest, source, loads, groups }: SuiteReport): unknown {
  return {
    manifest,
    source,
    share: SUITE_SHARE,
    loads: loads.map(({ entry, bound, reactive, forecast, best, baselines }) => ({
      trace: entry.trace,
      startup: entry.startup,
      class: entry.class,
      setup: entry.setup,
      bound: { nodeSeconds: bound, nodeHours: nodeHours(bound) },
      reactive,
      forecast,
      bestBaseline: best?.name ?? null,
      baselines,
    })),
    means: groups,
  };
}
