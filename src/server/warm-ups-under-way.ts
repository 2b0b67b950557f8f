import type { Cluster, WorkloadFacts } from '../ports/cluster.js';
import type { WarmUp, WarmUpStatus } from '../ports/warm-up.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';
import { scaledObjectName } from './scaled-object-name.js';

/** One warm-up that has begun, with what the cluster says of its ScaledObject. */
export interface UnderWay {
  /** `namespace/name` of the ScaledObject. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** No more than the ScaledObject's maximum and what there is room and money for. */
  readonly replicas: number;
  readonly warmUp: WarmUp;
  /** Its replicas were ready once: pods that go missing later find the nodes that were made for them. */
  readonly wasReady: boolean;
  readonly facts: WorkloadFacts;
}

interface Parts {
  readonly cluster: Pick<Cluster, 'health' | 'facts'>;
  readonly warmUps: Pick<WarmUpDesk, 'store' | 'known'>;
  /** Replicas that a ScaledObject is granted; null: all that it wants. */
  readonly granted: (id: string) => number | null;
}

/**
 * The warm-ups that have begun and whose ScaledObject is there; null while either the warm-ups or the cluster are not
 * known, so that nobody takes "not known" for "none".
 *
 * @param starting those that begin now, which the store need not show yet
 */
export function warmUpsUnderWay(
  { cluster, warmUps, granted }: Parts,
  starting: Iterable<WarmUp> = [],
): UnderWay[] | null {
  const store = warmUps.store();
  if (store.kind !== 'open' || store.health.kind === 'stale' || cluster.health().kind !== 'current')
    return null;
  const begun = warmUps
    .known()
    .flatMap((status) =>
      status.phase === 'planned' ? [] : [{ warmUp: status.warmUp, wasReady: wasReady(status) }],
    );
  const begins = Array.from(starting, (warmUp) => ({ warmUp, wasReady: false }));
  const byId = new Map([...begins, ...begun].map((each) => [each.warmUp.id, each]));
  return [...byId.values()].flatMap(({ warmUp, wasReady }) => {
    const { workload, replicas } = warmUp;
    const { namespace, name } = scaledObjectName(workload);
    const id = `${namespace}/${name}`;
    const answer = cluster.facts(namespace, name);
    if (answer.kind === 'unknown' || answer.facts.paused) return [];
    const { facts } = answer;
    const most = Math.min(facts.maxReplicas, granted(id) ?? Infinity);
    return [{ id, namespace, name, replicas: Math.min(replicas, most), warmUp, wasReady, facts }];
  });
}

/** By the store, which every scaler replica reads; more replicas make the step necessary again. */
function wasReady({ phase, steps }: WarmUpStatus): boolean {
  return phase === 'holding' || steps.some(({ step, outcome }) => step === 'ready' && outcome !== 'failed');
}

/**
 * Whether what is known of the warm-ups is all there is. Where each scaler replica has a store of its own, what another
 * holds is not ours to let go.
 */
export function isWholeTruth({ warmUps }: Pick<Parts, 'warmUps'>): boolean {
  const store = warmUps.store();
  return store.kind === 'open' && store.shared;
}
