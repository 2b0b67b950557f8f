import type { Sample } from '../../../src/replay/policy.js';

/** A sample of 15 s of a quiet workload with one replica, but for what the test is about. */
export function sampleOf(given: Partial<Sample>): Sample {
  return {
    t: 15,
    secs: 15,
    arrivals: 0,
    queue: 0,
    running: 0,
    ready: 1,
    spec: given.ready ?? 1,
    util: given.ready === 0 ? null : 0,
    duty: given.ready === 0 ? null : 0,
    ...given,
  };
}
