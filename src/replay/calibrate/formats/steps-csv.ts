import { nearest } from '../../../policy/nearest.js';
import { LoadTestError, stepOf, type Held, type LoadTest, type Step } from '../step.js';
import { tableOf, type Cells, type Row } from './csv.js';

export const STEPS_HEADER =
  'concurrency,throughput[,mean_ms][,p50_ms][,p99_ms][,queue_ms][,service_ms][,failed_percent][,cpu_util][,gpu_util][,PROFILE…]';

const LOADS: Readonly<Record<string, Held>> = { concurrency: 'concurrency', users: 'users', rate: 'rate' };
const OWN = [
  'throughput',
  'mean_ms',
  'p50_ms',
  'p99_ms',
  'queue_ms',
  'service_ms',
  'failed_percent',
  'cpu_util',
  'gpu_util',
];

/**
 * Steps written by hand or by a script: `concurrency` (or `users` or `rate`) and `throughput`, then whatever was measured;
 * times in ms, utilisations in percent of the limit, and columns called after profiles in the profile's unit. Columns in
 * any order; an empty cell was not measured.
 *
 * @param profiles the names that columns may have
 * @throws LoadTestError
 */
export function stepsCsv(rows: readonly Row[], file: string, profiles: readonly string[]): LoadTest {
  const { columns, body } = tableOf(rows, file);
  const load = columns.find((column) => column in LOADS) ?? 'concurrency';
  checkColumns(columns, rows[0]?.place ?? file, profiles);
  const signals = columns.filter((column) => profiles.includes(column));
  return {
    format: 'a CSV of steps',
    steps: body.map((row) => step(row, load, signals)),
    server: null,
    notes: [],
  };
}

function checkColumns(columns: readonly string[], place: string, profiles: readonly string[]): void {
  const known = [...Object.keys(LOADS), ...OWN, ...profiles];
  for (const [index, column] of columns.entries()) {
    if (columns.indexOf(column) !== index)
      throw new LoadTestError(place, `column "${column}" is there twice`, 'keep one');
    if (known.includes(column)) continue;
    const near = nearest(column, known);
    const remedy = near === null ? `the header is ${STEPS_HEADER}` : `did you mean ${near}?`;
    throw new LoadTestError(place, `unknown column "${column}"`, remedy);
  }
  if (columns.filter((column) => column in LOADS).length !== 1 || !columns.includes('throughput'))
    throw new LoadTestError(place, `columns ${columns.join(', ')}`, `the header is ${STEPS_HEADER}`);
}

function step(row: Cells, load: string, signals: readonly string[]): Step {
  const scaled = (column: string, by: number) => {
    const value = row.optional(column);
    return value === null ? null : value / by;
  };
  const [cpu, gpu] = [scaled('cpu_util', 100), scaled('gpu_util', 100)];
  return stepOf({
    place: row.place,
    held: LOADS[load] ?? 'concurrency',
    load: row.positive(load),
    throughput: row.positive('throughput'),
    mean: scaled('mean_ms', 1000),
    p50: scaled('p50_ms', 1000),
    p99: scaled('p99_ms', 1000),
    queue: scaled('queue_ms', 1000),
    service: scaled('service_ms', 1000),
    failed: scaled('failed_percent', 100),
    utilisation: { ...(cpu === null ? {} : { cpu }), ...(gpu === null ? {} : { gpu }) },
    signals: Object.fromEntries(
      signals.flatMap((name) => {
        const value = row.optional(name);
        return value === null ? [] : [[name, value]];
      }),
    ),
  });
}
