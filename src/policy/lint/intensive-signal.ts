import { isExternal } from '../manifest/our-triggers.js';
import { growthOf } from './promql/growth.js';
import { servingMetric } from './serving-metrics.js';
import type { QueryView, TriggerView } from './subject.js';

/** A foreign trigger's value that does not add up over replicas. */
export interface IntensiveSignal {
  /** The metadata key that shows it. */
  readonly key: string;
  readonly name: string;
  /** In words: `the mean of the pods`. */
  readonly how: string;
  /** The most it can be; null where it has no bound. */
  readonly most: number | null;
  readonly target: number | null;
}

/** Null also where the trigger does not show what it measures. */
export function intensiveSignal({ trigger, query }: TriggerView): IntensiveSignal | null {
  const { type, metadata } = trigger;
  if (type === 'prometheus') {
    return query === null ? null : ofQuery(query, numberIn(metadata['threshold']));
  }
  if (type === 'metrics-api') return ofEndpoints(metadata);
  if (type === 'gcp-stackdriver') return ofFilter(metadata);
  return isExternal(trigger) ? ofGpuScaler(metadata) : null;
}

function ofQuery({ expression }: QueryView, target: number | null): IntensiveSignal | null {
  const growth = growthOf(expression);
  if (growth.kind === 'mean') {
    return { key: 'query', name: growth.metric, how: growth.how, most: null, target };
  }
  if (growth.kind !== 'share') return null;
  // A name such as `…_utilization` does not tell 1 from 100; a target above 1 does.
  const most = growth.most ?? ((target ?? 0) > 1 ? 100 : 1);
  return { key: 'query', name: growth.metric, how: 'a share', most, target };
}

type Metadata = Readonly<Record<string, string>>;

/** KEDA asks every endpoint of a Service and averages, where nothing else is said. */
function ofEndpoints(metadata: Metadata): IntensiveSignal | null {
  const {
    aggregateFromKubeServiceEndpoints,
    aggregationType = 'average',
    valueLocation = '',
    targetValue,
  } = metadata;
  if (aggregateFromKubeServiceEndpoints !== 'true' || aggregationType === 'sum') return null;
  const share = servingMetric(valueLocation)?.nature;
  const key =
    metadata['aggregationType'] === undefined ? 'aggregateFromKubeServiceEndpoints' : 'aggregationType';
  return {
    key,
    name: valueLocation,
    how: `the ${aggregationType} of the endpoints`,
    most: share?.kind === 'share' ? share.most : null,
    target: numberIn(targetValue),
  };
}

/** GKE's duty cycle from Cloud Monitoring: percent of the time with any work. */
function ofFilter({
  filter = '',
  alignmentReducer = '',
  targetValue = '5',
}: Metadata): IntensiveSignal | null {
  if (!/duty_cycle|dcgm_fi_dev_gpu_util/i.test(filter) || alignmentReducer.toLowerCase() === 'sum')
    return null;
  const name = /duty_cycle/.test(filter) ? 'duty_cycle' : 'DCGM_FI_DEV_GPU_UTIL';
  return { key: 'filter', name, how: 'a share', most: 100, target: numberIn(targetValue) };
}

/** External scalers that say in their metadata that they publish a percentage of a GPU. */
function ofGpuScaler(metadata: Metadata): IntensiveSignal | null {
  const direct = Object.keys(metadata).find((key) => /^target\w*utili[sz]ation$/i.test(key));
  if (direct !== undefined) {
    const name = direct.replace(/^target/, '');
    return { key: direct, name, how: 'a share', most: 100, target: numberIn(metadata[direct]) };
  }
  const { metricType = '', targetValue } = metadata;
  if (!/utili[sz]ation$|_percent$|cache_usage$/.test(metricType)) return null;
  return { key: 'metricType', name: metricType, how: 'a share', most: 100, target: numberIn(targetValue) };
}

function numberIn(text: string | undefined): number | null {
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return number > 0 ? number : null;
}
