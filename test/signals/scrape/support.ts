import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { profileSchema, type Profile, type ScrapeExpression } from '../../../src/policy/profile.js';
import type { Clock } from '../../../src/ports/clock.js';
import { parseExposition, type ReadOptions } from '../../../src/signals/scrape/exposition.js';
import type { ExpositionSample } from '../../../src/signals/scrape/sample-line.js';
import type { ScrapeTarget } from '../../../src/ports/scrape-targets.js';
import { listen } from '../../support/prometheus-server.js';

export const EXPOSITIONS = [
  'dcgm-k8s',
  'dcgm-mig',
  'dcgm-timeslicing',
  'tgi-idle',
  'tgi',
  'triton',
  'vllm-v0',
  'vllm',
] as const;

export function exposition(name: (typeof EXPOSITIONS)[number]): string {
  return readFileSync(new URL(`../../fixtures/expositions/${name}.prom`, import.meta.url), 'utf8');
}

/** The samples of a page that must be sound. */
export function samplesOf(text: string, options: ReadOptions = {}): readonly ExpositionSample[] {
  const parsed = parseExposition(text, options);
  if (parsed.kind === 'malformed') throw new Error(`line ${parsed.line}: ${parsed.why}`);
  return parsed.samples;
}

export interface TestClock extends Clock {
  advance(ms: number): void;
}

export function testClock(start = 1_800_000_000_000): TestClock {
  let now = start;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

/** A profile by the schema, read from pods unless said otherwise. */
export function profile(
  value: ScrapeExpression,
  more: { model?: string; series?: 'pod' | 'service'; scrape?: object; name?: string } = {},
): Profile {
  return profileSchema.parse({
    name: more.name ?? 'test',
    summary: 'For tests.',
    unit: 'requests',
    kind: 'extensive',
    target: 1,
    series: more.series ?? 'pod',
    ...(more.model === undefined ? {} : { model: more.model }),
    simulate: 'queue',
    prometheus: { none: 'For tests.' },
    scrape: { from: 'pod', port: 8000, value, ...more.scrape },
    source: { metric: 'test', vendor: 'test' },
  });
}

export const DCGM = {
  from: 'dcgm',
  labels: { namespace: ['exported_namespace', 'namespace'], pod: ['exported_pod', 'pod'] },
};

/** A profile read from an exporter: without the pod form's port. */
export function exporterProfile(
  value: ScrapeExpression,
  scrape: { from: string; labels: object; otherwise?: number },
  more: { series?: 'pod' | 'service'; model?: string } = {},
): Profile {
  return profileSchema.parse({ ...profile(value, more), scrape: { ...scrape, value } });
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestEndpoint {
  readonly url: string;
  /** What the next GET gets: a page, or whatever a function makes of it. */
  page: string | Answer;
  /** GETs so far. */
  gets: number;
  readonly server: Server;
  close(): Promise<void>;
}

/** A real HTTP server with one page. */
export async function endpoint(page: string | Answer = ''): Promise<TestEndpoint> {
  const server = createServer((request, response) => {
    state.gets += 1;
    if (typeof state.page === 'function') return state.page(request, response);
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(state.page);
  });
  const url = `http://127.0.0.1:${await listen(server)}/metrics`;
  const state: TestEndpoint = {
    url,
    page,
    gets: 0,
    server,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return state;
}

export function podTarget(url: string, pod = 'pod-1', namespace = 'ns'): ScrapeTarget {
  return { kind: 'pod', namespace, pod, url };
}
