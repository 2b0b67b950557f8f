import type { Capacity } from './simulation.js';
import { STEPS_PER_SECOND } from './simulation.js';

/** One simulated deployment with its ScaledObject. Times in seconds of the story. */
export interface DemoWorkload {
  readonly name: string;
  /** Whose metrics its pods print. `plain` servers have none of their own and are seen by the GPU exporter alone. */
  readonly server: 'triton' | 'tgi' | 'plain';
  /** The trigger's metadata as a user would write it, without scalerAddress. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly capacity: Capacity;
  readonly maxReplicas: number;
  /** Requests per second at the height of the burst. */
  readonly peak: number;
  /** Seconds before its second burst at which that is announced; null: nobody knows of it. */
  readonly announced: number | null;
  /** So much later than the story's its load begins and ends, so that the wakes can be told apart. */
  readonly offset: number;
}

export const NAMESPACE = 'demo';

/**
 * Three servers as they are common: an image classifier with short requests, a language model with long ones and a
 * slow start, and a server without metrics of its own. At their peaks they need 5, 4 and 4 replicas.
 */
export const DEMO_WORKLOADS: readonly DemoWorkload[] = [
  {
    name: 'resnet',
    server: 'triton',
    metadata: {
      profile: 'triton-concurrency',
      wake: 'gateway-rps',
      slots: '8',
      serviceTime: '0.2',
      maxReplicas: '6',
      leadTime: '75s',
      model: 'resnet',
    },
    // 8 requests of 0.2 s at a time: 40 a second for each replica.
    capacity: capacity(8, 0.2, 25),
    maxReplicas: 6,
    peak: 130,
    announced: 75,
    offset: 0,
  },
  {
    name: 'llama',
    server: 'tgi',
    metadata: {
      profile: 'tgi-concurrency',
      wake: 'gateway-rps',
      slots: '16',
      serviceTime: '6',
      maxReplicas: '6',
      leadTime: '95s',
    },
    capacity: capacity(16, 6, 45),
    maxReplicas: 6,
    peak: 6,
    announced: 95,
    offset: 8,
  },
  {
    name: 'embed',
    server: 'plain',
    // Without slots and serviceTime a request rate does not say how many replicas it takes, and wakes one.
    metadata: { profile: 'dcgm-gpu-util', wake: 'gateway-rps', maxReplicas: '6' },
    // One request at a time, so that GPU utilisation is the load: it tells nothing apart above that.
    capacity: capacity(1, 0.1, 20),
    maxReplicas: 6,
    peak: 14,
    announced: null,
    offset: 16,
  },
];

function capacity(slots: number, serviceTime: number, coldStart: number): Capacity {
  return {
    slots,
    serviceTime: Math.round(serviceTime * STEPS_PER_SECOND),
    coldStart: Math.round(coldStart * STEPS_PER_SECOND),
  };
}

/**
 * The ScaledObject's settings. KEDA's own defaults, but for a cooldown and a scale-down window that fit a story of
 * minutes instead of 300 s each.
 */
export const POLLING_INTERVAL = 30;
export const COOLDOWN_PERIOD = 120;
export const SCALE_DOWN_WINDOW = 60;
