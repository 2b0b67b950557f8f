import { hpaReplicas, milliOf, type Tolerance } from './hpa.js';
import { MOST_REPLICAS } from './policy.js';

export interface Published {
  /** Metric value; at most three decimals, as the HPA reads it. */
  readonly value: number;
  /** What the HPA makes of it at the current count, before its own behaviour and stabilisation. */
  readonly hpaReplicas: number;
  /** Null when the HPA arrives at the wanted count, else what it does instead and why. */
  readonly why: string | null;
}

/** The HPA that a value is meant for. */
export interface Reader {
  /** status.replicas as far as known; null or 0: the HPA is not at work, since KEDA starts from 0 to 1 first. */
  readonly current: number | null;
  /** As `hpaTolerance` assumes it. */
  readonly tolerance: Tolerance;
  /** The count that no value may lead above. */
  readonly most: number;
  /** The HPA's own maximum, beyond which no value leads it; absent: not known. */
  readonly maximum?: number;
}

/** The HPA's own (kube-controller-manager, --horizontal-pod-autoscaler-tolerance). */
const DEFAULT_TOLERANCE = 0.1;
/** Tenants write it, and no value lies outside an endless band. */
const WIDEST: Tolerance = { up: MOST_REPLICAS, down: 0.999 };

/**
 * The tolerance that the HPA is assumed to have. A trigger's own narrows the dead band of the decision and not the HPA's:
 * whoever writes 0 still has an HPA with 0.1. A value outside the wider band is outside the narrower one too, and gives
 * the same count, so that the widest is never ignored; where the HPA's is narrower in fact, it takes one replica more than
 * need be at worst.
 *
 * @param ofHpa as its behaviour says; null: not known
 */
export function hpaTolerance(ofTrigger: number, ofHpa: Tolerance | null = null): Tolerance {
  const least = Math.max(DEFAULT_TOLERANCE, ofTrigger);
  const widest = (direction: keyof Tolerance) =>
    Math.max(least, Math.min(ofHpa?.[direction] ?? 0, WIDEST[direction]));
  return { up: widest('up'), down: widest('down') };
}

/** Quantities are 64-bit thousandths; KEDA turns a value of 1e17 into 0 (KEDA-PROTOCOL 18). */
const LARGEST_VALUE = 9e15;

/**
 * The metric value that the HPA turns into the wanted replicas.
 *
 * Publishing the count itself is not enough: at 10 replicas and a tolerance of 0.1 a value of 11 is ignored
 * (11 ÷ 10 lies inside the band) and 11.001 gives 12. At 20, 18 is ignored but 17.999 gives 18. Where no value gives the
 * wanted count, one replica too many is preferred to people waiting, though never one above `most`. Where the HPA's own
 * maximum is known, 22 at 20 is reached by 22.001: the HPA reckons 23, and stops at 22.
 *
 * @param wanted replicas, ≥ 0
 * @param target the metric's `averageValue`, > 0
 */
export function publishReplicas(wanted: number, reader: Reader, target = 1): Published {
  const { current, most } = reader;
  const targetMilli = inMilli(target);
  const exact = published(wanted * targetMilli, wanted, null);
  if (current === null || current === 0 || wanted === 0) return exact;
  if (taken(exact.value, targetMilli, reader) === wanted) return exact;
  const milli = leavingBand(wanted > current ? 1 : -1, current, targetMilli, reader);
  const reached = taken(milli / 1000, targetMilli, reader);
  if (reached === wanted) return published(milli, wanted, null);
  const ignores = ignoring(wanted, reader);
  if (current > most || (reached > wanted && reached <= most))
    return published(milli, reached, `${ignores}; ${reached} is the next it takes`);
  return published(
    current * targetMilli,
    current,
    `${ignores} and would go to ${reached}; kept at ${current}`,
  );
}

/**
 * For `output: signal`: the raw values where the HPA's arithmetic makes the wanted replicas of them. Where it does not
 * (pods without data, starting pods, bounds, a burst), the values that do.
 *
 * @param raw of each signal, what the HPA divides by the target
 * @param targets as many
 */
export function publishSignals(
  raw: readonly number[],
  targets: readonly number[],
  wanted: number,
  reader: Reader,
): Omit<Published, 'value'> & { readonly values: readonly number[] } {
  const signals = targets.map((target, index) => {
    const value = Math.min(raw[index] ?? 0, LARGEST_VALUE);
    return { value, load: value / target, alone: taken(value, inMilli(target), reader), target };
  });
  const alone = Math.max(...signals.map((each) => each.alone));
  // The HPA's own minimum is at least 1, so that 0 and 1 are the same to it.
  if (Math.max(1, alone) === Math.max(1, wanted))
    return { values: signals.map((each) => each.value), hpaReplicas: wanted, why: null };
  const leading = signals.reduce((a, b) => (b.load > a.load ? b : a));
  const led = publishReplicas(wanted, reader, leading.target);
  const made = signals.map((each) => {
    const isReplaced = each === leading || each.alone > led.hpaReplicas;
    const { target } = each;
    return { target, value: isReplaced ? publishReplicas(wanted, reader, target).value : each.value };
  });
  const values = made.map(({ value }) => value);
  const why = `published as ${wanted}: the raw values alone make ${alone}`;
  if (led.why === null) return { values, hpaReplicas: led.hpaReplicas, why };
  // A target of 0.001 cannot be met as finely as one of 0.002: the HPA takes the largest, not what the leading one makes.
  const reached = Math.max(...made.map(({ value, target }) => taken(value, inMilli(target), reader)));
  if (reached === led.hpaReplicas) return { values, hpaReplicas: reached, why: led.why };
  const taking = `${ignoring(wanted, reader)}; ${reached} is the next it takes`;
  return { values, hpaReplicas: reached, why: reached === wanted ? why : taking };
}

function ignoring(wanted: number, { current, tolerance: { up, down } }: Reader): string {
  const at = current ?? 0;
  return `the HPA ignores ${wanted} at ${at} (tolerance ${wanted > at ? up : down})`;
}

function published(milli: number, hpaReplicas: number, why: string | null): Published {
  return { value: Math.min(milli / 1000, LARGEST_VALUE), hpaReplicas, why };
}

function inMilli(target: number): number {
  return Math.max(1, milliOf(target));
}

/** Replicas that the HPA makes of a value as KEDA hands it over, and keeps to its maximum. */
function taken(value: number, targetMilli: number, reader: Reader): number {
  return Math.min(reader.maximum ?? Infinity, reckoned(value, targetMilli, reader));
}

function reckoned(value: number, targetMilli: number, { current, tolerance }: Reader): number {
  const milli = milliOf(value);
  return current === null || current === 0
    ? Math.ceil(milli / targetMilli)
    : hpaReplicas(milli, targetMilli, current, tolerance);
}

/** The first thousandth outside the band. Floating point decides what lies on the edge, so it is tried rather than computed. */
function leavingBand(step: 1 | -1, current: number, targetMilli: number, reader: Reader): number {
  const { up, down } = reader.tolerance;
  const edge = current * (step > 0 ? 1 + up : 1 - down) * targetMilli;
  // Above 2^53 the next thousandth is further away than 1.
  const stride = step * Math.max(1, edge * 2 * Number.EPSILON);
  let milli = Math.floor(edge) - stride;
  while (reckoned(milli / 1000, targetMilli, reader) === current) milli += stride;
  return milli;
}
