/** What servers and exporters show of themselves, as far as the profiles read it. */

/** A Triton that has `pending` requests waiting. */
export function tritonPending(pending: number): string {
  return `# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{model="resnet",version="1"} ${pending}
`;
}

/**
 * A Triton whose requests have each waited for 100 µs. A model that was loaded through the API has every series twice,
 * with and without the GPU, and one of the two is always 0.
 */
export function tritonQueueTime(requests: number, series: 'one' | 'two'): string {
  const gpu = 'gpu_uuid="GPU-d7cbb0cd-d4bd-c2f7-dfaf-221df5e958ea",';
  const labels = 'model="resnet",version="1"';
  const lines = (metric: string, value: number) =>
    series === 'one'
      ? [`${metric}{${labels}} ${value}`]
      : [`${metric}{${gpu}${labels}} ${value}`, `${metric}{${labels}} 0`];
  return [
    '# TYPE nv_inference_request_success counter',
    ...lines('nv_inference_request_success', requests),
    '# TYPE nv_inference_queue_duration_us counter',
    ...lines('nv_inference_queue_duration_us', requests * 100),
    '# TYPE nv_inference_pending_request_count gauge',
    ...lines('nv_inference_pending_request_count', 0),
    '',
  ].join('\n');
}

/** A DCGM exporter: one GPU for each pod, all at the same utilisation in percent, and one that nobody holds. */
export function dcgm(namespace: string, pods: readonly string[], utilisation: number): string {
  const lines = pods.map(
    (pod, gpu) =>
      `DCGM_FI_DEV_GPU_UTIL{gpu="${gpu}",UUID="GPU-${gpu}",Hostname="node-1",container="server",namespace="${namespace}",pod="${pod}"} ${utilisation}`,
  );
  const idle = `DCGM_FI_DEV_GPU_UTIL{gpu="${pods.length}",UUID="GPU-idle",Hostname="node-1"} 0`;
  return ['# TYPE DCGM_FI_DEV_GPU_UTIL gauge', ...lines, idle, ''].join('\n');
}

/** ingress-nginx: requests for a Service since it started. */
export function nginx(namespace: string, service: string, requests: number): string {
  return `# TYPE nginx_ingress_controller_requests counter
nginx_ingress_controller_requests{ingress="${service}",method="POST",namespace="${namespace}",service="${service}",status="200"} ${requests}
`;
}

/** A TGI that has served nothing: it registers a gauge with its first value, so the page is empty. */
export const TGI_IDLE = '# nothing yet\n';
