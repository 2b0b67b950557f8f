import { MINUTE, SECOND, type Millis } from '../time.js';
import type { CountedByPod, LoadNow, PodLoad } from './load.js';
import type { LoadSample } from './observe.js';
import { BEAT } from './settings.js';

/** What one look at the load leaves for the next. */
export interface LoadSeen {
  readonly at: Millis;
  /** What was in each pod, and when; null: in the workload as a whole. */
  readonly pods: ReadonlyMap<string | null, { readonly inSystem: number; readonly at: Millis }>;
  /** What had been counted of the requests that left each pod. */
  readonly counted: CountedByPod;
  /** Requests that were counted before they came, ≤ 0: the next ones are taken for them. */
  readonly owed: number;
  /** Since when something is owed. */
  readonly owedSince: Millis;
}

/** A beat, less what scrapes wander around their interval. */
export const LEAST_APART: Millis = BEAT - SECOND;
/** What was in a pod that long ago says nothing any more, and what is owed for as long is forgiven. */
const LONGEST: Millis = 2 * MINUTE;

/**
 * The requests that came since the last look, at most once a beat.
 *
 * Where nothing counts them at the door they are those that left plus those by which the system filled up: a server that
 * serves 2 requests/s for 15 s while its queue grows by 20 got 50, and one that is saturated shows it. What leaves and what
 * is there are not always of the same moment: where more is gone than is known to have left, the sum is negative, and
 * that is kept and set against the next ones, so that 100 requests stay 100.
 *
 * @returns what to keep, and the sample; null when there is nothing to compare with, or nothing new
 */
export function arrivalsSince(
  seen: LoadSeen | null,
  load: LoadNow,
): { readonly seen: LoadSeen; readonly sample: LoadSample | null } {
  if (seen === null) return { seen: begun(load), sample: null };
  const length = load.at - seen.at;
  if (length < LEAST_APART) return { seen, sample: null };
  if (length > LONGEST) return { seen: begun(load), sample: null };
  const counted = recent(seen.counted, load.counted, load.at);
  if (load.arriving === 'unknown') return { seen: { ...seen, counted }, sample: null };
  const seconds = length / SECOND;
  const { arriving, pods } = load;
  const owed = load.at - seen.owedSince > LONGEST ? 0 : seen.owed;
  const net = arriving === null ? sumOf(pods, seen, seconds) + owed : arriving * seconds;
  const arrivals = Math.max(0, net);
  // Nobody is there to serve them: those that came wait, wherever that is.
  const waiting = load.ready === 0 && arriving !== null ? Math.max(load.waiting, arrivals) : load.waiting;
  const { at, running, ready } = load;
  return {
    seen: {
      at,
      pods: pods.length === 0 ? new Map() : recent(seen.pods, begun(load).pods, at),
      counted,
      owed: Math.min(0, net),
      owedSince: owed < 0 ? seen.owedSince : at,
    },
    sample: { at, length, arrivals, waiting, running, ready },
  };
}

/** What is known now, and of pods that say nothing what was known lately. */
function recent<Known extends { readonly at: Millis }>(
  before: ReadonlyMap<string | null, Known>,
  now: ReadonlyMap<string | null, Known>,
  at: Millis,
): ReadonlyMap<string | null, Known> {
  return new Map([...[...before].filter(([, known]) => at - known.at <= LONGEST), ...now]);
}

function begun({ at, pods, counted }: LoadNow): LoadSeen {
  const there = pods.map(({ pod, waiting, running }) => [pod, { inSystem: waiting + running, at }] as const);
  return { at, pods: new Map(there), counted, owed: 0, owedSince: at };
}

/** A pod that is gone took its requests along, which had been counted; all that a new one has came since. */
function sumOf(pods: readonly PodLoad[], seen: LoadSeen, seconds: number): number {
  return pods.reduce((sum, { pod, waiting, running, served }) => {
    const before = seen.pods.get(pod)?.inSystem ?? 0;
    return sum + served * seconds + waiting + running - before;
  }, 0);
}
