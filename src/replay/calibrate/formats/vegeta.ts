import { z } from 'zod';
import { plateausOf, type Plateau } from '../plateaus.js';
import { LoadTestError, stepOf, type LoadTest, type Step } from '../step.js';
import { numberIn, type Row } from './csv.js';

/** Go writes durations as nanoseconds. `throughput` is there since vegeta 12.6. */
const report = z.object({
  latencies: z.object({ mean: z.number(), '50th': z.number(), '99th': z.number() }),
  rate: z.number().positive(),
  throughput: z.number().optional(),
  success: z.number(),
  requests: z.int().positive(),
});

/**
 * `vegeta report -type=json`: one file for each rate.
 *
 * @throws LoadTestError for what is no such report
 */
export function vegetaReport(text: string, file: string): LoadTest {
  const parsed = report.safeParse(jsonOf(text, file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const found = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a report'}`;
    throw new LoadTestError(
      file,
      found,
      'give the output of vegeta report -type=json, one file for each rate',
    );
  }
  const { latencies, rate, success, throughput = rate * success } = parsed.data;
  if (throughput <= 0) throw new LoadTestError(file, 'no request succeeded', 'look at its errors first');
  const step = stepOf({
    place: file,
    held: 'rate',
    load: rate,
    throughput,
    mean: latencies.mean / 1e9,
    p50: latencies['50th'] / 1e9,
    p99: latencies['99th'] / 1e9,
    failed: 1 - success,
  });
  return { format: 'vegeta report', steps: [step], server: null, notes: [] };
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LoadTestError(
      file,
      'not one JSON document',
      'give the output of vegeta report -type=json, or of vegeta encode -to csv',
    );
  }
}

/** One request: seconds since the first, and how long it took. */
interface Hit {
  readonly place: string;
  readonly start: number;
  readonly latency: number;
  readonly ok: boolean;
}

const COLUMNS = 9;
const LEAST_SECONDS = 5;
const TOLERANCE = 0.15;
/** Requests in a bucket: enough that a steady rate looks steady. */
const BUCKET = 100;

/**
 * `vegeta encode -to csv`: a row for each request, of one attack or of several in one file. Rates are told apart by the
 * requests in each bucket of time.
 */
export function vegetaResults(rows: readonly Row[], file: string): LoadTest {
  const hits = hitsOf(rows);
  const length = hits.at(-1)?.start ?? 0;
  if (hits.length < BUCKET || length === 0)
    throw new LoadTestError(
      file,
      `${hits.length} requests`,
      `a rate is told from at least ${BUCKET} of them`,
    );
  const width = Math.max(1, Math.ceil((BUCKET * length) / hits.length));
  const buckets = inBuckets(hits, width);
  const levels = buckets.map((bucket, index) => ({ t: index * width, level: bucket.length }));
  // The last bucket is cut off by the end of the attack.
  const steady = buckets.length > 2 ? levels.slice(0, -1) : levels;
  const least = Math.max(LEAST_SECONDS, 2 * width) - width;
  const plateaus = plateausOf(steady, { tolerance: TOLERANCE, least, settle: 0 });
  const stretches = plateaus.length > 0 ? plateaus : [{ from: 0, to: buckets.length }];
  const steps = stretches.flatMap((stretch) => stepFrom(buckets, stretch, width));
  return { format: 'vegeta results', steps, server: null, notes: [] };
}

function hitsOf(rows: readonly Row[]): Hit[] {
  const read = rows.map(({ place, cells }) => {
    if (cells.length !== COLUMNS)
      throw new LoadTestError(place, `${cells.length} cells`, `vegeta encode -to csv writes ${COLUMNS}`);
    const [timestamp = '', code = '', latency = ''] = cells;
    const status = numberIn(code, 'the status code is', place);
    const nanoseconds = numberIn(timestamp, 'the timestamp is', place);
    const took = numberIn(latency, 'the latency is', place) / 1e9;
    return { place, start: nanoseconds / 1e9, latency: took, ok: status >= 200 && status < 400 };
  });
  const sorted = read.toSorted((a, b) => a.start - b.start);
  const first = sorted[0]?.start ?? 0;
  return sorted.map((hit) => ({ ...hit, start: hit.start - first }));
}

function inBuckets(hits: readonly Hit[], width: number): Hit[][] {
  const count = Math.floor((hits.at(-1)?.start ?? 0) / width) + 1;
  const buckets = Array.from({ length: count }, (): Hit[] => []);
  for (const hit of hits) buckets[Math.floor(hit.start / width)]?.push(hit);
  return buckets;
}

function stepFrom(buckets: readonly Hit[][], { from, to }: Plateau, width: number): Step[] {
  const hits = buckets.slice(from, to).flat();
  const good = hits.filter(({ ok }) => ok);
  const [first, last] = [hits[0], hits.at(-1)];
  if (first === undefined || last === undefined || good.length === 0) return [];
  const seconds = to - from === buckets.length ? last.start - first.start : (to - from) * width;
  const times = hits.map(({ latency }) => latency).toSorted((a, b) => a - b);
  const quantile = (share: number) => times[Math.ceil(share * times.length) - 1] ?? null;
  // As vegeta does: answers count until the last of them is in, so that a replica that falls behind shows it.
  const end = hits.reduce((latest, { start, latency }) => Math.max(latest, start + latency), 0);
  return [
    stepOf({
      place: `${first.place} to ${last.place.split(':').at(-1) ?? ''}`,
      held: 'rate',
      load: hits.length / seconds,
      throughput: good.length / Math.max(seconds, end - first.start),
      mean: times.reduce((sum, time) => sum + time, 0) / times.length,
      p50: quantile(0.5),
      p99: quantile(0.99),
      failed: 1 - good.length / hits.length,
    }),
  ];
}
