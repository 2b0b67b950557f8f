import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import { Scaler } from '../../src/server/scaler.js';
import { systemClock } from '../../src/server/system-clock.js';
import { createPrometheusSource } from '../../src/signals/prometheus/source.js';
import { clusterPrometheus, median } from './processes.js';

export interface TickResult {
  readonly workloads: number;
  readonly pods: number;
  /** Event-loop time of one tick: the median of the runs. */
  readonly eventLoopMs: number;
  /** The longest the event loop was held at a stretch, the worst of all runs. */
  readonly longestBlockMs: number;
  readonly wallMs: number;
  readonly runs: number;
}

/** Ticks over so many workloads of five pods each, from one answer of one Prometheus in another process. */
export async function benchTick(workloads: number, runs: number): Promise<TickResult> {
  const prometheus = await clusterPrometheus(workloads, 5);
  const source = createPrometheusSource({ url: `http://127.0.0.1:${prometheus.line}`, clock: systemClock });
  const allowAll = {
    prometheus: () => null,
    queue: () => null,
    query: (_: string, query: string) => ({ query }),
  };
  const registry = new Registry(loadProfiles(undefined), allowAll, systemClock);
  const scaler = new Scaler({
    registry,
    sources: { prometheus: source, prometheusAt: () => null, scrape: null, queues: null },
    targets: { list: () => [] },
    workloads: { replicas: () => null },
    log: null,
    clock: systemClock,
    tickMs: 5000,
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
  let longest = 0;
  await scaler.tick(); // warm-up: the first tick compiles
  for (let run = 0; run < runs; run += 1) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    delay.enable();
    const before = performance.eventLoopUtilization();
    const began = performance.now();
    await scaler.tick();
    wall.push(performance.now() - began);
    loop.push(performance.eventLoopUtilization(before).active);
    delay.disable();
    longest = Math.max(longest, delay.max / 1e6);
  }
  source.close();
  prometheus.child.kill('SIGKILL');
  return {
    workloads,
    pods: workloads * 5,
    eventLoopMs: median(loop),
    longestBlockMs: longest,
    wallMs: median(wall),
    runs,
  };
}
