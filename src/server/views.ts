import type { WorkloadView, WorkloadViews } from '../ports/workload-views.js';
import { forecastView } from './foresight.js';
import type { Registry } from './registry.js';
import type { Workload } from './workload.js';

/** The registry as the console sees it: to look at, not to change. */
export function viewsOf(registry: Registry): WorkloadViews {
  return {
    all: () => Array.from(registry.all(), viewOf),
    named: (namespace, name) => registry.named(namespace, name).map(viewOf),
  };
}

function viewOf(workload: Workload): WorkloadView {
  const { id, namespace, name, trigger, target, askedAt, decision } = workload;
  const { policy, metricSpecs } = trigger;
  return {
    id,
    namespace,
    name,
    profiles: trigger.profiles.map((each) => each.name),
    target,
    policy,
    metricSpecs,
    askedAt,
    decision,
    forecast: forecastView(workload),
  };
}
