import { inBins, startsOf, type Bins } from './html-bins.js';
import { loadIn, nodeHoursIn, type PageTimeline } from './html-series.js';
import { seriesOf, type Chart, type Series } from './page/chart.js';
import type { ReplayReport } from './report.js';

type Values = readonly (number | null)[];

const TIME = { kind: 'time' } as const;

/** Requests per second, with what they ranged over where a bin holds more than one sample. */
export function loadChart(bins: Bins, timeline: PageTimeline, scoreFrom: number): Chart {
  const { least, mean, most } = loadIn(bins, timeline);
  const ranges = most.some((value, index) => value !== least[index]);
  const range = [
    seriesOf({ label: 'Most', colour: 1, line: 'none', values: most }),
    seriesOf({ label: 'Least', colour: 1, line: 'none', values: least }),
  ];
  return {
    ...blank(bins, 'load', 'Load', 'requests/s'),
    summary: `requests per second, at most ${inShort(peak(most))}`,
    series: [
      seriesOf({ label: ranges ? 'Mean' : 'Requests/s', colour: 1, values: mean }),
      ...(ranges ? range : []),
    ],
    bands: ranges ? [{ upper: 1, lower: 2 }] : [],
    marks: scoreFrom === 0 ? [] : [{ x: scoreFrom, label: 'scored from here on' }],
  };
}

/** Replicas wanted, ready and starting, and the nodes under them. */
export function replicaChart(bins: Bins, timeline: PageTimeline, id: string, top: number): Chart {
  const { t, ready, desired, starting, nodes } = timeline;
  const mean = (values: ArrayLike<number | null>) => inBins(bins, t, values).mean;
  const own = { stepped: true };
  const series: Series[] = [
    seriesOf({ label: 'Ready', colour: 3, filled: true, values: mean(ready), ...own }),
    seriesOf({ label: 'Wanted', colour: 2, line: 'dashed', values: mean(desired), ...own }),
  ];
  if (starting !== undefined)
    series.push(seriesOf({ label: 'Starting', colour: 6, values: mean(starting), ...own }));
  if (nodes !== undefined)
    series.push(seriesOf({ label: 'Nodes', colour: 5, line: 'dotted', values: mean(nodes), ...own }));
  return {
    ...blank(bins, id, 'Replicas', 'means'),
    summary: `replicas ready, at most ${inShort(peak(inBins(bins, t, ready).most))}, beside those wanted`,
    series,
    top,
  };
}

export function queueChart(bins: Bins, { t, queue }: PageTimeline, id: string, top: number): Chart {
  const { most } = inBins(bins, t, queue);
  return {
    ...blank(bins, id, 'Requests waiting', 'the most at once'),
    summary: `requests that wait for a replica, at most ${inShort(peak(most))}`,
    series: [seriesOf({ label: 'Waiting', colour: 4, filled: true, values: most })],
    top,
  };
}

/** Null where the run did not record waits. */
export function waitChart(
  bins: Bins,
  { t, wait }: PageTimeline,
  id: string,
  top: number,
  slo: number,
): Chart | null {
  if (wait === undefined) return null;
  const { most } = inBins(bins, t, wait);
  const line: Values = most.map(() => slo);
  return {
    ...blank(bins, id, 'Wait', 'p99 in seconds, the highest'),
    summary: `p99 of the waits, at most ${inShort(peak(most))} s; in time is up to ${inShort(slo)} s`,
    series: [
      seriesOf({
        label: 'p99',
        colour: 4,
        values: most,
        points: most.filter((value) => value !== null).length < 60,
      }),
      seriesOf({ label: 'In time', colour: 5, line: 'dashed', values: line }),
    ],
    top,
  };
}

/** What has been paid so far, of all policies that recorded their nodes; null where none did. */
export function costChart(
  bins: Bins,
  timelines: readonly PageTimeline[],
  { setup, load, pricePerHour }: ReplayReport,
): Chart | null {
  const price = pricePerHour ?? 1;
  const series = timelines.flatMap((timeline, index) => {
    const hours = nodeHoursIn(bins, timeline, setup.scoreFrom, load.seconds);
    if (hours === null) return [];
    const values = hours.map((value) => (value === null ? null : value * price));
    return [seriesOf({ label: timeline.policy, ...look(index), values, strong: index === 0 })];
  });
  if (series.length === 0) return null;
  const totals = series.map(({ label, values }) => `${label} ${inShort(peak(values))}`);
  return {
    ...blank(bins, 'cost', 'Cost so far', pricePerHour === null ? 'node-hours' : 'in your currency'),
    summary: `at the end: ${totals.join(', ')}`,
    series,
  };
}

const COLOURS = [1, 2, 3, 4, 6, 5] as const;
const LINES = ['solid', 'dashed', 'dotted'] as const;

/** Eighteen lines look different; nobody tells more apart. */
function look(index: number): Pick<Series, 'colour' | 'line'> {
  const colour = COLOURS[index % COLOURS.length] ?? 5;
  return { colour, line: LINES[Math.floor(index / COLOURS.length) % LINES.length] ?? 'solid' };
}

/** The highest of several runs, so that their charts have one scale. */
export function topOf(columns: readonly (ArrayLike<number | null> | undefined)[]): number {
  let top = 0;
  for (const column of columns) {
    for (let index = 0; index < (column?.length ?? 0); index += 1) {
      const value = column?.[index] ?? 0;
      if (Number.isFinite(value) && value > top) top = value;
    }
  }
  return top;
}

function blank(bins: Bins, id: string, title: string, unit: string): Omit<Chart, 'summary' | 'series'> {
  return { id, title, unit, x: TIME, xs: startsOf(bins), bands: [], marks: [], top: null };
}

function peak(values: Values): number {
  return topOf([values]);
}

function inShort(value: number): string {
  return String(Number(value.toPrecision(3)));
}
