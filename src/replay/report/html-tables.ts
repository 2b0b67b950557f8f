import { replicaRate } from '../setup.js';
import { binsFor, inBins, type Bins } from './html-bins.js';
import { loadIn, type PageTimeline } from './html-series.js';
import { listOf, tableOf } from './page/document.js';
import { markup, type Markup } from './page/markup.js';
import { costOverBound, money, nodeHours, type ReplayReport, type ReplayRow } from './report.js';

/** What the replay comes to, in two sentences that can be quoted. */
export function lead(report: ReplayReport): Markup | null {
  const [own] = report.rows;
  if (own === undefined) return null;
  const { score } = own;
  const served =
    score.attainment === null
      ? 'no request came'
      : `${percent(score.attainment)} of ${grouped(score.requests)} requests would have waited at most ${report.setup.slo} s`;
  return markup`<p class="lead">With this manifest ${served}, for ${costInWords(score.nodeSeconds, report)}. ${comparison(own, report)}</p>
`;
}

function comparison({ score }: ReplayRow, report: ReplayReport): string {
  if (report.rows.length === 1 || score.attainment === null) return '';
  const cheapest = rivalOf(report);
  if (cheapest === null) return 'None of the others would have served as many in time.';
  const { nodeSeconds } = cheapest.score;
  const cost = `${costInWords(nodeSeconds, report)}${difference(score.nodeSeconds, nodeSeconds)}`;
  return `The cheapest of the others that serves as many in time is ${cheapest.name} for ${cost}.`;
}

/** The cheapest of those that served at least as many in time: one that serves fewer is no bargain. */
export function rivalOf({ rows }: ReplayReport): ReplayRow | null {
  const [own, ...others] = rows;
  const least = own?.score.attainment ?? null;
  if (least === null) return null;
  const equals = others.filter(({ score }) => (score.attainment ?? 0) >= least);
  return equals.toSorted((a, b) => a.score.nodeSeconds - b.score.nodeSeconds)[0] ?? null;
}

function difference(own: number, other: number): string {
  const more = own === 0 ? 0 : other / own - 1;
  if (Math.abs(more) < 0.0005) return '';
  return `, ${(Math.abs(more) * 100).toFixed(1)} % ${more < 0 ? 'less' : 'more'}`;
}

function costInWords(nodeSeconds: number, report: ReplayReport): string {
  const cost = money(nodeSeconds, report);
  const hours = `${grouped(nodeHours(nodeSeconds), 1)} node-hours`;
  return cost === null ? hours : `${grouped(cost, 2)} (${hours})`;
}

const EXPLAINED =
  'In time: waited at most as long as asked for. Cold: requests that came while no replica was ready. Wake-ups: times that ' +
  'the replicas rose from zero. ÷ bound: how many times the least that anybody could have paid for as much in time.';

/** One row for each policy, the bound last. */
export function scoreTable(report: ReplayReport): Markup {
  const priced = report.pricePerHour !== null;
  const header = [
    'Policy',
    'Node-hours',
    ...(priced ? ['Cost'] : []),
    '÷ bound',
    'In time',
    'Wait p50',
    'p95',
    'p99',
    'Cold',
    'Wake-ups',
  ];
  const rows = report.rows.map(({ name, score }) => [
    name,
    ...costCells(score.nodeSeconds, report),
    score.attainment === null ? '–' : percent(score.attainment),
    wait(score.p50),
    wait(score.p95),
    wait(score.p99),
    grouped(score.coldRequests),
    grouped(score.wakeups),
  ]);
  const { bound } = report;
  const nothing = ['–', '–', '–', '–', '–'];
  const last =
    bound === null
      ? []
      : [['Bound', ...costCells(bound.nodeSeconds, report), percent(bound.attainment), ...nothing]];
  return markup`${tableOf(caption(report), header, [...rows, ...last], 0)}<p class="faint">${EXPLAINED}</p>
`;
}

function caption({ load, setup }: ReplayReport): string {
  const scored = setup.scoreFrom === 0 ? '' : `, scored from ${inWords(setup.scoreFrom)} on`;
  return `${load.source}: ${inWords(load.seconds)}, ${grouped(load.requests)} requests${scored}`;
}

function costCells(nodeSeconds: number, report: ReplayReport): string[] {
  const cost = money(nodeSeconds, report);
  const over = costOverBound(nodeSeconds, report);
  return [
    grouped(nodeHours(nodeSeconds), 1),
    ...(cost === null ? [] : [grouped(cost, 2)]),
    over === null ? '–' : over.toFixed(2),
  ];
}

export function setupList({ manifest, load, setup, pricePerHour }: ReplayReport): Markup {
  const rate = Number(replicaRate(setup).toFixed(3));
  return listOf([
    ['Manifest', `${manifest.file}: ${manifest.object}, by ${manifest.profiles.join(', ')}`],
    ['Load', `${load.source}, ${inWords(load.seconds)}`],
    [
      'Replica',
      `${setup.slots} requests at once, ${setup.serviceTime} s each: ${rate} requests/s; at most ${setup.maxReplicas} replicas`,
    ],
    ['In time', `waited at most ${setup.slo} s`],
    ['Start', `a node takes ${setup.nodeProvision} s to come, a pod ${setup.modelLoad} s to load its model`],
    [
      'Nodes',
      `hold ${setup.gpusPerNode} ${setup.gpusPerNode === 1 ? 'replica' : 'replicas'} and go ${setup.nodeIdle} s after the last left`,
    ],
    ['Metrics', `scraped every ${setup.scrape} s and seen ${setup.lag} s later`],
    ['Price', pricePerHour === null ? 'not given' : `${pricePerHour} for a node-hour`],
  ]);
}

/** Rows of the table that stands in for the charts. */
const MOST_ROWS = 48;

/** The first run as a table, for those who cannot use the charts. */
export function timeTable(bins: Bins, timeline: PageTimeline): Markup {
  const coarse = binsFor(bins.width * bins.count, bins.width, MOST_ROWS);
  const load = loadIn(coarse, timeline);
  const column = (values: ArrayLike<number | null>) => inBins(coarse, timeline.t, values);
  const [desired, ready, queue] = [column(timeline.desired), column(timeline.ready), column(timeline.queue)];
  const starting = timeline.starting === undefined ? null : column(timeline.starting);
  const nodes = timeline.nodes === undefined ? null : column(timeline.nodes);
  const waits = timeline.wait === undefined ? null : column(timeline.wait);
  const header = [
    'From',
    'Requests/s',
    'at most',
    'Wanted',
    'Ready',
    ...(starting === null ? [] : ['Starting']),
    ...(nodes === null ? [] : ['Nodes']),
    'Waiting at most',
    ...(waits === null ? [] : ['p99 wait at most']),
  ];
  const cell = (values: readonly (number | null)[], index: number) => {
    const value = values[index] ?? null;
    return value === null ? '–' : grouped(value, value < 10 ? 2 : 1);
  };
  const rows = Array.from({ length: coarse.count }, (_, index) => [
    clock(index * coarse.width),
    cell(load.mean, index),
    cell(load.most, index),
    cell(desired.mean, index),
    cell(ready.mean, index),
    ...(starting === null ? [] : [cell(starting.mean, index)]),
    ...(nodes === null ? [] : [cell(nodes.mean, index)]),
    cell(queue.most, index),
    ...(waits === null ? [] : [cell(waits.most, index)]),
  ]);
  return markup`<details>
<summary>The run of ${timeline.policy} as a table</summary>
${tableOf(`Means over ${inWords(coarse.width)}, where it does not say at most`, header, rows)}</details>
`;
}

/** More would be a page of their own. */
const MOST_CHANGES = 200;

/** When the manifest wanted other replicas, and why; null where nobody kept it. */
export function changeTable({ policy, changes }: PageTimeline): Markup | null {
  if (changes === undefined || changes.length === 0) return null;
  const shown = changes.slice(0, MOST_CHANGES);
  const rows = shown.map(({ t, desired, reason }) => [
    clock(t),
    desired === null ? '–' : grouped(desired),
    reason,
  ]);
  const caption =
    shown.length < changes.length
      ? `The first ${shown.length} of ${grouped(changes.length)}`
      : `All ${grouped(changes.length)}`;
  return markup`<details>
<summary>When ${policy} wanted other replicas, and why</summary>
${tableOf(caption, ['At', 'Wanted', 'Why'], rows, null, 2)}</details>
`;
}

/** `day 2 14:30`. */
function clock(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const time = `${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}`;
  const second = seconds % 60 === 0 ? '' : `:${two(seconds % 60)}`;
  return `${seconds >= 86_400 ? `day ${Math.floor(seconds / 86_400) + 1} ` : ''}${time}${second}`;
}

/** 99.96 % stays below 100: a share that is rounded up would say that nobody waited. */
function percent(share: number): string {
  return `${(Math.floor(share * 10_000 + 1e-6) / 100).toFixed(2)} %`;
}

function wait(seconds: number | null): string {
  if (seconds === null) return '–';
  return Number.isFinite(seconds) ? `${short(seconds)} s` : 'never';
}

function inWords(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${short(seconds / 86_400)} days`;
  if (seconds >= 2 * 3600) return `${short(seconds / 3600)} h`;
  return seconds >= 120 ? `${short(seconds / 60)} min` : `${seconds} s`;
}

/** 12 345.6 with a narrow space between thousands, which no reader takes for a decimal sign. */
function grouped(value: number, digits = 0): string {
  const [whole = '', rest] = value.toFixed(digits).split('.');
  const thousands = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202F');
  return rest === undefined ? thousands : `${thousands}.${rest}`;
}

function short(value: number): string {
  return String(Number(value.toFixed(1)));
}
