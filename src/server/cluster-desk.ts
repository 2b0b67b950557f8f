import type { CapacityConfig } from '../policy/capacity-config.js';
import type { ClusterDesk } from '../ports/cluster-desk.js';
import type { ServerCluster } from './cluster.js';
import type { PodFigures } from './cluster-view.js';
import type { Registry } from './registry.js';
import type { Workload } from './workload.js';

/** The cluster as the metrics see it, one row for each ScaledObject that KEDA asks about. */
export function clusterDesk(cluster: ServerCluster, registry: Registry, pods: PodFigures): ClusterDesk {
  return {
    health: () => cluster.health(),
    features: () => cluster.features(),
    shares: () => cluster.shares(),
    money: () => cluster.money(),
    budgets: () => cluster.budgets(),
    *scaledObjects() {
      // Triggers beside each other are of one ScaledObject; the youngest knows its bounds best.
      const byName = new Map<string, Workload>();
      for (const workload of registry.all()) byName.set(`${workload.namespace}/${workload.name}`, workload);
      for (const workload of byName.values()) {
        const figures = cluster.figuresOf(workload, pods);
        if (figures !== null) yield figures;
      }
    },
  };
}

/** Whether anything has a price: where nothing has, nobody has to know what is served for it. */
export function hasPrices(config: CapacityConfig | undefined): boolean {
  if (config === undefined) return false;
  return Object.keys(config.prices).length > 0 || config.pools.some(({ price }) => price !== null);
}
