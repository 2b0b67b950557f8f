import type { Decision } from '../core/decision.js';
import type { Policy } from '../core/policy.js';
import type { Millis } from '../core/time.js';
import type { MetricSpec } from '../policy/trigger.js';
import type { ScaleTarget } from './workloads.js';

/** One trigger as the console, the metrics and `explain` see it. */
export interface WorkloadView {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly profiles: readonly string[];
  readonly target: ScaleTarget;
  readonly policy: Policy;
  readonly metricSpecs: readonly MetricSpec[];
  readonly askedAt: Millis;
  /** Null before the first evaluation. */
  readonly decision: Decision | null;
}

/** What the server knows, to look at. */
export interface WorkloadViews {
  all(): WorkloadView[];
  named(namespace: string, name: string): WorkloadView[];
}
