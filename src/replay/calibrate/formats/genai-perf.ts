import { LoadTestError, stepOf, type Held, type LoadTest } from '../step.js';
import { numberIn, type Row } from './csv.js';

/**
 * What genai-perf and its successor AIPerf export for one concurrency or request rate: blocks of `Metric,avg,…,p99,…` and
 * `Metric,Value`. The load is not in the file but in the name of its folder, such as
 * `artifacts/llama-chat-concurrency8/profile_export_genai_perf.csv`.
 *
 * @param given the load from the command line; null: from the path
 */
export function genaiPerf(rows: readonly Row[], file: string, given: number | null): LoadTest {
  const metrics = metricsOf(rows);
  const { held, load } = given === null ? loadFrom(file) : { held: 'concurrency' as const, load: given };
  const throughput =
    metrics.get('request throughput')?.get('value') ?? metrics.get('request throughput')?.get('avg');
  if (throughput === undefined || throughput === 0)
    throw new LoadTestError(file, 'no Request Throughput', 'give the CSV that genai-perf or AIPerf exported');
  const latency = metrics.get('request latency');
  const statistic = (name: string) => latency?.get(name) ?? null;
  const measured = { mean: statistic('avg'), p50: statistic('p50'), p99: statistic('p99') };
  return {
    format: 'genai-perf',
    steps: [stepOf({ place: file, held, load, throughput, ...measured })],
    server: null,
    notes: [],
  };
}

/** The last word on it in the path: folders above may be called after a concurrency too. */
function loadFrom(file: string): { held: Held; load: number } {
  const [, kind = '', value] =
    [...file.matchAll(/(concurrency|request[_-]?rate)[_-]?(\d+(?:\.\d+)?)/gi)].at(-1) ?? [];
  if (!(Number(value) > 0))
    throw new LoadTestError(
      file,
      'the path does not say the concurrency',
      'keep the folder that genai-perf made (…-concurrency8/), or give --concurrency 1,2,4 in the order of the files',
    );
  return { held: /concurrency/i.test(kind) ? 'concurrency' : 'rate', load: Number(value) };
}

type Metrics = Map<string, Map<string, number>>;

/** Metric → statistic → value, in seconds where the name has a unit of time. */
function metricsOf(rows: readonly Row[]): Metrics {
  const metrics: Metrics = new Map();
  let header: readonly string[] = [];
  for (const { place, cells } of rows) {
    if (cells[0] === 'Metric') header = cells;
    // Telemetry of the GPUs: of the machine that ran the test, which need not be the one that served.
    if (cells[0] === 'Metric' || header[1] === 'GPU' || cells.length !== header.length) continue;
    const [, name = '', unit = ''] = /^(.*?)\s*(?:\(([^)]*)\))?$/.exec(cells[0] ?? '') ?? [];
    const factor = SECONDS_IN[unit] ?? 1;
    const statistics = new Map<string, number>();
    for (const [index, cell] of cells.entries()) {
      const column = header[index]?.toLowerCase() ?? '';
      if (index === 0 || cell === '' || !WANTED.has(column)) continue;
      if (MINE.has(name.toLowerCase())) statistics.set(column, factor * numberIn(cell, `${name} is`, place));
    }
    if (statistics.size > 0) metrics.set(name.toLowerCase(), statistics);
  }
  return metrics;
}

const MINE = new Set(['request latency', 'request throughput']);
const WANTED = new Set(['avg', 'p50', 'p99', 'value']);
const SECONDS_IN: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, sec: 1 };
