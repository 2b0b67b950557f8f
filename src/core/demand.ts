import { withinTolerance } from './hpa.js';
import type { Sample } from './observation.js';
import type { SignalPolicy } from './policy.js';
import type { Replicas } from './replicas.js';

/** What one signal asks for. */
export interface Demand {
  /** Sum over pods (extensive) or mean (intensive), in the profile's unit. */
  readonly raw: number;
  /** What the HPA would divide by the target: the sum, or the mean once for each replica that it is the mean of. */
  readonly total: number;
  /** Load in replicas, a real number, with the rules for missing and starting pods applied. */
  readonly demand: number;
  /** Whole replicas after the dead band. */
  readonly replicas: number;
  /** At or below the activation, and nobody silent: a pod that says nothing may be the busy one. */
  readonly idle: boolean;
  /** One line: the figures and the rule that decided. */
  readonly why: string;
}

/** Where a ceiling meets rounding noise: 3.0000000001 replicas are 3. */
const NOISE = 1e-9;

/**
 * Demand of one fresh signal. Both kinds follow the HPA's rules for pod metrics
 * (kubernetes 1.36, replica_calculator.go:110-165): pods without a value count at the target when the rest say down and
 * at zero when the rest say up; pods that are starting count at zero when the rest say up, so that the same load is not
 * bought twice; and a correction that turns the direction around leaves the replicas alone.
 */
export function signalDemand(
  signal: SignalPolicy,
  samples: readonly Sample[],
  replicas: Replicas,
  tolerance: number,
): Demand {
  return signal.kind === 'extensive'
    ? extensiveDemand(signal, samples, replicas, tolerance)
    : intensiveDemand(signal, samples, replicas, tolerance);
}

type Asked = Pick<Demand, 'demand' | 'replicas' | 'why'>;

/** What was seen, and what it asks for. Fields are written out: spreads cost V8 ten times as much, and this runs at each tick. */
function demandFrom(raw: number, total: number, idle: boolean, asked: Asked): Demand {
  return { raw, total, demand: asked.demand, replicas: asked.replicas, idle, why: asked.why };
}

function isIdle(raw: number, signal: SignalPolicy, missing: number): boolean {
  return raw <= signal.activation && missing === 0;
}

/** A queue of 33 at a target of 10 asks for 3.3 replicas, whoever runs. */
function extensiveDemand(
  signal: SignalPolicy,
  samples: readonly Sample[],
  replicas: Replicas,
  tolerance: number,
): Demand {
  const { target } = signal;
  const { current, missing } = replicas;
  const raw = sumOf(samples);
  const plain = raw / target;
  const idle = isIdle(raw, signal, missing);
  const read = `${signal.profile} ${figure(raw)} ${signal.unit} in all, target ${figure(target)} each → ${figure(plain)}`;
  if (current === 0) return demandFrom(raw, raw, idle, exactly(plain, read));
  if (missing === 0 || plain >= current) {
    return demandFrom(raw, raw, idle, banded(plain, current, tolerance, read));
  }
  const corrected = plain + missing;
  const why = `${read}, ${figure(corrected)} with ${missing} silent ${pods(missing)} at the target`;
  const asked = turned(plain, corrected, current)
    ? stay(current, why)
    : banded(corrected, current, tolerance, why);
  return demandFrom(raw, raw, idle, asked);
}

/** A mean of 82 at a target of 40 on 1 pod asks for 2.05 replicas; what others on the way will take is not known yet. */
function intensiveDemand(
  signal: SignalPolicy,
  samples: readonly Sample[],
  replicas: Replicas,
  tolerance: number,
): Demand {
  const { target } = signal;
  const { missing, starting } = replicas;
  const current = Math.max(replicas.current, samples.length);
  const raw = weightedMean(samples);
  const ratio = raw / target;
  // One mean for the whole workload stands for all that are ready; it only gets here where the cluster counts them.
  const named = samples.some((sample) => sample.pod !== null);
  const reporting = named ? samples.length : Math.max(1, current - starting);
  const plain = ratio * reporting;
  const total = raw * reporting;
  const idle = isIdle(raw, signal, missing);
  const on = `on ${reporting} ${pods(reporting)}`;
  const read = `${signal.profile} mean ${figure(raw)} ${signal.unit} ${on}, target ${figure(target)} → ${figure(plain)}`;
  const absent = ratio > 1 ? missing + starting : missing;
  if (absent === 0) {
    const asked = withinTolerance(ratio, tolerance) ? stay(current, read) : exactly(plain, read);
    return demandFrom(raw, total, idle, asked);
  }
  const counted = reporting + absent;
  const corrected = (plain + (ratio > 1 ? 0 : missing)) / counted;
  const as = ratio > 1 ? 'silent or starting, counted at 0' : 'silent, counted at the target';
  const why = `${read}, with ${absent} ${pods(absent)} ${as}: ${figure(corrected * counted)}`;
  const stays = withinTolerance(corrected, tolerance) || turned(ratio, corrected, 1);
  return demandFrom(raw, total, idle, stays ? stay(current, why) : exactly(corrected * counted, why));
}

function banded(demand: number, current: number, tolerance: number, why: string): Asked {
  return withinTolerance(demand / current, tolerance)
    ? { demand, replicas: current, why: closeEnough(why, current) }
    : exactly(demand, why);
}

function exactly(demand: number, why: string): Asked {
  return { demand, replicas: whole(demand), why };
}

function stay(current: number, why: string): Asked {
  return { demand: current, replicas: current, why: closeEnough(why, current) };
}

function closeEnough(why: string, current: number): string {
  return `${why}, close enough to ${current}`;
}

/** Whether a correction took a value from one side of the pivot to the other. */
function turned(before: number, after: number, pivot: number): boolean {
  return before > pivot !== after > pivot;
}

function whole(demand: number): number {
  return Math.max(0, Math.ceil(demand - NOISE));
}

/** Of all values, in the order of the samples. */
export function sumOf(samples: readonly Sample[]): number {
  let sum = 0;
  for (const { value } of samples) sum += value;
  return sum;
}

/** Mean over pods, or over requests where samples carry weights. */
export function weightedMean(samples: readonly Sample[]): number {
  let weights = 0;
  let weighted = 0;
  let plain = 0;
  for (const { value, weight } of samples) {
    const counts = weight === undefined ? 1 : weight > 0 && weight <= Number.MAX_SAFE_INTEGER ? weight : 0;
    weights += counts;
    weighted += counts * value;
    plain += value;
  }
  return weights > 0 ? weighted / weights : plain / samples.length;
}

/** A figure as an operator reads it: three significant digits, whole numbers whole. */
export function figure(value: number): string {
  // Most figures are whole: for those the way through text and back changes nothing.
  if (Number.isInteger(value)) return String(value);
  return String(Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));
}

function pods(count: number): string {
  return count === 1 ? 'pod' : 'pods';
}
