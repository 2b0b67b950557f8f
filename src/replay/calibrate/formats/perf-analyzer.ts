import { LoadTestError, stepOf, type LoadTest, type Step } from '../step.js';
import { tableOf, type Cells, type Row } from './csv.js';

/**
 * What Triton's perf_analyzer writes with `-f FILE`: a row for each concurrency or request rate, in order of throughput,
 * times in µs. Server times are there where it could read the server's statistics; the GPU's with `--verbose-csv
 * --collect-metrics`.
 */
export function perfAnalyzer(rows: readonly Row[], file: string): LoadTest {
  const { columns, body } = tableOf(rows, file);
  const server = columns.includes('Server Queue');
  return {
    format: 'perf_analyzer',
    steps: body.map((row) => step(row, columns)),
    server: server ? 'Triton' : null,
    notes: server ? [] : ['the file has no server times: slots and serviceTime have the network in them'],
  };
}

const HELD = { Concurrency: 'concurrency', 'Request Rate': 'rate' } as const;
/** All that a request's mean time is made of. Cache times are those of hits and misses apart, so with a cache it is unknown. */
const SERVICE = ['Server Compute Input', 'Server Compute Infer', 'Server Compute Output'];
const ALL = ['Client Send', 'Network+Server Send/Recv', 'Server Queue', ...SERVICE, 'Client Recv'];

function step(row: Cells, columns: readonly string[]): Step {
  const column = columns.includes('Concurrency') ? 'Concurrency' : 'Request Rate';
  if (!columns.includes(column))
    throw new LoadTestError(
      row.place,
      'no column Concurrency or Request Rate',
      'write the file with perf_analyzer -f',
    );
  const inSeconds = (name: string) => scaled(row.optional(name));
  const gpu = gpuOf(row);
  return stepOf({
    place: row.place,
    held: HELD[column],
    load: row.positive(column),
    throughput: row.positive('Inferences/Second'),
    mean: inSeconds('Avg latency') ?? (columns.includes('Server Cache Hit') ? null : sumOf(row, ALL)),
    p50: inSeconds('p50 latency'),
    p99: inSeconds('p99 latency'),
    queue: inSeconds('Server Queue'),
    service: sumOf(row, SERVICE),
    utilisation: gpu === null ? {} : { gpu },
  });
}

function sumOf(row: Cells, columns: readonly string[]): number | null {
  let sum = 0;
  for (const column of columns) {
    const value = row.optional(column);
    if (value === null) return null;
    sum += value;
  }
  return scaled(sum);
}

/** `GPU-uuid:0.8;GPU-uuid:0.6;`: the mean over the cards. */
function gpuOf(row: Cells): number | null {
  const text = row.text('Avg GPU Utilization');
  const shares = [...(text ?? '').matchAll(/:([\d.]+);/g)].map(([, share]) => Number(share));
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function scaled(micros: number | null): number | null {
  return micros === null ? null : micros / 1e6;
}
