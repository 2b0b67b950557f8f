import type { Load } from './load.js';
import type { Observation, Sampling } from './policy.js';
import { observeSecond, sampler, visibleSamples, type Sampler } from './sampler.js';
import { countStart, isScored, tally, type Tally } from './score.js';
import {
  arrive,
  boundReplicas,
  specReplicas,
  startWaiting,
  type OnStart,
  type scale,
  type Workload,
} from './workload.js';

/** A run goes on so long after its load's end while requests wait. */
const OVERTIME_SECONDS = 7200;

/** Called for each change of spec.replicas. */
export type OnScale = (t: number, from: number, to: number) => void;

/** A deployment on its way through a load. */
export interface Course {
  readonly load: Load;
  readonly workload: Workload;
  readonly sums: Tally;
  readonly metrics: Sampler;
  readonly onStart: OnStart;
  /** Of the load, the next to come. */
  row: number;
}

/**
 * @param sampling left out: the setup's scrape and lag
 * @param onStart told of requests that begin to be served, besides the score
 */
export function courseOf(
  load: Load,
  workload: Workload,
  sampling: Sampling | undefined,
  onStart?: OnStart,
): Course {
  const { setup } = workload;
  const sums = tally(setup, load.seconds);
  return {
    load,
    workload,
    sums,
    metrics: sampler(sampling ?? { every: setup.scrape, lag: setup.lag }),
    onStart(arrival, start, requests) {
      countStart(sums, arrival, start, requests);
      onStart?.(arrival, start, requests);
    },
    row: 0,
  };
}

/** Whether anything is left to be seen: the load itself, or for two hours after it those who wait. */
export function isUnderWay({ load, workload }: Course, t: number): boolean {
  return t < load.seconds || (workload.queue.requests > 0 && t < load.seconds + OVERTIME_SECONDS);
}

/** Requests arrive and start, and metrics are sampled. @returns those that came */
export function serveSecond(course: Course, t: number): number {
  const { load, workload, sums } = course;
  let arrivals = 0;
  if (load.at[course.row] === t) {
    arrivals = load.requests[course.row] ?? 0;
    course.row += 1;
  }
  arrive(workload, t, arrivals);
  startWaiting(workload, t, course.onStart);
  observeSecond(course.metrics, workload, t, arrivals);
  if (arrivals > 0) countArrivals(sums, workload, t, arrivals);
  return arrivals;
}

/** What a policy sees. Samples are handed out once. */
export function observe({ workload, metrics }: Course, t: number): Observation {
  return {
    current: specReplicas(workload),
    ready: workload.ready.length,
    starting: workload.starting.length,
    pending: workload.pending,
    samples: visibleSamples(metrics, t),
  };
}

/**
 * Sets spec.replicas, within what there may be.
 *
 * @param set `scale`, or `setReplicas` where GPUs are given out elsewhere
 */
export function rescale(
  { workload, sums }: Course,
  t: number,
  wanted: number,
  set: typeof scale,
  onScale?: OnScale,
): void {
  const current = specReplicas(workload);
  const desired = Math.max(0, Math.min(workload.setup.maxReplicas, wanted));
  if (desired === current) return;
  set(workload, t, desired);
  if (current === 0) sums.wakeups += 1;
  onScale?.(t, current, desired);
}

function countArrivals(sums: Tally, workload: Workload, t: number, arrivals: number): void {
  if (!isScored(sums, t)) return;
  sums.requests += arrivals;
  if (workload.ready.length === 0) sums.coldRequests += arrivals;
}

/** The end of a second. */
export function countCost({ sums, workload }: Course, t: number): void {
  if (!isScored(sums, t)) return;
  sums.nodeSeconds += workload.pool.nodes.length;
  sums.podSeconds += boundReplicas(workload);
}
