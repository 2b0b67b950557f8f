import { addWaits, noWaits, waitQuantile, type Waits } from './waits.js';
import { inService, specReplicas, type Workload } from './workload.js';

/** One moment of a run, at the end of its second, with what came since the one before. */
export interface Moment {
  readonly t: number;
  /** Requests that came since the moment before, this second included. */
  readonly arrivals: number;
  /** Requests that wait. */
  readonly queue: number;
  /** Requests that hold a slot of a ready replica. */
  readonly running: number;
  /** spec.replicas: `ready` + `starting` + those that wait for a GPU. */
  readonly spec: number;
  readonly ready: number;
  /** Asked for and not ready: they wait for a node, or load. */
  readonly starting: number;
  /** Nodes that are paid for. */
  readonly nodes: number;
  /** Node-seconds paid so far, of the scored ones. */
  readonly paid: number;
}

/**
 * A run as it went, one moment every `every` seconds from second 0 on and one at its end. It looks at the deployment
 * itself, and at once: what a policy is shown comes late, and some look every 2 s.
 */
export interface Recording {
  readonly every: number;
  readonly moments: Moment[];
  /**
   * p99 of the waits of each moment's arrivals, seconds: NaN without any, Infinity where that share includes requests
   * that never started. As long as `moments` once the run is over.
   */
  readonly waits: number[];
  /** Called for each moment, within its second. */
  readonly onMoment: () => void;
  arrivals: number;
  /** Of the arrivals of the moment whose place is `waits.length`. */
  readonly current: Waits;
}

const SHARE = 0.99;

export function newRecording(every: number, onMoment: () => void = () => undefined): Recording {
  return { every, moments: [], waits: [], onMoment, arrivals: 0, current: noWaits() };
}

/** The run is over, and one moment is due at its last second: `t` is the first that is not any more. */
export function finishRecording(own: Recording, workload: Workload, t: number, paid: number): void {
  if (t > 0 && own.moments.at(-1)?.t !== t - 1) takeMoment(own, workload, t - 1, paid);
  while (own.waits.length < own.moments.length) closeWaits(own);
}

/** Looks at the end of one second. */
export function recordSecond(
  own: Recording,
  workload: Workload,
  t: number,
  arrivals: number,
  paid: number,
): void {
  own.arrivals += arrivals;
  if (t % own.every === 0) takeMoment(own, workload, t, paid);
}

/** Requests that begin to be served; first come first served, so that their arrivals never go back. */
export function recordStart(own: Recording, arrival: number, start: number, requests: number): void {
  const place = Math.ceil(arrival / own.every);
  while (own.waits.length < place) closeWaits(own);
  addWaits(own.current, start - arrival, requests);
}

function takeMoment(own: Recording, workload: Workload, t: number, paid: number): void {
  own.moments.push({
    t,
    arrivals: own.arrivals,
    queue: workload.queue.requests,
    running: inService(workload),
    spec: specReplicas(workload),
    ready: workload.ready.length,
    starting: workload.starting.length + workload.pending,
    nodes: workload.pool.nodes.length,
    paid,
  });
  own.arrivals = 0;
  own.onMoment();
}

/** A later request has started, or none will any more: those of this moment that have not never do. */
function closeWaits({ moments, waits, current }: Recording): void {
  const arrivals = moments[waits.length]?.arrivals ?? 0;
  waits.push(waitQuantile(current, SHARE, arrivals) ?? Number.NaN);
  if (current.started === 0) return;
  current.counts.fill(0);
  current.started = 0;
}
