import { openCluster, type ClusterParts, type WritableCluster } from '../../src/cluster/open.js';
import type { Surroundings } from './setup.js';

export interface Opened {
  readonly cluster: WritableCluster;
  readonly said: string[];
}

/** The cluster's part alone, in this process, where it can be given shorter times. */
export async function openHere(
  { kubeconfig }: Surroundings,
  timing: NonNullable<ClusterParts['timing']> = {},
): Promise<Opened> {
  const said: string[] = [];
  const say = (_: object, message: string) => void said.push(message);
  const cluster = await openCluster({
    credentials: { kind: 'kubeconfig', file: kubeconfig },
    namespaces: null,
    addresses: null,
    clock: { now: () => Date.now() },
    log: { info: say, warn: say },
    state: null,
    timing,
  });
  return { cluster, said };
}
