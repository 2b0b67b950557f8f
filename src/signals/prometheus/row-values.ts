import type { Millis } from '../../core/time.js';
import type { MetricSeries } from '../../ports/metric-source.js';
import type { Owner, Row } from './label-sets.js';

/** The parts of one answer by row, until all have come: columns of numbers, since objects would live only for moments. */
export interface RowValues {
  value(row: Row, value: number): void;
  /** Of two the older one counts. Null says nothing. */
  age(row: Row, age: Millis | null): void;
  weight(row: Row, weight: number): void;
  /** In the order in which this answer first named the rows. */
  series(asked: Millis): { readonly series: readonly MetricSeries[]; readonly withoutTime: number };
}

const VALUE = 1;
const AGE = 2;
const WEIGHT = 4;
const NAMED = 8;

const FEWEST = 256;

/** What has come for the rows so far, by their numbers. */
interface Columns {
  readonly values: Float64Array;
  readonly ages: Float64Array;
  readonly weights: Float64Array;
  /** Which of them have come. */
  readonly has: Uint8Array;
}

function columns(capacity: number, from: Columns | null): Columns {
  const wider = {
    values: new Float64Array(capacity),
    ages: new Float64Array(capacity),
    weights: new Float64Array(capacity),
    has: new Uint8Array(capacity),
  };
  if (from === null) return wider;
  wider.values.set(from.values);
  wider.ages.set(from.ages);
  wider.weights.set(from.weights);
  wider.has.set(from.has);
  return wider;
}

/** @param rows as many as are expected */
export function createRowValues(rows: number): RowValues {
  let all = columns(Math.max(FEWEST, rows), null);
  const order: Row[] = [];
  /** Further values with the same labels: none, unless a proxy has merged two servers and left both. */
  const further = new Map<Row, number[]>();

  /** What the row has so far. */
  function open(row: Row): number {
    if (row.index >= all.has.length) all = columns(2 * (row.index + 1), all);
    const flags = all.has[row.index] ?? 0;
    if (flags === 0) order.push(row);
    return flags | NAMED;
  }

  return {
    value(row, value) {
      const flags = open(row);
      if ((flags & VALUE) === 0) all.values[row.index] = value;
      else further.set(row, [...(further.get(row) ?? []), value]);
      all.has[row.index] = flags | VALUE;
    },
    age(row, age) {
      const flags = open(row);
      const other = (flags & AGE) === 0 ? age : (all.ages[row.index] ?? age);
      if (age !== null) all.ages[row.index] = Math.max(age, other ?? age);
      all.has[row.index] = age === null ? flags : flags | AGE;
    },
    weight(row, weight) {
      const flags = open(row);
      all.weights[row.index] = weight;
      all.has[row.index] = flags | WEIGHT;
    },
    series: (asked) => seriesFrom(order, all, further, asked),
  };
}

function seriesFrom(
  order: readonly Row[],
  { values, ages, weights, has }: Columns,
  further: ReadonlyMap<Row, readonly number[]>,
  asked: Millis,
): ReturnType<RowValues['series']> {
  const series: MetricSeries[] = [];
  let withoutTime = 0;
  for (const row of order) {
    const { owner, index } = row;
    const flags = has[index] ?? 0;
    if (owner === null || (flags & VALUE) === 0) continue;
    const others = further.size === 0 ? [] : (further.get(row) ?? []);
    if ((flags & AGE) === 0) {
      withoutTime += 1 + others.length;
      continue;
    }
    const at = asked - (ages[index] ?? 0);
    const weight = (flags & WEIGHT) === 0 ? null : (weights[index] ?? 0);
    series.push(seriesOf(owner, values[index] ?? 0, at, weight));
    for (const value of others) series.push(seriesOf(owner, value, at, weight));
  }
  return { series, withoutTime };
}

export function seriesOf(owner: Owner, value: number, at: Millis, weight: number | null): MetricSeries {
  const { namespace, pod, service, model } = owner;
  const sample = weight === null ? { pod, value, at } : { pod, value, at, weight };
  return { namespace, service, model, sample };
}
