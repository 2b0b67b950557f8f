import { pathToFileURL } from 'node:url';
import { nodeSecondsBound } from '../../src/replay/bound.js';
import { BASELINES } from '../../src/replay/baselines/all.js';
import { loadOf, type Load } from '../../src/replay/load.js';
import { simulate } from '../../src/replay/run.js';
import type { Setup } from '../../src/replay/setup.js';

export interface ReplayResult {
  readonly days: number;
  readonly requestsPerSecond: number;
  readonly policy: string;
  readonly seconds: number;
  /** Of the whole process, so far. */
  readonly peakMegabytes: number;
}

const DAY = 86_400;

/** A day that swings between nothing and twice the mean, with bursts: deterministic, so that runs can be compared. */
function swingingLoad(days: number, mean: number): Load {
  const perSecond = new Float64Array(days * DAY);
  let carried = 0;
  for (let t = 0; t < perSecond.length; t += 1) {
    const swing = 1 - Math.cos((2 * Math.PI * t) / DAY);
    const burst = t % 5000 < 60 ? 3 : 1;
    carried += mean * swing * burst;
    perSecond[t] = Math.floor(carried);
    carried -= perSecond[t] ?? 0;
  }
  return loadOf(perSecond);
}

function setupFor(mean: number): Setup {
  return {
    slots: Math.max(1, Math.ceil(mean)),
    serviceTime: 8,
    slo: 10,
    nodeProvision: 180,
    modelLoad: 60,
    nodeIdle: 600,
    gpusPerNode: 1,
    maxReplicas: 30,
    scrape: 15,
    lag: 15,
    scoreFrom: DAY,
  };
}

/** Replays of so many days on one core, and the bound. */
export function benchReplay(days: number, means: readonly number[]): ReplayResult[] {
  return means.flatMap((mean) => {
    const load = swingingLoad(days, mean);
    const setup = setupFor(mean);
    const timed = (policy: string, work: () => void): ReplayResult => {
      const began = performance.now();
      work();
      const seconds = Math.round(performance.now() - began) / 1000;
      const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024);
      return { days, requestsPerSecond: mean, policy, seconds, peakMegabytes };
    };
    const policies = ['static-peak', 'keda-conc70-zero', 'hpa-util60', 'kpa-zero', 'snaive-zero'];
    return [
      ...policies.map((name) =>
        timed(name, () => {
          const baseline = BASELINES[name];
          if (baseline !== undefined) simulate(load, setup, baseline(load, setup));
        }),
      ),
      timed('bound', () => nodeSecondsBound(load, setup, 0.99)),
    ];
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.table(benchReplay(14, [1, 200]));
}
