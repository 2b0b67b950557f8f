import { bindOne, type Workload } from '../workload.js';

/** A pod that no node has taken yet. */
interface WaitingPod {
  readonly workload: Workload;
  /** The second in which it was made. */
  readonly since: number;
}

/** Pods of all workloads that wait for a GPU of the pool, the oldest first: nobody has a PriorityClass. */
export interface WaitingPods {
  pods: WaitingPod[];
  /** The longest that a pod of each has waited, seconds. */
  readonly longest: Map<Workload, number>;
}

export function noWaitingPods(): WaitingPods {
  return { pods: [], longest: new Map() };
}

/** After spec.replicas was set: those that are new go to the end, and of those removed the youngest go. */
export function noteScaled(own: WaitingPods, workload: Workload, t: number): void {
  let known = own.pods.reduce((count, pod) => (pod.workload === workload ? count + 1 : count), 0);
  for (; known < workload.pending; known += 1) own.pods.push({ workload, since: t });
  for (; known > workload.pending; known -= 1) {
    own.pods.splice(
      own.pods.findLastIndex((pod) => pod.workload === workload),
      1,
    );
  }
}

/** Gives free GPUs to the oldest; one for which they are too few lets smaller ones pass, as the scheduler does. */
export function bindOldest(own: WaitingPods, t: number): void {
  if (own.pods.length === 0) return;
  own.pods = own.pods.filter(({ workload, since }) => {
    own.longest.set(workload, Math.max(own.longest.get(workload) ?? 0, t - since));
    return !bindOne(workload, t);
  });
}
