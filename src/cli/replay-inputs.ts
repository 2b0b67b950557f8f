import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DURATION, parseDuration } from '../policy/duration.js';
import { kedaSettings } from '../policy/manifest/defaults.js';
import { LoadError, parseLoad } from '../replay/load-csv.js';
import type { Load } from '../replay/load.js';
import { ManifestError, type ReplayManifest } from '../replay/pilotlight/manifest.js';
import { SeriesError } from '../replay/pilotlight/prometheus-range.js';
import { checkSetup, defaultScoreFrom, onWholeSeconds, type Setup } from '../replay/setup.js';
import { UsageError, whyUnread } from './command.js';

export type Flags = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** Seconds from asking for a GPU node to its being there, and from there to Ready. */
const STARTUPS: Readonly<Record<string, { readonly provision: number; readonly load: number }>> = {
  fast: { provision: 60, load: 30 },
  standard: { provision: 180, load: 60 },
  slow: { provision: 300, load: 300 },
};

export const SETUP_FLAGS = {
  slots: { type: 'string' },
  'service-time': { type: 'string' },
  'slo-wait': { type: 'string' },
  max: { type: 'string' },
  startup: { type: 'string', default: 'standard' },
  provision: { type: 'string' },
  load: { type: 'string' },
  'node-idle': { type: 'string', default: '600' },
  'gpus-per-node': { type: 'string', default: '1' },
  scrape: { type: 'string', default: '15' },
  'score-from': { type: 'string' },
} as const;

/** What the replica and its nodes can do, and what counts as in time. */
export interface Capacity {
  readonly setup: Setup;
  /** As given, before the replay's whole seconds. */
  readonly slots: number;
  readonly serviceTime: number;
  /** The share of requests that is wanted in time. */
  readonly attainment: number;
}

/** Flags win over the manifest, the manifest over the defaults. @throws UsageError */
export function capacityOf(flags: Flags, manifest: ReplayManifest, load: Load): Capacity {
  const slots = numberOf(flags, 'slots') ?? manifest.slots;
  const serviceTime = secondsOf(flags, 'service-time') ?? manifest.serviceTime;
  const where = `the trigger of ${manifest.object} does not say`;
  if (slots === null) throw new UsageError(`--slots: ${where} how many requests one replica serves at once`);
  if (serviceTime === null || serviceTime === 0)
    throw new UsageError(`--service-time: ${where} how many seconds a request holds its slot`);
  const startup = STARTUPS[String(flags['startup'])];
  if (startup === undefined)
    throw new UsageError(`--startup: got "${String(flags['startup'])}", expected fast, standard or slow`);
  const { slo, attainment } = sloOf(String(flags['slo-wait'] ?? manifest.metadata['slo'] ?? '10s@99%'));
  const scrape = secondsOf(flags, 'scrape') ?? 15;
  const setup: Setup = {
    ...onWholeSeconds(slots, serviceTime),
    slo,
    nodeProvision: secondsOf(flags, 'provision') ?? startup.provision,
    modelLoad: secondsOf(flags, 'load') ?? startup.load,
    nodeIdle: secondsOf(flags, 'node-idle') ?? 600,
    gpusPerNode: numberOf(flags, 'gpus-per-node') ?? 1,
    maxReplicas: numberOf(flags, 'max') ?? kedaSettings(manifest.spec).maxReplicaCount,
    scrape,
    lag: scrape,
    scoreFrom: secondsOf(flags, 'score-from') ?? defaultScoreFrom(load.seconds),
  };
  inputFaultsAsUsage(() => checkSetup(setup));
  if (setup.scoreFrom >= load.seconds)
    throw new UsageError(`--score-from: the load ends after ${load.seconds} s, before the score begins`);
  return { setup, slots, serviceTime, attainment };
}

/** `10s` or `10s@99%`: the wait that is in time, and how many should be. */
function sloOf(text: string): { slo: number; attainment: number } {
  const [wait = '', share = '99%'] = text.split('@', 2);
  const slo = inSeconds(wait);
  const percent = /^(\d{1,2}(?:\.\d+)?|100)%$/.exec(share)?.[1];
  if (slo === null || percent === undefined) {
    throw new UsageError(`--slo-wait: got "${text}", expected a wait and a share such as 10s@99%`);
  }
  return { slo, attainment: Number(percent) / 100 };
}

export function secondsOf(flags: Flags, name: string): number | null {
  const value = flags[name];
  if (typeof value !== 'string') return null;
  const seconds = inSeconds(value);
  if (seconds === null) throw new UsageError(`--${name}: got "${value}", expected seconds or ${DURATION}`);
  return seconds;
}

function inSeconds(text: string): number | null {
  if (/^\d{1,9}(?:\.\d{1,6})?$/.test(text)) return Number(text);
  const duration = parseDuration(text);
  return duration === null ? null : duration / 1000;
}

export function numberOf(flags: Flags, name: string): number | null {
  const value = flags[name];
  if (typeof value !== 'string') return null;
  const number = /^\d{1,12}(?:\.\d{1,9})?$/.test(value) ? Number(value) : 0;
  if (number > 0) return number;
  throw new UsageError(`--${name}: got "${value}", expected a number > 0`);
}

/** @throws UsageError with file and line */
export function loadFrom(file: string): Load {
  const bytes = contents(file);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let text: string;
  try {
    text = (isGzip ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new UsageError(`${file}: ${whyUnread(error)}; unpack the file and give the CSV`);
  }
  try {
    return parseLoad(text);
  } catch (error) {
    if (error instanceof LoadError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

/** @throws UsageError where the file cannot be read */
export function contents(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`${file}: ${whyUnread(error)}`);
  }
}

export function inputFaultsAsUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asUsage(error);
  }
}

/** What is wrong with a file that somebody gave is wrong usage, and no failure of the work. */
export function asUsage(error: unknown): unknown {
  const isInput =
    error instanceof ManifestError || error instanceof SeriesError || error instanceof RangeError;
  return isInput ? new UsageError(error.message) : error;
}
