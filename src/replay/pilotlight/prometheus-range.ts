import { seriesLabels } from '../../policy/promql.js';
import type { Profile } from '../../policy/profile.js';
import type { Trigger } from '../../policy/trigger.js';
import type { Load } from '../load.js';

/** A range that cannot be replayed: which part, and what to do. */
export class SeriesError extends Error {
  override readonly name = 'SeriesError';
}

/** Moments in seconds since the Unix epoch. A point covers the step up to it, so that the first lies one step after `from`. */
export interface Range {
  readonly from: number;
  readonly to: number;
  /** Whole seconds, ≥ 1. */
  readonly step: number;
}

/** Prometheus refuses more points of a series in one answer (web/api/v1/api.go). */
export const MOST_POINTS = 11_000;

/** The range in parts that Prometheus answers, first and last point of each. */
export function rangeChunks({ from, to, step }: Range): { readonly start: number; readonly end: number }[] {
  const points = Math.floor((to - from) / step);
  const chunks: { start: number; end: number }[] = [];
  for (let first = 1; first <= points; first += MOST_POINTS) {
    const last = Math.min(points, first + MOST_POINTS - 1);
    chunks.push({ start: from + first * step, end: from + last * step });
  }
  return chunks;
}

/** A moment and the value there, as Prometheus gives them. */
export type Point = readonly [at: number, value: number];

/** What a point is: requests per second, or the requests of its step. */
export type PointUnit = 'rate' | 'increase';

/**
 * A load from the points of a range. A step's requests are spread evenly over its seconds; what is over from rounding
 * goes on to the next step, so that the total is right to one request.
 *
 * @param points in the order of time
 * @throws SeriesError for a step without a point: absence of data is not zero
 */
export function loadOfRange(range: Range, points: readonly Point[], unit: PointUnit): Load {
  const values = byStep(range, points);
  const at: number[] = [];
  const requests: number[] = [];
  let exact = 0;
  let given = 0;
  for (const [index, value] of values.entries()) {
    exact += unit === 'rate' ? value * range.step : value;
    const whole = Math.round(exact) - given;
    given += whole;
    for (let second = 0; second < range.step; second += 1) {
      const here =
        Math.floor(((second + 1) * whole) / range.step) - Math.floor((second * whole) / range.step);
      if (here === 0) continue;
      at.push(index * range.step + second);
      requests.push(here);
    }
  }
  return {
    seconds: values.length * range.step,
    at: Float64Array.from(at),
    requests: Float64Array.from(requests),
    inputTokens: null,
    outputTokens: null,
  };
}

function byStep({ from, to, step }: Range, points: readonly Point[]): number[] {
  const found = new Map<number, number>();
  for (const [at, value] of points) {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw new SeriesError(`the value at ${inUtc(at)} is ${value}; expected requests, 0 or more`);
    }
    found.set(Math.round((at - from) / step), value);
  }
  const count = Math.floor((to - from) / step);
  const values: number[] = [];
  for (let index = 1; index <= count; index += 1) {
    const value = found.get(index);
    if (value === undefined) throw gap({ from, to, step }, index, count, found);
    values.push(value);
  }
  return values;
}

function gap(
  { from, step }: Range,
  first: number,
  count: number,
  found: ReadonlyMap<number, number>,
): SeriesError {
  const remedy =
    'choose a range without it, or, where no series means no requests, give --query with "or vector(0)"';
  if (found.size === 0) return new SeriesError(`no data in the whole range; check the query and the range`);
  let last = first;
  while (last < count && !found.has(last + 1)) last += 1;
  const missing = count - found.size;
  const others = missing > last - first + 1 ? `; ${missing} of ${count} steps have none` : '';
  const start = inUtc(from + (first - 1) * step);
  return new SeriesError(`no data from ${start} to ${inUtc(from + last * step)}${others}; ${remedy}`);
}

function inUtc(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** A rate over less than this has no two samples of the usual scrape interval of 15 s to go by. */
const SHORTEST_WINDOW = 60;

/**
 * Requests per second for a workload's Service, by the profile that the trigger has for arrivals; null where it has none
 * that Prometheus could be asked for.
 */
export function arrivalQuery(trigger: Trigger, object: string, step: number): string | null {
  const [namespace = '', name = ''] = object.split('/', 2);
  const profile = [...trigger.profiles, ...(trigger.wake === null ? [] : [trigger.wake])].find(
    (each) => each.simulate === 'arrivals' && each.series === 'service' && 'value' in each.prometheus,
  );
  if (profile === undefined) return null;
  const service = trigger.service ?? trigger.workload?.name ?? name;
  const labels = [
    ['namespace', namespace],
    ['service', service],
  ];
  const only = labels.reduce((vector, [label, value]) => {
    return `label_replace(${vector}, "${label}", ${promqlString(value ?? '')}, "", "")`;
  }, 'vector(1)');
  return `sum((${rateOf(profile, step)}) and on (namespace, service) ${only})`;
}

function rateOf(profile: Profile, step: number): string {
  const { prometheus } = profile;
  const value = 'value' in prometheus ? prometheus.value : '';
  return value
    .trim()
    .replaceAll('{{by}}', seriesLabels(profile, false).join(', '))
    .replaceAll('{{window}}', `${Math.max(step, SHORTEST_WINDOW)}s`);
}

/** `$` would be a reference to a group in label_replace. */
function promqlString(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('$', '$$$$')}"`;
}
