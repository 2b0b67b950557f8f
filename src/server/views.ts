import type { WorkloadClusterView } from '../ports/cluster-desk.js';
import type { WorkloadSummary, WorkloadViews } from '../ports/workload-views.js';
import { forecastView } from './foresight.js';
import type { Registry } from './registry.js';
import type { Workload } from './workload.js';

/** The registry as the console sees it: to look at, not to change. */
export function viewsOf(
  registry: Registry,
  describe: (workload: Workload) => WorkloadClusterView | null,
): WorkloadViews {
  return {
    all: () => Array.from(registry.all(), summary),
    named: (namespace, name) =>
      registry
        .named(namespace, name)
        .map((workload) => ({ ...summary(workload), cluster: describe(workload) })),
  };
}

function summary(workload: Workload): WorkloadSummary {
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
