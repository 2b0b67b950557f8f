/**
 * A model server behind a load balancer, as a pure function of its last state: requests wait first come, first served,
 * for a slot of a ready pod, hold it for the service time, and leave. None is dropped; those that come at zero replicas
 * wait too, as clients do that try again until they are served.
 *
 * Time goes in whole steps, so that nothing is lost to rounding.
 */

/** Steps in one second of the story: the shortest service time of the demo. */
export const STEPS_PER_SECOND = 10;

/** What one replica can do and how long it takes to be there; times in steps, ≥ 1. */
export interface Capacity {
  /** Requests that one pod serves at once. */
  readonly slots: number;
  readonly serviceTime: number;
  /** From asking for a pod until it is Ready: node, image, model. */
  readonly coldStart: number;
}

/** Requests that arrived in the same step. */
interface Arrivals {
  readonly at: number;
  readonly count: number;
}

/** Requests of one step's arrivals that began to be served in the same step. */
interface Running {
  readonly arrivedAt: number;
  readonly startedAt: number;
  readonly count: number;
}

/** What a pod's counters have counted since its start, in requests and in steps. */
export interface PodTotals {
  readonly succeeded: number;
  /** From arrival to end, summed over requests that ended. */
  readonly requestTime: number;
  /** From arrival to start, summed over the same requests. */
  readonly queueTime: number;
  /** Steps with at least one request running. */
  readonly busy: number;
}

export interface Pod {
  readonly name: string;
  readonly createdAt: number;
  readonly readyAt: number;
  /** Asked to go: takes no more requests and ends with its last. */
  readonly leaving: boolean;
  /** Oldest first. */
  readonly running: readonly Running[];
  readonly totals: PodTotals;
}

export interface Service {
  readonly now: number;
  readonly capacity: Capacity;
  /** Oldest first. */
  readonly waiting: readonly Arrivals[];
  readonly pods: readonly Pod[];
  readonly arrived: number;
  readonly succeeded: number;
  /** Pods times steps: what was paid for. */
  readonly podSteps: number;
}

export function newService(capacity: Capacity): Service {
  return { now: 0, capacity, waiting: [], pods: [], arrived: 0, succeeded: 0, podSteps: 0 };
}

/** One step: what ends, ends; `arrivals` requests come; free slots are given to those that wait longest. */
export function step(service: Service, arrivals: number): Service {
  const now = service.now + 1;
  const ended = service.pods.map((pod) => withoutEnded(pod, service.capacity, now));
  const waiting = arrivals > 0 ? [...service.waiting, { at: now, count: arrivals }] : service.waiting;
  const started = startWaiting(waiting, ended, service.capacity, now);
  const pods = started.pods.filter((pod) => !pod.leaving || pod.running.length > 0);
  const succeededBefore = sumOf(service.pods, (pod) => pod.totals.succeeded);
  return {
    ...service,
    now,
    waiting: started.waiting,
    pods: pods.map(withBusyStep),
    arrived: service.arrived + arrivals,
    succeeded: service.succeeded + sumOf(ended, (pod) => pod.totals.succeeded) - succeededBefore,
    podSteps: service.podSteps + pods.length,
  };
}

/** Sets spec.replicas: pods that are not ready go first, the youngest of each kind before the older. */
export function scaled(service: Service, replicas: number, newName: () => string): Service {
  const staying = service.pods.filter((pod) => !pod.leaving);
  const missing = Math.max(0, replicas - staying.length);
  const added = Array.from({ length: missing }, () => newPod(newName(), service));
  const byAge = [...staying].sort((a, b) => a.readyAt - b.readyAt);
  const surplus = new Set(byAge.slice(replicas));
  const pods = service.pods
    .map((pod) => (surplus.has(pod) ? { ...pod, leaving: true } : pod))
    .filter((pod) => !pod.leaving || pod.running.length > 0);
  return { ...service, pods: [...pods, ...added] };
}

/** spec.replicas: pods that have been asked to go no longer count. */
export function replicasOf(service: Service): number {
  return service.pods.filter((pod) => !pod.leaving).length;
}

export function isReady(pod: Pod, now: number): boolean {
  return !pod.leaving && pod.readyAt <= now;
}

export function readyPods({ pods, now }: Service): Pod[] {
  return pods.filter((pod) => isReady(pod, now));
}

export function runningIn(pod: Pod): number {
  return sumOf(pod.running, (group) => group.count);
}

export function waitingIn(service: Service): number {
  return sumOf(service.waiting, (group) => group.count);
}

/** How many of the waiting requests each ready pod shows as its own, in the order of `readyPods`: even shares. */
export function queueShares(service: Service): number[] {
  const waiting = waitingIn(service);
  const ready = readyPods(service).length;
  return Array.from({ length: ready }, (_, index) => Math.floor((waiting + ready - 1 - index) / ready));
}

function newPod(name: string, { now, capacity }: Service): Pod {
  return {
    name,
    createdAt: now,
    readyAt: now + capacity.coldStart,
    leaving: false,
    running: [],
    totals: { succeeded: 0, requestTime: 0, queueTime: 0, busy: 0 },
  };
}

function withoutEnded(pod: Pod, { serviceTime }: Capacity, now: number): Pod {
  const ends = (group: Running) => group.startedAt + serviceTime <= now;
  if (!pod.running.some(ends)) return pod;
  let { succeeded, requestTime, queueTime } = pod.totals;
  for (const { arrivedAt, startedAt, count } of pod.running.filter(ends)) {
    succeeded += count;
    requestTime += count * (startedAt + serviceTime - arrivedAt);
    queueTime += count * (startedAt - arrivedAt);
  }
  return {
    ...pod,
    running: pod.running.filter((group) => !ends(group)),
    totals: { ...pod.totals, succeeded, requestTime, queueTime },
  };
}

/** The least busy pod takes the next request, as with a least-request load balancer. */
function startWaiting(
  waiting: readonly Arrivals[],
  pods: readonly Pod[],
  { slots }: Capacity,
  now: number,
): { readonly waiting: readonly Arrivals[]; readonly pods: readonly Pod[] } {
  const serving = pods.filter((pod) => isReady(pod, now)).map((pod) => ({ pod, busy: runningIn(pod) }));
  const started = new Map<Pod, Running[]>();
  const left = [...waiting];
  while (left.length > 0) {
    const [oldest] = left;
    const least = serving.reduce<{ pod: Pod; busy: number } | null>(
      (a, b) => (a === null || b.busy < a.busy ? b : a),
      null,
    );
    if (oldest === undefined || least === null || least.busy >= slots) break;
    least.busy += 1;
    addTo(started, least.pod, { arrivedAt: oldest.at, startedAt: now, count: 1 });
    if (oldest.count === 1) left.shift();
    else left[0] = { at: oldest.at, count: oldest.count - 1 };
  }
  return {
    waiting: left,
    pods: pods.map((pod) => ({ ...pod, running: [...pod.running, ...(started.get(pod) ?? [])] })),
  };
}

function addTo(started: Map<Pod, Running[]>, pod: Pod, request: Running): void {
  const groups = started.get(pod) ?? [];
  const last = groups.at(-1);
  if (last?.arrivedAt === request.arrivedAt) groups[groups.length - 1] = { ...last, count: last.count + 1 };
  else groups.push(request);
  started.set(pod, groups);
}

function withBusyStep(pod: Pod): Pod {
  return pod.running.length === 0 ? pod : { ...pod, totals: { ...pod.totals, busy: pod.totals.busy + 1 } };
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
