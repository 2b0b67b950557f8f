/** A load test that cannot be read: where it is wrong, what was there, and what to do. */
export class LoadTestError extends Error {
  override readonly name = 'LoadTestError';

  /** @param place `FILE` or `FILE:LINE` */
  constructor(place: string, found: string, remedy: string) {
    super(`${place}: ${found}; ${remedy}`);
  }
}

/**
 * What the load generator was told to hold constant: requests in flight, users who think between their requests, or
 * requests per second whatever becomes of them (the open loop).
 */
export type Held = 'concurrency' | 'users' | 'rate';

/** What can be full. Shares of the limit, 0 to 1. */
export interface Utilisation {
  readonly cpu?: number;
  readonly gpu?: number;
}

/** One step of a load test of one replica: what it did while the load stood still. Seconds and requests per second. */
export interface Step {
  /** `FILE:LINE`, or the moments between which it was measured. */
  readonly place: string;
  readonly held: Held;
  /** What was held; > 0. */
  readonly load: number;
  /** Requests that succeeded, per second; > 0. */
  readonly throughput: number;
  /** Of the client, or of the server where nobody measured at the client. Null: not measured, as with all below. */
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  /** Mean wait in the server's queue. */
  readonly queue: number | null;
  /** Mean time that a request held its slot, by the server's word. */
  readonly service: number | null;
  /** Share of the requests that failed. */
  readonly failed: number | null;
  readonly utilisation: Utilisation;
  /** Values of profiles, in their own units. */
  readonly signals: Readonly<Record<string, number>>;
}

/** What a step's file knows; the rest is null. */
export type Measured = Pick<Step, 'place' | 'held' | 'load' | 'throughput'> & Partial<Step>;

export function stepOf(measured: Measured): Step {
  return {
    mean: null,
    p50: null,
    p99: null,
    queue: null,
    service: null,
    failed: null,
    utilisation: {},
    signals: {},
    ...measured,
  };
}

/** A whole load test. */
export interface LoadTest {
  /** Who wrote it. */
  readonly format: string;
  readonly steps: readonly Step[];
  /** The server under test as vendors call it, where the file can come from no other. */
  readonly server: string | null;
  /** What the reader of the result has to know about the file. */
  readonly notes: readonly string[];
}

/**
 * Mean seconds from a request's start to its end. With a fixed number of requests in flight and nothing else measured it
 * follows from Little's law, R = N ÷ X: 8 in flight at 0.5 requests/s take 16 s each.
 */
export function latencyOf({ mean, held, load, throughput }: Step): number | null {
  return mean ?? (held === 'concurrency' ? load / throughput : null);
}

/**
 * Seconds that a request holds its slot, as well as it is known: the server's word, else the latency without the wait,
 * else the latency, in which the network and any wait are included.
 */
export function serviceOf(step: Step): number | null {
  if (step.service !== null) return step.service;
  const latency = latencyOf(step);
  if (latency === null) return null;
  return step.queue === null || step.queue >= latency ? latency : latency - step.queue;
}

/**
 * Mean requests in the server, running and waiting, by Little's law L = X × W (Little, Operations Research 9, 1961): 20
 * requests/s that stay 0.3 s each are 6 in the server. The server's own times leave out the network, as its metrics do.
 */
export function inServer(step: Step): number | null {
  if (step.queue !== null && step.service !== null) return step.throughput * (step.queue + step.service);
  const latency = latencyOf(step);
  return latency === null ? null : step.throughput * latency;
}
