import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { warmUpId } from '../../src/warmup/identity.js';
import { openWarmUps, type WarmUpParts, type WarmUps } from '../../src/warmup/open.js';
import type { WarmUp } from '../../src/ports/warm-up.js';
import { startRedis } from '../support/redis-server.js';
import { machine, quantile, usage } from './processes.js';

// `tsx test/bench/warmup.ts [WARM-UPS] [SECONDS]`: how late warm-ups begin, and how long planning them takes, when so
// many are due within so many seconds, each on a workload of its own and with steps that take no time.
const count = Number(process.argv[2] ?? 1000);
const seconds = Number(process.argv[3] ?? 60);

export interface WarmUpResult {
  readonly store: string;
  readonly openMs: number;
  readonly plansPerSecond: number;
  /** From the time it was planned for until its floor was lifted. */
  readonly latenessMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** From the same time until all steps were written down. */
  readonly heldMs: { readonly p50: number; readonly p99: number };
  readonly longestBlockMs: number;
  readonly rssMiB: number;
}

const done = { outcome: 'done', note: 'takes no time', split: {} } as const;
const steps: WarmUpParts['steps'] = {
  holdNodes: () => Promise.resolve(done),
  waitReady: () => Promise.resolve(done),
  warmModel: () => Promise.resolve(done),
  releaseNodes: () => Promise.resolve(),
};
const log = { info: () => undefined, warn: console.warn, error: console.error };

function warmUp(index: number, from: number): WarmUp {
  const workload = `team-${index % 50}/model-${index}/aaaaaaaaaaaa`;
  const startAt = Math.round(from + (index * seconds * 1000) / count);
  return {
    id: warmUpId(workload, 0),
    workload,
    slot: 0,
    replicas: 4,
    startAt,
    readyBy: startAt + 60_000,
    holdUntil: startAt + 3_600_000,
    leadTime: 60_000,
    why: 'forecast of 4 replicas at its 90th percentile',
    source: 'forecast',
    expectedCost: 14_400,
    gpusPerReplica: 1,
    nodePool: null,
  };
}

async function bench(
  store: string,
  place: Pick<WarmUpParts, 'redisUrl' | 'stateDir' | 'embedded'>,
): Promise<WarmUpResult> {
  const opening = performance.now();
  const warmUps = await openWarmUps({ clock: { now: () => Date.now() }, log, steps, ...place });
  const openMs = Math.round(performance.now() - opening);
  try {
    const planning = performance.now();
    // The first is due when all are planned: 20 ms each are more than any store here takes.
    const all = Array.from({ length: count }, (_, index) => warmUp(index, Date.now() + 2000 + count * 20));
    for (let index = 0; index < count; index += 50)
      await Promise.all(all.slice(index, index + 50).map((each) => warmUps.queue.plan(each)));
    const plansPerSecond = Math.round((count * 1000) / (performance.now() - planning));
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    await new Promise((resolve) => setTimeout(resolve, (all.at(-1)?.startAt ?? 0) - Date.now() + 5000));
    loop.disable();
    return {
      store,
      openMs,
      plansPerSecond,
      ...(await lateness(warmUps)),
      longestBlockMs: Math.round(loop.max / 1e6),
      rssMiB: Math.round(usage(process.pid).rssMiB),
    };
  } finally {
    await warmUps.close();
  }
}

async function lateness({ queue }: WarmUps): Promise<Pick<WarmUpResult, 'latenessMs' | 'heldMs'>> {
  const all = await queue.list();
  const begun = all.map(
    ({ begunAt, warmUp: { startAt } }) => (begunAt ?? Number.POSITIVE_INFINITY) - startAt,
  );
  const held = all.map(({ readyAt, warmUp: { startAt } }) => (readyAt ?? Number.POSITIVE_INFINITY) - startAt);
  const late = begun.toSorted((a, b) => a - b);
  const ready = held.toSorted((a, b) => a - b);
  return {
    latenessMs: { p50: quantile(late, 0.5), p99: quantile(late, 0.99), max: late.at(-1) ?? Number.NaN },
    heldMs: { p50: quantile(ready, 0.5), p99: quantile(ready, 0.99) },
  };
}

const redis = await startRedis();
const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'pilotlight-bench-')));
const results = {
  at: new Date().toISOString(),
  machine: machine(),
  warmUps: count,
  withinSeconds: seconds,
  stores: [
    await bench('redis', { redisUrl: redis.url, stateDir: null }),
    await bench('redis-server', { redisUrl: null, stateDir: folders[0] ?? null, embedded: 'redis-server' }),
    await bench('pglite', { redisUrl: null, stateDir: folders[1] ?? null, embedded: 'pglite' }),
  ],
};
await redis.stop();
for (const folder of folders) rmSync(folder, { recursive: true, force: true });
mkdirSync('bench-results', { recursive: true });
writeFileSync('bench-results/warmup.json', `${JSON.stringify(results, null, 2)}\n`);
console.log(JSON.stringify(results, null, 2));
process.exit(0);
