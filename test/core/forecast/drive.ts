import { createHash } from 'node:crypto';
import type { Advice } from '../../../src/core/observation.js';
import { forecast, type Forecast } from '../../../src/core/forecast/forecast.js';
import { createForecastMemory, type ForecastMemory } from '../../../src/core/forecast/memory.js';
import { observe, type LoadSample } from '../../../src/core/forecast/observe.js';
import { BEAT, type ForecastSettings } from '../../../src/core/forecast/settings.js';
import { HOUR, MINUTE, SECOND, type Millis } from '../../../src/core/time.js';

/** 4 slots of 8 s: 7.5 requests a beat and replica. A new one takes 4 min, its node stays for 10: a horizon of 20 beats. */
export const SETTINGS: ForecastSettings = {
  slots: 4,
  serviceTime: 8 * SECOND,
  leadTime: 4 * MINUTE,
  wait: 10 * SECOND,
  share: 0.99,
  nodeIdle: 10 * MINUTE,
  maxReplicas: 20,
};

export const PER_BEAT = 7.5;
export const BEATS_AN_HOUR = HOUR / BEAT;
export const BEATS_A_DAY = 24 * BEATS_AN_HOUR;
/** A Monday at midnight, UTC. */
export const MONDAY: Millis = 1_789_948_800_000;

/** A sample of one beat that ends at so many beats after the start, of a workload that keeps up. */
export function beatOf(beat: number, arrivals: number, start: Millis = MONDAY): LoadSample {
  return { at: start + (beat + 1) * BEAT, length: BEAT, arrivals, waiting: 0, running: 0, ready: 1 };
}

/** A memory that has seen so many requests in each beat, one after the other. */
export function seen(
  arrivals: readonly number[],
  settings: ForecastSettings = SETTINGS,
  memory: ForecastMemory = createForecastMemory(settings.maxReplicas),
): ForecastMemory {
  for (const [beat, each] of arrivals.entries()) observe(memory, settings, beatOf(beat, each));
  return memory;
}

/** One beat of a workload that is scaled by the forecast alone. */
export interface Step {
  readonly beat: number;
  readonly arrivals: number;
  /** Null while it does not speak. */
  readonly advice: Forecast | Advice | null;
  /** Asked for: by the forecast, and by what is there until that speaks. */
  readonly wanted: number;
  readonly ready: number;
  /** Requests of this beat that found more than they could wait for. */
  readonly late: number;
}

export interface Drive {
  readonly memory: ForecastMemory;
  readonly steps: readonly Step[];
}

/**
 * A deployment that does as the forecast says: a replica is ready once it was wanted for the lead time. Requests are a
 * fluid, each ready replica serves 7.5 of them in a beat.
 *
 * @param reportedIn what is measured of a beat's arrivals, where that is not what they are
 */
export function drive(
  beats: number,
  arrivalsIn: (beat: number) => number,
  settings: ForecastSettings = SETTINGS,
  memory: ForecastMemory = createForecastMemory(settings.maxReplicas),
  reportedIn: (beat: number, arrivals: number) => number = (_, arrivals) => arrivals,
): Drive {
  const lead = Math.round(settings.leadTime / BEAT);
  const wants: number[] = [];
  const steps: Step[] = [];
  let waiting = 0;
  for (let beat = 0; beat < beats; beat += 1) {
    const arrivals = arrivalsIn(beat);
    const ready = beat < lead ? 0 : Math.min(...wants.slice(-lead - 1));
    const capacity = (ready * settings.slots * BEAT) / settings.serviceTime;
    const there = waiting + arrivals;
    const late = there - arrivals > (capacity / BEAT) * settings.wait || ready === 0 ? arrivals : 0;
    waiting = Math.max(0, there - capacity);
    const running = Math.min((there * settings.serviceTime) / BEAT, settings.slots * ready);
    observe(memory, settings, { ...beatOf(beat, reportedIn(beat, arrivals)), waiting, running, ready });
    const advice = forecast(memory, settings, wants.at(-1) ?? 0, MONDAY + (beat + 1) * BEAT);
    const byLoad = Math.min(settings.maxReplicas, Math.ceil((waiting + running) / settings.slots));
    const wanted = advice?.replicas ?? byLoad;
    wants.push(wanted);
    steps.push({ beat, arrivals, advice, wanted, ready, late });
  }
  return { memory, steps };
}

export function sumOf(steps: readonly Step[], of: 'wanted' | 'late' | 'arrivals'): number {
  return steps.reduce((sum, step) => sum + step[of], 0);
}

/** GPU-hours asked for. */
export function hoursOf(steps: readonly Step[]): number {
  return sumOf(steps, 'wanted') / BEATS_AN_HOUR;
}

/** Random numbers from 0 to 1 that are the same each time (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** All of a memory's numbers, shortened to a hash. */
export function bytesOf(memory: ForecastMemory): string {
  const text = JSON.stringify(memory, (_, value: unknown) =>
    ArrayBuffer.isView(value) ? [...(value as Float64Array)] : value,
  );
  return createHash('sha256').update(text).digest('hex');
}

/** Numbers that are none, by their path. */
export function unsoundIn(from: object, path = ''): string[] {
  return Object.entries(from).flatMap(([field, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return unsoundIn(value, `${path}${field}.`);
    return typeof value === 'number' && !Number.isFinite(value) ? [`${path}${field}: ${value}`] : [];
  });
}
