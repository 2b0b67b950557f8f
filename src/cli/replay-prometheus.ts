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

export const PROMETHEUS_FLAGS = {
  prometheus: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  step: { type: 'string', default: '15s' },
  query: { type: 'string' },
  'query-gives': { type: 'string', default: 'rate' },
} as const;

/** As `serve` has them. */
export const CREDENTIAL_FLAGS = {
  'prometheus-username': { type: 'string' },
  'prometheus-password-file': { type: 'string' },
  'prometheus-token-file': { type: 'string' },
  'prometheus-ca': { type: 'string' },
  'prometheus-cert': { type: 'string' },
  'prometheus-key': { type: 'string' },
  'prometheus-header': { type: 'string', multiple: true },
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
 * @param flags with the credentials
 * @throws SeriesError for a gap or anything else that is wrong with the data; UsageError where Prometheus refuses the
 *   query, or the credentials; Error where it cannot be reached
 */
export async function loadFromPrometheus(
  url: string,
  query: string,
  range: Range,
  unit: PointUnit,
  flags: Flags = {},
): Promise<Load> {
  // Loaded on use: most loads come from files, and an HTTP client takes longer to load than two weeks to read.
  const { credentialSettings, rangeReader } = await import('./prometheus-range.js');
  const reader = rangeReader(credentialSettings(flags), url, range);
  try {
    const points: Point[] = [];
    for (const part of rangeChunks(range)) {
      const all = await reader.read(query, part);
      const [series, another] = all;
      if (another !== undefined)
        throw new SeriesError(`the query gives ${all.length} series; expected one, as sum(…) gives`);
      points.push(...(series?.points ?? []));
    }
    return loadOfRange(range, points, unit);
  } finally {
    reader.close();
  }
}
