import { mkdirSync, writeFileSync } from 'node:fs';
import { GpuShares } from '../../src/server/gpu-shares.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import type { Workload } from '../../src/server/workload.js';
import { clusterOf, configOf, namespaceOf, type Size } from './capacity-cluster.js';
import { machine, median } from './processes.js';

// `tsx test/bench/capacity.ts [RUNS]`: sharing the GPUs of a cluster out, and for how long the event loop is held by it.
const runs = Number(process.argv[2] ?? 9);
const WARM_UP = 5;

export interface CapacityResult extends Size {
  /** One round, from the call to its answer: the median of the runs. */
  readonly roundMs: number;
  /** Of all threads, so with the garbage collector's helpers. */
  readonly processorMs: number;
  /** The longest between two turns of the event loop: the median of the runs, and the worst of them. */
  readonly longestBlockMs: number;
  readonly worstBlockMs: number;
  /** Workloads that got less than they wanted in the last round. */
  readonly short: number;
  readonly runs: number;
}

async function benchCapacity(size: Size): Promise<CapacityResult> {
  let now = Date.parse('2026-03-02T10:00:00Z');
  const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };
  const registry = new Registry(loadProfiles(undefined), nothing, { now: () => now });
  const workloads = Array.from({ length: size.workloads }, (_, index) => workload(registry, index));
  const quiet = () => undefined;
  const log = { info: quiet, warn: quiet, error: (details: object) => console.error(details) };
  const shares = new GpuShares(clusterOf(size), configOf(size), log, quiet);
  const measured: { round: number; processor: number; longest: number }[] = [];
  for (let run = 0; run < WARM_UP + runs; run += 1) {
    for (const [index, each] of workloads.entries()) wants(each, 2 + ((index + run) % 5), now);
    const usedBefore = process.cpuUsage();
    const turns = watchTurns();
    const began = performance.now();
    await shares.tick(workloads, now);
    const round = performance.now() - began;
    const longest = await turns.longest();
    const used = process.cpuUsage(usedBefore);
    if (run >= WARM_UP) measured.push({ round, longest, processor: (used.user + used.system) / 1000 });
    now += 15_000;
  }
  const longest = measured.map((each) => each.longest);
  return {
    ...size,
    roundMs: median(measured.map(({ round }) => round)),
    processorMs: median(measured.map(({ processor }) => processor)),
    longestBlockMs: median(longest),
    worstBlockMs: Math.max(...longest),
    short: shares.shares().filter(({ wanted, granted }) => granted < wanted).length,
    runs,
  };
}

/** The longest stretch from one turn of the event loop to the next, until it is asked for. */
function watchTurns(): { longest(): Promise<number> } {
  let last = performance.now();
  let longest = 0;
  const look = () => {
    const at = performance.now();
    longest = Math.max(longest, at - last);
    last = at;
  };
  let next = setImmediate(function turn() {
    look();
    next = setImmediate(turn);
  });
  return {
    async longest() {
      await new Promise(setImmediate);
      clearImmediate(next);
      look();
      return longest;
    },
  };
}

function workload(registry: Registry, index: number): Workload {
  const found = registry.find({
    namespace: namespaceOf(index),
    name: `llm-${index}`,
    metadata: { profile: 'vllm-waiting', tier: index % 4 === 0 ? '1' : '2' },
  });
  if ('kind' in found) throw new Error(found.kind);
  return found;
}

function wants(of: Workload, desired: number, at: number): void {
  of.decision = {
    at,
    verdict: 'fresh',
    desired,
    active: desired > 0,
    replicas: { current: 3, reporting: 3, missing: 0, starting: 0, source: 'cluster' },
    signals: [],
    stages: [],
    metrics: [],
    reason: '',
    needsWake: false,
    presumesZero: false,
  };
}

const results = {
  at: new Date().toISOString(),
  machine: machine(),
  rounds: [
    await benchCapacity({ nodes: 500, pods: 4000, workloads: 1000 }),
    await benchCapacity({ nodes: 5000, pods: 50_000, workloads: 10_000 }),
  ],
};
mkdirSync('bench-results', { recursive: true });
writeFileSync('bench-results/capacity.json', `${JSON.stringify(results, null, 2)}\n`);
console.log(JSON.stringify(results, null, 2));
