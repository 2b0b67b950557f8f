import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import { Scaler } from '../../src/server/scaler.js';
import { systemClock } from '../../src/server/system-clock.js';
import { createPrometheusSource } from '../../src/signals/prometheus/source.js';
import { clusterPrometheus, median } from './processes.js';

const TICK_MS = 5000;

export interface TickResult {
  readonly workloads: number;
  readonly pods: number;
  /** Event-loop time of one tick: the median of the runs. */
  readonly eventLoopMs: number;
  /** Of all threads, so with the garbage collector's helpers and without what others on the machine take. */
  readonly processorMs: number;
  /** The longest the event loop was held at a stretch: the median of the runs, and the worst of them. */
  readonly longestBlockMs: number;
  readonly worstBlockMs: number;
  readonly wallMs: number;
  readonly runs: number;
}

/** Ticks over so many workloads of five pods each, from one answer of one Prometheus in another process. */
export async function benchTick(workloads: number, runs: number): Promise<TickResult> {
  const prometheus = await clusterPrometheus(workloads, 5);
  // Rounds follow each other at once, but are five seconds apart to the scaler, as in life: it remembers the last minute's.
  let ahead = 0;
  const clock = { now: () => systemClock.now() + ahead };
  const source = createPrometheusSource({ url: `http://127.0.0.1:${prometheus.line}`, clock });
  const allowAll = {
    prometheus: () => null,
    queue: () => null,
    query: (_: string, query: string) => ({ query }),
  };
  const registry = new Registry(loadProfiles(undefined), allowAll, clock);
  const scaler = new Scaler({
    registry,
    sources: { prometheus: source, prometheusAt: () => null, scrape: null, queues: null },
    targets: { list: () => [] },
    workloads: { replicas: () => null },
    log: null,
    clock,
    tickMs: TICK_MS,
    onTick: () => undefined,
    onFault: (workload, error) => {
      throw new Error(workload, { cause: error });
    },
  });
  for (let index = 0; index < workloads; index += 1) {
    const metadata = { profile: 'vllm-waiting', workload: `deployment/w${index}`, maxReplicas: '20' };
    registry.find({ namespace: `team-${index % 100}`, name: `w${index}`, metadata });
  }
  const loop: number[] = [];
  const wall: number[] = [];
  const longest: number[] = [];
  const processor: number[] = [];
  // Warm-up: the first ticks compile, and a minute's memory fills.
  for (let run = 0; run < 15; run += 1) {
    await scaler.tick();
    ahead += TICK_MS;
  }
  for (let run = 0; run < runs; run += 1) {
    ahead += TICK_MS;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    delay.enable();
    const before = performance.eventLoopUtilization();
    const usedBefore = process.cpuUsage();
    const began = performance.now();
    await scaler.tick();
    wall.push(performance.now() - began);
    loop.push(performance.eventLoopUtilization(before).active);
    const used = process.cpuUsage(usedBefore);
    processor.push((used.user + used.system) / 1000);
    delay.disable();
    longest.push(delay.max / 1e6);
  }
  source.close();
  prometheus.child.kill('SIGKILL');
  return {
    workloads,
    pods: workloads * 5,
    eventLoopMs: median(loop),
    processorMs: median(processor),
    longestBlockMs: median(longest),
    worstBlockMs: Math.max(...longest),
    wallMs: median(wall),
    runs,
  };
}
