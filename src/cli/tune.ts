import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readManifest } from '../replay/pilotlight/manifest.js';
import { tuningJson } from '../replay/tune/json.js';
import { spaceOf } from '../replay/tune/space.js';
import { tuningText } from '../replay/tune/text.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { systemClock } from '../server/system-clock.js';
import { parsed, print, UsageError, type Command, type ExitCode } from './command.js';
import {
  capacityOf,
  contents,
  inputFaultsAsUsage,
  numberOf,
  secondsOf,
  SETUP_FLAGS,
  type Flags,
} from './replay-inputs.js';
import { historyFrom } from './replay-history.js';
import { CREDENTIAL_FLAGS, PROMETHEUS_FLAGS } from './replay-prometheus.js';
import { sloWaitOf, tuneFaultsAsUsage, wholeOf } from './tune-inputs.js';
import { tuneProgress } from './tune-progress.js';
import { tuningOf, type TuneRequest } from './tune-session.js';
import { sourceOf } from './replay-source.js';

export const tune: Command = {
  name: 'tune',
  summary: 'searches settings by replay and prints the cost/latency frontier',
  usage: `pilotlight tune MANIFEST --trace FILE.csv[.gz] [--set KEY=V1,V2,...]... [OPTION...]
pilotlight tune MANIFEST --prometheus URL --from TIME --to TIME [--step 15s] [OPTION...]

Which settings of this ScaledObject are the cheapest that serve the load in time? Replays it with other values on
the earlier days of a recorded load, checks the best on the later days, and prints the ScaledObject to apply.
Exit 1 when no setting serves the share that is wanted, or the choice does not on the days it was checked on.

  --set target=2,2.8,3.5         values to try of a key of the trigger's metadata, or of a field of the spec such as
                                 cooldownPeriod or scaleDown.stabilizationWindowSeconds; "now" is the manifest's own.
                                 Without --set: target, minReplicaCount, cooldownPeriod, the HPA's window, and
                                 burst, or forecast where the trigger has an slo
  --slo-wait 10s@99%             the wait that counts as in time, and for how many (the trigger's slo)
  --slo-share 99%                how many, by itself
  --search-days N                days from the start to search on; the others check (half)
  --budget 200                   the most runs of the search: all combinations, or steps where there are more
  --seed 1                       of the steps' random beginnings
  --jobs N                       runs at once (one a core); the result is the same
  --price-per-hour 1.2           of a node: adds what a day costs
  --yaml FILE                    the whole manifest file with the chosen values
  --json

As for replay, where --help says more: --slots, --service-time, --max, --startup, --provision, --load, --node-idle,
--gpus-per-node, --scrape, --score-from, --query, --query-gives, --prometheus-token-file, --history, --scalers.
docs/tune.md says how it searches.`,
  run: runTune,
};

async function runTune(args: string[]): Promise<ExitCode> {
  const { values: flags, positionals } = parsed(args, {
    ...SETUP_FLAGS,
    ...PROMETHEUS_FLAGS,
    ...CREDENTIAL_FLAGS,
    'slo-wait': { type: 'string' },
    'slo-share': { type: 'string' },
    trace: { type: 'string' },
    history: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    'search-days': { type: 'string' },
    budget: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string' },
    'price-per-hour': { type: 'string' },
    yaml: { type: 'string' },
    scalers: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const [file, another] = positionals;
  if (file === undefined) throw new UsageError('expected a ScaledObject MANIFEST');
  if (another !== undefined) throw new UsageError(`unexpected argument "${another}"`);
  const request = await requestOf(flags, file);
  const tuning = await tuningOf(request, tuneProgress(process.stderr, systemClock));
  const { written } = tuning;
  if (typeof flags['yaml'] === 'string' && written !== null) writeFileSync(flags['yaml'], written.file);
  print(flags['json'] === true ? JSON.stringify(tuningJson(tuning), null, 2) : tuningText(tuning));
  return tuning.verdict.kind === 'met' ? 0 : 1;
}

async function requestOf(flags: Flags, file: string): Promise<TuneRequest> {
  const search = searchOf(flags);
  const text = contents(file).toString('utf8');
  const manifest = inputFaultsAsUsage(() => readManifest(text, file));
  if (manifest.metadata['dryRun'] === 'true')
    throw new UsageError(`${file}: dryRun leaves the replicas as they are; take it out to tune`);
  const scalers = flags['scalers'];
  const profiles = loadProfiles(typeof scalers === 'string' ? scalers : undefined);
  const sloWait = sloWaitOf(flags, manifest);
  const source = await sourceOf(flags, manifest, profiles);
  const capacity = capacityOf({ ...flags, 'slo-wait': sloWait }, manifest, source.load);
  return {
    manifest,
    text,
    profiles,
    source,
    capacity,
    history: (trigger) => historyFrom(flags, trigger, 'tune'),
    ...search,
  };
}

/** What the flags say of the search, wrong ones first: they need no file. */
function searchOf(flags: Flags) {
  const set = flags['set'];
  return {
    space: tuneFaultsAsUsage(() => spaceOf(Array.isArray(set) ? set.map(String) : [])),
    maxIsGiven: flags['max'] !== undefined,
    scoreFrom: secondsOf(flags, 'score-from'),
    searchDays: wholeOf(flags, 'search-days', 1),
    budget: wholeOf(flags, 'budget', 2) ?? 200,
    seed: wholeOf(flags, 'seed', 0) ?? 1,
    jobs: wholeOf(flags, 'jobs', 1) ?? availableParallelism(),
    pricePerHour: numberOf(flags, 'price-per-hour'),
  };
}
