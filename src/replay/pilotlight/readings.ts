import type { Reading, Sample as Value } from '../../core/observation.js';
import type { SignalPolicy } from '../../core/policy.js';
import { SECOND } from '../../core/time.js';
import type { Profile } from '../../policy/profile.js';
import type { Sample } from '../policy.js';

/**
 * What one scrape of the simulated workload is to a profile. `total` adds up over the replicas, and `each` is alike on
 * all of them, since the balancer keeps requests spread evenly.
 */
type Quantity = { readonly total: number } | { readonly each: number };

/** Rates are over the server's default window, a minute: a request wakes a workload for so long after it came. */
const RATE_WINDOW_SECONDS = 60;

/** The newest samples, oldest first: those of one rate window, and the one before, where the window's first began. */
export type RecentSamples = readonly [Sample, ...Sample[]];

/** @param more at least one sample, each newer than those before */
export function recentSamples(before: readonly Sample[], more: RecentSamples): RecentSamples {
  const all = [...before, ...more];
  const since = newestOf(more).t - RATE_WINDOW_SECONDS;
  const first = all.findIndex(({ t }) => t > since);
  const [oldest = more[0], ...others] = all.slice(Math.max(0, first - 1));
  return [oldest, ...others];
}

function newestOf(samples: RecentSamples): Sample {
  return samples.at(-1) ?? samples[0];
}

/**
 * Samples as the profile's source would have given them: one value for each ready pod, named `p-0` and on, or one for
 * the workload where the series belong to a Service or a queue. Values are in the profile's unit. No pod is ready: no
 * pod reports.
 */
export function readingOf(
  profile: Profile,
  signal: Pick<SignalPolicy, 'target'>,
  samples: RecentSamples,
): Reading {
  const newest = newestOf(samples);
  const quantity = quantityOf(profile, signal.target, newest, samples);
  return { kind: 'answered', samples: valuesOf(profile, quantity, newest), exists: true };
}

function valuesOf(profile: Profile, quantity: Quantity | null, { t, ready }: Sample): Value[] {
  if (quantity === null) return [];
  const at = t * SECOND;
  // A mean over a workload says nothing without its pods, whatever the series: the core wants one value for each.
  if (profile.series !== 'pod' && profile.kind === 'extensive') {
    return [{ pod: null, value: 'total' in quantity ? quantity.total : quantity.each, at }];
  }
  const value = 'total' in quantity ? quantity.total / ready : quantity.each;
  const values: Value[] = [];
  for (let index = 0; index < ready; index += 1) values.push({ pod: podName(index), value, at });
  return values;
}

const podNames: string[] = [];

/** Made once each: the core finds pods by name, and a text that is new has to be hashed again at every look. */
function podName(index: number): string {
  return (podNames[index] ??= `p-${index}`);
}

function quantityOf(
  { simulate, unit }: Profile,
  target: number,
  newest: Sample,
  samples: RecentSamples,
): Quantity | null {
  switch (simulate) {
    case 'queue':
      return { total: newest.queue };
    case 'running':
      return { total: newest.running };
    case 'concurrency':
      return { total: newest.queue + newest.running };
    case 'arrivals': {
      const { arrivals, seconds } = windowOf(samples);
      return { total: arrivals / seconds };
    }
    case 'utilisation':
      return shared(newest.util, shareScale(unit, target));
    case 'dutyCycle':
      return shared(newest.duty, shareScale(unit, target));
    case 'queueTime':
      return shared(queueSeconds(windowOf(samples)), TIME_SCALE[unit] ?? MICROSECONDS);
    case 'queueComputeRatio':
      return shared(queueToCompute(windowOf(samples)), 1);
  }
}

function shared(value: number | null, scale: number): Quantity | null {
  return value === null ? null : { each: value * scale };
}

const MICROSECONDS = 1e6;
const TIME_SCALE: Readonly<Record<string, number>> = { s: 1, seconds: 1, ms: 1e3, µs: MICROSECONDS };

/** A profile that takes its unit from the trigger's own query does not name it, but no share has a target above 1. */
function shareScale(unit: string, target: number): number {
  if (unit === 'percent') return 100;
  return unit !== 'ratio' && target > 1 ? 100 : 1;
}

/** What adds up over one rate window. */
interface Window {
  readonly seconds: number;
  readonly arrivals: number;
  /** Requests that began to be served: those that came, and those by which the queue is shorter. */
  readonly started: number;
  /** Request-seconds of waiting and of service, taken as straight lines between the samples. */
  readonly waited: number;
  readonly served: number;
}

function windowOf(samples: RecentSamples): Window {
  const since = newestOf(samples).t - RATE_WINDOW_SECONDS;
  const sums = { seconds: 0, arrivals: 0, started: 0, waited: 0, served: 0 };
  let before: Sample | undefined;
  for (const sample of samples) {
    if (sample.t > since) {
      const { queue, running } = before ?? sample;
      sums.seconds += sample.secs;
      sums.arrivals += sample.arrivals;
      sums.started += queue + sample.arrivals - sample.queue;
      sums.waited += ((queue + sample.queue) / 2) * sample.secs;
      sums.served += ((running + sample.running) / 2) * sample.secs;
    }
    before = sample;
  }
  return sums;
}

/**
 * Mean seconds that a request waited, by Little's law, W = L ÷ λ: the mean number that wait over the rate at which they
 * start. With 10 waiting before, 5 that came and 9 that wait 15 s later, 6 started; 9.5 waited on average, so that each
 * waited 9.5 × 15 ÷ 6 = 23.75 s.
 *
 * Null where some wait and none started, as the servers' own counters have nothing to divide by then.
 */
function queueSeconds({ waited, started }: Window): number | null {
  if (waited === 0) return 0;
  return started > 0 ? waited / started : null;
}

/** Both times are per request, so the rate cancels out of Little's law: waiting on average over running on average. */
function queueToCompute({ waited, served }: Window): number | null {
  if (waited === 0) return 0;
  return served > 0 ? waited / served : null;
}
