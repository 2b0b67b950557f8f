import { describe, expect, it } from 'vitest';
import { growthOf } from '../../../../src/policy/lint/promql/growth.js';
import { parsePromql } from '../../../../src/policy/lint/promql/parse.js';

function growth(text: string) {
  const expression = parsePromql(text);
  return expression === null ? null : growthOf(expression);
}

describe('growthOf', () => {
  it.each([
    ['DCGM_FI_DEV_GPU_UTIL', 100],
    ['avg(dcgm_fi_dev_gpu_util{exported_namespace="chat"})', 100],
    ['max(vllm:gpu_cache_usage_perc)', 1],
    ['avg(vllm:kv_cache_usage_perc) * 100', 100],
    ['100 * avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE)', 100],
    ['avg(DCGM_FI_DEV_GPU_UTIL) / 100', 1],
    ['avg_over_time(avg(DCGM_FI_DEV_GPU_UTIL)[5m:])', 100],
    ['avg(avg_over_time(nv_gpu_utilization[5m]))', 1],
    ['sum(DCGM_FI_DEV_GPU_UTIL) / count(DCGM_FI_DEV_GPU_UTIL)', 100],
    ['max(vllm:kv_cache_usage_perc or vllm:gpu_cache_usage_perc)', 1],
    ['avg(DCGM_FI_DEV_GPU_UTIL) or vector(0)', 100],
    ['max(max by (pod) (DCGM_FI_DEV_GPU_UTIL))', 100],
    ['avg(node_cpu_utilization)', null],
    ['sum(queue_ratio) / count(queue_ratio)', null],
  ])('%s is a share of at most %s', (text, most) => {
    expect(growth(text)).toMatchObject({ kind: 'share', most });
  });

  it.each([
    'avg(vllm:num_requests_waiting)',
    'max(tgi_queue_size)',
    'sum(tgi_queue_size) / count(tgi_queue_size)',
    'sum(http_requests) / scalar(kube_deployment_status_replicas_ready{deployment="a"})',
    'sum(rate(nv_inference_queue_duration_us[1m])) / sum(rate(nv_inference_request_success[1m]))',
    'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))',
    'avg(rate(nv_inference_request_success[1m]))',
  ])('%s is a mean', (text) => {
    expect(growth(text)?.kind).toBe('mean');
  });

  it.each([
    'sum(vllm:num_requests_waiting)',
    'sum(DCGM_FI_DEV_GPU_UTIL)',
    'sum(avg by (exported_pod) (DCGM_FI_DEV_GPU_UTIL))',
    'sum(rate(vllm:generation_tokens_total[1m]))',
    'sum(tgi_queue_size) or vector(0)',
    'sum(tgi_queue_size) + sum(tgi_batch_current_size)',
    'sum(tgi_queue_size) / 2',
    'max(sum(tgi_queue_size))',
    'max_over_time(sum(tgi_queue_size)[5m:])',
  ])('%s is a total', (text) => {
    expect(growth(text)?.kind).toBe('total');
  });

  it.each([
    // An exporter with two replicas reports one queue twice: avg and max are then right.
    'avg(redis_list_length{key="jobs"})',
    'max(rabbitmq_queue_messages_ready)',
    'sum(rate(http_requests_total[1m]))',
    'wva_desired_replicas',
    'avg(DCGM_FI_DEV_GPU_UTIL) * count(DCGM_FI_DEV_GPU_UTIL)',
    'avg(vllm:kv_cache_usage_perc) * scalar(kube_deployment_status_replicas)',
    'sum(rate(vllm:num_incoming_requests_total[1m])) > bool 0',
    'sum(rate(vllm:num_incoming_requests_total[1m]) > bool 0)',
    'count(tgi_queue_size)',
    '1 - avg(idle)',
  ])('of %s nothing is said', (text) => {
    expect(growth(text)?.kind).toBe('unknown');
  });
});
