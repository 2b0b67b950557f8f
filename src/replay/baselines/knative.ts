import type { Observation, ReplayPolicy } from '../policy.js';
import type { Setup } from '../setup.js';

/**
 * Knative's pod autoscaler on concurrency with its defaults (knative/serving, pkg/autoscaler/config/config.go:42-68 and
 * scaling/autoscaler.go:182-264). Its activator and queue proxies push their counts, so that nothing is seen late.
 */
const TICK_SECONDS = 2;
const STABLE_WINDOW_SECONDS = 60;
const PANIC_WINDOW_SECONDS = 6;
const PANIC_THRESHOLD = 2;
const TARGET_UTILISATION = 0.7;
const MAX_SCALE_UP = 1000;
const MAX_SCALE_DOWN = 2;
const SCALE_TO_ZERO_GRACE_SECONDS = 30;

interface Panic {
  /** The last tick above the threshold; null outside panic. */
  readonly at: number | null;
  readonly replicas: number;
}

export function knativePodAutoscaler(name: string, setup: Setup, minScale: number): ReplayPolicy {
  const stable = slidingMean(STABLE_WINDOW_SECONDS);
  const burst = slidingMean(PANIC_WINDOW_SECONDS);
  const target = TARGET_UTILISATION * setup.slots;
  let panic: Panic = { at: null, replicas: 0 };
  let idleSince: number | null = null;
  return {
    name,
    minReplicas: minScale,
    every: TICK_SECONDS,
    sampling: { every: 1, lag: 0 },
    tick(t, observation) {
      for (const sample of observation.samples) {
        addValue(stable, sample.queue + sample.running);
        addValue(burst, sample.queue + sample.running);
      }
      const wanted = replicasFor(meanOf(stable) / target, observation);
      const wantedInPanic = replicasFor(meanOf(burst) / target, observation);
      panic = nextPanic(panic, wanted, wantedInPanic, observation, t);
      const desired = Math.max(minScale, panic.at === null ? wanted : panic.replicas);
      if (desired > 0 || observation.current === 0) {
        idleSince = null;
        return desired;
      }
      idleSince ??= t;
      return t - idleSince >= SCALE_TO_ZERO_GRACE_SECONDS ? 0 : 1;
    },
  };
}

/** Within the rates of change, which go by the ready replicas and take at least one for granted. */
function replicasFor(demand: number, observation: Observation): number {
  const ready = Math.max(1, observation.ready);
  const most = MAX_SCALE_UP * ready;
  const least = Math.floor(ready / MAX_SCALE_DOWN);
  return Math.min(most, Math.max(least, Math.ceil(demand - 1e-9)));
}

/** In panic the replicas never fall; it ends a stable window after the last tick above the threshold. */
function nextPanic(
  panic: Panic,
  wanted: number,
  wantedInPanic: number,
  observation: Observation,
  t: number,
): Panic {
  const isOver = wantedInPanic / Math.max(1, observation.ready) >= PANIC_THRESHOLD;
  const at = isOver ? t : panic.at;
  if (at === null || at + STABLE_WINDOW_SECONDS < t) return { at: null, replicas: 0 };
  return { at, replicas: Math.max(panic.replicas, wanted, wantedInPanic) };
}

/** The mean of the last values, one a second: whole numbers, so that the running sum stays exact. */
interface SlidingMean {
  readonly values: Float64Array;
  added: number;
  sum: number;
}

function slidingMean(length: number): SlidingMean {
  return { values: new Float64Array(length), added: 0, sum: 0 };
}

function addValue(mean: SlidingMean, value: number): void {
  const place = mean.added % mean.values.length;
  mean.sum += value - (mean.values[place] ?? 0);
  mean.values[place] = value;
  mean.added += 1;
}

function meanOf(mean: SlidingMean): number {
  return mean.added === 0 ? 0 : mean.sum / Math.min(mean.added, mean.values.length);
}
