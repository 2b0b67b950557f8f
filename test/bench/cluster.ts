import { mkdirSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { openCluster } from '../../src/cluster/open.js';
import { temporaryFolder } from '../support/processes.js';
import { machine } from './processes.js';
import { certified } from './cluster-api.js';

/*
 * `npx tsx test/bench/cluster.ts [NODES] [PODS] [SCALEDOBJECTS]`: a cluster of that size, served by another process over TLS,
 * listed and then watched under churn. Memory is this process's, whose TypeScript is loaded by tsx (about 60 MB).
 */
const [nodes = 5000, pods = 50_000, scaledObjects = 10_000] = process.argv.slice(2).map(Number);
const CHURN_PER_SECOND = 1000;
const SECONDS = 20;

const folder = await temporaryFolder('bench-cluster');
const account = await certified(folder);
// Not by way of npx, which would take the signal that ends it and leave the server running.
const script = ['--max-old-space-size=4096', '--import', 'tsx', 'test/bench/cluster-api.ts'];
const server = spawn('node', [...script, folder, `${nodes}`, `${pods}`, `${scaledObjects}`], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const lines = createInterface({ input: server.stdout });
const [ready] = (await once(lines, 'line')) as [string];
const port = /port (\d+)/.exec(ready)?.[1] ?? '';
const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port };

const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
const collections: number[] = [];
new PerformanceObserver((list) =>
  collections.push(...list.getEntries().map(({ duration }) => duration)),
).observe({
  entryTypes: ['gc'],
});
let peak = 0;
const sampler = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);
const before = process.memoryUsage.rss();

interface Stall {
  readonly atSeconds: number;
  readonly ms: number;
  readonly cpuMs: number;
}

interface Stretch {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly longestStallMs: number;
  readonly p99StallMs: number;
  readonly longestCollectionMs: number;
  /** What stalls took of the processor, all threads together, at most: the rest is the machine's. */
  readonly longestStallCpuMs: number;
  /** The ten longest above 25 ms. Where `cpuMs`, all threads together, is far below `ms`, the machine was busy with something else. */
  readonly stalls: readonly Stall[];
}

/** Stalls are what the event loop was late by, above the monitor's own resolution of 1 ms. */
async function stretch(work: () => Promise<void>): Promise<Stretch> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  collections.length = 0;
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const stalls: Stall[] = [];
  let [last, lastCpu] = [began, process.cpuUsage()];
  const looker = setInterval(() => {
    const [now, used] = [performance.now(), process.cpuUsage(lastCpu)];
    if (now - last > 26) {
      const cpuMs = round((used.user + used.system) / 1000);
      stalls.push({ atSeconds: round((last - began) / 1000), ms: round(now - last - 1), cpuMs });
    }
    [last, lastCpu] = [now, process.cpuUsage()];
  }, 1);
  delay.enable();
  await work();
  delay.disable();
  clearInterval(looker);
  const used = process.cpuUsage(cpu);
  return {
    seconds: round((performance.now() - began) / 1000),
    cpuSeconds: round((used.user + used.system) / 1e6),
    longestStallMs: round(delay.max / 1e6 - 1),
    p99StallMs: round(delay.percentile(99) / 1e6 - 1),
    longestCollectionMs: round(Math.max(0, ...collections)),
    longestStallCpuMs: Math.max(0, ...stalls.map(({ ms, cpuMs }) => Math.min(ms, cpuMs))),
    stalls: stalls.sort((one, other) => other.ms - one.ms).slice(0, 10),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

let cluster: Awaited<ReturnType<typeof openCluster>> | undefined;
const listing = await stretch(async () => {
  cluster = await openCluster({
    credentials: { kind: 'in-cluster', environment, folder: account },
    namespaces: null,
    addresses: null,
    clock: { now: () => Date.now() },
    log: { info: () => undefined, warn: (details, message) => console.error(details, message) },
    state: null,
    startWithin: 300_000,
  });
});
const afterListing = process.memoryUsage.rss();
const health = cluster?.health();

const churned = new Promise<number>((resolve) => {
  lines.on('line', (line) => {
    const done = /churned (\d+)/.exec(line)?.[1];
    if (done !== undefined) resolve(Number(done));
  });
});
const churn = await stretch(async () => {
  server.stdin.write(`churn ${CHURN_PER_SECOND} ${SECONDS}\n`);
  await churned;
});

const factsTook: number[] = [];
let knownFacts = 0;
for (let index = 0; index < scaledObjects; index += 1) {
  const began = performance.now();
  const answer = cluster?.facts(`ns-${index % 100}`, `llm-${index}`);
  factsTook.push((performance.now() - began) * 1000);
  if (answer?.kind === 'known') knownFacts += 1;
}
factsTook.sort((one, other) => one - other);
const snapshotBegan = performance.now();
const snapshot = cluster?.pods();
const snapshotMs = round(performance.now() - snapshotBegan);
clearInterval(sampler);

const result = {
  at: new Date().toISOString(),
  machine: machine(),
  cluster: { nodes, pods, scaledObjects },
  health: health?.watches.map(({ resource, objects, health }) => ({
    resource,
    objects,
    health: health.kind,
  })),
  rssMiB: {
    before: mib(before),
    afterListing: mib(afterListing),
    peak: mib(peak),
    heapUsed: mib(process.memoryUsage().heapUsed),
  },
  listing,
  churn: { eventsPerSecond: CHURN_PER_SECOND, ...churn },
  facts: {
    known: knownFacts,
    p50us: round(factsTook[Math.floor(factsTook.length / 2)] ?? 0),
    maxUs: round(factsTook.at(-1) ?? 0),
  },
  snapshot: { pods: snapshot?.kind === 'known' ? snapshot.items.length : 0, ms: snapshotMs },
};
await cluster?.close();
server.kill();
mkdirSync('bench-results', { recursive: true });
writeFileSync('bench-results/cluster.json', `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result, null, 2));
process.exit(0);
