import { SECOND, type Millis } from '../../core/time.js';
import type { ScrapeExpression, Where } from '../../policy/profile.js';
import { overMillis } from './needs.js';
import type { ExpositionSample } from './sample-line.js';
import { OVER_SLACK, type Past, type Point } from './snapshots.js';

/** A series on the newest page of its target, and the pages before it. */
export interface ObservedSeries {
  readonly sample: ExpositionSample;
  readonly at: Millis;
  readonly earlier: readonly Past[];
}

/**
 * `absent`: the page does not have it, or a ratio has nothing to divide by. `early`: the page has it, but not for long
 * enough to compare. The two must not be mixed up: for an idle server the first may mean zero, while after a start of
 * ours the second hides a load.
 */
export type Evaluated = number | 'absent' | 'early';

/**
 * Works a profile's expression out over the series of one pod, service or model. As in PromQL, `max` passes over NaN
 * and everything else hands it on.
 */
export function evaluate(expression: ScrapeExpression, series: readonly ObservedSeries[]): Evaluated {
  if ('sum' in expression) return sum(matching(series, expression.sum, expression.where));
  if ('mean' in expression) return mean(matching(series, expression.mean, expression.where));
  if ('max' in expression) return max(matching(series, expression.max, expression.where));
  if ('rate' in expression) return rate(matching(series, expression.rate, expression.where));
  if ('delta' in expression)
    return delta(matching(series, expression.delta, expression.where), overMillis(expression.over));
  if ('constant' in expression) return expression.constant;
  if ('first' in expression) return first(expression.first, series);
  if ('add' in expression) return combined(expression.add, series, (left, right) => left + right);
  if ('subtract' in expression) return combined(expression.subtract, series, (left, right) => left - right);
  if ('multiply' in expression) return combined(expression.multiply, series, (left, right) => left * right);
  if ('ratio' in expression) return ratio(expression.ratio, series);
  const [operand, limit] = expression.clampMax;
  const value = evaluate(operand, series);
  return typeof value === 'number' ? Math.min(value, limit) : value;
}

/** The series of the first name that the page has. Several names are one metric: vendors rename. */
function matching(
  series: readonly ObservedSeries[],
  names: readonly string[],
  where: Where | undefined,
): ObservedSeries[] {
  for (const name of names) {
    const found = series.filter(({ sample }) => sample.name === name && matches(sample, where));
    if (found.length > 0) return found;
  }
  return [];
}

function matches(sample: ExpositionSample, where: Where | undefined): boolean {
  for (const label in where) {
    const value = sample.labels.get(label) ?? '';
    const wanted = where[label] ?? [];
    if (wanted === 'present' || wanted === 'absent') {
      if ((value !== '') !== (wanted === 'present')) return false;
    } else if (!sample.labels.has(label) || !wanted.includes(value)) return false;
  }
  return true;
}

function sum(series: readonly ObservedSeries[]): Evaluated {
  return series.length === 0 ? 'absent' : series.reduce((total, { sample }) => total + sample.value, 0);
}

function mean(series: readonly ObservedSeries[]): Evaluated {
  const total = sum(series);
  return typeof total === 'number' ? total / series.length : total;
}

function max(series: readonly ObservedSeries[]): Evaluated {
  if (series.length === 0) return 'absent';
  const values = series.map(({ sample }) => sample.value).filter((value) => !Number.isNaN(value));
  return values.length === 0 ? Number.NaN : values.reduce((largest, value) => Math.max(largest, value));
}

/**
 * Per second, over the measured time since the scrape before, summed over the series. A counter that fell was reset
 * and has counted from 0. A series that was not on the page before does not count, as in PromQL: what its first value
 * counts may be hours old.
 */
function rate(series: readonly ObservedSeries[]): Evaluated {
  return overSeries(series, ({ sample, at, earlier }) => {
    const before = earlier[0]?.points.get(sample.series);
    if (before === undefined || at <= before.at) return null;
    const increase = sample.value < before.value ? sample.value : sample.value - before.value;
    return Math.max(0, increase) / ((at - before.at) / SECOND);
  });
}

/**
 * The plain difference to the page whose age is nearest to `over`, summed over the series. Not reset-aware, as PromQL's
 * is not; a restart of the process that shows is a new history. Not extrapolated to `over`: where PromQL stretches the
 * 15 s between two samples to 30 s, this compares with a page that is about 30 s old or has no value.
 */
function delta(series: readonly ObservedSeries[], over: Millis): Evaluated {
  return overSeries(series, ({ sample, at, earlier }) => {
    const before = nearest(sample.series, at - over, earlier);
    return before === null || Math.abs(at - over - before.at) > over * OVER_SLACK
      ? null
      : sample.value - before.value;
  });
}

function nearest(series: string, moment: Millis, earlier: readonly Past[]): Point | null {
  let found: Point | null = null;
  for (const past of earlier) {
    const point = past.points.get(series);
    if (point === undefined) continue;
    if (found === null || Math.abs(point.at - moment) < Math.abs(found.at - moment)) found = point;
  }
  return found;
}

function overSeries(
  series: readonly ObservedSeries[],
  measure: (one: ObservedSeries) => number | null,
): Evaluated {
  if (series.length === 0) return 'absent';
  const measured = series.map(measure).filter((value) => value !== null);
  return measured.length === 0 ? 'early' : measured.reduce((total, value) => total + value, 0);
}

/** An operand that is too early stops the search: it may have a value that the next one only stands in for. */
function first(operands: readonly ScrapeExpression[], series: readonly ObservedSeries[]): Evaluated {
  for (const operand of operands) {
    const value = evaluate(operand, series);
    if (value !== 'absent') return value;
  }
  return 'absent';
}

function ratio(operands: readonly ScrapeExpression[], series: readonly ObservedSeries[]): Evaluated {
  return combined(operands, series, (over, under) => (under === 0 ? 'absent' : over / under));
}

/** From left to right. Absent if any operand is, since waiting does not change that; else early if any is. */
function combined(
  operands: readonly ScrapeExpression[],
  series: readonly ObservedSeries[],
  combine: (left: number, right: number) => Evaluated,
): Evaluated {
  const values = operands.map((operand) => evaluate(operand, series));
  if (values.includes('absent')) return 'absent';
  return values.reduce((left, right) =>
    typeof left === 'number' && typeof right === 'number' ? combine(left, right) : 'early',
  );
}
