import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BASELINES } from '../src/replay/baselines/all.js';
import { parseLoad } from '../src/replay/load-csv.js';
import { simulate } from '../src/replay/run.js';
import type { Score } from '../src/replay/score.js';
import type { Setup } from '../src/replay/setup.js';

/**
 * Compares the replay with another implementation's figures:
 * `tsx scripts/check-traces.ts DIR [TRACE] [BASELINE]`. DIR holds `reference.json` and one `<trace>.csv.gz` each;
 * TRACE and BASELINE are regular expressions. Exits 1 when a run is off by more than the limits.
 */

const COST_LIMIT = 0.02;
const ATTAINMENT_LIMIT = 0.005;

interface Figures {
  nodeSeconds: number;
  attain: number;
  p99: number;
  wakeups: number;
  coldRequests: number;
}

interface Entry {
  trace: string;
  startup: string;
  requests: number;
  model: Setup;
  bound: Record<string, number>;
  baselines: Record<string, Figures>;
}

interface Row {
  entry: Entry;
  baseline: string;
  theirs: Figures;
  ours: Score;
  /** Relative. */
  cost: number;
  attainment: number;
  milliseconds: number;
}

function rowsOf(dir: string, entry: Entry, wanted: RegExp): Row[] {
  const load = parseLoad(gunzipSync(readFileSync(join(dir, `${entry.trace}.csv.gz`))).toString('latin1'));
  return Object.entries(BASELINES).flatMap(([baseline, make]) => {
    const theirs = entry.baselines[baseline];
    if (theirs === undefined || !wanted.test(baseline)) return [];
    const started = Date.now();
    const ours = simulate(load, entry.model, make(load, entry.model));
    return [
      {
        entry,
        baseline,
        theirs,
        ours,
        cost: ours.nodeSeconds / theirs.nodeSeconds - 1,
        attainment: (ours.attainment ?? 0) - theirs.attain,
        milliseconds: Date.now() - started,
      },
    ];
  });
}

function isOff(row: Row): boolean {
  return Math.abs(row.cost) > COST_LIMIT || Math.abs(row.attainment) > ATTAINMENT_LIMIT;
}

function print(row: Row): void {
  const { entry, baseline, theirs, ours } = row;
  console.log(
    [
      entry.trace.padEnd(17),
      entry.startup.padEnd(9),
      baseline.padEnd(17),
      `${(row.cost * 100).toFixed(3)} %`.padStart(9),
      `${(row.attainment * 100).toFixed(3)} pt`.padStart(10),
      `p99 ${ours.p99}/${theirs.p99}`.padEnd(12),
      `wake ${ours.wakeups}/${theirs.wakeups}`.padEnd(15),
      `cold ${ours.coldRequests}/${theirs.coldRequests}`.padEnd(21),
      `${row.milliseconds} ms`.padStart(8),
      isOff(row) ? 'OFF' : '',
    ].join(' '),
  );
}

const [dir, trace = '', baseline = ''] = process.argv.slice(2);
if (dir === undefined) {
  console.error('usage: tsx scripts/check-traces.ts DIR [TRACE] [BASELINE]');
  process.exit(2);
}
const entries = JSON.parse(readFileSync(join(dir, 'reference.json'), 'utf8')) as Entry[];
console.log('trace, start-up, baseline: node-seconds and attainment against the reference; ours/theirs');
let runs = 0;
let off = 0;
for (const entry of entries) {
  if (!new RegExp(trace).test(`${entry.trace} ${entry.startup}`)) continue;
  for (const row of rowsOf(dir, entry, new RegExp(baseline))) {
    print(row);
    runs += 1;
    if (isOff(row)) off += 1;
  }
}
console.log(
  `${runs} runs, ${off} off by more than ${COST_LIMIT * 100} % or ${ATTAINMENT_LIMIT * 100} points`,
);
process.exitCode = off > 0 ? 1 : 0;
