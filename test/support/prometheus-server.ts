import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Daemon, eventually, freePort, temporaryFolder } from './processes.js';

/** One scrape target of the test: an exposition, and the labels that service discovery would have put on it. */
export interface TestTarget {
  /** The page as it stands now; null answers 500, so that the scrape fails. */
  page: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PrometheusServer {
  readonly url: string;
  readonly daemon: Daemon;
  /** Resolves when a scrape that began after the call has been stored for every target. */
  scraped(): Promise<void>;
  /** Samples of an instant query, as Prometheus gives them. */
  query(promql: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>;
  stop(): Promise<void>;
}

/**
 * A real Prometheus that scrapes the given targets (changed in place by the test) every `interval`, with
 * `honor_labels: false` as the usual operators set it, so that a clashing `pod` becomes `exported_pod`.
 */
export async function startPrometheus(
  targets: readonly TestTarget[],
  options: { interval?: string; honorLabels?: boolean } = {},
): Promise<PrometheusServer> {
  const scrapes = targets.map(() => 0);
  const pages = createServer((request, response) => {
    const index = Number((request.url ?? '').split('/')[1]);
    const page = targets[index]?.page ?? null;
    scrapes[index] = (scrapes[index] ?? 0) + 1;
    response.writeHead(page === null ? 500 : 200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(page ?? 'broken');
  });
  const pagesPort = await listen(pages);
  const folder = await temporaryFolder('prometheus');
  const port = await freePort();
  const interval = options.interval ?? '1s';
  const config = {
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: targets.map((target, index) => ({
      job_name: `target-${index}`,
      honor_labels: options.honorLabels ?? false,
      metrics_path: `/${index}/metrics`,
      static_configs: [{ targets: [`127.0.0.1:${pagesPort}`], labels: target.labels }],
    })),
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config)); // JSON is YAML
  const daemon = new Daemon(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    folder,
  );
  const url = `http://127.0.0.1:${port}`;
  await eventually('Prometheus is ready', async () =>
    (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true ? true : undefined,
  ).catch((error: unknown) => {
    throw new Error(`Prometheus did not start:\n${daemon.output}`, { cause: error });
  });
  return {
    url,
    daemon,
    query: (promql) => instant(url, promql),
    async scraped() {
      const before = [...scrapes];
      // The second request after the call proves that the first was taken in whole.
      await eventually('two scrapes', async () =>
        scrapes.every((count, index) => count >= (before[index] ?? 0) + 2) ? true : undefined,
      );
    },
    async stop() {
      await daemon.stop();
      await new Promise((resolve) => pages.close(resolve));
    },
  };
}

async function instant(
  url: string,
  promql: string,
): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(promql)}`);
  const body = (await response.json()) as {
    status: string;
    error?: string;
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  if (body.status !== 'success' || body.data === undefined)
    throw new Error(`${promql}: ${body.error ?? 'no data'}`);
  return body.data.result;
}

export function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
