import type { Sample } from '../core/observation.js';
import type { Profile } from '../policy/profile.js';

/** What is asked of a source: one profile for all workloads at once, or one query of one workload. */
export interface MetricRequest {
  readonly profile: Profile;
  /** Split by the profile's model label, for workloads that name a model. */
  readonly byModel: boolean;
  /** For profiles whose query comes from the trigger: the query, already confined to its namespace. */
  readonly query?: string;
  /** `signal` unless said otherwise. `alive`: the pods that are up, valued 1 at the moment of the proof. */
  readonly part?: 'signal' | 'alive';
  /** For profiles whose series are queues: which one, as `PREFIX:NAME`. */
  readonly queue?: string;
}

/** One series of the answer. Samples carry the pod; this adds what assigns them to a workload. */
export interface MetricSeries {
  readonly namespace: string;
  /** The Service or queue for series that belong to no pod, else null. */
  readonly service: string | null;
  /** The model, when asked by model, else null. */
  readonly model: string | null;
  readonly sample: Sample;
}

export type MetricAnswer =
  | { readonly kind: 'answered'; readonly series: readonly MetricSeries[] }
  /** `why` is one line for an operator: what failed, where, and what was expected. Never a stack or a body. */
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Something that can be asked for a signal of the whole cluster.
 *
 * Never rejects and always settles within its own deadline: a failure is an answer. Does not retry for longer than
 * that deadline. Left out on purpose: which workloads there are, and what a value means.
 */
export interface MetricSource {
  read(request: MetricRequest): Promise<MetricAnswer>;
}
