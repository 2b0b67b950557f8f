import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeSecondsBound } from '../../src/replay/bound.js';
import { BASELINES } from '../../src/replay/baselines/all.js';
import { loadOf, type Load } from '../../src/replay/load.js';
import { simulate } from '../../src/replay/run.js';
import type { Setup } from '../../src/replay/setup.js';
import { machine } from './processes.js';

// `npm run build && npx tsx test/bench/replay.ts`: seconds for two weeks, to read and never to test.

export interface ReplayResult {
  readonly days: number;
  readonly requestsPerSecond: number;
  readonly policy: string;
  readonly seconds: number;
  /** Of the whole process, so far; null where it was one of its own. */
  readonly peakMegabytes: number | null;
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

/** The command as a user types it, from the CSV to the table, without baselines and bound: the built one, not tsx. */
function commandResult(load: Load, { slots, maxReplicas }: Setup, days: number, mean: number): ReplayResult {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'));
  const [manifest, trace] = [join(folder, 'manifest.yaml'), join(folder, 'load.csv')];
  const example = readFileSync('examples/llm-azure23-conv.yaml', 'utf8');
  writeFileSync(manifest, example.replace('maxReplicaCount: 24', `maxReplicaCount: ${maxReplicas}`));
  const rows = Array.from(load.at, (t, row) => `${t},${load.requests[row] ?? 0}`);
  writeFileSync(trace, ['t_seconds,requests', ...rows, `${load.seconds},0`, ''].join('\n'));
  const args = ['replay', manifest, '--trace', trace, '--slots', String(slots)];
  const began = performance.now();
  execFileSync(process.execPath, ['dist/cli/main.js', ...args, '--no-baselines', '--no-bound']);
  const seconds = Math.round(performance.now() - began) / 1000;
  rmSync(folder, { recursive: true });
  return { days, requestsPerSecond: mean, policy: 'pilotlight replay', seconds, peakMegabytes: null };
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
      commandResult(load, setup, days, mean),
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
  const results = { at: new Date().toISOString(), machine: machine(), replay: benchReplay(14, [1, 200]) };
  mkdirSync('bench-results', { recursive: true });
  writeFileSync('bench-results/replay.json', `${JSON.stringify(results, null, 2)}\n`);
  console.table(results.replay);
}
