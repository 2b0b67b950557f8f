import {
  anyEnds,
  busyIn,
  closeLane,
  endRequests,
  lanesFor,
  openLane,
  startOnLeastBusy,
  type Lanes,
} from './lanes.js';
import {
  freeGpu,
  leaveNode,
  nodePool,
  provisionFor,
  removeIdleNodes,
  standingNode,
  type Node,
  type NodePool,
} from './nodes.js';
import { dequeue, emptyQueue, enqueue, oldestArrival, type Queue } from './queue.js';
import type { Setup } from './setup.js';

/** A replica that has a GPU. Those without are only counted. */
export interface Replica {
  readonly node: Node;
  /** The second in which it is Ready. */
  readonly ready: number;
  /** Its lane once it serves. */
  lane: number;
}

/**
 * One deployment: a queue in front (also at zero replicas), replicas with slots, the nodes under them. Each second runs
 * `beginSecond`, `arrive`, `startWaiting`, then `scale` if anybody decides; all of it mutates in place, since a replay
 * of two weeks has 1.2 million of them.
 */
export interface Workload {
  readonly setup: Setup;
  /** Perhaps shared with others. */
  readonly pool: NodePool;
  /** That each replica holds. */
  readonly gpus: number;
  readonly queue: Queue;
  readonly lanes: Lanes;
  /** Replicas without a GPU. */
  pending: number;
  /** Loading; in the order in which they will be ready. */
  readonly starting: Replica[];
  /** Serving; in the order in which they became ready. `readyLanes` are their lanes. */
  readonly ready: Replica[];
  readonly readyLanes: number[];
  /** Removed, and still busy. */
  readonly draining: Replica[];
}

/** What is told of each group of requests that begins to be served. */
export type OnStart = (arrival: number, start: number, requests: number) => void;

/** A deployment with so many ready replicas at second 0, and no more nodes than they need. */
export function workloadOf(setup: Setup, replicas: number): Workload {
  return workloadOn(nodePool(setup.nodeProvision, setup.nodeIdle, setup.gpusPerNode), setup, 1, replicas);
}

/** The same on a pool that others may use too; nodes are added to it where it has no room for these replicas. */
export function workloadOn(pool: NodePool, setup: Setup, gpus: number, replicas: number): Workload {
  const workload: Workload = {
    setup,
    pool,
    gpus,
    queue: emptyQueue(),
    lanes: lanesFor(setup.serviceTime),
    pending: 0,
    starting: [],
    ready: [],
    readyLanes: [],
    draining: [],
  };
  for (let i = 0; i < replicas; i += 1) {
    const node = freeGpu(pool, 0, gpus) ?? standingNode(pool, 0);
    node.taken += gpus;
    serve(workload, { node, ready: 0, lane: -1 });
  }
  return workload;
}

/** spec.replicas: what was asked for, draining replicas no longer. */
export function specReplicas(workload: Workload): number {
  return workload.pending + workload.starting.length + workload.ready.length;
}

/** Replicas that hold GPUs: loading, ready or draining. */
export function boundReplicas({ starting, ready, draining }: Workload): number {
  return starting.length + ready.length + draining.length;
}

/** Requests that hold a slot of the ready replicas; the others in service are on draining ones. */
export function inService(workload: Workload): number {
  let busy = workload.lanes.inService;
  for (const { lane } of workload.draining) busy -= busyIn(workload.lanes, lane);
  return busy;
}

/** Ends what ends in this second: requests, drains, waiting for a node, idle nodes, loading. */
export function beginSecond(workload: Workload, t: number): void {
  endService(workload, t);
  bindPending(workload, t);
  removeIdleNodes(workload.pool, t);
  endLoading(workload, t);
}

/** Requests end, and replicas that were only kept for them go. */
export function endService(workload: Workload, t: number): void {
  if (anyEnds(workload.lanes, t)) {
    endRequests(workload.lanes, t);
    if (workload.draining.length > 0) endDrains(workload, t);
  }
}

/** Those that have loaded serve from now on. */
export function endLoading(workload: Workload, t: number): void {
  while (workload.starting[0] !== undefined && workload.starting[0].ready <= t) {
    serve(workload, workload.starting.shift() as Replica);
  }
}

export function arrive(workload: Workload, t: number, requests: number): void {
  if (requests > 0) enqueue(workload.queue, t, requests);
}

/** Gives free slots to the oldest waiting requests. */
export function startWaiting(workload: Workload, t: number, onStart: OnStart): void {
  const { queue, ready, setup } = workload;
  if (queue.requests === 0 || ready.length === 0) return;
  const free = ready.length * setup.slots - inService(workload);
  const starting = Math.min(free, queue.requests);
  for (let left = starting; left > 0;) {
    const arrival = oldestArrival(queue);
    const taken = dequeue(queue, left);
    onStart(arrival, t, taken);
    left -= taken;
  }
  if (starting > 0) startOnLeastBusy(workload.lanes, workload.readyLanes, starting, t);
}

/** Sets spec.replicas, as KEDA and the HPA do. */
export function scale(workload: Workload, t: number, replicas: number): void {
  const before = specReplicas(workload);
  setReplicas(workload, t, replicas);
  if (replicas <= before) return;
  bindPending(workload, t);
  provisionFor(workload.pool, workload.pending, t);
  bindPending(workload, t); // nodes that need no time to provision
}

/** Sets spec.replicas; those that are new wait for whoever gives them a GPU. */
export function setReplicas(workload: Workload, t: number, replicas: number): void {
  const change = replicas - specReplicas(workload);
  if (change > 0) workload.pending += change;
  for (let left = -change; left > 0; left -= 1) removeOne(workload, t);
}

/** The pods that cost nothing yet go first, then the one that would be ready last, then the youngest ready one. */
function removeOne(workload: Workload, t: number): void {
  if (workload.pending > 0) {
    workload.pending -= 1;
    return;
  }
  const starting = workload.starting.pop();
  if (starting !== undefined) {
    leaveNode(starting.node, t, workload.gpus);
    return;
  }
  const replica = workload.ready.pop();
  if (replica === undefined) return;
  workload.readyLanes.pop();
  if (busyIn(workload.lanes, replica.lane) > 0) workload.draining.push(replica);
  else leave(workload, replica, t);
}

function bindPending(workload: Workload, t: number): void {
  while (workload.pending > 0 && bindOne(workload, t));
}

/** Gives one that waits its GPUs. @returns false where too few are free */
export function bindOne(workload: Workload, t: number): boolean {
  const node = freeGpu(workload.pool, t, workload.gpus);
  if (node === null) return false;
  node.taken += workload.gpus;
  workload.pending -= 1;
  workload.starting.push({ node, ready: t + workload.setup.modelLoad, lane: -1 });
  return true;
}

function serve(workload: Workload, replica: Replica): void {
  replica.lane = openLane(workload.lanes);
  workload.ready.push(replica);
  workload.readyLanes.push(replica.lane);
}

function endDrains(workload: Workload, t: number): void {
  for (let i = workload.draining.length - 1; i >= 0; i -= 1) {
    const replica = workload.draining[i];
    if (replica === undefined || busyIn(workload.lanes, replica.lane) > 0) continue;
    workload.draining.splice(i, 1);
    leave(workload, replica, t);
  }
}

function leave(workload: Workload, replica: Replica, t: number): void {
  closeLane(workload.lanes, replica.lane);
  leaveNode(replica.node, t, workload.gpus);
}
