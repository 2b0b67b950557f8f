import axios from 'axios';
import { z } from 'zod';
import type { Range } from '../replay/pilotlight/prometheus-range.js';
import { resolveSettings, type Settings } from '../server/settings.js';
import { systemClock } from '../server/system-clock.js';
import { createCredentials, type Access, type Credentials } from '../signals/prometheus/credentials.js';
import { errorText } from '../signals/prometheus/envelope.js';
import { UsageError } from './command.js';
import type { Flags } from './replay-inputs.js';
import { CREDENTIAL_FLAGS } from './replay-prometheus.js';

/** One series of a range query. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Unix seconds and values; no point where there was none. NaN and ±Inf are left out. */
  readonly points: ReadonlyMap<number, number>;
}

interface Part {
  readonly start: number;
  readonly end: number;
}

export interface RangeReader {
  /**
   * @param part first and last point, where the whole range would be too many points
   * @throws UsageError when Prometheus refuses the query, or would; Error when it cannot be reached or answers in part only
   */
  read(promql: string, part?: Part): Promise<readonly RangeSeries[]>;
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

/** Credentials come as they do for the server: flags over the environment. @throws SettingsError */
export function credentialSettings(flags: Flags): Settings {
  const own = Object.keys(CREDENTIAL_FLAGS).flatMap((flag) => {
    const value = flags[flag];
    const name = flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return value === undefined ? [] : [[name, value] as const];
  });
  return resolveSettings({ flags: Object.fromEntries(own), environment: process.env, file: null });
}

/** Range queries with the server's own settings for credentials. @throws UsageError for settings that contradict each other */
export function rangeReader(settings: Settings, url: string, { from, to, step }: Range): RangeReader {
  const credentials = credentialsOf(settings);
  const own = Object.fromEntries(
    settings.prometheusHeader.map((header) => {
      const [name = '', ...value] = header.split('=');
      return [name, value.join('=')] as const;
    }),
  );
  return {
    async read(promql, { start, end } = { start: from, end: to }) {
      if ((end - start) / step >= MOST_POINTS) {
        const points = Math.ceil((end - start) / step);
        throw new UsageError(`--step: ${points} points; expected at most ${MOST_POINTS}`);
      }
      const access = await accessTo(url, credentials);
      const body = new URLSearchParams({
        query: promql,
        start: String(start),
        end: String(end),
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
  if (status !== 200) {
    const hint =
      status === 401 || status === 403 ? '; give --prometheus-token-file, or another of serve' : '';
    throw new UsageError(
      `--prometheus ${url}: HTTP ${status}: ${errorText(body) ?? 'no reason given'}${hint}`,
    );
  }
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

function credentialsOf(settings: Settings): Credentials {
  try {
    return createCredentials(filesOf(settings), systemClock);
  } catch (error) {
    throw new UsageError(inWords(error));
  }
}

/** @throws UsageError for a file that cannot be read, or is no token */
async function accessTo(url: string, credentials: Credentials): Promise<Access> {
  try {
    return await credentials.access();
  } catch (error) {
    throw new UsageError(`--prometheus ${url}: ${inWords(error)}`);
  }
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
