import { SECOND, type Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import type { MetricAnswer, MetricRequest, MetricSeries, MetricSource } from '../../ports/metric-source.js';
import { NONE_DROPPED, type Dropped } from './assembly.js';
import { instantQuery } from './client.js';
import { createCredentials, type CredentialFiles, type Credentials } from './credentials.js';
import { startDeadline, type Deadline } from './deadline.js';
import { elementOf, timeAndValue } from './element.js';
import { QueryFault } from './fault.js';
import { createGate, type GateState } from './gate.js';
import { createQuestions, type Question } from './question.js';

export interface PrometheusOptions {
  /** `http(s)://host[:port][/prefix]`, without user, query and fragment. */
  readonly url: string;
  readonly clock: Clock;
  /** The rate window, a PromQL duration; 1m by default. Four scrape intervals or more. */
  readonly window?: string;
  /** For a whole call: waiting, connecting, the body and a second attempt; 10 s by default. */
  readonly timeoutMs?: Millis;
  /** After decompression; 32 MiB by default. */
  readonly maxBodyBytes?: number;
  /** Queries under way at once; 8 by default. Tenants' own queries take at most half of them. */
  readonly maxConcurrent?: number;
  readonly credentials?: CredentialFiles;
  /** Such as `X-Scope-OrgID`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How the source and its server are doing, since the start. */
export interface PrometheusHealth extends GateState {
  readonly url: string;
  readonly lastAnswerAt: Millis | null;
  readonly lastFailure: { readonly at: Millis; readonly why: string } | null;
  readonly calls: number;
  readonly failures: number;
  /** Values left out of good answers. */
  readonly dropped: Dropped;
  /** Credential files that cannot be read now. */
  readonly credentialProblems: readonly string[];
}

export interface PrometheusSource extends MetricSource {
  /** Ends what is under way; reads after it fail. */
  close(): void;
  health(): PrometheusHealth;
}

const DEFAULTS = {
  window: '1m',
  timeoutMs: 10 * SECOND,
  maxBodyBytes: 32 * 1024 * 1024,
  maxConcurrent: 8,
  headers: {},
} as const;

/** A tenant's query is about one workload: 4 MiB are some 30 000 series. */
const TRIGGER_BODY_BYTES = 4 * 1024 * 1024;

/** What every query to one server has in common. */
interface Server extends Required<Omit<PrometheusOptions, 'url' | 'credentials'>> {
  readonly base: string;
  readonly credentials: Credentials;
}

/**
 * Prometheus, or anything with its HTTP API (Mimir, Thanos, VictoriaMetrics), as a metric source.
 *
 * @throws Error when the address or the settings of the credentials cannot be right
 */
export function createPrometheusSource(options: PrometheusOptions): PrometheusSource {
  const { clock, credentials: files = {} } = options;
  const base = baseOf(options.url);
  const credentials = createCredentials(files, clock);
  const server: Server = { ...DEFAULTS, ...options, base, credentials };
  const gate = createGate(server.maxConcurrent, clock);
  const questionOf = createQuestions(server.window);
  const underWay = new Set<Deadline>();
  const tally = { calls: 0, failures: 0, dropped: NONE_DROPPED };
  let lastAnswerAt: Millis | null = null;
  let lastFailure: PrometheusHealth['lastFailure'] = null;
  let closed = false;

  function failed(error: unknown): MetricAnswer {
    const why = `Prometheus ${base}: ${(error as Error).message}`;
    tally.failures += 1;
    lastFailure = { at: clock.now(), why };
    return { kind: 'failed', why };
  }

  async function read(request: MetricRequest): Promise<MetricAnswer> {
    const question = questionOf(request);
    if (typeof question === 'string') return { kind: 'failed', why: question };
    if (closed) return failed(closedFault());
    const deadline = startDeadline(server.timeoutMs);
    underWay.add(deadline);
    tally.calls += 1;
    try {
      const work = () => ask(server, question, deadline);
      const { series, dropped } = await deadline.over(gate.pass(question.fromTrigger, deadline, work));
      tally.dropped = sum(tally.dropped, dropped);
      lastAnswerAt = clock.now();
      return { kind: 'answered', series };
    } catch (error) {
      return failed(error);
    } finally {
      deadline.clear();
      underWay.delete(deadline);
    }
  }

  return {
    read,
    close() {
      closed = true;
      for (const deadline of underWay) deadline.giveUp(closedFault());
      credentials.close();
    },
    health: () => ({
      url: base,
      ...gate.state(),
      ...tally,
      lastAnswerAt,
      lastFailure,
      credentialProblems: credentials.problems(),
    }),
  };
}

/** One query and its answer, whole or not at all. */
async function ask(
  server: Server,
  question: Question,
  deadline: Deadline,
): Promise<{ series: readonly MetricSeries[]; dropped: Dropped }> {
  const { base, headers, timeoutMs, maxBodyBytes } = server;
  deadline.stage = 'reading the credentials';
  const access = await server.credentials.access();
  const assembly = question.assembly(server.clock.now());
  const call = {
    base,
    promql: question.promql,
    evaluationMs: timeoutMs,
    headers,
    access,
    deadline,
    maxBodyBytes: question.fromTrigger ? Math.min(maxBodyBytes, TRIGGER_BODY_BYTES) : maxBodyBytes,
  };
  const { resultType, result } = await instantQuery(call, (elements) => assembly.addText(elements));
  if (resultType === 'vector') for (const element of result) assembly.add(elementOf(element));
  else assembly.add({ labels: {}, ...timeAndValue(result) });
  return assembly.finish();
}

/** The address without a slash at its end. */
function baseOf(text: string): string {
  const wrong = (what: string) =>
    new Error(`Prometheus address: ${what}; expected http(s)://host[:port][/prefix]`);
  if (!URL.canParse(text)) throw wrong('it cannot be read');
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) throw wrong(`${url.protocol}// is not served`);
  if (url.username !== '' || url.password !== '')
    throw wrong('it holds a user or password; give those as files');
  if (url.search !== '' || url.hash !== '') throw wrong(`${url.origin} has a query or a fragment after it`);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function sum(a: Dropped, b: Dropped): Dropped {
  return { withoutTime: a.withoutTime + b.withoutTime, withoutOwner: a.withoutOwner + b.withoutOwner };
}

function closedFault(): QueryFault {
  return new QueryFault('unsent', 'this source has been closed');
}
