import { z } from 'zod';
import type { Load } from '../replay/load.js';
import {
  loadOfRange,
  rangeChunks,
  SeriesError,
  type Point,
  type PointUnit,
  type Range,
} from '../replay/pilotlight/prometheus-range.js';
import { UsageError } from './command.js';
import { secondsOf, type Flags } from './replay-inputs.js';

const TIMEOUT_MS = 60_000;

export const PROMETHEUS_FLAGS = {
  prometheus: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  step: { type: 'string', default: '15s' },
  query: { type: 'string' },
  'query-gives': { type: 'string', default: 'rate' },
} as const;

/** @throws UsageError */
export function rangeOf(flags: Flags): Range {
  const from = momentOf(flags, 'from');
  const to = momentOf(flags, 'to');
  const step = secondsOf(flags, 'step') ?? 15;
  if (!Number.isInteger(step) || step < 1) throw new UsageError('--step: expected whole seconds, at least 1');
  if (to - from < step) throw new UsageError(`--to: expected at least one step of ${step} s after --from`);
  return { from, to, step };
}

export function unitOf(flags: Flags): PointUnit {
  const unit = flags['query-gives'];
  if (unit === 'rate' || unit === 'increase') return unit;
  throw new UsageError(`--query-gives: got "${String(unit)}", expected rate (a second) or increase (a step)`);
}

function momentOf(flags: Flags, name: string): number {
  const value = flags[name];
  if (typeof value !== 'string') throw new UsageError(`--${name} is required with --prometheus`);
  const seconds = /^\d{1,11}$/.test(value) ? Number(value) : Math.floor(Date.parse(value) / 1000);
  if (Number.isFinite(seconds)) return seconds;
  throw new UsageError(`--${name}: got "${value}", expected 2026-01-31T08:00:00Z or seconds since 1970`);
}

/**
 * The load that a Prometheus has recorded.
 *
 * @throws SeriesError for a gap or anything else that is wrong with the data; UsageError where Prometheus refuses the
 *   query; Error where it cannot be reached
 */
export async function loadFromPrometheus(
  url: string,
  query: string,
  range: Range,
  unit: PointUnit,
): Promise<Load> {
  const points: Point[] = [];
  for (const { start, end } of rangeChunks(range)) {
    points.push(...(await pointsOf(url, query, start, end, range.step)));
  }
  return loadOfRange(range, points, unit);
}

const matrix = z.object({
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })),
  }),
});

async function pointsOf(
  url: string,
  query: string,
  start: number,
  end: number,
  step: number,
): Promise<Point[]> {
  const response = await ask(url, { query, start: String(start), end: String(end), step: String(step) });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new UsageError(`--prometheus ${url}: HTTP ${response.status}: ${errorOf(body)}`);
  const answer = matrix.safeParse(body);
  if (!answer.success) throw new UsageError(`--prometheus ${url}: the answer is no Prometheus range`);
  const [series, another] = answer.data.data.result;
  if (another !== undefined) {
    const count = answer.data.data.result.length;
    throw new SeriesError(`the query gives ${count} series; expected one, as sum(…) gives`);
  }
  return (series?.values ?? []).map(([at, value]): Point => [at, Number(value)]);
}

async function ask(url: string, parameters: Record<string, string>): Promise<Response> {
  const address = `${url.replace(/\/$/, '')}/api/v1/query_range`;
  try {
    return await fetch(address, {
      method: 'POST',
      body: new URLSearchParams(parameters),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`--prometheus ${url}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error,
    });
  }
}

function errorOf(body: unknown): string {
  const said = z.object({ error: z.string() }).safeParse(body);
  return said.success ? said.data.error : 'no reason given';
}
