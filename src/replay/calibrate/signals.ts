import type { Profile } from '../../policy/profile.js';
import type { UnderLowest } from './point.js';
import { inServer, type Step } from './step.js';

/** The resource that a profile's signal is the utilisation of. */
export type Resource = keyof Step['utilisation'];

/** Told by what the profile reads: profiles are data, and a team's own can be of a resource too. */
export function resourceOf({ simulate, source }: Profile): Resource | null {
  if (simulate === 'dutyCycle') return 'gpu';
  return simulate === 'utilisation' && /cpu/i.test(source.metric) ? 'cpu' : null;
}

/** What a profile's unit makes of a share of 1; null for units that are no shares. */
export function fullIn(unit: string): number | null {
  if (unit === 'percent') return 100;
  return unit === 'ratio' ? 1 : null;
}

/** A profile's value at a step: as it was measured, else from what the test says anyway. Null: neither. */
export function signalAt(step: Step, profile: Profile): number | null {
  return step.signals[profile.name] ?? derived(step, profile);
}

/** By a column of its own or of its resource. */
export function isMeasured({ signals, utilisation }: Step, profile: Profile): boolean {
  const resource = resourceOf(profile);
  return profile.name in signals || (resource !== null && utilisation[resource] !== undefined);
}

/**
 * Counts by Little's law from throughput and times: 20 requests/s that wait 0.1 s each are 2 waiting. Signals of queries
 * and queues that only the workload knows cannot be told from a load test.
 */
function derived(step: Step, profile: Profile): number | null {
  if (profile.series !== 'pod' && profile.series !== 'service') return null;
  const { throughput, queue, service } = step;
  switch (profile.simulate) {
    case 'arrivals':
      return throughput;
    case 'concurrency':
      return inServer(step);
    case 'running':
      return service === null ? null : throughput * service;
    case 'queue':
      return queue === null ? null : throughput * queue;
    case 'queueTime':
      return queue === null ? null : inUnit(queue, profile.unit);
    case 'utilisation':
    case 'dutyCycle':
      return shareOf(step, profile);
    case 'queueComputeRatio':
      return null;
  }
}

function inUnit(seconds: number, unit: string): number | null {
  const units: Readonly<Record<string, number>> = { s: 1, seconds: 1, ms: 1e3, µs: 1e6, us: 1e6 };
  const factor = units[unit];
  return factor === undefined ? null : seconds * factor;
}

function shareOf({ utilisation }: Step, profile: Profile): number | null {
  const resource = resourceOf(profile);
  const share = resource === null ? undefined : utilisation[resource];
  const full = fullIn(profile.unit);
  return share === undefined || full === null ? null : share * full;
}

/** Counts and utilisations follow throughput down to no load; of waiting times nobody knows. */
export function underLowest({ simulate }: Profile): UnderLowest {
  return simulate === 'queueTime' || simulate === 'queueComputeRatio' || simulate === 'queue'
    ? 'unknown'
    : 'proportional';
}

/** How full everything is that was measured, 0 to 1, by the name that a person would give it. */
export function fullness(step: Step, profiles: readonly Profile[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const take = (name: string, share: number | undefined) => {
    if (share !== undefined) found.set(name, Math.max(share, found.get(name) ?? 0));
  };
  take('CPU', step.utilisation.cpu);
  take('GPU', step.utilisation.gpu);
  for (const profile of profiles) {
    const value = step.signals[profile.name];
    const full = fullIn(profile.unit);
    if (value === undefined || full === null) continue;
    if (profile.simulate !== 'utilisation' && profile.simulate !== 'dutyCycle') continue;
    take(resourceOf(profile)?.toUpperCase() ?? profile.name, value / full);
  }
  return found;
}
