import { existsSync, writeFileSync } from 'node:fs';
import type { Profiles } from '../policy/trigger.js';
import { readManifest, replayTrigger, type ReplayManifest } from '../replay/pilotlight/manifest.js';
import { reportJson } from '../replay/report/json.js';
import { replayReport } from '../replay/report/replay-report.js';
import type { ReplayReport } from '../replay/report/report.js';
import { reportText } from '../replay/report/text.js';
import { newTimeline, timelineCsv, type Timeline } from '../replay/report/timeline.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { parsed, print, UsageError, type Command, type ExitCode } from './command.js';
import { progressOn } from './progress.js';
import {
  capacityOf,
  contents,
  inputFaultsAsUsage,
  numberOf,
  SETUP_FLAGS,
  type Flags,
} from './replay-inputs.js';
import { historyFrom } from './replay-history.js';
import { replayLog } from './replay-log.js';
import { pageOf } from './replay-page.js';
import { sourceOf, type Source } from './replay-source.js';
import { flagsInWords, isShared, replayShared, SHARED_FLAGS } from './replay-shared.js';
import { replaySuite } from './replay-suite.js';
import { CREDENTIAL_FLAGS, PROMETHEUS_FLAGS } from './replay-prometheus.js';

const FLAGS = {
  ...SETUP_FLAGS,
  ...PROMETHEUS_FLAGS,
  ...CREDENTIAL_FLAGS,
  ...SHARED_FLAGS,
  trace: { type: 'string' },
  suite: { type: 'string' },
  only: { type: 'string' },
  jobs: { type: 'string' },
  log: { type: 'string' },
  history: { type: 'string' },
  timeline: { type: 'string' },
  html: { type: 'string' },
  'price-per-hour': { type: 'string' },
  baselines: { type: 'boolean' },
  'no-baselines': { type: 'boolean' },
  'no-bound': { type: 'boolean' },
} as const;

export const replay: Command = {
  name: 'replay',
  summary: 'runs a ScaledObject manifest against a recorded load on a virtual clock',
  usage: `pilotlight replay MANIFEST --trace FILE.csv[.gz] [OPTION...]
pilotlight replay MANIFEST --prometheus URL --from TIME --to TIME [--step 15s] [OPTION...]
pilotlight replay MANIFEST --suite FILE.json [--startup NAME] [--only REGEX] [--jobs N] [--json]
pilotlight replay --gpus N MANIFEST=FILE.csv[.gz]... [OPTION...]
pilotlight replay --log FILE [--json]

What would this ScaledObject have done? Runs KEDA, the HPA, the pods, the nodes and the requests of a recorded
load (t_seconds,requests), beside what others would have done and the least that anybody could have paid.
--suite runs the manifest, the same without its forecast, and the others on a whole set of loads.
--gpus runs several ScaledObjects on one pool of N GPUs, shared out by tiers and first come, first served;
--replica-gpus NAMESPACE/NAME=N where a replica takes more than one and no Deployment in its file says so.
With --gpus go ${flagsInWords().replace(/^(.{80,95},) /, '$1\n')}.
--log decides every step of a decision log (serve --decision-log) again: exit 1 at the first that differs.

  --slots N, --service-time 8s   requests one replica serves at once, and for how long (the trigger's)
  --slo-wait 10s@99%             the wait that counts as in time, and for how many (the trigger's slo)
  --max N                        the most replicas (the ScaledObject's)
  --startup standard             fast (60 s node + 30 s model), standard (180 + 60), slow (300 + 300)
  --provision 180, --load 60     the two by themselves
  --node-idle 600                seconds until an empty node goes
  --gpus-per-node 1, --scrape 15, --score-from SECONDS
  --price-per-hour 1.2           of a node: adds what it all costs
  --no-baselines, --no-bound     the manifest alone
  --html FILE                    the report as a page with charts, which needs no network
  --timeline FILE.csv            the manifest's run, one row for each scrape
  --query PROMQL                 requests a second, where the trigger has no profile for arrivals;
  --query-gives increase         where the query gives the requests of a step instead
  --prometheus-token-file FILE   and the others of serve: -username, -password-file, -ca, -cert, -key, -header
  --history FILE.csv[.gz]        the load right before this one, for forecasts
  --scalers DIR, --json          docs/replay.md says more.`,
  run: runReplay,
};

async function runReplay(args: string[]): Promise<ExitCode> {
  if (isShared(args)) return replayShared(args, Object.keys(FLAGS));
  const { values: flags, positionals } = parsed(args, FLAGS);
  const [file, another] = positionals;
  if (flags['replica-gpus'] !== undefined) throw new UsageError('--replica-gpus: only with --gpus N');
  if (typeof flags['log'] === 'string') {
    if (file !== undefined)
      throw new UsageError('--log takes no manifest: the log has the policy it was made with');
    return replayLog(flags['log'], flags['json'] === true);
  }
  if (file === undefined) throw new UsageError('expected a ScaledObject MANIFEST, or --log FILE');
  const pair = positionals.find((each) => /.=.+\.csv(?:\.gz)?$/.test(each) && !existsSync(each));
  if (pair !== undefined)
    throw new UsageError(`"${pair}": MANIFEST=FILE is for several that share a pool, with its --gpus N`);
  if (another !== undefined) throw new UsageError(`unexpected argument "${another}"`);
  const manifest = inputFaultsAsUsage(() => readManifest(contents(file).toString('utf8'), file));
  if (typeof flags['suite'] === 'string') return replaySuite(manifest, flags);
  for (const flag of ['only', 'jobs'])
    if (flags[flag] !== undefined) throw new UsageError(`--${flag}: only with --suite FILE`);
  const scalers = flags['scalers'];
  const profiles = loadProfiles(typeof scalers === 'string' ? scalers : undefined);
  const source = await sourceOf(flags, manifest, profiles);
  const timelines = new Map<string, Timeline>();
  const report = reportOn(flags, manifest, profiles, source, timelines);
  const [own] = timelines.values();
  if (typeof flags['timeline'] === 'string') writeFileSync(flags['timeline'], timelineCsv(own?.rows ?? []));
  if (typeof flags['html'] === 'string') writeFileSync(flags['html'], pageOf(report, timelines));
  print(flags['json'] === true ? JSON.stringify(reportJson(report), null, 2) : reportText(report));
  return 0;
}

function reportOn(
  flags: Flags,
  manifest: ReplayManifest,
  profiles: Profiles,
  { name, load }: Source,
  timelines: Map<string, Timeline>,
): ReplayReport {
  const capacity = capacityOf(flags, manifest, load);
  const { slots, serviceTime, setup } = capacity;
  const trigger = inputFaultsAsUsage(() => replayTrigger(manifest, capacity, setup.maxReplicas, profiles));
  const history = historyFrom(flags, trigger, 'replay');
  const keep = (policy: string, decides: boolean) => {
    const timeline = newTimeline(setup.scrape, decides);
    timelines.set(policy, timeline);
    return timeline;
  };
  const [page, csv] = [typeof flags['html'] === 'string', typeof flags['timeline'] === 'string'];
  const progress = progressOn(process.stderr);
  const report = replayReport({
    manifest,
    trigger,
    load,
    history,
    source: name,
    setup,
    given: { slots, serviceTime },
    pricePerHour: numberOf(flags, 'price-per-hour'),
    baselines: flags['no-baselines'] !== true,
    bound: flags['no-bound'] === true ? null : capacity.attainment,
    timeline: page || csv ? keep(manifest.object, true) : null,
    ...(page ? { baselineTimeline: (policy: string) => keep(policy, false) } : {}),
    watching: (policy) => progress.watching(policy, load.seconds),
    working: (on) => progress.working(on),
  });
  progress.clear();
  return report;
}
