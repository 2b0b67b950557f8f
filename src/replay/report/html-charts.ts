import { inBins, startsOf, type Bins } from './html-bins.js';
import { loadIn, nodeHoursIn, type PageTimeline } from './html-series.js';
import { seriesOf, type Chart, type Series } from './page/chart.js';
import type { ReplayReport } from './report.js';

type Values = readonly (number | null)[];

const TIME = { kind: 'time' } as const;

/** Requests per second, with what they ranged over where a bin holds more than one sample. */
export function loadChart(bins: Bins, timeline: PageTimeline): Chart {
  const { least, mean, most } = loadIn(bins, timeline);
  // A last sample that came early shares a bin, and is no reason to speak of ranges.
  const ranges = timeline.t.length > 1.5 * bins.count;
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
  };
}

/** Everything over time of the manifest's run beside one other, which the page's selector chooses. */
export interface Compared {
  readonly own: PageTimeline;
  readonly others: readonly PageTimeline[];
}

/** Replicas wanted, ready and starting, and the nodes under them; of the others, those that are ready. */
export function replicaChart(bins: Bins, { own, others }: Compared): Chart {
  const { t, ready, desired, starting, nodes } = own;
  const mean = (values: ArrayLike<number | null>) => inBins(bins, t, values).mean;
  const series: Series[] = [
    seriesOf({ label: 'Ready', colour: OWN, filled: true, values: mean(ready) }),
    seriesOf({ label: 'Wanted', colour: 2, line: 'dashed', values: mean(desired) }),
  ];
  if (starting !== undefined) series.push(seriesOf({ label: 'Starting', colour: 6, values: mean(starting) }));
  if (nodes !== undefined)
    series.push(seriesOf({ label: 'Nodes', colour: 5, line: 'dotted', values: mean(nodes) }));
  const theirs = beside(others, (other) => inBins(bins, other.t, other.ready).mean, ': ready');
  return {
    ...blank(bins, 'replicas', 'Replicas', 'means'),
    summary: `replicas ready, at most ${inShort(peak(inBins(bins, t, ready).most))}, beside those wanted`,
    series: [...series, ...theirs].map((each) => ({ ...each, stepped: true })),
  };
}

export function queueChart(bins: Bins, { own, others }: Compared): Chart {
  const most = ({ t, queue }: PageTimeline) => inBins(bins, t, queue).most;
  return {
    ...blank(bins, 'queue', 'Requests waiting', 'the most at once'),
    summary: `requests that wait for a replica, at most ${inShort(peak(most(own)))}`,
    series: [
      seriesOf({ label: own.policy, colour: OWN, filled: true, values: most(own) }),
      ...beside(others, most),
    ],
  };
}

/** Null where the run did not record waits. */
export function waitChart(bins: Bins, { own, others }: Compared, slo: number): Chart | null {
  const most = ({ t, wait }: PageTimeline) => (wait === undefined ? null : inBins(bins, t, wait).most);
  const values = most(own);
  if (values === null) return null;
  return {
    ...blank(bins, 'wait', 'Wait', 'p99 in seconds, the highest'),
    summary: `p99 of the waits, at most ${inShort(peak(values))} s; in time is up to ${inShort(slo)} s`,
    series: [
      seriesOf({ label: own.policy, colour: OWN, filled: true, values, points: standsAlone(values) }),
      seriesOf({ label: 'In time', colour: 5, line: 'dashed', values: values.map(() => slo) }),
      ...beside(others, most),
    ],
  };
}

/** What has been paid so far; null where the run did not record it. */
export function costChart(
  bins: Bins,
  { own, others }: Compared,
  { pricePerHour }: ReplayReport,
): Chart | null {
  const paid = (timeline: PageTimeline) =>
    nodeHoursIn(bins, timeline)?.map((hours) => (hours === null ? null : hours * (pricePerHour ?? 1))) ??
    null;
  const values = paid(own);
  if (values === null) return null;
  return {
    ...blank(bins, 'cost', 'Cost so far', pricePerHour === null ? 'node-hours' : 'in your currency'),
    summary: `${inShort(peak(values))} at the end`,
    series: [
      seriesOf({ label: own.policy, colour: OWN, filled: true, strong: true, values }),
      ...beside(others, paid),
    ],
  };
}

/** Green is the manifest, blue the one beside it. */
const OWN = 3;
const OTHER = 1;

/** A line for each of the others, of which the selector shows one; its values are their places, from 1 on. */
function beside(
  others: readonly PageTimeline[],
  column: (of: PageTimeline) => Values | null,
  what = '',
): Series[] {
  return others.flatMap((other, index) => {
    const values = column(other);
    if (values === null) return [];
    return [
      seriesOf({
        label: `${other.policy}${what}`,
        colour: OTHER,
        values,
        only: placeOf(index),
        strong: true,
        points: standsAlone(values),
      }),
    ];
  });
}

/** The selector's value for one of the others. */
export function placeOf(index: number): string {
  return String(index + 1);
}

/** A value between two that are missing is no line: it takes a point to be seen. */
function standsAlone(values: Values): boolean {
  const there = (index: number) => (values[index] ?? null) !== null;
  return values.some((_, index) => there(index) && !there(index - 1) && !there(index + 1));
}

function peak(values: Values): number {
  return Math.max(0, ...values.map((value) => value ?? 0));
}

function blank(bins: Bins, id: string, title: string, unit: string): Omit<Chart, 'summary' | 'series'> {
  return { id, title, unit, x: TIME, xs: startsOf(bins), bands: [], marks: [], top: null };
}

function inShort(value: number): string {
  return String(Number(value.toPrecision(3)));
}
