import type { Load } from '../load.js';
import type { ReplayPolicy } from '../policy.js';
import { replicaRate, type Setup } from '../setup.js';

const MINUTE = 60;

/** The replicas that the busiest minute needs, always: what a team has that sizes for the peak and does not scale. */
export function staticPeak(load: Load, setup: Setup): ReplayPolicy {
  const replicas = Math.min(
    setup.maxReplicas,
    Math.max(1, Math.ceil(busiestMinute(load) / MINUTE / replicaRate(setup) - 1e-9)),
  );
  return { name: 'static-peak', minReplicas: replicas, every: MINUTE, tick: () => null };
}

function busiestMinute(load: Load): number {
  let most = 0;
  let minute = -1;
  let requests = 0;
  for (let row = 0; row < load.at.length; row += 1) {
    const here = Math.floor((load.at[row] ?? 0) / MINUTE);
    if (here !== minute) requests = 0;
    minute = here;
    requests += load.requests[row] ?? 0;
    most = Math.max(most, requests);
  }
  return most;
}
