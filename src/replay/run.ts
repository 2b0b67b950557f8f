import { requestsBetween, type Load } from './load.js';
import type { ReplayPolicy } from './policy.js';
import { finishRecording, recordSecond, recordStart, type Recording } from './recording.js';
import { observeSecond, sampler, visibleSamples, type Sampler } from './sampler.js';
import { countStart, isScored, scoreOf, tally, type Score, type Tally } from './score.js';
import { checkSetup, replicaRate, type Setup } from './setup.js';
import {
  arrive,
  beginSecond,
  scale,
  specReplicas,
  startWaiting,
  workloadOf,
  type Workload,
} from './workload.js';

/** The run goes on so long after the load's end while requests wait. */
const OVERTIME_SECONDS = 7200;
/** The mean of the first ten minutes sizes the replicas of second 0, at this share of their capacity. */
const WARM_START_SECONDS = 600;
const WARM_START_UTILISATION = 0.7;

/** Called for each change of spec.replicas. */
export type OnScale = (t: number, from: number, to: number) => void;

/**
 * Runs a load through a deployment that a policy scales, second by second. Within a second: requests end, drained
 * replicas and idle nodes go, replicas become ready, requests arrive and start, metrics are sampled, the policy decides.
 *
 * @param recording is filled with the run as it goes; null: nobody wants it
 * @throws RangeError for a setup that makes no sense
 */
export function simulate(
  load: Load,
  setup: Setup,
  policy: ReplayPolicy,
  onScale?: OnScale,
  recording: Recording | null = null,
): Score {
  checkSetup(setup);
  const workload = workloadOf(setup, startReplicas(load, setup, policy.minReplicas));
  const sums = tally(setup, load.seconds);
  const metrics = sampler(policy.sampling ?? { every: setup.scrape, lag: setup.lag });
  const onStart = (arrival: number, start: number, requests: number) => {
    countStart(sums, arrival, start, requests);
    if (recording !== null) recordStart(recording, arrival, start, requests);
  };
  const limit = load.seconds + OVERTIME_SECONDS;
  let row = 0;
  let t = 0;
  for (; t < load.seconds || (workload.queue.requests > 0 && t < limit); t += 1) {
    let arrivals = 0;
    if (load.at[row] === t) {
      arrivals = load.requests[row] ?? 0;
      row += 1;
    }
    beginSecond(workload, t);
    arrive(workload, t, arrivals);
    startWaiting(workload, t, onStart);
    observeSecond(metrics, workload, t, arrivals);
    if (arrivals > 0) countArrivals(sums, workload, t, arrivals);
    if (t % policy.every === 0) decide(workload, metrics, policy, t, sums, onScale);
    countCost(sums, workload, t);
    if (recording !== null) recordSecond(recording, workload, t, arrivals, sums.nodeSeconds);
  }
  if (recording !== null) finishRecording(recording, workload, t, sums.nodeSeconds);
  return scoreOf(sums, setup.slo);
}

/** Ready replicas at second 0, the same for every policy but for its minimum. */
export function startReplicas(load: Load, setup: Setup, minReplicas: number): number {
  const rate = requestsBetween(load, 0, WARM_START_SECONDS) / WARM_START_SECONDS;
  const wanted = Math.ceil(rate / replicaRate(setup) / WARM_START_UTILISATION - 1e-9);
  return Math.min(setup.maxReplicas, Math.max(minReplicas, wanted));
}

function decide(
  workload: Workload,
  metrics: Sampler,
  policy: ReplayPolicy,
  t: number,
  sums: Tally,
  onScale: OnScale | undefined,
): void {
  const current = specReplicas(workload);
  const wanted = policy.tick(t, {
    current,
    ready: workload.ready.length,
    starting: workload.starting.length,
    pending: workload.pending,
    samples: visibleSamples(metrics, t),
  });
  if (wanted === null) return;
  const desired = Math.max(0, Math.min(workload.setup.maxReplicas, wanted));
  if (desired === current) return;
  scale(workload, t, desired);
  if (current === 0) sums.wakeups += 1;
  onScale?.(t, current, desired);
}

function countArrivals(sums: Tally, workload: Workload, t: number, arrivals: number): void {
  if (!isScored(sums, t)) return;
  sums.requests += arrivals;
  if (workload.ready.length === 0) sums.coldRequests += arrivals;
}

function countCost(sums: Tally, workload: Workload, t: number): void {
  if (!isScored(sums, t)) return;
  sums.nodeSeconds += workload.pool.nodes.length;
  sums.podSeconds += workload.starting.length + workload.ready.length + workload.draining.length;
}
