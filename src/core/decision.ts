import type { Faults } from './read.js';
import type { Replicas } from './replicas.js';
import type { Millis } from './time.js';

/** The stages of DESIGN, in their order; each that had something to say leaves a line. */
export type StageName =
  | 'read'
  | 'absence'
  | 'demand'
  | 'deadline'
  | 'coming'
  | 'burst'
  | 'forecast'
  | 'floor'
  | 'ceiling'
  | 'stabilise'
  | 'zero'
  | 'publish';

export interface Stage {
  readonly stage: StageName;
  /** Replicas after this stage. */
  readonly replicas: number;
  readonly why: string;
}

/** One signal as the decision saw it. */
export interface SignalReport {
  readonly profile: string;
  readonly role: 'demand' | 'wake';
  readonly evidence: 'fresh' | 'idle' | 'absent' | 'unread';
  /** Sum or mean in `unit`; null without fresh data. */
  readonly raw: number | null;
  readonly unit: string;
  readonly target: number;
  /** In replicas; null without fresh data. */
  readonly demand: number | null;
  readonly pods: number;
  /** Age of the oldest sample used. */
  readonly age: Millis | null;
  readonly faults: Faults;
  readonly why: string;
}

/** `fresh`: on fresh data. `held`: blind, and the last decision stands. `blind`: nothing to stand on, RPCs answer UNAVAILABLE. */
export type Verdict = 'fresh' | 'held' | 'blind';

/** The record that is the answer to KEDA, the explanation, the log line and the console's row. */
export interface Decision {
  readonly at: Millis;
  readonly verdict: Verdict;
  readonly desired: number;
  /** What was wanted where GPUs or money did not reach; else absent. */
  readonly wanted?: number;
  readonly active: boolean;
  readonly replicas: Replicas;
  readonly signals: readonly SignalReport[];
  readonly stages: readonly Stage[];
  /** Metric values in the order of the policy's metric specs, each for its own target. */
  readonly metrics: readonly number[];
  /** One line that an operator understands at three in the morning. */
  readonly reason: string;
  /** Whether the wake signal should be read for the next decision. */
  readonly needsWake: boolean;
  /** The decision would be wrong if replicas ran unseen: an HPA that asks proves it so, and must not be answered with it. */
  readonly presumesZero: boolean;
}
