import { hpaReplicas } from './hpa.js';

export interface Published {
  /** Metric value for a target of 1; at most three decimals, as the HPA reads it. */
  readonly value: number;
  /** What the HPA makes of it at the current count, before its own behaviour and stabilisation. */
  readonly hpaReplicas: number;
  /** Null when the HPA arrives at the wanted count, else what it does instead and why. */
  readonly why: string | null;
}

/**
 * The metric value, for a target of 1, that the HPA turns into the wanted replicas.
 *
 * Publishing the count itself is not enough: at 10 replicas and a tolerance of 0.1 a value of 11 is ignored
 * (11 ÷ 10 lies inside the band) and 11.001 gives 12. At 20, 18 is ignored but 17.999 gives 18. Where no value gives the
 * wanted count, one replica too many is preferred to people waiting.
 *
 * @param wanted replicas, ≥ 0
 * @param current status.replicas as far as known; null or 0: the count itself, since KEDA starts from 0 to 1 first
 * @param tolerance the HPA's, 0.1 unless the cluster or the ScaledObject's behaviour says otherwise
 */
export function publishReplicas(wanted: number, current: number | null, tolerance: number): Published {
  if (current === null || current === 0 || wanted === 0)
    return { value: wanted, hpaReplicas: wanted, why: null };
  if (hpaReplicas(wanted * 1000, 1000, current, tolerance) === wanted) {
    return { value: wanted, hpaReplicas: wanted, why: null };
  }
  return wanted > current ? above(wanted, current, tolerance) : below(wanted, current, tolerance);
}

/** The smallest value that leaves the band upwards. */
function above(wanted: number, current: number, tolerance: number): Published {
  const milli = nextMilli(current * (1 + tolerance) * 1000, 1, (at) => moves(at, current, tolerance));
  const reached = hpaReplicas(milli, 1000, current, tolerance);
  if (reached === wanted) return { value: milli / 1000, hpaReplicas: reached, why: null };
  const why = `the HPA ignores ${wanted} at ${current} (tolerance ${tolerance}); ${reached} is the next it takes`;
  return { value: milli / 1000, hpaReplicas: reached, why };
}

/** The largest value that leaves the band downwards, unless it would take away more than wanted. */
function below(wanted: number, current: number, tolerance: number): Published {
  const milli = nextMilli(current * (1 - tolerance) * 1000, -1, (at) => moves(at, current, tolerance));
  const reached = hpaReplicas(milli, 1000, current, tolerance);
  if (reached === wanted) return { value: milli / 1000, hpaReplicas: reached, why: null };
  const why = `the HPA ignores ${wanted} at ${current} (tolerance ${tolerance}) and could only fall to ${reached}; kept at ${current}`;
  return { value: current, hpaReplicas: current, why };
}

function moves(milli: number, current: number, tolerance: number): boolean {
  return hpaReplicas(milli, 1000, current, tolerance) !== current;
}

/** Floating point decides what lies on the band's edge, so the edge is tried rather than computed. */
function nextMilli(edge: number, step: 1 | -1, moved: (milli: number) => boolean): number {
  let milli = step === 1 ? Math.floor(edge) - 1 : Math.ceil(edge) + 1;
  while (!moved(milli)) milli += step;
  return milli;
}
