import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createPrometheusSource, type PrometheusOptions } from '../../../src/signals/prometheus/source.js';
import type { MetricAnswer, MetricSeries } from '../../../src/ports/metric-source.js';
import { profileSchema, type Profile } from '../../../src/policy/profile.js';
import { listen } from '../../support/prometheus-server.js';

/** A clock that stands still until it is moved. */
export function handClock(start = 1_700_000_000_000) {
  let time = start;
  return {
    now: () => time,
    move(by: number) {
      time += by;
    },
  };
}

export const wallClock = { now: () => Date.now() };

export function profile(more: Record<string, unknown> = {}): Profile {
  return profileSchema.parse({
    name: 'requests',
    summary: 'Requests waiting',
    unit: 'requests',
    kind: 'extensive',
    model: 'model',
    simulate: 'queue',
    prometheus: {
      value: 'sum by ({{by}}) (app_queue)',
      at: 'max by ({{by}}) (timestamp(app_queue))',
      alive: 'max by (namespace, pod) (timestamp(up == 1))',
    },
    scrape: { none: 'not needed here' },
    source: { metric: 'app_queue', vendor: 'the test' },
    ...more,
  });
}

export const fromTrigger = profile({ name: 'promql', prometheus: { fromTrigger: 'query' } });

export interface FakeServer {
  readonly url: string;
  /** The form of each query, in order. */
  readonly queries: URLSearchParams[];
  readonly headers: IncomingMessage['headers'][];
  stop(): Promise<void>;
}

type Answer = (response: ServerResponse, count: number, request: IncomingMessage) => void;

/** A real HTTP server that answers queries in a way that Prometheus would not. */
export async function fakeServer(answer: Answer, prefix = ''): Promise<FakeServer> {
  const queries: URLSearchParams[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method !== 'POST' || request.url !== `${prefix}/api/v1/query`) {
        response.writeHead(404).end();
        return;
      }
      headers.push(request.headers);
      queries.push(new URLSearchParams(Buffer.concat(chunks).toString()));
      answer(response, queries.length, request);
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    queries,
    headers,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Asks a fake server once (or several times) and takes everything down again. */
export async function askFake(
  answer: Answer,
  options: Partial<PrometheusOptions> = {},
  request: { profile: Profile; query?: string } = { profile: profile() },
) {
  const server = await fakeServer(answer);
  const source = createPrometheusSource({ url: server.url, clock: wallClock, ...options });
  try {
    const result = await source.read({ byModel: false, ...request });
    return { result, health: source.health(), queries: server.queries, headers: server.headers };
  } finally {
    source.close();
    await server.stop();
  }
}

export const T = 1_700_000_000;

/** One pod's value and its time, as a profile's query brings them; seconds before the evaluation at `T`. */
export function pair(pod: string, value: string, age = 1, more: Record<string, string> = {}): unknown[] {
  const metric = (part: string) => ({ namespace: 'shop', pilotlight: part, pod, ...more });
  return [
    { metric: metric('value'), value: [T, value] },
    { metric: metric('at'), value: [T, String(T - age)] },
  ];
}

export function vector(result: readonly unknown[], more: Record<string, unknown> = {}): string {
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result }, ...more });
}

export function answered(answer: MetricAnswer): readonly MetricSeries[] {
  if (answer.kind === 'failed') throw new Error(`failed: ${answer.why}`);
  return answer.series;
}

export function failure(answer: MetricAnswer): string {
  if (answer.kind === 'answered') throw new Error(`answered with ${answer.series.length} series`);
  return answer.why;
}
