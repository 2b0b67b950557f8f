import axios from 'axios';
import { z } from 'zod';
import type { Range } from '../replay/pilotlight/prometheus-range.js';
import type { Settings } from '../server/settings.js';
import { systemClock } from '../server/system-clock.js';
import { createCredentials } from '../signals/prometheus/credentials.js';
import { errorText } from '../signals/prometheus/envelope.js';
import { UsageError } from './command.js';

/** One series of a range query. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Unix seconds and values; no point where there was none. NaN and ±Inf are left out. */
  readonly points: ReadonlyMap<number, number>;
}

export interface RangeReader {
  /**
   * @throws UsageError when Prometheus refuses the query; Error when it cannot be reached or answers in part only
   */
  read(promql: string): Promise<readonly RangeSeries[]>;
  close(): void;
}

const TIMEOUT_MS = 60_000;
/** A query for a whole cluster over an hour: some 2 000 pods at 15 s. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Prometheus refuses more in one answer. */
const MOST_POINTS = 11_000;

const matrix = z.object({
  status: z.literal('success'),
  warnings: z.array(z.string()).optional(),
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

/** Range queries with the server's own settings for credentials. @throws UsageError for a range that is too long */
export function rangeReader(settings: Settings, url: string, range: Range): RangeReader {
  const { from, to, step } = range;
  if ((to - from) / step >= MOST_POINTS)
    throw new UsageError(`--step: ${Math.ceil((to - from) / step)} points; expected at most ${MOST_POINTS}`);
  const credentials = createCredentials(filesOf(settings), systemClock);
  const own = Object.fromEntries(
    settings.prometheusHeader.map((header) => {
      const [name = '', ...value] = header.split('=');
      return [name, value.join('=')] as const;
    }),
  );
  return {
    async read(promql) {
      const access = await credentials.access();
      const body = new URLSearchParams({
        query: promql,
        start: String(from),
        end: String(to),
        step: String(step),
      });
      const authorization = access.authorization === null ? {} : { Authorization: access.authorization };
      const response = await axios
        .post<unknown>(`${url.replace(/\/+$/, '')}/api/v1/query_range`, body.toString(), {
          headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...own, ...authorization },
          httpAgent: access.httpAgent,
          httpsAgent: access.httpsAgent,
          timeout: TIMEOUT_MS,
          maxContentLength: MOST_BYTES,
          validateStatus: () => true,
          // A redirect or a proxy would carry the credentials to somewhere nobody has named.
          maxRedirects: 0,
          proxy: false,
        })
        .catch((error: unknown) => {
          throw new Error(`--prometheus ${url}: ${inWords(error)}`, { cause: error });
        });
      return seriesIn(response.status, response.data, url);
    },
    close: () => credentials.close(),
  };
}

function seriesIn(status: number, body: unknown, url: string): RangeSeries[] {
  if (status !== 200)
    throw new UsageError(`--prometheus ${url}: HTTP ${status}: ${errorText(body) ?? 'no reason given'}`);
  const answer = matrix.safeParse(body);
  if (!answer.success) throw new UsageError(`--prometheus ${url}: the answer is no Prometheus range`);
  // Remarks about a query's style take nothing away from the answer; a missing store does.
  const warning = answer.data.warnings?.find((text) => !text.startsWith('PromQL info:'));
  if (warning !== undefined) throw new Error(`--prometheus ${url}: partial answer: ${warning}`);
  return answer.data.data.result.map(({ metric, values }) => ({
    labels: metric,
    points: new Map(
      values.map(([at, value]) => [at, Number(value)] as const).filter(([, value]) => Number.isFinite(value)),
    ),
  }));
}

function filesOf(settings: Settings): Parameters<typeof createCredentials>[0] {
  const files = {
    username: settings.prometheusUsername,
    passwordFile: settings.prometheusPasswordFile,
    bearerTokenFile: settings.prometheusTokenFile,
    caFile: settings.prometheusCa,
    certFile: settings.prometheusCert,
    keyFile: settings.prometheusKey,
  };
  return Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined));
}

function inWords(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}
