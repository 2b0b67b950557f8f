/**
 * What is known of the metrics of GPU serving, for rules about other scalers' queries. Pilotlight's own signals are
 * profiles; these names are only read here, never queried.
 */
export interface ServingMetric {
  /** Who has it: gone at zero replicas (`pod`), there without load (`gpu`), or in front of the pods (`router`). */
  readonly reporter: 'pod' | 'gpu' | 'router';
  readonly nature: Nature;
}

export type Nature =
  /** A share of a whole, at most `most` whatever the load. `duty`: of time with any work, full long before capacity. */
  | { readonly kind: 'share'; readonly most: 1 | 100; readonly duty: boolean }
  /** Requests that wait; blind until the replicas are full. */
  | { readonly kind: 'waiting' }
  /** Requests being served. */
  | { readonly kind: 'running' }
  /** Only ever grows, until a restart. */
  | { readonly kind: 'counter' }
  | { readonly kind: 'other' };

const DUTY_PERCENT: Nature = { kind: 'share', most: 100, duty: true };
const DUTY: Nature = { kind: 'share', most: 1, duty: true };
const PERCENT: Nature = { kind: 'share', most: 100, duty: false };
const SHARE: Nature = { kind: 'share', most: 1, duty: false };
const WAITING: Nature = { kind: 'waiting' };
const RUNNING: Nature = { kind: 'running' };
const COUNTER: Nature = { kind: 'counter' };
const OTHER: Nature = { kind: 'other' };

/** A histogram or a counter by Prometheus' naming. */
const COUNTED = '(?:_total|_count|_sum|_bucket)$';

/** The first that matches. Google's managed Prometheus has DCGM's names in lower case; Ray Serve puts `ray_` first. */
const KNOWN: readonly (readonly [RegExp, ServingMetric['reporter'], Nature])[] = [
  [/^dcgm_fi_dev_gpu_util$/i, 'gpu', DUTY_PERCENT],
  [/^dcgm_fi_prof_gr_engine_active$/i, 'gpu', DUTY],
  [/^dcgm_fi_prof_\w+_(?:active|occupancy)$/i, 'gpu', SHARE],
  [/^dcgm_fi_dev_(?:mem_copy|enc|dec)_util$/i, 'gpu', PERCENT],
  [/^dcgm_/i, 'gpu', OTHER],
  [/accelerator_duty_cycle$/, 'gpu', DUTY_PERCENT],

  // Triton's counters carry no `_total`.
  [/^nv_gpu_utilization$/, 'pod', DUTY],
  [/^nv_inference_pending_request_count$/, 'pod', WAITING],
  [/^nv_inference_(?:request_success|request_failure|count|exec_count)$/, 'pod', COUNTER],
  [/^nv_inference_\w+_duration_us$/, 'pod', COUNTER],
  [/^nv_energy_consumption$/, 'pod', COUNTER],
  [/^nv_(?:inference|gpu|cache|trt_llm|model)_/, 'pod', OTHER],

  [/^tgi_queue_size$/, 'pod', WAITING],
  [/^tgi_batch_current_size$/, 'pod', RUNNING],
  [/^tgi_(?:request|batch_inference)_(?:count|success|failure)$/, 'pod', COUNTER],
  [new RegExp(`^tgi_.*${COUNTED}`), 'pod', COUNTER],
  [/^tgi_/, 'pod', OTHER],

  // The production stack's router speaks under vLLM's prefix.
  [/^vllm[:_](?:current_qps|num_incoming_requests_total|healthy_pods_total|avg_latency)$/, 'router', OTHER],
  [/^(?:ray_)?vllm[:_]num_requests_waiting(?:_by_reason)?$/, 'pod', WAITING],
  [/^(?:ray_)?vllm[:_]num_requests_running$/, 'pod', RUNNING],
  [/^(?:ray_)?vllm[:_](?:kv|gpu|cpu)_cache_usage_perc$/, 'pod', SHARE],
  [new RegExp(`^(?:ray_)?vllm[:_].*${COUNTED}`), 'pod', COUNTER],
  [/^(?:ray_)?vllm[:_]/, 'pod', OTHER],

  [/^sglang[:_]num_queue_reqs$/, 'pod', WAITING],
  [/^sglang[:_]num_running_reqs$/, 'pod', RUNNING],
  [/^sglang[:_]token_usage$/, 'pod', SHARE],
  [new RegExp(`^sglang[:_].*${COUNTED}`), 'pod', COUNTER],
  [/^sglang[:_]/, 'pod', OTHER],
];

/** Null for a metric that is none of GPU serving's known ones. */
export function servingMetric(name: string): ServingMetric | null {
  const found = KNOWN.find(([pattern]) => pattern.test(name));
  return found === undefined ? null : { reporter: found[1], nature: found[2] };
}

/** Shares that other exporters name by convention, of 1 or of 100: a threshold above 1 tells. */
export function looksLikeShare(name: string): boolean {
  return /(?:utili[sz]ation|_util|_usage_perc|_percent|_percentage|_ratio|duty_cycle)$/i.test(name);
}

/** Text that speaks of GPU serving: metric names, workloads, images, addresses. */
export function speaksOfServing(text: string): boolean {
  return SERVING.test(text) || /[a-z]Gpu[A-Z]/.test(text);
}

const SERVING =
  /dcgm|\bnv_(?:inference|gpu)|(?:^|[^a-z])(?:tgi|gpu|llm|wva)(?:[^a-z]|$)|vllm|sglang|triton|duty_cycle/i;
