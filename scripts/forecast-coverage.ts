import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { chancesNow, type Chances } from '../src/core/forecast/chances.js';
import { createForecastMemory, type ForecastMemory } from '../src/core/forecast/memory.js';
import { observe } from '../src/core/forecast/observe.js';
import { BEAT, horizonBeats, type ForecastSettings } from '../src/core/forecast/settings.js';
import { SECOND } from '../src/core/time.js';
import type { Load } from '../src/replay/load.js';
import { parseLoad } from '../src/replay/load-csv.js';
import type { Setup } from '../src/replay/setup.js';

/**
 * Whether the forecast's chances can be taken at their word: `tsx scripts/forecast-coverage.ts DIR`. DIR holds
 * `reference.json` and one `<trace>.csv.gz` each. For each load and each nominal share: how often what was needed within
 * the horizon stayed within the quantile. Needs come in whole replicas, so that a plain quantile covers more than its
 * share; the place within the step is drawn at random (the randomised probability integral transform, Brockwell 2007).
 */

const NOMINAL = [0.5, 0.8, 0.9, 0.95, 0.99];
const EVERY_BEATS = 7;
const SHARE = 0.99;

interface Entry {
  readonly trace: string;
  readonly startup: string;
  readonly model: Setup;
}

/** What was said at one beat, and the counts that it is held against. */
interface Said {
  readonly beat: number;
  readonly first: number;
  readonly last: number;
  readonly atLeast: Float64Array;
  readonly late: Float64Array;
}

function settingsOf(model: Setup): ForecastSettings {
  return {
    slots: model.slots,
    serviceTime: model.serviceTime * SECOND,
    leadTime: (model.nodeProvision + model.modelLoad) * SECOND,
    wait: model.slo * SECOND,
    share: SHARE,
    nodeIdle: model.nodeIdle * SECOND,
    maxReplicas: model.maxReplicas,
  };
}

function perBeat({ seconds, at, requests }: Load): Float64Array {
  const beats = new Float64Array(Math.floor((seconds * SECOND) / BEAT));
  at.forEach((second, row) => {
    const beat = Math.floor((second * SECOND) / BEAT);
    if (beat < beats.length) beats[beat] = (beats[beat] ?? 0) + (requests[row] ?? 0);
  });
  return beats;
}

function say(beat: number, { first, last, of }: Chances, { levels }: ForecastMemory): Said {
  const atLeast = Float64Array.from(of);
  for (let k = last - 1; k >= first; k -= 1) atLeast[k] = Math.max(atLeast[k] ?? 0, atLeast[k + 1] ?? 0);
  return { beat, first, last, atLeast, late: Float64Array.from(levels.late) };
}

/** Where in the distribution that was said the need lies, 0 to 1. */
function placeOf({ first, last, atLeast, late }: Said, { levels }: ForecastMemory, draw: number): number {
  let needed = first - 1;
  for (let k = first; k <= last; k += 1) if ((levels.late[k] ?? 0) - (late[k] ?? 0) >= 1) needed = k;
  const below = (level: number) => (level < 0 ? 0 : level >= last ? 1 : 1 - (atLeast[level + 1] ?? 0));
  return below(needed - 1) + draw * Math.max(0, below(needed) - below(needed - 1));
}

function coverage({ model }: Entry, load: Load): { readonly times: number; readonly covered: number[] } {
  const settings = settingsOf(model);
  const memory = createForecastMemory(model.maxReplicas);
  const horizon = horizonBeats(settings);
  const open: Said[] = [];
  const covered = NOMINAL.map(() => 0);
  let [times, seed] = [0, 1];
  perBeat(load).forEach((arrivals, beat) => {
    const now = (beat + 1) * BEAT;
    observe(memory, settings, { at: now, length: BEAT, arrivals, waiting: 0, running: 0, ready: 1 });
    for (let said = open[0]; said !== undefined && said.beat + horizon <= beat; said = open[0]) {
      open.shift();
      if ((beat * BEAT) / SECOND < model.scoreFrom) continue;
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const place = placeOf(said, memory, seed / 2_147_483_648);
      times += 1;
      NOMINAL.forEach((share, index) => {
        if (place <= share) covered[index] = (covered[index] ?? 0) + 1;
      });
    }
    const chances = chancesNow(memory, settings, memory.levels.needed, now);
    if (beat % EVERY_BEATS === 0) open.push(say(beat, chances, memory));
  });
  return { times, covered: covered.map((count) => count / times) };
}

const [dir] = process.argv.slice(2);
if (dir === undefined) {
  console.error('usage: tsx scripts/forecast-coverage.ts DIR');
  process.exit(2);
}
const entries = JSON.parse(readFileSync(join(dir, 'reference.json'), 'utf8')) as Entry[];
console.log(`load, questions, share covered where ${NOMINAL.join(', ')} is nominal`);
for (const entry of entries) {
  const csv = gunzipSync(readFileSync(join(dir, `${entry.trace}.csv.gz`))).toString('latin1');
  const { times, covered } = coverage(entry, parseLoad(csv));
  const figures = covered.map((share) => share.toFixed(3)).join('  ');
  console.log(entry.trace.padEnd(17), entry.startup.padEnd(9), String(times).padStart(6), figures);
}
