import { plateausOf } from './plateaus.js';
import { LoadTestError, stepOf, type LoadTest, type Step } from './step.js';

type Column = readonly (number | null)[];

/** What a monitoring system saw of one replica during a load test, moment by moment; null where it has no value. */
export interface Measurements {
  /** Unix seconds, evenly apart. */
  readonly t: readonly number[];
  /** Requests per second, seconds. */
  readonly throughput: Column;
  readonly mean: Column;
  readonly p99: Column;
  readonly queue: Column;
  readonly service: Column;
  /** Running and waiting, from a gauge; all null without one. */
  readonly inFlight: Column;
  /** By profile. */
  readonly signals: Readonly<Record<string, Column>>;
}

export interface StepOptions {
  /** Seconds that the rates behind the values look back. */
  readonly window: number;
  /** A step lasts at least so many seconds beyond the window. */
  readonly least: number;
}

const TOLERANCE = 0.2;

/**
 * The steps of a load test that was raised step by step, found where the requests in flight stood still. Throughput alone
 * could not tell them apart: past the knee it is the same at every step.
 *
 * @param place how to call the source in messages
 * @throws LoadTestError when there is nothing to tell steps by, or no step
 */
export function stepsFrom(
  measurements: Measurements,
  place: string,
  server: string | null,
  { window, least }: StepOptions,
): LoadTest {
  const { t } = measurements;
  const levels = t.map((_, index) => inFlightAt(measurements, index));
  if (levels.every((level) => level === null))
    throw new LoadTestError(
      place,
      'neither latencies nor requests in flight were recorded, so steps cannot be told apart',
      'give a CSV of steps',
    );
  const moments = t.map((at, index) => ({ t: at, level: levels[index] ?? 0 }));
  const plateaus = plateausOf(moments, { tolerance: TOLERANCE, least, settle: window });
  if (plateaus.length === 0)
    throw new LoadTestError(
      place,
      `the load never stood still for ${window + least} s`,
      'hold each step two or three minutes, or take a shorter --window',
    );
  const steps = plateaus.map(({ from, to }) => stepBetween(measurements, levels, from, to));
  return { format: 'Prometheus', steps: distinct(steps), server, notes: [] };
}

/** By Little's law from rates, which are means over the window; a gauge is one moment's value. */
function inFlightAt({ throughput, mean, inFlight }: Measurements, index: number): number | null {
  const [x, r] = [throughput[index] ?? null, mean[index] ?? null];
  return x !== null && r !== null ? x * r : (inFlight[index] ?? null);
}

function stepBetween(measurements: Measurements, levels: Column, from: number, to: number): Step {
  const { t, throughput, mean, p99, queue, service, signals } = measurements;
  const average = (column: Column) => meanOf(column.slice(from, to));
  const value = average(throughput);
  const place = `${stamp(t[from])} to ${stamp(t[to - 1])}`;
  if (value === null || value <= 0)
    throw new LoadTestError(
      place,
      'requests were in flight and none was answered',
      'choose --from and --to anew',
    );
  return stepOf({
    place,
    held: 'concurrency',
    load: average(levels) ?? 0,
    throughput: value,
    mean: average(mean),
    p99: middleOf(p99.slice(from, to)),
    queue: average(queue),
    service: average(service),
    signals: Object.fromEntries(
      Object.entries(signals).flatMap(([name, column]) => {
        const mean = average(column);
        return mean === null ? [] : [[name, mean]];
      }),
    ),
  });
}

/** A test that goes up and down again has each load twice: the first, on the way up, stands. */
function distinct(steps: readonly Step[]): Step[] {
  const near = (a: Step, b: Step) => Math.abs(a.load - b.load) <= (TOLERANCE / 2) * b.load;
  return steps.filter((step, index) => steps.findIndex((other) => near(step, other)) === index);
}

function meanOf(values: Column): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function middleOf(values: Column): number | null {
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}

function stamp(t: number | undefined): string {
  return t === undefined ? '' : new Date(t * 1000).toISOString().replace('.000', '');
}
