import { createServer, type ServerResponse } from 'node:http';
import { listen } from './prometheus-server.js';

/** One series as a profile's query gives it: a value, and how old the sample behind it is. */
export interface ApiSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | string;
  readonly ageSeconds?: number;
}

export type ApiAnswer = (promql: string, response: ServerResponse) => void;

export interface PrometheusApi {
  readonly url: string;
  /** Every query, in order of arrival. */
  readonly queries: string[];
  /** What the server answers from now on. */
  answer: ApiAnswer;
  /** Breaks all connections, as a server does that is started again. */
  hangUp(): void;
  stop(): Promise<void>;
}

/** The HTTP API of a Prometheus that counts its queries, and misbehaves as a real one cannot be made to. */
export async function servePrometheusApi(answer: ApiAnswer): Promise<PrometheusApi> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const promql = new URLSearchParams(Buffer.concat(chunks).toString()).get('query') ?? '';
      api.queries.push(promql);
      api.answer(promql, response);
    });
  });
  const api: PrometheusApi = {
    url: `http://127.0.0.1:${await listen(server)}`,
    queries: [],
    answer,
    hangUp: () => server.closeAllConnections(),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return api;
}

/** The body of a good answer. @param evaluated the moment of evaluation on Prometheus's own clock */
export function vectorOf(series: readonly ApiSeries[], evaluated = Date.now()): string {
  const time = evaluated / 1000;
  const result = series.flatMap(({ labels, value, ageSeconds = 1 }) => [
    { metric: { ...labels, pilotlight: 'value' }, value: [time, String(value)] },
    { metric: { ...labels, pilotlight: 'at' }, value: [time, String(time - ageSeconds)] },
  ]);
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
}

/** The name of a pod of a deployment, as Kubernetes would make one up. */
export function podOf(deployment: string, index = 0): string {
  return `${deployment}-7d9f8c6b5d-${`${index}`.padStart(5, 'x')}`;
}
