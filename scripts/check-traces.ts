import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BASELINES } from '../src/replay/baselines/all.js';
import { nodeSecondsBound } from '../src/replay/bound.js';
import { clairvoyant } from '../src/replay/clairvoyant.js';
import type { Load } from '../src/replay/load.js';
import { parseLoad } from '../src/replay/load-csv.js';
import { simulate } from '../src/replay/run.js';
import type { Score } from '../src/replay/score.js';
import type { Setup } from '../src/replay/setup.js';

/**
 * Compares the replay with another implementation's figures:
 * `tsx scripts/check-traces.ts DIR [TRACE] [BASELINE]`. DIR holds `reference.json` and one `<trace>.csv.gz` each;
 * TRACE and BASELINE are regular expressions. BASELINE `bound` compares the bounds, `clairvoyant` the schedule that
 * knows the future, which takes minutes. Exits 1 when a run is off by more than the limits, or a bound is above the
 * reference's own schedule.
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
  clairvoyantSchedule99: number;
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

function loadFor(dir: string, entry: Entry): Load {
  return parseLoad(gunzipSync(readFileSync(join(dir, `${entry.trace}.csv.gz`))).toString('latin1'));
}

/** Whether our bound of 99 % contradicts their schedule. */
function compareBounds(load: Load, entry: Entry): boolean {
  const ours = Object.keys(entry.bound).map((share) => nodeSecondsBound(load, entry.model, Number(share)));
  const ratios = Object.values(entry.bound).map((theirs, index) => ((ours[index] ?? 0) / theirs).toFixed(3));
  console.log(
    entry.trace.padEnd(17),
    entry.startup.padEnd(9),
    'bound ours ÷ theirs'.padEnd(27),
    ratios.join(' '),
  );
  return (ours[Object.keys(entry.bound).indexOf('0.99')] ?? 0) > entry.clairvoyantSchedule99;
}

function compareSchedules(load: Load, entry: Entry): void {
  const cost = clairvoyant(load, entry.model, 0.99)?.score.nodeSeconds ?? Number.NaN;
  const ratio = (cost / entry.clairvoyantSchedule99).toFixed(3);
  console.log(entry.trace.padEnd(17), entry.startup.padEnd(9), 'clairvoyant ours ÷ theirs'.padEnd(27), ratio);
}

function rowsOf(load: Load, entry: Entry, wanted: RegExp): Row[] {
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
  const load = loadFor(dir, entry);
  if (baseline === 'clairvoyant') compareSchedules(load, entry);
  if (baseline === 'bound' && compareBounds(load, entry)) off += 1;
  for (const row of rowsOf(load, entry, new RegExp(baseline))) {
    print(row);
    runs += 1;
    if (isOff(row)) off += 1;
  }
}
console.log(
  `${runs} runs, ${off} off by more than ${COST_LIMIT * 100} % or ${ATTAINMENT_LIMIT * 100} points`,
);
process.exitCode = off > 0 ? 1 : 0;
