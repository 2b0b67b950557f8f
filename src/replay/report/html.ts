import {
  costChart,
  loadChart,
  placeOf,
  queueChart,
  replicaChart,
  waitChart,
  type Compared,
} from './html-charts.js';
import { binsFor, type Bins } from './html-bins.js';
import type { PageTimeline } from './html-series.js';
import { changeTable, lead, rivalOf, scoreTable, setupList, timeTable } from './html-tables.js';
import type { Chart } from './page/chart.js';
import { documentOf, figure, type PageAssets } from './page/document.js';
import { markup, verbatim, type Markup } from './page/markup.js';
import type { ReplayReport } from './report.js';

/** So many points a chart has at most: two for each pixel of a wide screen would not be seen. */
const MOST_POINTS = 2000;

/**
 * The replay as one page that needs no network: what was replayed, how every policy did, and the runs over time. Every
 * text in it is escaped; the same arguments give the same page.
 *
 * @param timelines the manifest's own run first, then others that are to be compared; none: the page has the table alone
 * @throws RangeError for a timeline without a sample
 */
export function replayPage(
  report: ReplayReport,
  timelines: readonly PageTimeline[],
  assets: PageAssets,
): string {
  const [own] = timelines;
  const runs = own === undefined ? null : chartsOf(report, own, timelines);
  const title = `Replay of ${report.manifest.object}`;
  const body = markup`<header>
<h1>${title}</h1>
${lead(report)}</header>
<main>
<section aria-labelledby="policies">
<h2 id="policies">The policies beside each other</h2>
${scoreTable(report)}</section>
${runs === null ? null : runs.section}
<section aria-labelledby="setup">
<h2 id="setup">What was replayed</h2>
${setupList(report)}${notes(report.notes)}</section>
</main>
`;
  return documentOf(title, body, runs === null ? [] : runs.charts, assets);
}

function notes(texts: readonly string[]): Markup | null {
  if (texts.length === 0) return null;
  return markup`<h2>To mind</h2>
<ul>${texts.map((text) => markup`<li>${text}</li>`)}</ul>
`;
}

interface Runs {
  readonly charts: readonly Chart[];
  readonly section: Markup;
}

function chartsOf(report: ReplayReport, own: PageTimeline, timelines: readonly PageTimeline[]): Runs {
  const bins = commonBins(timelines);
  const compared: Compared = { own, others: timelines.slice(1) };
  const charts = [
    loadChart(bins, own),
    replicaChart(bins, compared),
    waitChart(bins, compared, report.setup.slo),
    queueChart(bins, compared),
    costChart(bins, compared, report),
  ]
    .filter((chart) => chart !== null)
    .map((chart, index) => ({ ...chart, marks: marksOf(report, index === 0) }));
  return {
    charts,
    section: markup`<section aria-labelledby="runs">
<h2 id="runs">Over time</h2>
<p class="faint">Each point stands for ${inWords(bins.width)}.<span class="screen"> Drag to see a stretch more closely; a double click shows all.</span></p>
${toolbar(report, compared)}
${charts.map(figure)}
<noscript><p>The charts need JavaScript; the tables do not.</p></noscript>
${timeTable(bins, own)}
${changeTable(own)}</section>`,
  };
}

/** Where the score begins, in every chart; said once. */
function marksOf({ setup: { scoreFrom } }: ReplayReport, isFirst: boolean): Chart['marks'] {
  return scoreFrom === 0 ? [] : [{ x: scoreFrom, label: isFirst ? 'scored from here on' : '' }];
}

function toolbar(report: ReplayReport, { others }: Compared): Markup {
  const rival = rivalOf(report);
  const first = Math.max(
    0,
    others.findIndex(({ policy }) => policy === rival?.name),
  );
  const options = others.map(({ policy }, index) => {
    const selected = verbatim(index === first ? ' selected' : '');
    return markup`<option value="${placeOf(index)}"${selected}>${policy}</option>`;
  });
  const choice = markup`<label>Beside <select id="compared" autocomplete="off">${options}<option value="">nothing</option></select></label>`;
  const buttons = [
    ['in', 'Zoom in'],
    ['out', 'Zoom out'],
    ['earlier', 'Earlier'],
    ['later', 'Later'],
    ['reset', 'Show all'],
  ].map(([zoom = '', label = '']) => markup`<button type="button" data-zoom="${zoom}">${label}</button>`);
  return markup`<div class="toolbar" role="group" aria-label="What the charts show">${others.length > 0 ? choice : null}${buttons}</div>`;
}

/** One width for all, so that they lie under each other and share the cursor; no narrower than the rarest samples. */
function commonBins(timelines: readonly PageTimeline[]): Bins {
  let [end, apart] = [0, 0];
  for (const { policy, t } of timelines) {
    const last = t[t.length - 1];
    if (last === undefined) throw new RangeError(`the timeline of ${policy} has no sample`);
    end = Math.max(end, last + 1);
    apart = Math.max(apart, t.length === 1 ? last + 1 : (last - (t[0] ?? 0)) / (t.length - 1));
  }
  return binsFor(end, apart, MOST_POINTS);
}

function inWords(seconds: number): string {
  if (seconds % 3600 === 0) return seconds === 3600 ? 'an hour' : `${seconds / 3600} hours`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
