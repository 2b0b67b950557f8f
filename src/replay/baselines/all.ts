import type { Load } from '../load.js';
import type { ReplayPolicy } from '../policy.js';
import type { Setup } from '../setup.js';
import { hpaOnPods } from './hpa-pods.js';
import { kedaWithHpa } from './keda-hpa.js';
import { knativePodAutoscaler } from './knative.js';
import { seasonalNaive } from './seasonal-naive.js';
import { staticPeak } from './static-peak.js';

/** Makes a policy for one run; a policy keeps state and serves only one. */
export type Baseline = (load: Load, setup: Setup) => ReplayPolicy;

/** Requests per replica that a queue trigger aims at, as the vendors' examples do. */
const QUEUE_TARGET = 5;
/** Share of a replica's slots that a concurrency trigger aims at. */
const CONCURRENCY_TARGET = 0.7;

const keda =
  (name: string, signal: 'queue' | 'concurrency', minReplicas: number): Baseline =>
  (_load, setup) => {
    const target = signal === 'queue' ? QUEUE_TARGET : CONCURRENCY_TARGET * setup.slots;
    return kedaWithHpa(name, setup, signal, target, minReplicas);
  };

/** What others would have done, by the name that reports use. */
export const BASELINES: Readonly<Record<string, Baseline>> = {
  'static-peak': staticPeak,
  'hpa-util60': (_load, setup) => hpaOnPods('hpa-util60', setup, 'util', 0.6),
  'hpa-dcgm80': (_load, setup) => hpaOnPods('hpa-dcgm80', setup, 'duty', 0.8),
  'keda-queue5-min1': keda('keda-queue5-min1', 'queue', 1),
  'keda-queue5-zero': keda('keda-queue5-zero', 'queue', 0),
  'keda-conc70-min1': keda('keda-conc70-min1', 'concurrency', 1),
  'keda-conc70-zero': keda('keda-conc70-zero', 'concurrency', 0),
  'kpa-zero': (_load, setup) => knativePodAutoscaler('kpa-zero', setup, 0),
  'kpa-min1': (_load, setup) => knativePodAutoscaler('kpa-min1', setup, 1),
  'snaive-zero': (load, setup) => seasonalNaive('snaive-zero', load, setup, 1, 0),
  'snaive-min1': (load, setup) => seasonalNaive('snaive-min1', load, setup, 1, 1),
  'snaive7-zero': (load, setup) => seasonalNaive('snaive7-zero', load, setup, 7, 0),
};
