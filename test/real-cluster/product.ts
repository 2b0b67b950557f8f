import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { Decision } from '../../src/core/decision.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import type { WorkloadClusterView } from '../../src/ports/cluster-desk.js';
import { connectKeda, type KedaClient } from '../support/keda-client.js';
import { until } from './api.js';
import { lastLines, start, type Child } from './children.js';
import { TRIGGER } from './objects.js';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const run = promisify(execFile);
const POLL_EVERY = 1000;

export interface Shown {
  readonly decision: Decision | null;
  readonly cluster: WorkloadClusterView | null;
}

/** `pilotlight serve` as a process of its own, and KEDA's calls to it. */
export class Product {
  readonly http: string;
  readonly log: string;
  /** Seconds from its start until it said that it is ready. */
  readonly readyAfter: number;
  readonly startedAt: number;
  readonly #child: Child;
  readonly #keda: KedaClient;
  readonly #polling: NodeJS.Timeout;

  private constructor(
    parts: { child: Child; grpc: number; http: number; readyAfter: number; startedAt: number },
    refs: readonly TriggerRef[],
  ) {
    this.#child = parts.child;
    this.log = parts.child.log;
    this.http = `http://127.0.0.1:${parts.http}`;
    this.readyAfter = parts.readyAfter;
    this.startedAt = parts.startedAt;
    this.#keda = connectKeda(parts.grpc);
    const poll = () => {
      for (const ref of refs) this.#ask(ref).catch(() => undefined);
    };
    poll();
    this.#polling = setInterval(poll, POLL_EVERY);
  }

  /** @param config as the configuration file has it @param workloads `namespace/name`, polled as KEDA does */
  static async start(
    folder: string,
    name: string,
    config: object,
    workloads: readonly string[] = [],
  ): Promise<Product> {
    const file = join(folder, `${name}.yaml`);
    await writeFile(
      file,
      stringify({
        grpcListen: '127.0.0.1:0',
        httpListen: '127.0.0.1:0',
        noWarmUps: true,
        tick: '1s',
        ...config,
      }),
    );
    const startedAt = performance.now();
    const child = start(
      process.execPath,
      ['--import', 'tsx', MAIN, 'serve', '--config', file],
      join(folder, `${name}.log`),
    );
    const ready = await until(
      `pilotlight (${name}) to be ready`,
      () => {
        if (child.process.exitCode !== null) throw new Error(`it has ended:\n${lastLines(child.log)}`);
        return (
          /gRPC for KEDA on port (\d+), HTTP on port (\d+)/.exec(readFileSync(child.log, 'utf8')) ?? undefined
        );
      },
      60,
    );
    const readyAfter = (performance.now() - startedAt) / 1000;
    const refs = workloads.map((each) => {
      const [namespace = '', name = ''] = each.split('/');
      return { namespace, name, metadata: TRIGGER };
    });
    return new Product(
      { child, grpc: Number(ready[1]), http: Number(ready[2]), readyAfter, startedAt },
      refs,
    );
  }

  /** KEDA's poll of one scaled object. */
  async #ask(ref: TriggerRef): Promise<number> {
    await this.#keda.isActive(ref, { deadlineMs: 5000 });
    const [spec] = await this.#keda.metricSpec(ref, { deadlineMs: 5000 });
    const [value] = await this.#keda.metrics(ref, spec?.metricName ?? '', { deadlineMs: 5000 });
    return value?.metricValueFloat ?? NaN;
  }

  /** What KEDA is told. */
  asked(workload: string): Promise<number> {
    const [namespace = '', name = ''] = workload.split('/');
    return this.#ask({ namespace, name, metadata: TRIGGER });
  }

  async shown(workload: string): Promise<Shown> {
    const answer = await fetch(`${this.http}/v1/workloads/${workload}`);
    if (!answer.ok) throw new Error(`${workload}: ${answer.status} ${await answer.text()}`);
    const [shown] = ((await answer.json()) as { triggers: Shown[] }).triggers;
    if (shown === undefined) throw new Error(`${workload} has no trigger`);
    return shown;
  }

  /** The text of `pilotlight explain`. */
  async explain(workload: string): Promise<string> {
    const args = ['--import', 'tsx', MAIN, 'explain', workload, '--server', this.http];
    return (await run(process.execPath, args)).stdout;
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.http}/metrics`)).text();
  }

  /** Resolves when all that decisions need is known. @returns seconds since the start */
  async current(withinSeconds = 60): Promise<number> {
    await until(
      'pilotlight_cluster_current 1',
      async () => (/^pilotlight_cluster_current 1$/m.test(await this.metrics()) ? true : undefined),
      withinSeconds,
    );
    return (performance.now() - this.startedAt) / 1000;
  }

  said(): string {
    return readFileSync(this.log, 'utf8');
  }

  /** Stopped, it hears nothing; it does not know. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.process.kill(signal);
  }

  /** @returns the status */
  async post(path: string, body: object): Promise<number> {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${this.http}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }))
      .status;
  }

  async warmUps(workload: string): Promise<readonly { readonly id: string }[]> {
    const answer = await fetch(`${this.http}/v1/warm-ups?workload=${workload}`);
    return ((await answer.json()) as { warmUps: { id: string }[] }).warmUps;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    clearInterval(this.#polling);
    this.#keda.close();
    await this.#child.end(signal);
  }
}
