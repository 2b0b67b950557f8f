import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profiles } from '../policy/trigger.js';
import type { ReplayManifest } from '../replay/pilotlight/manifest.js';
import { chosenOf, parseSuite, SuiteError, type SuiteEntry } from '../replay/suite-file.js';
import { suiteRuns, type SuiteOutcome } from '../replay/suite-run.js';
import { suiteJson, suiteText } from '../replay/suite-text.js';
import { groupsOf, loadResult, type SuiteReport } from '../replay/suite.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { systemClock } from '../server/system-clock.js';
import { print, UsageError, type ExitCode } from './command.js';
import { processPool } from './process-pool.js';
import { contents, inputFaultsAsUsage, type Flags } from './replay-inputs.js';
import { suiteRunner, type SuiteAnswer, type SuiteOrder } from './suite-order.js';
import { wholeOf } from './tune-inputs.js';
import { tuneProgress, type TuneProgress } from './tune-progress.js';

/** What each load of a set brings along, and what would be one run's alone. */
const OTHERS = [
  'trace',
  'prometheus',
  'from',
  'to',
  'query',
  'history',
  'timeline',
  'html',
  'slots',
  'service-time',
  'slo-wait',
  'max',
  'provision',
  'load',
  'score-from',
  'price-per-hour',
  'no-bound',
];

/**
 * `replay --suite`: one manifest on a set of loads, beside itself without its forecast and what others would have done.
 *
 * @throws UsageError for a set, a load or a manifest that is wrong, before anything is run
 */
export async function replaySuite(manifest: ReplayManifest, flags: Flags): Promise<ExitCode> {
  const other = OTHERS.find((flag) => flags[flag] !== undefined);
  if (other !== undefined)
    throw new UsageError(
      `--${other}: --suite brings its own loads, each with its deployment; leave one of them out`,
    );
  const jobs = wholeOf(flags, 'jobs', 1) ?? availableParallelism();
  const file = String(flags['suite']);
  const loads = entriesOf(file, flags).map((entry) => ({ entry, file: besides(file, entry) }));
  const scalers = flags['scalers'];
  const profiles = loadProfiles(typeof scalers === 'string' ? scalers : undefined);
  const orders = loads.flatMap((load) => ordersOn(load, manifest, profiles, flags['no-baselines'] !== true));
  const outcomes = await outcomesOf(orders, jobs, tuneProgress(process.stderr, systemClock));
  const ran = orders.flatMap((order, index) => {
    const outcome = outcomes[index];
    return outcome === undefined ? [] : [{ ...order, outcome }];
  });
  const results = loads.map(({ entry }) =>
    loadResult(
      entry,
      ran.filter((each) => each.entry === entry),
    ),
  );
  const report: SuiteReport = {
    manifest: {
      file: manifest.manifest.file,
      object: manifest.object,
      profiles: (manifest.metadata['profile'] ?? '').split(',').map((name) => name.trim()),
    },
    source: file,
    loads: results,
    groups: groupsOf(results),
  };
  print(flags['json'] === true ? JSON.stringify(suiteJson(report), null, 2) : suiteText(report));
  return 0;
}

function entriesOf(file: string, flags: Flags): SuiteEntry[] {
  const only = flags['only'];
  const pattern = typeof only === 'string' ? patternOf(only) : null;
  const text = contents(file).toString('utf8');
  try {
    return chosenOf(parseSuite(text), String(flags['startup']), pattern);
  } catch (error) {
    if (!(error instanceof SuiteError)) throw error;
    const lines = error.message.split('\n').map((line) => `${file}: ${line}`);
    throw new UsageError(lines.join('\n'));
  }
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--only: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The file of a load. @throws UsageError where there is none */
function besides(suite: string, { trace }: SuiteEntry): string {
  const names = [`${trace}.csv`, `${trace}.csv.gz`];
  const found = names.map((name) => join(dirname(suite), name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new UsageError(
    `${suite}: no load for ${trace}; expected ${names.join(' or ')} beside ${basename(suite)}`,
  );
}

function ordersOn(
  { entry, file }: { readonly entry: SuiteEntry; readonly file: string },
  manifest: ReplayManifest,
  profiles: Profiles,
  baselines: boolean,
): SuiteOrder[] {
  const runs = inputFaultsAsUsage(() => suiteRuns(manifest, entry, profiles, baselines));
  return runs.map((run) => ({ file, entry, run }));
}

/** In the order of the orders. One process runs in this one. */
async function outcomesOf(
  orders: readonly SuiteOrder[],
  jobs: number,
  progress: TuneProgress,
): Promise<SuiteOutcome[]> {
  progress.begin('replay', orders.length);
  const pool = jobs === 1 ? poolHere() : processPool<SuiteOrder, SuiteAnswer>(WORKER, jobs);
  const counted = async (order: SuiteOrder): Promise<SuiteOutcome> => {
    const answer = await pool.run(order);
    if (answer.kind === 'unusable') throw new UsageError(answer.why);
    progress.done();
    return answer.outcome;
  };
  try {
    return await Promise.all(orders.map(counted));
  } finally {
    pool.close();
    progress.clear();
  }
}

function poolHere() {
  const run = suiteRunner();
  return {
    run: async (order: SuiteOrder) => Promise.resolve(run(order)),
    close: () => undefined,
  };
}

/** Beside this file, compiled or not. */
const WORKER = fileURLToPath(import.meta.url).replace(/replay-suite(?=\.[jt]s$)/, 'suite-worker');
