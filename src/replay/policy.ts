/** One scrape of the workload's metrics. It covers the `secs` seconds up to and including `t`. */
export interface Sample {
  readonly t: number;
  readonly secs: number;
  /** Requests that came in those seconds. */
  readonly arrivals: number;
  /** Requests that wait at `t`. */
  readonly queue: number;
  /** Requests that hold a slot of a ready replica at `t`; a draining one is no longer scraped. */
  readonly running: number;
  readonly ready: number;
  readonly spec: number;
  /** Mean share of the ready replicas' slots in use, 0 to 1; null when none was ready. */
  readonly util: number | null;
  /**
   * Mean share of time in which a ready replica had any work, 0 to 1; null when none was ready. Counted as if a perfect
   * balancer kept the requests spread evenly, which is when a duty cycle looks busiest.
   */
  readonly duty: number | null;
}

/** What a policy sees when it decides: the replicas as they are, the metrics one scrape late. */
export interface Observation {
  /** spec.replicas: `ready` + `starting` + `pending`. */
  readonly current: number;
  readonly ready: number;
  /** Have a GPU and load the model. */
  readonly starting: number;
  /** Wait for a GPU. */
  readonly pending: number;
  /** Those that became visible since the last tick, oldest first. */
  readonly samples: readonly Sample[];
}

/** How often metrics are scraped, and how long a scrape takes to be seen; seconds. */
export interface Sampling {
  readonly every: number;
  readonly lag: number;
}

/** Anything that decides replicas. It may keep state; each simulation needs a new one. */
export interface ReplayPolicy {
  readonly name: string;
  /** The run starts with at least so many ready replicas. */
  readonly minReplicas: number;
  /** Seconds between ticks; the first is at 0. */
  readonly every: number;
  /** Absent: the setup's scrape and lag. */
  readonly sampling?: Sampling;
  /** @returns spec.replicas from now on, or null to leave it; the simulation caps it at `maxReplicas` */
  tick(t: number, observation: Observation): number | null;
}
