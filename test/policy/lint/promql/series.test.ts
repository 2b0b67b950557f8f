import { describe, expect, it } from 'vitest';
import { parsePromql } from '../../../../src/policy/lint/promql/parse.js';
import { seriesCount } from '../../../../src/policy/lint/promql/series.js';

function count(text: string): string {
  const expression = parsePromql(text);
  return expression === null ? 'unreadable' : seriesCount(expression).kind;
}

describe('seriesCount', () => {
  it.each([
    'vllm:num_requests_waiting',
    'vllm:num_requests_waiting{namespace="chat"}',
    'rate(nv_inference_request_success[1m])',
    'sum by (pod) (tgi_queue_size)',
    'sum by (namespace, pod) (tgi_queue_size{namespace="chat"})',
    'sum without (engine) (vllm:num_requests_waiting)',
    'vllm:num_requests_waiting > 0',
    'vllm:num_requests_waiting * 2',
    'vllm:num_requests_running + vllm:num_requests_waiting',
    'tgi_queue_size or vector(0)',
    'topk(3, DCGM_FI_DEV_GPU_UTIL)',
    'topk by (pod) (1, DCGM_FI_DEV_GPU_UTIL)',
    'histogram_quantile(0.9, sum by (le, pod) (rate(vllm:time_to_first_token_seconds_bucket[1m])))',
    'histogram_quantile(0.9, rate(vllm:time_to_first_token_seconds_bucket[1m]))',
    'DCGM_FI_DEV_GPU_UTIL * on (pod) group_left (model) kube_pod_labels',
    'tgi_queue_size / scalar(count(up))',
    'max_over_time(vllm:num_requests_waiting[5m])',
  ])('%s: several', (text) => {
    expect(count(text)).toBe('several');
  });

  it.each([
    'sum(vllm:num_requests_waiting)',
    'sum by () (vllm:num_requests_waiting)',
    'sum by (namespace) (tgi_queue_size{namespace="chat"})',
    'topk(1, DCGM_FI_DEV_GPU_UTIL)',
    'scalar(tgi_queue_size)',
    'sum(tgi_queue_size) or vector(0)',
    'sum(a) / sum(b)',
    'sum(a) / 2 > 1',
    'histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[1m])))',
    'max_over_time(sum(tgi_queue_size)[5m:])',
    'label_replace(sum(x), "a", "b", "c", "d")',
    'absent(tgi_queue_size)',
    'count(count by (pod) (tgi_queue_size))',
    'vector(1)',
  ])('%s: one', (text) => {
    expect(count(text)).toBe('one');
  });

  it.each([
    'wva_desired_replicas{variant_name="llama"}',
    'job:queue_length:sum',
    'vllm:num_requests_waiting{pod="llama-0"}',
    'sum by (namespace) (tgi_queue_size)',
    'sum(a) * b',
    'DCGM_FI_DEV_GPU_UTIL * kube_pod_labels',
  ])('%s: nothing is said', (text) => {
    expect(count(text)).toBe('unknown');
  });
});
