/** Money for a thousand inferences at a throughput that is held, without the reserve and idle hours. */
export interface Cost {
  /** Of one replica. */
  readonly pricePerHour: number;
  /** Inferences, not requests: a request may carry a batch. */
  readonly inferencesPerSecond: number;
  readonly perThousand: number;
  /** The same the other way around, as vendors print it. */
  readonly inferencesPerUnit: number;
}

/**
 * Price ÷ (3600 × inferences per second) × 1000. NVIDIA's figures for Triton on GKE check it: a T4 at 0.54 an hour and
 * 450 a second gives 3.0 million inferences for 1, or 0.00033 a thousand (Marketplace solution's README).
 *
 * @param pricePerHour > 0
 * @param throughput requests per second, > 0
 * @param batch inferences in a request, ≥ 1
 */
export function costOf(pricePerHour: number, throughput: number, batch: number): Cost {
  const inferencesPerSecond = throughput * batch;
  const perHour = 3600 * inferencesPerSecond;
  return {
    pricePerHour,
    inferencesPerSecond,
    perThousand: (pricePerHour / perHour) * 1000,
    inferencesPerUnit: perHour / pricePerHour,
  };
}
