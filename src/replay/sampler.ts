import type { Sample, Sampling } from './policy.js';
import { inService, specReplicas, type Workload } from './workload.js';

/** Turns the workload's seconds into samples and holds them back until they may be seen. */
export interface Sampler {
  readonly sampling: Sampling;
  next: number;
  since: Sums;
  /** Taken and not yet handed out, oldest first. */
  readonly held: Sample[];
}

/** What adds up between two samples. */
interface Sums {
  seconds: number;
  arrivals: number;
  slotSeconds: number;
  busySlotSeconds: number;
  replicaSeconds: number;
  busyReplicaSeconds: number;
}

export function sampler(sampling: Sampling): Sampler {
  return { sampling, next: 0, since: noSums(), held: [] };
}

/** Looks at one second, after its requests have started; takes the sample when it is due. */
export function observeSecond(own: Sampler, workload: Workload, t: number, arrivals: number): void {
  addSecond(own.since, workload, arrivals);
  if (t < own.next) return;
  own.held.push(sampleOf(own.since, workload, t));
  own.since = noSums();
  own.next = t + own.sampling.every;
}

/** The samples that have become visible and were not handed out before. */
export function visibleSamples(own: Sampler, t: number): Sample[] {
  const hidden = own.held.findIndex((sample) => sample.t + own.sampling.lag > t);
  return own.held.splice(0, hidden === -1 ? own.held.length : hidden);
}

function addSecond(sums: Sums, workload: Workload, arrivals: number): void {
  const replicas = workload.ready.length;
  const busy = inService(workload);
  sums.seconds += 1;
  sums.arrivals += arrivals;
  sums.replicaSeconds += replicas;
  sums.slotSeconds += replicas * workload.setup.slots;
  sums.busySlotSeconds += busy;
  sums.busyReplicaSeconds += Math.min(replicas, busy);
}

function sampleOf(sums: Sums, workload: Workload, t: number): Sample {
  return {
    t,
    secs: sums.seconds,
    arrivals: sums.arrivals,
    queue: workload.queue.requests,
    running: inService(workload),
    ready: workload.ready.length,
    spec: specReplicas(workload),
    util: sums.slotSeconds === 0 ? null : sums.busySlotSeconds / sums.slotSeconds,
    duty: sums.replicaSeconds === 0 ? null : sums.busyReplicaSeconds / sums.replicaSeconds,
  };
}

function noSums(): Sums {
  return {
    seconds: 0,
    arrivals: 0,
    slotSeconds: 0,
    busySlotSeconds: 0,
    replicaSeconds: 0,
    busyReplicaSeconds: 0,
  };
}
