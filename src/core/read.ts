import type { Reading, Sample } from './observation.js';
import type { SignalPolicy } from './policy.js';
import { inWords, MINUTE, type Millis } from './time.js';

/** What a reading is worth now. */
export type Evidence =
  /** At least one fresh and sound value. One sample per pod. */
  | {
      readonly kind: 'fresh';
      readonly samples: readonly Sample[];
      /** Of the oldest of them. */
      readonly age: Millis;
      readonly faults: Faults;
      /** Why the source does not answer now, so that these are its last values; null when it does. */
      readonly failing: string | null;
    }
  /** No series for this workload, from a source that has the metric for others, where that means zero. */
  | { readonly kind: 'idle'; readonly why: string }
  /** Nothing to go by; `why` says which way. `nobody`: the source has no such metric at all. */
  | { readonly kind: 'absent'; readonly nobody: boolean; readonly why: string; readonly faults: Faults }
  | { readonly kind: 'unread' };

/** One signal and what its reading is worth now. */
export interface Weighed {
  readonly signal: SignalPolicy;
  readonly evidence: Evidence;
}

/** Samples left out of a decision. */
export interface Faults {
  /** NaN, infinite, negative, or too large or too far in the future to be a measurement. */
  readonly unsound: number;
  /** Older than the profile's `freshFor`. */
  readonly stale: number;
  /** A second value for the same pod; the larger one stands. */
  readonly duplicate: number;
}

export const NO_FAULTS: Faults = { unsound: 0, stale: 0, duplicate: 0 };

/** Prometheus drops samples from further ahead than this (scrape.go, maxAheadTime); up to it, a clock that runs ahead is no outage. */
const MOST_AHEAD: Millis = 10 * MINUTE;

/** Sorts fresh and sound values from the rest. */
export function weigh(reading: Reading, signal: SignalPolicy, now: Millis): Evidence {
  if (reading.kind === 'unread') return { kind: 'unread' };
  const failing = reading.kind === 'failed' ? reading.why : null;
  const cleanAge = ageWhereClean(reading.samples, signal.freshFor, now);
  if (cleanAge !== null) {
    return { kind: 'fresh', samples: reading.samples, age: cleanAge, faults: NO_FAULTS, failing };
  }
  const faults = { unsound: 0, stale: 0, duplicate: 0 };
  const byPod = new Map<string | null, Sample>();
  let oldest = now;
  for (const sample of reading.samples) {
    if (!isSound(sample, now)) faults.unsound += 1;
    else if (now - sample.at > signal.freshFor) faults.stale += 1;
    else {
      const other = byPod.get(sample.pod);
      if (other !== undefined) faults.duplicate += 1;
      if (other === undefined || sample.value > other.value) byPod.set(sample.pod, sample);
      oldest = Math.min(oldest, sample.at);
    }
  }
  if (byPod.size > 0) {
    return { kind: 'fresh', samples: [...byPod.values()], age: now - oldest, faults, failing };
  }
  return withoutSamples(reading, signal, faults);
}

/** So few pods are compared with each other faster than they are put into a map. */
const FEW = 16;

/**
 * The age of the oldest sample where there are few and nothing is wrong with any, as nearly always: then they are taken
 * as they are. Null: they need a closer look.
 */
function ageWhereClean(samples: readonly Sample[], freshFor: Millis, now: Millis): Millis | null {
  if (samples.length === 0 || samples.length > FEW) return null;
  let oldest = now;
  for (let index = 0; index < samples.length; index += 1) {
    const sample = samples[index];
    if (sample === undefined || !isSound(sample, now) || now - sample.at > freshFor) return null;
    for (let other = 0; other < index; other += 1) if (samples[other]?.pod === sample.pod) return null;
    oldest = Math.min(oldest, sample.at);
  }
  return now - oldest;
}

/** Beyond 2^53 sums lose their units, and one pod's 1e300 would drown what all others report. */
function isSound({ value, at }: Sample, now: Millis): boolean {
  return Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER && at <= now + MOST_AHEAD;
}

function withoutSamples(
  reading: Exclude<Reading, { kind: 'unread' }>,
  signal: SignalPolicy,
  faults: Faults,
): Evidence {
  const absent = (why: string, nobody = false): Evidence => {
    return { kind: 'absent', nobody, why: `${signal.profile}: ${why}`, faults };
  };
  const cause = reading.kind === 'failed' ? reading.why : null;
  if (faults.stale > 0) {
    return absent(`no sample younger than ${inWords(signal.freshFor)}${cause === null ? '' : `; ${cause}`}`);
  }
  if (faults.unsound > 0) return absent('only values that are NaN, infinite, negative or absurd');
  if (reading.kind === 'failed') return absent(reading.why);
  if (!reading.exists) return absent('the source has this metric for nobody', true);
  if (signal.absence === 'idle')
    return { kind: 'idle', why: `${signal.profile}: no series, which means no load` };
  return absent('no series for this workload');
}
