import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import type { WarmUpParts } from '../../src/warmup/open.js';
import { eventually, freePort, temporaryFolder } from '../support/processes.js';

export interface StepLine {
  readonly step: string;
  readonly id: string;
  readonly workload: string;
  readonly began: number;
  readonly ended?: number;
}

export interface ScalerProcess {
  readonly lines: StepLine[];
  readonly pid: number;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();

export async function startScaler(
  parts: Pick<WarmUpParts, 'redisUrl' | 'stateDir' | 'embedded'> & { readonly stepMs: number },
): Promise<ScalerProcess> {
  const args = ['--import', 'tsx', 'test/warmup/scaler-process.ts', JSON.stringify(parts)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const lines: StepLine[] = [];
  let errors = '';
  let open = false;
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as StepLine & { open?: boolean };
    if (said.open === true) open = true;
    else lines.push(said);
  });
  const exit = once(child, 'exit');
  await eventually(
    'a scaler process is open',
    async () => {
      if (child.exitCode !== null) throw new Error(errors);
      return open ? true : undefined;
    },
    60_000,
  );
  return {
    lines,
    pid: child.pid ?? -1,
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      await exit;
      running.delete(child);
    },
  };
}

export function killScalers(): void {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
}

/** A Redis that writes every change to disk, on one port, to be killed and started again. */
export class DurableRedis {
  readonly #folder: string;
  readonly port: number;
  #child: ChildProcess | null = null;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<DurableRedis> {
    const redis = new DurableRedis(await temporaryFolder('durable'), await freePort());
    await redis.up();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    this.#child = spawn('redis-server', [...args, '--appendonly', 'yes'], { stdio: 'ignore' });
    const probe = new Redis(this.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    probe.on('error', () => undefined);
    await probe.ping();
    probe.disconnect();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    this.#child = null;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
