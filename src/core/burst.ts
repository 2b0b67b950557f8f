import type { State } from './state.js';
import { MINUTE, type Millis } from './time.js';

/** The long window, and how long a burst forbids scale-down: Knative's stable window (knative.dev serving, config.go:42-68). */
export const BURST_WINDOW: Millis = MINUTE;
/** Demand this many times the long window's mean is a burst: Knative's panic threshold of 200 %. */
export const BURST_RATIO = 2;
/** Twelve ticks of 5 s make a minute; whoever asks oftener gets a shorter memory and not a larger one. */
const MOST_LOADS = 120;

export interface Burst {
  readonly state: Pick<State, 'loads' | 'burst'>;
  /** Replicas that the burst holds, or 0. */
  readonly holds: number;
  readonly why: string;
}

/**
 * A demand of at least twice the last minute's mean, above what runs or is coming, opens a burst. Until a minute has
 * passed without another, the largest demand seen in it holds.
 *
 * @param replicas what the demand asks for, after the dead band
 * @param current replicas that run or are coming
 */
export function watchForBurst(
  state: Pick<State, 'loads' | 'burst'>,
  demand: number,
  replicas: number,
  current: number,
  now: Millis,
): Burst {
  const past = state.loads.filter((load) => now - load.at <= BURST_WINDOW);
  const loads = past.length < MOST_LOADS ? past : past.slice(1 - MOST_LOADS);
  const mean = meanOf(loads);
  loads.push({ at: now, demand });
  const jumped = mean !== null && demand >= BURST_RATIO * mean && replicas > current;
  const open = state.burst !== null && now < state.burst.until ? state.burst : { until: now, replicas: 0 };
  // Never further ahead than one window, also where the clock has been set back.
  const until = jumped ? now + BURST_WINDOW : Math.min(open.until, now + BURST_WINDOW);
  if (until === now) return { state: { loads, burst: null }, holds: 0, why: '' };
  const held = Math.max(open.replicas, replicas);
  const burst = { until, replicas: held };
  return {
    state: { loads, burst },
    holds: held,
    why: `burst: ${held} held until no jump for ${BURST_WINDOW / 1000} s`,
  };
}

function meanOf(loads: State['loads']): number | null {
  let sum = 0;
  for (const load of loads) sum += load.demand;
  return loads.length === 0 ? null : sum / loads.length;
}
