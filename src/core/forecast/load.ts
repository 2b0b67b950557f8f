import { sumOf, weightedMean } from '../demand.js';
import type { ClusterReplicas, Sample } from '../observation.js';
import type { Evidence } from '../read.js';
import { SECOND, type Millis } from '../time.js';
import type { LoadPlan, LoadRole } from './load-plan.js';
import type { ForecastSettings } from './settings.js';

/** What is known at one moment. */
export interface LoadEvidence {
  /** In the order of the policy's signals. */
  readonly signals: readonly Evidence[];
  /** Requests that have left each pod so far. */
  readonly served: Evidence;
  readonly wake: Evidence;
  readonly wakeRole: LoadRole;
  readonly replicas: ClusterReplicas | null;
  /** Replicas as far as known, where neither the cluster nor the pods tell. */
  readonly current: number;
  /** The `busy` signal's value where a replica is full. */
  readonly full: number;
}

/** A counter as it stood. */
export interface Counted {
  readonly count: number;
  readonly at: Millis;
}

/** What was counted of each pod before. */
export type CountedByPod = ReadonlyMap<string | null, Counted>;

export interface PodLoad {
  /** Null: of the workload as a whole. */
  readonly pod: string | null;
  readonly waiting: number;
  readonly running: number;
  /** Requests that leave it, per second. */
  readonly served: number;
}

/** A workload's load at one moment. */
export interface LoadNow {
  /** When it was true. */
  readonly at: Millis;
  /**
   * Requests per second that come in; null: to be worked out from what the pods serve and what is there. `unknown`: they
   * will be known once there is something to compare with.
   */
  readonly arriving: number | null | 'unknown';
  readonly pods: readonly PodLoad[];
  readonly waiting: number;
  readonly running: number;
  readonly ready: number;
  readonly counted: CountedByPod;
}

type Work = Pick<ForecastSettings, 'slots' | 'serviceTime'>;

/**
 * @param before what had been counted when the load was last looked at
 * @returns null while it is not known: absence is never taken for no load
 */
export function loadNow(
  plan: LoadPlan,
  known: LoadEvidence,
  before: CountedByPod,
  work: Work,
  now: Millis,
): LoadNow | null {
  const counted = countsOf(known.served, now);
  const load = loadBut(plan, known, leavingSince(before, counted), work, now);
  return load === null ? null : { ...load, counted };
}

type LoadButCounts = Omit<LoadNow, 'counted'>;
/** Requests per second by pod. */
type Leaving = ReadonlyMap<string | null, number>;

function countsOf(served: Evidence, now: Millis): CountedByPod {
  const samples = served.kind === 'fresh' ? served.samples : [];
  return new Map(samples.map(({ pod, value, at }) => [pod, { count: value, at: Math.min(at, now) }]));
}

/** A count that fell began anew, or lost one of its series: what has left since is not known then. */
function leavingSince(before: CountedByPod, counted: CountedByPod): Leaving {
  const leaving = new Map<string | null, number>();
  for (const [pod, { count, at }] of counted) {
    const earlier = before.get(pod);
    if (earlier !== undefined && at > earlier.at && count >= earlier.count)
      leaving.set(pod, ((count - earlier.count) * SECOND) / (at - earlier.at));
  }
  return leaving;
}

function loadBut(
  plan: LoadPlan,
  known: LoadEvidence,
  leaving: Leaving,
  work: Work,
  now: Millis,
): LoadButCounts | null {
  const { signals } = known;
  if (!signals.some(speaks)) return loadAtZero(known, work, now);
  const ready = readyOf(known);
  const there = podsOf(plan, known, leaving, work, ready, now);
  if (plan.arrivals !== null) {
    const arriving = rateOf(signals[plan.arrivals]);
    const at = momentOf(signals[plan.arrivals], now);
    return arriving === null ? null : arrivingLoad(arriving, at, ready, work, there?.pods ?? []);
  }
  if (there !== null) return totals(there.at, there.pods, ready);
  const hasRequests = plan.inSystem !== null || plan.waiting !== null || plan.running !== null;
  const source = plan.busy === null ? known.served : signals[plan.busy];
  if (source?.kind !== 'fresh') return null;
  const at = momentOf(source, now);
  // Beside an empty queue it takes a second count to tell who runs.
  if (hasRequests) return plan.waiting === null ? null : { ...totals(at, [], ready), arriving: 'unknown' };
  const perReplica = (work.slots * SECOND) / work.serviceTime;
  if (plan.busy !== null)
    return arrivingLoad(
      (weightedMean(source.samples) / known.full) * ready * perReplica,
      at,
      ready,
      work,
      [],
    );
  if (leaving.size === 0) return { ...totals(at, [], ready), arriving: 'unknown' };
  const arriving = [...leaving.values()].reduce((sum, each) => sum + each, 0);
  return arrivingLoad(arriving, at, ready, work, []);
}

/** No pod says anything: what wakes the workload tells what comes, if it is requests. */
function loadAtZero(known: LoadEvidence, work: Work, now: Millis): LoadButCounts | null {
  const { wake, wakeRole } = known;
  const ready = known.replicas?.ready ?? 0;
  if (!speaks(wake)) return null;
  const at = momentOf(wake, now);
  const sum = rateOf(wake) ?? 0;
  if (wakeRole === 'arrivals' || sum === 0) return arrivingLoad(sum, at, ready, work, []);
  if (wakeRole !== 'inSystem' && wakeRole !== 'waiting') return null;
  return totals(at, [podLoad(null, sum, Math.min(sum, work.slots * ready), work)], ready);
}

function arrivingLoad(
  arriving: number,
  at: Millis,
  ready: number,
  work: Work,
  pods: readonly PodLoad[],
): LoadButCounts {
  // Little's law: 2 requests/s of 8 s each keep 16 slots busy.
  const running = Math.min((arriving * work.serviceTime) / SECOND, work.slots * ready);
  if (pods.length === 0) return { at, arriving, pods, waiting: 0, running, ready };
  return { ...totals(at, pods, ready), arriving };
}

interface There {
  readonly at: Millis;
  readonly pods: readonly PodLoad[];
}

/** What is in the system, by pod; null where it is not known or no signal tells it. */
function podsOf(
  plan: LoadPlan,
  known: LoadEvidence,
  leavingPods: Leaving,
  work: Work,
  ready: number,
  now: Millis,
): There | null {
  const { signals } = known;
  const positions = [plan.inSystem, plan.waiting, plan.running].filter((position) => position !== null);
  const evidence = positions.map((position) => signals[position]);
  if (evidence.length === 0 || !evidence.every(speaks)) return null;
  const at = Math.max(...evidence.map((each) => momentOf(each, now)));
  const valuesOf = (position: number | null) => byPod(position === null ? undefined : signals[position]);
  const all = valuesOf(plan.inSystem);
  const waiting = valuesOf(plan.waiting);
  const running = valuesOf(plan.running);
  const pods: PodLoad[] = [];
  for (const pod of new Set([...all.keys(), ...waiting.keys(), ...running.keys()])) {
    const room = pod === null ? work.slots * ready : work.slots;
    const leaving = leavingPods.get(pod) ?? null;
    const runs = runningIn(plan, pod, { all, waiting, running }, room, leaving, work);
    const waits = all.has(pod) ? (all.get(pod) ?? 0) - (runs ?? 0) : (waiting.get(pod) ?? 0);
    if (runs !== null) pods.push(podLoad(pod, waits + runs, runs, work, leaving));
  }
  const isIdle = evidence.every((each) => each.kind === 'idle');
  return pods.length === 0 && !isIdle ? null : { at, pods };
}

interface ByPod {
  readonly all: ReadonlyMap<string | null, number>;
  readonly waiting: ReadonlyMap<string | null, number>;
  readonly running: ReadonlyMap<string | null, number>;
}

/** Requests that hold a slot in the pod; null where that cannot be told. */
function runningIn(
  plan: LoadPlan,
  pod: string | null,
  { all, waiting, running }: ByPod,
  room: number,
  leaving: number | null,
  work: Work,
): number | null {
  const there = all.get(pod);
  if (there !== undefined) return Math.min(there, room);
  if (plan.running !== null) return running.get(pod) ?? null;
  // Only who waits is known. Little's law tells how many run from how many leave; while some wait all slots are taken.
  if (leaving !== null) return Math.min((leaving * work.serviceTime) / SECOND, room);
  return (waiting.get(pod) ?? 0) > 0 ? room : null;
}

/** Where it is not known what leaves a pod, those that run leave it after their time, by Little's law. */
function podLoad(
  pod: string | null,
  there: number,
  running: number,
  work: Work,
  leaving: number | null = null,
): PodLoad {
  const served = leaving ?? (running * SECOND) / work.serviceTime;
  return { pod, waiting: there - running, running, served };
}

function totals(at: Millis, pods: readonly PodLoad[], ready: number): LoadButCounts {
  let waiting = 0;
  let running = 0;
  for (const pod of pods) {
    waiting += pod.waiting;
    running += pod.running;
  }
  return { at, arriving: null, pods, waiting, running, ready };
}

function speaks(evidence: Evidence | undefined): evidence is Extract<Evidence, { kind: 'fresh' | 'idle' }> {
  return evidence !== undefined && (evidence.kind === 'fresh' || evidence.kind === 'idle');
}

/** The sum of what is fresh, 0 where absence means no load, and null where nothing is known. */
function rateOf(evidence: Evidence | undefined): number | null {
  if (!speaks(evidence)) return null;
  return evidence.kind === 'fresh' ? sumOf(evidence.samples) : 0;
}

/** That of the youngest sample; a silence that means no load is that of now. */
function momentOf(evidence: Evidence | undefined, now: Millis): Millis {
  if (evidence?.kind !== 'fresh') return now;
  return Math.min(now, Math.max(...evidence.samples.map((sample) => sample.at)));
}

function byPod(evidence: Evidence | undefined): ReadonlyMap<string | null, number> {
  const samples: readonly Sample[] = evidence?.kind === 'fresh' ? evidence.samples : [];
  return new Map(samples.map(({ pod, value }) => [pod, value]));
}

function readyOf({ signals, replicas, current }: LoadEvidence): number {
  if (replicas !== null) return replicas.ready;
  const pods = new Set(
    signals.flatMap((each) => (each.kind === 'fresh' ? each.samples.map(({ pod }) => pod) : [])),
  );
  pods.delete(null);
  return pods.size > 0 ? pods.size : current;
}
