/** What a replica can do and what capacity costs in time. All times are whole seconds: the replay steps by one. */
export interface Setup {
  /** Requests that one replica serves at once; ≥ 1. */
  readonly slots: number;
  /** Seconds a request holds its slot; ≥ 1. */
  readonly serviceTime: number;
  /** A request is in time when it waited at most this long for its slot. */
  readonly slo: number;
  /** From asking for a GPU node until pods can be bound to it. */
  readonly nodeProvision: number;
  /** From a pod's binding to its readiness: image, model, warm-up. */
  readonly modelLoad: number;
  /** A node goes this long after its last pod left. */
  readonly nodeIdle: number;
  /** Replicas that fit a node. */
  readonly gpusPerNode: number;
  readonly maxReplicas: number;
  /** Seconds between two samples of the metrics, and from a sample to its being seen. */
  readonly scrape: number;
  readonly lag: number;
  /** Cost and requests count from this second; the time before warms the policy up. */
  readonly scoreFrom: number;
}

const DAY = 86_400;

/** The first day warms up when there are two; else an hour, or a quarter of a short recording. */
export function defaultScoreFrom(seconds: number): number {
  return seconds >= 2 * DAY ? DAY : Math.min(3600, Math.floor(seconds / 4));
}

/** Requests per second that one busy replica gets through. */
export function replicaRate(setup: Pick<Setup, 'slots' | 'serviceTime'>): number {
  return setup.slots / setup.serviceTime;
}

/**
 * A service time in whole seconds with the slots that keep a replica's rate: 4 slots of 0.5 s are 8 slots of 1 s.
 * Measured service times are rarely whole, and the replay's seconds are.
 *
 * @param slots > 0
 * @param serviceTime seconds, > 0
 */
export function onWholeSeconds(slots: number, serviceTime: number): Pick<Setup, 'slots' | 'serviceTime'> {
  const whole = Math.max(1, Math.round(serviceTime));
  return { slots: Math.max(1, Math.round((slots * whole) / serviceTime)), serviceTime: whole };
}

/** @throws RangeError that names the field, its value and what it must be */
export function checkSetup(setup: Setup): void {
  const least: Record<keyof Setup, number> = {
    slots: 1,
    serviceTime: 1,
    slo: 0,
    nodeProvision: 0,
    modelLoad: 0,
    nodeIdle: 0,
    gpusPerNode: 1,
    maxReplicas: 1,
    scrape: 1,
    lag: 0,
    scoreFrom: 0,
  };
  for (const field of Object.keys(least) as (keyof Setup)[]) {
    if (!Number.isInteger(setup[field]) || setup[field] < least[field]) {
      throw new RangeError(`${field} is ${setup[field]}: expected a whole number, at least ${least[field]}`);
    }
  }
}
