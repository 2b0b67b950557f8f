import { describe, expect, it } from 'vitest';
import { misusedCounters, shortRanges } from '../../../../src/policy/lint/promql/counters.js';
import { parsePromql } from '../../../../src/policy/lint/promql/parse.js';

const read = (text: string) => parsePromql(text)!;

describe('misusedCounters', () => {
  it.each([
    ['sum(nv_inference_request_success)', null],
    ['sum(vllm:generation_tokens_total)', null],
    ['sum(delta(nv_inference_queue_duration_us[1m]))', 'delta'],
    ['deriv(tgi_request_count[5m])', 'deriv'],
    ['avg(vllm:time_to_first_token_seconds_sum)', null],
  ])('%s', (text, by) => {
    expect(misusedCounters(read(text))).toEqual([expect.objectContaining({ by })]);
  });

  it.each([
    'sum(rate(nv_inference_request_success[1m]))',
    'sum(increase(vllm:request_success_total[5m]))',
    'count(nv_inference_request_success)',
    'absent(nv_inference_count)',
    'time() - max(timestamp(nv_inference_count))',
    'sum(tgi_queue_size) and sum(tgi_request_count) > 0',
    'sum(delta(vllm:num_requests_waiting[5m]))',
    'sum(http_requests_total)',
  ])('%s is right, or not known to be wrong', (text) => {
    expect(misusedCounters(read(text))).toEqual([]);
  });
});

describe('shortRanges', () => {
  it('finds functions that need two samples', () => {
    const text = 'sum(rate(a[30s])) / (1 + sum(increase(b[15s]))) + sum(irate(c[1m]))';
    expect(shortRanges(read(text), 30)).toEqual([
      { call: 'rate', range: 30 },
      { call: 'increase', range: 15 },
    ]);
  });

  it('leaves functions that are content with one', () => {
    expect(shortRanges(read('max_over_time(a[30s]) + rate(b[5m:10s]) + c'), 30)).toEqual([]);
  });
});
