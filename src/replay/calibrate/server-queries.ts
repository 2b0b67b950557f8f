/** How a server reports its requests to Prometheus: PromQL, one series per namespace and pod. Seconds and requests/s. */
export interface ServerQueries {
  /** As its vendor calls it in the profiles. */
  readonly server: string;
  readonly throughput: string;
  readonly mean: string;
  readonly p99: string;
  readonly queue: string;
  /** Time that a request held its slot. */
  readonly service: string;
}

/**
 * The counters of Triton, TGI and vLLM. Triton has quantiles only with `--metrics-config summary_latencies=true`, and
 * counts an ensemble's requests again in each of its models.
 *
 * @param window a PromQL duration
 * @param model only this one's, where the server tells models apart; null: all
 */
export function serverQueries(window: string, model: string | null): ServerQueries[] {
  return [triton(window, matchers('model', model)), tgi(window), vllm(window, matchers('model_name', model))];
}

const BY = 'namespace, pod';

function triton(window: string, model: readonly string[]): ServerQueries {
  const rate = (name: string) => `sum by (${BY}) (rate(nv_inference_${name}${inBraces(model)}[${window}]))`;
  const times = (...names: string[]) =>
    `(${names.map((name) => rate(`${name}_duration_us`)).join(' + ')}) / 1e6 / (${rate('request_success')} > 0)`;
  const quantile = inBraces([...model, 'quantile="0.99"']);
  return {
    server: 'Triton',
    throughput: rate('request_success'),
    mean: times('request'),
    p99: `max by (${BY}) (nv_inference_request_summary_us${quantile}) / 1e6`,
    queue: times('queue'),
    service: times('compute_input', 'compute_infer', 'compute_output'),
  };
}

function tgi(window: string): ServerQueries {
  return {
    server: 'text-generation-inference',
    throughput: `sum by (${BY}) (rate(tgi_request_success[${window}]))`,
    ...fromHistograms(window, [], {
      latency: 'tgi_request_duration',
      queue: 'tgi_request_queue_duration',
      service: 'tgi_request_inference_duration',
    }),
  };
}

function vllm(window: string, model: readonly string[]): ServerQueries {
  return {
    server: 'vLLM',
    throughput: `sum by (${BY}) (rate(vllm:request_success_total${inBraces(model)}[${window}]))`,
    ...fromHistograms(window, model, {
      latency: 'vllm:e2e_request_latency_seconds',
      queue: 'vllm:request_queue_time_seconds',
      service: 'vllm:request_inference_time_seconds',
    }),
  };
}

function fromHistograms(
  window: string,
  model: readonly string[],
  names: { readonly latency: string; readonly queue: string; readonly service: string },
): Pick<ServerQueries, 'mean' | 'p99' | 'queue' | 'service'> {
  const labels = inBraces(model);
  const rate = (name: string) => `sum by (${BY}) (rate(${name}${labels}[${window}]))`;
  const mean = (name: string) => `${rate(`${name}_sum`)} / (${rate(`${name}_count`)} > 0)`;
  const buckets = `sum by (${BY}, le) (rate(${names.latency}_bucket${labels}[${window}]))`;
  return {
    mean: mean(names.latency),
    p99: `histogram_quantile(0.99, ${buckets})`,
    queue: mean(names.queue),
    service: mean(names.service),
  };
}

function matchers(label: string, value: string | null): string[] {
  return value === null ? [] : [`${label}=${JSON.stringify(value)}`];
}

function inBraces(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(', ')}}`;
}
