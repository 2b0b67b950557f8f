import { describe, expect, it } from 'vitest';
import { dcgmPage, gatewayPage, tgiPage, tritonPage } from '../../src/demo/expositions.js';
import { collect, NOTHING_COLLECTED } from '../../src/demo/gpu-exporter.js';
import { newService, scaled, step, type Pod } from '../../src/demo/simulation.js';
import { parseExposition } from '../../src/signals/scrape/exposition.js';

/** A pod after so many steps of a busy service: 2 slots, 0.5 s a request, ready after 1 s. */
function podAfter(steps: number, arrivals = 1): Pod {
  let service = scaled(newService({ slots: 2, serviceTime: 5, coldStart: 10 }), 1, () => 'triton-abc-12345');
  for (let i = 0; i < steps; i += 1) service = step(service, arrivals);
  const [pod] = service.pods;
  if (pod === undefined) throw new Error('no pod');
  return pod;
}

function samplesOf(page: string) {
  const parsed = parseExposition(page);
  if (parsed.kind !== 'page') throw new Error(`line ${parsed.line}: ${parsed.why}\n${page}`);
  return parsed.samples;
}

function valuesOf(page: string, name: string): number[] {
  return samplesOf(page).flatMap((sample) => (sample.name === name ? [sample.value] : []));
}

describe("Triton's page", () => {
  it('has two series for each family, one of them 0: ended requests with the GPU, waiting ones without', () => {
    const pod = podAfter(40);
    const page = tritonPage(pod, 7, 'resnet');
    expect(valuesOf(page, 'nv_inference_request_success')).toEqual([pod.totals.succeeded, 0]);
    expect(valuesOf(page, 'nv_inference_pending_request_count')).toEqual([0, 7]);
    const [withGpu, without] = samplesOf(page);
    expect(withGpu?.labels.has('gpu_uuid')).toBe(true);
    expect(without?.labels.has('gpu_uuid')).toBe(false);
  });

  it('gives times in µs, of which those of a request less those in the queue are the service time', () => {
    const pod = podAfter(40);
    const page = tritonPage(pod, 0, 'resnet');
    const [requests = 0] = valuesOf(page, 'nv_inference_request_duration_us');
    const [queue = 0] = valuesOf(page, 'nv_inference_queue_duration_us');
    expect(pod.totals.succeeded).toBeGreaterThan(0);
    expect((requests - queue) / pod.totals.succeeded).toBeCloseTo(500_000, 6);
  });
});

describe("TGI's page", () => {
  it('is empty until the first request', () => {
    expect(tgiPage(podAfter(20, 0), 0)).toBe('');
  });

  it('has the queue and the batch from then on', () => {
    const page = tgiPage(podAfter(20), 3);
    expect(valuesOf(page, 'tgi_queue_size')).toEqual([3]);
    expect(valuesOf(page, 'tgi_batch_current_size')).toEqual([2]);
  });
});

describe("the DCGM exporter's page", () => {
  const held = (pod: Pod, name = pod.name) => ({
    pod: { ...pod, name },
    namespace: 'demo',
    container: 'server',
  });

  it('labels the GPUs that pods hold, and only those', () => {
    const { gpus } = collect(NOTHING_COLLECTED, [held(podAfter(20))], 20);
    const used = samplesOf(dcgmPage(gpus)).filter((sample) => sample.name === 'DCGM_FI_DEV_GPU_UTIL');
    expect(used).toHaveLength(20);
    expect(used.filter((sample) => sample.labels.has('pod'))).toHaveLength(1);
    expect(used[0]?.labels.get('pod')).toBe('triton-abc-12345');
  });

  it('shows the share of the interval in which the pod was busy, and some while it loads', () => {
    const loading = collect(NOTHING_COLLECTED, [held(podAfter(5))], 5);
    expect(loading.gpus[0]?.utilisation).toBe(20);
    // Ready from step 10 on and busy since: 10 of the 15 steps after the collection before.
    const after = collect(loading, [held(podAfter(20))], 20);
    expect(after.gpus[0]?.utilisation).toBeCloseTo((100 * 11) / 15, 6);
  });

  it('leaves a pod on its GPU when another one goes', () => {
    const pod = podAfter(5);
    const two = collect(NOTHING_COLLECTED, [held(pod, 'a'), held(pod, 'b')], 5);
    const one = collect(two, [held(pod, 'b'), held(pod, 'c')], 6);
    expect(one.gpus.slice(0, 3).map((gpu) => gpu.pod?.name ?? null)).toEqual(['c', 'b', null]);
  });
});

describe("the gateway's page", () => {
  it('has a counter for each Service', () => {
    const page = gatewayPage([{ namespace: 'demo', service: 'llama', requests: 12 }]);
    const [sample] = samplesOf(page);
    expect(sample).toMatchObject({ name: 'nginx_ingress_controller_requests', value: 12 });
    expect([sample?.labels.get('namespace'), sample?.labels.get('service')]).toEqual(['demo', 'llama']);
  });
});
