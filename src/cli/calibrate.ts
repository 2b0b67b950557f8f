import { writeFileSync } from 'node:fs';
import type { Profile } from '../policy/profile.js';
import { calibrate as analyse, type Calibration } from '../replay/calibrate/calibrate.js';
import { findingsOf } from '../replay/calibrate/findings.js';
import { metadataOf } from '../replay/calibrate/metadata.js';
import { calibrationPage } from '../replay/calibrate/page.js';
import type { LoadTest } from '../replay/calibrate/step.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { calibrationText } from './calibrate-text.js';
import { parsed, print, UsageError, type Command, type ExitCode } from './command.js';
import { faultsAsUsage, inRequests, loadTestIn } from './load-test-files.js';
import { loadTestFrom } from './load-test-prometheus.js';
import { pageAssets } from './page-assets.js';
import { credentialSettings, rangeReader } from './prometheus-range.js';
import { numberOf, secondsOf, type Flags } from './replay-inputs.js';
import { CREDENTIAL_FLAGS, rangeOf } from './replay-prometheus.js';

export const calibrate: Command = {
  name: 'calibrate',
  summary: 'from a load test of one replica: the knee, what is full first, the target to use',
  usage: `pilotlight calibrate FILE... [--p99 250ms] [OPTION...]
pilotlight calibrate --prometheus URL --from TIME --to TIME --namespace NAME --workload NAME [OPTION...]

FILE is what perf_analyzer -f, genai-perf, AIPerf, locust --csv --csv-full-history (…_stats_history.csv),
vegeta report -type=json or vegeta encode -to csv wrote, or a CSV of steps: concurrency,throughput and
what was measured. Exit 1 when the test does not reach a knee: then nothing is guessed.

  --p99 250ms                    what p99 latency may be; without it the knee is by throughput alone
  --share 75%                    of the knee's throughput, where the target is read
  --price-per-hour 0.54          of a replica: adds the cost of a thousand inferences
  --batch 1                      inferences in a request, where the file counts inferences
  --profiles A,B                 the profiles to look at (those that fit)
  --concurrency 1,2,4            of files that do not say it, in their order
  --html FILE                    the result as a page with plots
  --namespace NS --workload NAME of the replica in Prometheus: a deployment, or statefulset/NAME
  --model NAME, --pod NAME       one model of Triton or vLLM; one replica where several served
  --step 15s, --window 1m        between two points, and for rates
  --least 1m                     that a step lasts beyond the window
  --prometheus-token-file FILE   and the others of serve: -username, -password-file, -ca, -cert, -key, -header
  --scalers DIR, --json          docs/calibrate.md says more.`,
  run: runCalibrate,
};

async function runCalibrate(args: string[]): Promise<ExitCode> {
  const { values: flags, positionals: files } = parsed(args, {
    p99: { type: 'string' },
    share: { type: 'string', default: '75%' },
    'price-per-hour': { type: 'string' },
    batch: { type: 'string', default: '1' },
    profiles: { type: 'string' },
    concurrency: { type: 'string' },
    html: { type: 'string' },
    prometheus: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    step: { type: 'string', default: '15s' },
    window: { type: 'string', default: '1m' },
    least: { type: 'string', default: '1m' },
    namespace: { type: 'string' },
    workload: { type: 'string' },
    model: { type: 'string' },
    pod: { type: 'string' },
    ...CREDENTIAL_FLAGS,
    scalers: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const scalers = flags['scalers'];
  const profiles = [...loadProfiles(typeof scalers === 'string' ? scalers : undefined).values()];
  const asked = askedOf(flags, profiles);
  const batch = numberOf(flags, 'batch') ?? 1;
  const test = inRequests(await loadTestOf(flags, files, asked ?? profiles), batch);
  const calibration = faultsAsUsage(() =>
    analyse(test, {
      slo: objectiveOf(flags),
      share: shareOf(flags),
      pricePerHour: numberOf(flags, 'price-per-hour'),
      batch,
      profiles,
      asked: asked?.map(({ name }) => name) ?? null,
    }),
  );
  const page = flags['html'];
  if (typeof page === 'string')
    writeFileSync(page, calibrationPage(test, calibration, profiles, pageAssets()));
  print(flags['json'] === true ? inJson(test, calibration) : calibrationText(test, calibration, profiles));
  return calibration.kind === 'reached' ? 0 : 1;
}

function askedOf(flags: Flags, profiles: readonly Profile[]): Profile[] | null {
  const value = flags['profiles'];
  if (typeof value !== 'string') return null;
  return value.split(',').map((each) => {
    const found = profiles.find(({ name }) => name === each.trim());
    if (found === undefined)
      throw new UsageError(`--profiles: no profile "${each.trim()}" (pilotlight profiles)`);
    return found;
  });
}

async function loadTestOf(
  flags: Flags,
  files: readonly string[],
  profiles: readonly Profile[],
): Promise<LoadTest> {
  if (typeof flags['prometheus'] === 'string') {
    if (files.length > 0) throw new UsageError('expected either FILE or --prometheus');
    return fromPrometheus(flags, flags['prometheus'], profiles);
  }
  if (files.length === 0) throw new UsageError('expected the FILE of a load test, or --prometheus URL');
  return loadTestIn(files, profiles, flags);
}

async function fromPrometheus(flags: Flags, url: string, profiles: readonly Profile[]): Promise<LoadTest> {
  const { namespace, workload, model, pod } = flags;
  if (typeof namespace !== 'string' || typeof workload !== 'string')
    throw new UsageError('--namespace and --workload are required with --prometheus');
  const range = rangeOf(flags);
  const reader = rangeReader(credentialSettings(flags), url, range);
  try {
    return await loadTestFrom(
      reader,
      range,
      {
        namespace,
        workload: workload.includes('/') ? workload : `deployment/${workload}`,
        model: typeof model === 'string' ? model : null,
        pod: typeof pod === 'string' ? pod : null,
        window: secondsOf(flags, 'window') ?? 60,
        least: secondsOf(flags, 'least') ?? 60,
      },
      profiles,
    );
  } finally {
    reader.close();
  }
}

/** `250ms`, `1.5s`, `2m`; a bare number is seconds. */
function objectiveOf(flags: Flags): number | null {
  const value = flags['p99'];
  if (typeof value !== 'string') return null;
  const [, number, unit = 's'] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m)?$/.exec(value) ?? [];
  const objective = Number(number) * (unit === 'ms' ? 0.001 : unit === 'm' ? 60 : 1);
  if (objective > 0) return objective;
  throw new UsageError(`--p99: got "${value}", expected a latency such as 250ms or 1.5s`);
}

/** `75%` or `0.75`. */
function shareOf(flags: Flags): number {
  const value = String(flags['share']);
  const share = /^\d{1,2}(?:\.\d+)?%$/.test(value) ? Number(value.slice(0, -1)) / 100 : Number(value);
  if (share > 0 && share < 1) return share;
  throw new UsageError(`--share: got "${value}", expected a share below the knee such as 75%`);
}

function inJson(test: LoadTest, calibration: Calibration): string {
  const { format, server, notes } = test;
  const metadata = calibration.kind === 'reached' ? metadataOf(calibration) : null;
  const findings = findingsOf(calibration).map(([about, found]) => ({ about, found }));
  return JSON.stringify({ format, server, ...calibration, metadata, findings, notes }, null, 2);
}
