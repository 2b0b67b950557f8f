import type { Steps } from '../core/steps.js';
import { declaredNode, type ClusterView } from './capacity.js';
import { refusedBy, type ReplicaShape } from './capacity-shape.js';
import { nodePrice, shareOfNode, type GpuPrices } from './cost-price.js';

/** Money per hour of one replica, in the first pool that can take it and has a price; null: none has. */
export function* replicaPrice(
  shape: ReplicaShape,
  view: ClusterView,
  prices: GpuPrices,
): Steps<number | null> {
  for (const pool of view.pools) {
    const { config } = pool;
    const nodes = (yield* view.groups.of(pool, shape)).map(({ node }) => node);
    const declared = config === null ? null : declaredNode(config, view.now);
    for (const node of declared === null ? nodes : [...nodes, declared]) {
      yield;
      if (refusedBy(shape, node, view.extendedResourceToleration) !== null) continue;
      const price = nodePrice(node, config, prices);
      const share = shareOfNode(shape.requests, node);
      if (price !== null && share > 0) return price * share;
    }
  }
  return null;
}
