import { stringify } from 'yaml';
import type { Profile } from '../../policy/profile.js';
import { seriesOf, type Chart, type Series } from '../report/page/chart.js';
import { documentOf, figure, listOf, tableOf, type PageAssets } from '../report/page/document.js';
import { markup, type Markup } from '../report/page/markup.js';
import type { Calibration } from './calibrate.js';
import { asymptote, waitOf } from './capacity.js';
import { findingsOf, remarkOn } from './findings.js';
import { metadataOf } from './metadata.js';
import { fullness } from './signals.js';
import { latencyOf, type LoadTest, type Step } from './step.js';
import { inWords, number, percent, seconds } from './words.js';

/** The calibration as one page that needs no network: findings, plots against the load, steps, metadata and doubts. */
export function calibrationPage(
  test: LoadTest,
  calibration: Calibration,
  profiles: readonly Profile[],
  assets: PageAssets,
): string {
  const charts = chartsOf(calibration, profiles);
  const doubts = [...test.notes, ...(calibration.kind === 'reached' ? calibration.doubts : [])];
  const title = `Load test of one replica${test.server === null ? '' : ` of ${test.server}`}`;
  const body = markup`<header>
<h1>${title}</h1>
<p class="faint">${calibration.steps.length} steps, from ${test.format}${
    calibration.slo === null ? '' : `; p99 within ${seconds(calibration.slo)}`
  }</p>
</header>
<main>
${listOf(findingsOf(calibration))}
${calibration.kind === 'reached' ? pasted(metadataOf(calibration), calibration.choice?.profiles ?? []) : null}
${charts.map(figure)}
<noscript><p>The charts need JavaScript; the table does not.</p></noscript>
<h2>Steps</h2>
${stepsTable(calibration, profiles)}
${
  doubts.length === 0
    ? null
    : markup`<h2>To mind</h2>
<ul>${doubts.map((text) => markup`<li>${text}</li>`)}</ul>`
}
</main>
`;
  return documentOf(title, body, charts, assets);
}

function pasted(metadata: Readonly<Record<string, string>>, profiles: readonly string[]): Markup {
  const choose = 'profile' in metadata ? '' : `# profile: one of ${profiles.join(', ')}\n`;
  return markup`<h2>For the trigger’s metadata</h2>
<pre>${choose}${stringify(metadata).trimEnd()}</pre>`;
}

type Value = (step: Step) => number | null;

function chartsOf(calibration: Calibration, profiles: readonly Profile[]): Chart[] {
  const { steps, slo } = calibration;
  const column = (label: string, colour: Series['colour'], value: Value) =>
    seriesOf({ label, colour, values: steps.map(value), points: true });
  const charts = [
    chart(calibration, 'throughput', 'Throughput', 'requests/s', [
      column('Measured', 1, ({ throughput }) => throughput),
      ...bounds(calibration),
    ]),
    chart(calibration, 'latency', 'Latency', 'ms', [
      column('p99', 4, ({ p99 }) => inMillis(p99)),
      column('Mean', 1, (step) => inMillis(latencyOf(step))),
      ...(slo === null
        ? []
        : [seriesOf({ label: 'Objective', colour: 5, line: 'dashed', values: steps.map(() => slo * 1000) })]),
    ]),
    chart(calibration, 'utilisation', 'Utilisation', '% of the limit', utilisations(steps, profiles)),
  ];
  return charts.filter(({ series }) => series.some(({ values }) => values.some((value) => value !== null)));
}

/** The asymptotes are drawn only where think time does not blur them. */
function bounds({ steps, ...rest }: Calibration): Series[] {
  const [lowest] = steps;
  if (rest.kind !== 'reached' || rest.capacity === null || lowest === undefined) return [];
  if (lowest.held === 'users') return [];
  const { throughput } = rest.capacity;
  const values = steps.map(({ load }) => asymptote(lowest, load, throughput));
  return [seriesOf({ label: 'With free slots at most', colour: 5, line: 'dashed', values })];
}

const COLOURS = [2, 3, 6, 4, 1, 5] as const;

function utilisations(steps: readonly Step[], profiles: readonly Profile[]): Series[] {
  const full = steps.map((step) => fullness(step, profiles));
  const names = [...new Set(full.flatMap((each) => [...each.keys()]))].toSorted();
  return names.map((label, index) => {
    const values = full.map((each) => {
      const share = each.get(label);
      return share === undefined ? null : share * 100;
    });
    return seriesOf({ label, colour: COLOURS[index % COLOURS.length] ?? 5, values, points: true });
  });
}

function chart(
  calibration: Calibration,
  id: string,
  title: string,
  unit: string,
  series: readonly Series[],
): Chart {
  const { steps } = calibration;
  const label = axisOf(steps);
  return {
    id,
    title,
    unit: `${unit}, by ${label}`,
    summary: `by ${label}, in ${steps.length} steps; the table below has the figures`,
    x: { kind: 'doublings', label },
    xs: steps.map(({ load }) => load),
    series,
    bands: [],
    marks: marks(calibration),
    top: null,
  };
}

function axisOf([lowest]: readonly Step[]): string {
  const words = inWords(lowest?.held ?? 'concurrency');
  return words === 'in flight' ? 'requests in flight' : words;
}

function marks(calibration: Calibration): Chart['marks'] {
  if (calibration.kind !== 'reached') return [];
  const { steps, knee, operation } = calibration;
  const [at, lowest] = [steps[knee.index], steps[0]];
  if (at === undefined || lowest === undefined) return [];
  const share = percent(operation.throughput / at.throughput);
  const load = operation.load;
  return [
    ...(load === null || load < lowest.load ? [] : [{ x: load, label: `${share} of the knee` }]),
    { x: at.load, label: 'knee' },
  ];
}

function stepsTable(calibration: Calibration, profiles: readonly Profile[]): Markup {
  const { steps } = calibration;
  const serviceTime = calibration.kind === 'reached' ? (calibration.capacity?.serviceTime ?? null) : null;
  const utilised = utilisations(steps, profiles);
  const time = (value: number | null) => (value === null ? '–' : seconds(value));
  const rows = steps.map((step, index) => [
    number(step.load),
    number(step.throughput),
    time(latencyOf(step)),
    time(step.p50),
    time(step.p99),
    time(waitOf(step, serviceTime)),
    ...utilised.map(({ values }) => {
      const value = values[index] ?? null;
      return value === null ? '–' : `${number(value)} %`;
    }),
    remarkOn(calibration, index),
  ]);
  const header = [
    inWords(steps[0]?.held ?? 'concurrency'),
    'Requests/s',
    'Mean',
    'p50',
    'p99',
    'Wait',
    ...utilised.map(({ label }) => label),
    'Remark',
  ];
  const own = calibration.kind === 'reached' ? calibration.knee.index : null;
  return tableOf(
    'Wait: for a slot, by the server’s word or as latency beyond the service time',
    header,
    rows,
    own,
  );
}

function inMillis(value: number | null): number | null {
  return value === null ? null : value * 1000;
}
