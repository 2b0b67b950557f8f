import type { Profiles } from '../policy/trigger.js';
import { loopsOf } from '../replay/pilotlight/loops.js';
import { readManifest, replayTrigger } from '../replay/pilotlight/manifest.js';
import { sharedJson } from '../replay/shared/json.js';
import { replicaGpus } from '../replay/shared/replica-gpus.js';
import { sharedReport, type SharedReplay } from '../replay/shared/report.js';
import { sharedText } from '../replay/shared/text.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { parsed, print, UsageError, type ExitCode } from './command.js';
import {
  capacityOf,
  contents,
  inputFaultsAsUsage,
  loadFrom,
  SETUP_FLAGS,
  type Flags,
} from './replay-inputs.js';

const { provision: _, 'node-idle': _idle, 'gpus-per-node': _fit, ...REPLICA_FLAGS } = SETUP_FLAGS;

/** Those that go with `--gpus`. */
export const SHARED_FLAGS = {
  ...REPLICA_FLAGS,
  gpus: { type: 'string' },
  'replica-gpus': { type: 'string', multiple: true },
  scalers: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export function isShared(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--gpus' || arg.startsWith('--gpus='));
}

/**
 * `replay --gpus`: several ScaledObjects, each with its load, on one pool of GPUs.
 *
 * @param known every flag of `replay`
 * @throws UsageError
 */
export function replayShared(args: string[], known: readonly string[]): ExitCode {
  for (const arg of args) {
    const [, flag = ''] = /^--([a-z-]+)/.exec(arg) ?? [];
    if (known.includes(flag) && !(flag in SHARED_FLAGS))
      throw new UsageError(`--${flag} does not go with --gpus; what does: ${flagsInWords()}`);
  }
  const { values: flags, positionals } = parsed(args, SHARED_FLAGS);
  const gpus = wholeNumber('--gpus', String(flags['gpus']));
  const scalers = flags['scalers'];
  const profiles = loadProfiles(typeof scalers === 'string' ? scalers : undefined);
  const [first, ...others] = sharersOf(flags, positionals, profiles);
  if (first === undefined)
    throw new UsageError(
      '--gpus: expected the ScaledObjects that share them, as MANIFEST=FILE.csv[.gz] each',
    );
  const report = inputFaultsAsUsage(() => sharedReport([first, ...others], gpus));
  print(flags['json'] === true ? JSON.stringify(sharedJson(report), null, 2) : sharedText(report));
  return 0;
}

/** Every flag that goes with `--gpus`, for help and messages. */
export function flagsInWords(): string {
  return Object.keys(SHARED_FLAGS)
    .filter((name) => name !== 'gpus')
    .map((name) => `--${name}`)
    .join(', ');
}

function sharersOf(flags: Flags, positionals: readonly string[], profiles: Profiles): SharedReplay[] {
  const given = positionals.map((positional) => {
    const [, file = '', source = ''] = /^([^=]+)=(.+)$/.exec(positional) ?? [];
    if (file === '')
      throw new UsageError(`expected MANIFEST=FILE.csv[.gz] beside --gpus, got "${positional}"`);
    const text = contents(file).toString('utf8');
    return {
      file,
      text,
      source,
      manifest: inputFaultsAsUsage(() => readManifest(text, file)),
      load: loadFrom(source),
    };
  });
  const seconds = Math.max(...given.map(({ load }) => load.seconds));
  const named = replicaGpusOf(flags);
  const seen = new Map<string, string>();
  const sharers = given.map(({ file, text, source, manifest, load }) => {
    const { object, spec } = manifest;
    const before = seen.get(object);
    if (before !== undefined)
      throw new UsageError(`${file}: ${object} is in ${before} too; expected it once`);
    seen.set(object, file);
    const gpus = named.get(object) ?? replicaGpus(text, spec) ?? 1;
    named.delete(object);
    return sharerOf(flags, { manifest, source, gpus, load: { ...load, seconds } }, profiles);
  });
  const [unknown] = named.keys();
  if (unknown !== undefined)
    throw new UsageError(
      `--replica-gpus: no ScaledObject ${unknown} here; expected one of ${[...seen.keys()].join(', ')}`,
    );
  return sharers;
}

function sharerOf(
  flags: Flags,
  given: Pick<SharedReplay, 'manifest' | 'source' | 'gpus' | 'load'>,
  profiles: Profiles,
): SharedReplay {
  const { manifest, load } = given;
  const capacity = capacityOf(flags, manifest, load);
  const { slots, serviceTime } = capacity;
  const setup = { ...capacity.setup, nodeProvision: 0 };
  const trigger = inputFaultsAsUsage(() => replayTrigger(manifest, capacity, setup.maxReplicas, profiles));
  const loops = loopsOf(manifest.spec, trigger.metricSpecs, setup.maxReplicas);
  return { ...given, object: manifest.object, setup, trigger, loops, given: { slots, serviceTime } };
}

/** `--replica-gpus llm/chat=2`, by ScaledObject. */
function replicaGpusOf(flags: Flags): Map<string, number> {
  const given = flags['replica-gpus'];
  return new Map(
    (Array.isArray(given) ? given : []).map((each) => {
      const [, object = '', count = ''] = /^([^=]*\/[^=]*)=(.*)$/.exec(String(each)) ?? [];
      if (object === '')
        throw new UsageError(`--replica-gpus: got "${String(each)}", expected NAMESPACE/NAME=N`);
      return [object, wholeNumber(`--replica-gpus ${object}`, count)];
    }),
  );
}

function wholeNumber(what: string, text: string): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new UsageError(`${what}: got "${text}", expected a whole number, at least 1`);
}
