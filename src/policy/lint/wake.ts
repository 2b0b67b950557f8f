import { isExternal, isGpuScaler } from '../manifest/our-triggers.js';
import type { Profile } from '../profile.js';
import { intensiveSignal } from './intensive-signal.js';
import { servingMetric } from './serving-metrics.js';
import type { OurTrigger, QueryView, TriggerView } from './subject.js';

/**
 * Whether a trigger is certain to have no data, or no load, at zero replicas. Of triggers that do not show what they
 * measure nothing is said.
 */
export function needsPods(view: TriggerView): boolean {
  const { trigger, ours, query } = view;
  if (ours !== null) return oursNeedsPods(ours, query);
  switch (trigger.type) {
    case 'cpu':
    case 'memory':
      return true;
    case 'prometheus':
      return query !== null && queryNeedsPods(query);
    case 'gcp-stackdriver':
      return intensiveSignal(view) !== null;
    default:
      // A GPU that nobody uses has no load, whoever reads it; that scaler's other signals are the pods' own.
      return isGpuScaler(trigger) || (isExternal(trigger) && intensiveSignal(view) !== null);
  }
}

function oursNeedsPods({ stated, fromEnv, profiles }: OurTrigger, query: QueryView | null): boolean {
  const names = (stated['profile'] ?? '').split(',');
  // Unknown profiles are another rule's business, and so is a wake profile that needs the pods itself.
  if (fromEnv.size > 0 || profiles.length < names.length) return false;
  const isPodSeries = (profile: Profile) =>
    'fromTrigger' in profile.prometheus ? query !== null && queryNeedsPods(query) : profile.series === 'pod';
  const wake = stated['wake'] ?? profiles.find((profile) => profile.wake !== undefined)?.wake ?? 'none';
  return wake === 'none' && profiles.every(isPodSeries);
}

function queryNeedsPods({ metrics }: QueryView): boolean {
  return (
    metrics.length > 0 &&
    metrics.every((metric) => {
      const reporter = servingMetric(metric)?.reporter;
      return reporter === 'pod' || reporter === 'gpu';
    })
  );
}
