import type { TickWorkload } from '../cluster/capacity-tick.js';
import { wantedBy } from '../core/capacity/rounds.js';
import { stepwise, type Steps } from '../core/steps.js';
import type { Millis } from '../core/time.js';
import type { Cluster, PodShape, WorkloadFacts } from '../ports/cluster.js';
import type { Pod } from '../ports/cluster-objects.js';
import type { Workload } from './workload.js';

/** A trigger that KEDA left out for so long while it asked for its siblings was edited away. */
const EDITED_AWAY_AFTER: Millis = 60_000;

/** One ScaledObject with those of its triggers that KEDA still asks about. */
export interface Asked {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly triggers: readonly Workload[];
  /** The most of them, before what the cluster says of it. */
  readonly wanted: number;
}

/** Made once: what is kept by a text that is new at every round is looked for letter by letter. */
const ids = new WeakMap<Workload, string>();

/** Of its ScaledObject. */
export function idOf(workload: Workload): string {
  const known = ids.get(workload) ?? `${workload.namespace}/${workload.name}`;
  ids.set(workload, known);
  return known;
}

/** KEDA takes the largest of a ScaledObject's triggers. */
export function* byScaledObject(workloads: readonly Workload[]): Steps<readonly Asked[]> {
  const found = new Map<string, [Workload, ...Workload[]]>();
  yield* stepwise(workloads, 32, (each) => {
    const id = idOf(each);
    const siblings = found.get(id);
    if (siblings === undefined) found.set(id, [each]);
    else siblings.push(each);
  });
  const asked: Asked[] = [];
  yield* stepwise(found, 32, ([id, siblings]) => {
    const newest = Math.max(...siblings.map(({ askedAt }) => askedAt));
    const triggers = siblings.filter(({ askedAt }) => newest - askedAt < EDITED_AWAY_AFTER);
    const { namespace, name } = siblings[0];
    asked.push({ id, namespace, name, triggers, wanted: mostOf(triggers, null) });
  });
  return asked;
}

/** What capacity is shared out by, and whose pods are whose. */
export interface Terms {
  readonly workloads: readonly TickWorkload[];
  readonly ownerOf: (pod: Pod) => string | null;
}

export function* termsOf(asked: readonly Asked[], cluster: Cluster): Steps<Terms> {
  const workloads: TickWorkload[] = [];
  const owners = new Map<string, string>();
  yield* stepwise(asked, 8, ({ id, namespace, name, triggers }) => {
    const answer = cluster.facts(namespace, name);
    const facts = answer.kind === 'known' ? answer.facts : null;
    workloads.push({
      id,
      namespace,
      tier: triggers.some(({ trigger }) => trigger.policy.tier === 1) ? 1 : 2,
      // KEDA takes nothing beyond it.
      wanted: Math.min(mostOf(triggers, facts), facts?.maxReplicas ?? Infinity),
      minimum: Math.max(
        facts?.minReplicas ?? 0,
        ...triggers.map(({ trigger }) => trigger.policy.minReplicas),
      ),
      shape: facts === null ? null : shapeOf(facts.shape),
    });
    if (facts !== null) owners.set(`${namespace}/${facts.target.kind}/${facts.target.name}`, id);
  });
  const ownerOf = ({ namespace, owner }: Pod) =>
    owner === null ? null : (owners.get(`${namespace}/${owner.kind.toLowerCase()}/${owner.name}`) ?? null);
  return { workloads, ownerOf };
}

function mostOf(triggers: readonly Workload[], facts: WorkloadFacts | null): number {
  const current = facts?.replicas.current ?? null;
  const isPaused = facts?.paused === true;
  return Math.max(
    ...triggers.map(({ decision, trigger }) =>
      wantedBy(decision, current, isPaused || trigger.policy.dryRun),
    ),
  );
}

/** The cluster keeps equal shapes once, and so what is made of them is known from round to round. */
const shapes = new WeakMap<PodShape, NonNullable<TickWorkload['shape']>>();

function shapeOf(shape: PodShape): NonNullable<TickWorkload['shape']> {
  const { requests, nodeSelector, nodeAffinity, tolerations } = shape;
  const known = shapes.get(shape) ?? { requests, nodeSelector, affinity: nodeAffinity, tolerations };
  shapes.set(shape, known);
  return known;
}
