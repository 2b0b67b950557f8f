import { plateausOf } from '../plateaus.js';
import { LoadTestError, stepOf, type LoadTest, type Step } from '../step.js';
import { tableOf, type Cells, type Row } from './csv.js';

/** A row of the history for the whole test, every second or so. */
interface Moment {
  readonly place: string;
  readonly t: number;
  readonly users: number;
  /** Since the start of the test. */
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Left out after each change of users: they start one after the other, and locust's percentiles look 10 s back. */
const SETTLE_SECONDS = 10;
const LEAST_SECONDS = 20;

/**
 * locust's `…_stats_history.csv`: one step for each stretch of one user count. Throughput and mean latency are differences
 * of its running totals, which are exact where its requests per second are smoothed. Percentiles are those of the last
 * 10 s only with `--csv-full-history`; without it they are of the whole test so far, and of no use for a step.
 */
export function locust(rows: readonly Row[], file: string): LoadTest {
  const { columns, body } = tableOf(rows, file);
  for (const needed of ['Total Request Count', 'Total Failure Count', 'Total Average Response Time'])
    if (!columns.includes(needed))
      throw new LoadTestError(file, `no column ${needed}`, 'give the …_stats_history.csv of locust --csv');
  const own = body.filter((row) => row.text('Name') === 'Aggregated');
  const full = own.length < body.length;
  const moments = own.map((row) => momentOf(row, full));
  const levels = moments.map(({ t, users }) => ({ t, level: users }));
  // Users are whole and exact: any change is another step.
  const plateaus = plateausOf(levels, { tolerance: 0, least: LEAST_SECONDS, settle: SETTLE_SECONDS });
  const steps = plateaus.flatMap(({ from, to }) => stepFrom(moments.slice(from, to)));
  if (steps.length === 0)
    throw new LoadTestError(
      file,
      'no user count stood still for half a minute',
      'raise the users in steps (a LoadTestShape) of two or three minutes each',
    );
  return { format: 'locust', steps, server: null, notes: full ? [] : [CUMULATIVE] };
}

const CUMULATIVE =
  'p99 is left out: without --csv-full-history locust writes the percentiles of the whole test so far, not of the step';

function momentOf(row: Cells, full: boolean): Moment {
  const number = (column: string) => row.optional(column) ?? 0;
  const milliseconds = (column: string) => {
    if (!full || row.text(column) === 'N/A') return null;
    const value = row.optional(column);
    return value === null ? null : value / 1000;
  };
  const requests = number('Total Request Count');
  return {
    place: row.place,
    t: number('Timestamp'),
    users: number('User Count'),
    requests,
    failures: number('Total Failure Count'),
    seconds: requests === 0 ? 0 : (requests * number('Total Average Response Time')) / 1000,
    p50: milliseconds('50%'),
    p99: milliseconds('99%'),
  };
}

function stepFrom(moments: readonly Moment[]): Step[] {
  const [first, last] = [moments[0], moments.at(-1)];
  if (first === undefined || last === undefined || last.t <= first.t) return [];
  const requests = last.requests - first.requests;
  const failures = last.failures - first.failures;
  if (requests <= failures) return [];
  return [
    stepOf({
      place: `${first.place} to ${last.place.split(':').at(-1) ?? ''}`,
      held: 'users',
      load: first.users,
      throughput: (requests - failures) / (last.t - first.t),
      mean: (last.seconds - first.seconds) / requests,
      p50: middle(moments.map(({ p50 }) => p50)),
      p99: middle(moments.map(({ p99 }) => p99)),
      failed: failures / requests,
    }),
  ];
}

/** The median of windows' percentiles: that of the whole step cannot be had from them. */
function middle(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}
