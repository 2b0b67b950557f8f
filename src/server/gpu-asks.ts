import type { TickWorkload } from '../cluster/capacity-tick.js';
import { wantedBy } from '../core/capacity/rounds.js';
import { stepwise, type Steps } from '../core/steps.js';
import type { Cluster, PodShape, WorkloadFacts } from '../ports/cluster.js';
import type { Pod } from '../ports/cluster-objects.js';
import { stillAsked } from './still-asked.js';
import type { Workload } from './workload.js';

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
    const triggers = stillAsked(siblings);
    const { namespace, name } = siblings[0];
    asked.push({ id, namespace, name, triggers, wanted: mostOf(triggers, null) });
  });
  return asked;
}

/** What capacity is shared out by, and whose pods are whose. */
export interface Terms {
  readonly workloads: readonly TickWorkload[];
  readonly ownerOf: (pod: Pod) => string | null;
  /** ScaledObjects, by `namespace/name`, that say tier 1 in a namespace that may not. */
  readonly demoted: ReadonlySet<string>;
}

/** @param tierOne namespaces that may say tier 1; null: all may */
export function* termsOf(
  asked: readonly Asked[],
  cluster: Cluster,
  tierOne: readonly string[] | null,
): Steps<Terms> {
  const workloads: TickWorkload[] = [];
  const first = tierOne === null ? null : new Set(tierOne);
  const demoted = new Set<string>();
  const owners = new Map<string, string>();
  yield* stepwise(asked, 8, ({ id, namespace, name, triggers }) => {
    const answer = cluster.facts(namespace, name);
    const facts = answer.kind === 'known' ? answer.facts : null;
    // KEDA takes nothing beyond it.
    const wanted = Math.min(mostOf(triggers, facts), facts?.maxReplicas ?? Infinity);
    const saysOne = triggers.some(({ trigger }) => trigger.policy.tier === 1);
    const isDemoted = saysOne && first !== null && !first.has(namespace);
    if (isDemoted) demoted.add(id);
    workloads.push({
      id,
      namespace,
      tier: saysOne && !isDemoted ? 1 : 2,
      wanted,
      minimum: minimumOf(triggers, facts, wanted),
      shape: facts === null ? null : shapeOf(facts.shape),
    });
    if (facts !== null) owners.set(`${namespace}/${facts.target.kind}/${facts.target.name}`, id);
  });
  const ownerOf = ({ namespace, owner }: Pod) =>
    owner === null ? null : (owners.get(`${namespace}/${owner.kind.toLowerCase()}/${owner.name}`) ?? null);
  return { workloads, ownerOf, demoted };
}

/**
 * What is reserved beyond `wanted` is only what KEDA would keep: the ScaledObject's own minimum, of a workload that moves. A
 * trigger may say any number, and of what stands still more than is there would be taken from the others for nothing.
 */
function minimumOf(triggers: readonly Workload[], facts: WorkloadFacts | null, wanted: number): number {
  const ofTriggers = Math.max(...triggers.map(({ trigger }) => trigger.policy.minReplicas));
  const ofScaledObject = Math.min(keptBy(facts, wanted), facts?.maxReplicas ?? Infinity);
  const moves = facts?.paused !== true && triggers.some(isMoving);
  return Math.max(Math.min(ofTriggers, wanted), moves ? ofScaledObject : Math.min(ofScaledObject, wanted));
}

/** With `idleReplicaCount` KEDA keeps that, and not its minimum, while nothing is wanted. */
function keptBy(facts: WorkloadFacts | null, wanted: number): number {
  if (facts === null) return 0;
  const { minReplicas, idleReplicas } = facts;
  return idleReplicas !== null && wanted <= idleReplicas ? idleReplicas : minReplicas;
}

function isMoving({ decision, trigger }: Workload): boolean {
  return decision !== null && decision.verdict !== 'blind' && !trigger.policy.dryRun;
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
