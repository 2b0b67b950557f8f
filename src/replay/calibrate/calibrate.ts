import type { Profile } from '../../policy/profile.js';
import { capacityOf, type Capacity } from './capacity.js';
import { costOf, type Cost } from './cost.js';
import { doubtsOf } from './doubts.js';
import { findKnee, type Beyond, type Knee } from './knee.js';
import { operationAt, pointAt, type Operation } from './point.js';
import { saturationOf, type Saturation } from './saturation.js';
import { LoadTestError, type LoadTest, type Step } from './step.js';
import { candidates, chooseTarget, targetOf, type Choice, type Target } from './targets.js';

export interface CalibrateOptions {
  /** Seconds that p99 may take; null: the knee is by throughput alone. */
  readonly slo: number | null;
  /** Of the knee's throughput, where the target is read; 0.75 leaves a quarter for the growth during a start. */
  readonly share: number;
  /** Of one replica. Null: no costs. */
  readonly pricePerHour: number | null;
  /** Inferences that one request carries; ≥ 1. */
  readonly batch: number;
  /** All that are known. */
  readonly profiles: readonly Profile[];
  /** Names; null: those that fit the test. */
  readonly asked: readonly string[] | null;
}

/** What a load test says about one replica, or that it does not say it. */
export type Calibration = {
  /** In order of load. */
  readonly steps: readonly Step[];
  readonly slo: number | null;
} & (Reached | { readonly kind: 'unreached'; readonly knee: Exclude<Knee, { kind: 'reached' }> });

export interface Reached {
  readonly kind: 'reached';
  readonly knee: { readonly index: number; readonly next: number; readonly why: Beyond };
  /** Null where no latency was measured. */
  readonly capacity: Capacity | null;
  readonly saturation: Saturation;
  /** At the share of the knee's throughput. */
  readonly operation: Operation;
  readonly targets: readonly Target[];
  readonly choice: Choice | null;
  readonly cost: Cost | null;
  readonly doubts: readonly string[];
}

/**
 * From the steps of a load test of one replica to the numbers of its trigger. Nothing is extrapolated: a test that does
 * not reach a knee gives none.
 *
 * @throws LoadTestError for steps that are not of one test
 */
export function calibrate(test: LoadTest, options: CalibrateOptions): Calibration {
  const steps = inOrder(test.steps);
  const { slo } = options;
  const knee = findKnee(steps, slo);
  return knee.kind === 'reached'
    ? { steps, slo, ...reached(test, steps, knee, options) }
    : { kind: 'unreached', steps, slo, knee };
}

function inOrder(steps: readonly Step[]): Step[] {
  const sorted = steps.toSorted((a, b) => a.load - b.load);
  for (const [index, step] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before === undefined) continue;
    if (before.held !== step.held)
      throw new LoadTestError(
        step.place,
        `holds ${step.held}, ${before.place} holds ${before.held}`,
        ONE_TEST,
      );
    if (before.load === step.load)
      throw new LoadTestError(
        step.place,
        `${step.load} is at ${before.place} already`,
        'keep one of the two',
      );
  }
  return sorted;
}

const ONE_TEST = 'the steps have to be of one test';

function reached(
  test: LoadTest,
  steps: readonly Step[],
  knee: Extract<Knee, { kind: 'reached' }>,
  options: CalibrateOptions,
): Reached {
  const { slo, share, pricePerHour, batch } = options;
  const at = steps[knee.index];
  if (at === undefined) throw new RangeError(`step ${knee.index} of ${steps.length}`);
  const capacity = capacityOf(steps, knee.index);
  const saturation = saturationOf(steps.slice(knee.index, knee.next + 1), options.profiles);
  const point = pointAt(steps, knee.index, share * at.throughput);
  const operation = operationAt(steps, point);
  const worthALook = candidates(test, options.profiles, options.asked);
  const targets = worthALook.map((profile) => targetOf(steps, knee.index, point, profile));
  return {
    kind: 'reached',
    knee,
    capacity,
    saturation,
    operation,
    targets,
    choice: chooseTarget(targets, worthALook, saturation, share),
    cost: pricePerHour === null ? null : costOf(pricePerHour, point.throughput, batch),
    doubts: doubtsOf(steps, knee, slo, capacity, operation, saturation),
  };
}
