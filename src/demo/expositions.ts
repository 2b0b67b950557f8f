import { runningIn, STEPS_PER_SECOND, type Pod } from './simulation.js';

/**
 * The pages of the simulated endpoints, in the Prometheus text format and with the names, labels and habits of the
 * real ones; families that no profile reads are left out.
 */

/** Labels in the order in which they are printed. */
type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

const MICROSECONDS_PER_STEP = 1e6 / STEPS_PER_SECOND;

/**
 * Triton 23.09 or later with a model that was loaded through its API: each family has two series. Without `gpu_uuid`
 * the waiting requests count, with it those that ended, and what the other would count is 0.
 *
 * @param waiting requests in this pod's queue
 */
export function tritonPage(pod: Pod, waiting: number, model: string): string {
  const without: Labels = { model, version: '1' };
  const withGpu: Labels = { gpu_uuid: gpuUuid(pod.name), ...without };
  const { succeeded, requestTime, queueTime } = pod.totals;
  const ended = (value: number): Sample[] => [
    [withGpu, value],
    [without, 0],
  ];
  const counters: [string, string, number][] = [
    ['nv_inference_request_success', 'Number of successful inference requests, all batch sizes', succeeded],
    [
      'nv_inference_request_duration_us',
      'Cumulative inference request duration in microseconds (includes cached requests)',
      requestTime * MICROSECONDS_PER_STEP,
    ],
    [
      'nv_inference_queue_duration_us',
      'Cumulative inference queuing duration in microseconds (includes cached requests)',
      queueTime * MICROSECONDS_PER_STEP,
    ],
  ];
  return [
    ...counters.map(([name, help, value]) => family(name, help, 'counter', ended(value))),
    family(
      'nv_inference_pending_request_count',
      'Instantaneous number of pending requests awaiting execution per-model.',
      'gauge',
      [
        [withGpu, 0],
        [without, waiting],
      ],
    ),
  ].join('');
}

/** TGI's router: families appear with their first value, so that a pod without a request prints nothing at all. */
export function tgiPage(pod: Pod, waiting: number): string {
  const running = runningIn(pod);
  const { succeeded } = pod.totals;
  if (succeeded + running + waiting === 0) return '';
  return [
    family('tgi_request_count', 'Total number of requests', 'counter', [[{}, succeeded + running + waiting]]),
    family('tgi_request_success', 'Number of successful requests', 'counter', [[{}, succeeded]]),
    family('tgi_queue_size', 'Current queue size', 'gauge', [[{}, waiting]]),
    family('tgi_batch_current_size', 'Current batch size', 'gauge', [[{}, running]]),
  ].join('\n');
}

/** One GPU as the exporter sees it. */
export interface Gpu {
  readonly index: number;
  /** The pod that holds it, or null. */
  readonly pod: { readonly name: string; readonly namespace: string; readonly container: string } | null;
  /** Percent of the collection interval with a kernel running. */
  readonly utilisation: number;
}

/** The DCGM exporter in Kubernetes mode: a GPU that no pod holds has none of the three pod labels. */
export function dcgmPage(gpus: readonly Gpu[]): string {
  const samples = (value: (gpu: Gpu) => number): Sample[] => gpus.map((gpu) => [gpuLabels(gpu), value(gpu)]);
  return [
    family(
      'DCGM_FI_DEV_GPU_UTIL',
      'GPU utilization (in %).',
      'gauge',
      samples((gpu) => Math.round(gpu.utilisation)),
    ),
    family(
      'DCGM_FI_DEV_FB_USED',
      'Framebuffer memory used (in MiB).',
      'gauge',
      samples((gpu) => (gpu.pod === null ? 0 : 12_288)),
    ),
  ].join('');
}

/** Requests of one Service since the gateway started. */
export interface GatewayCount {
  readonly namespace: string;
  readonly service: string;
  readonly requests: number;
}

/** ingress-nginx. It counts each request, also those to a Service without endpoints. */
export function gatewayPage(counts: readonly GatewayCount[]): string {
  const samples = counts.map(({ namespace, service, requests }): Sample => {
    const labels = {
      canary: '',
      controller_class: 'k8s.io/ingress-nginx',
      controller_namespace: 'ingress-nginx',
      controller_pod: 'ingress-nginx-controller-6b7d9f8c4-5tqzr',
      host: `${service}.example.com`,
      ingress: service,
      method: 'POST',
      namespace,
      path: '/',
      service,
      status: '200',
    };
    return [labels, requests];
  });
  return family(
    'nginx_ingress_controller_requests',
    'The total number of client requests',
    'counter',
    samples,
  );
}

function gpuLabels({ index, pod }: Gpu): Labels {
  return {
    gpu: String(index),
    UUID: gpuUuid(String(index)),
    pci_bus_id: `00000000:00:${(0x10 + index).toString(16).toUpperCase()}.0`,
    device: `nvidia${index}`,
    modelName: 'Tesla T4',
    Hostname: 'demo-node',
    ...(pod === null ? {} : { container: pod.container, namespace: pod.namespace, pod: pod.name }),
  };
}

/** Shaped as NVIDIA's, and the same for the same seed. */
function gpuUuid(seed: string): string {
  let hash = 0;
  for (const character of seed) hash = (hash * 31 + character.charCodeAt(0)) % 0xffffffff;
  return `GPU-${hash.toString(16).padStart(8, '0')}-d4bd-c2f7-dfaf-221df5e958ea`;
}

function family(name: string, help: string, type: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}
