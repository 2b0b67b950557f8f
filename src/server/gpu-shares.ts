import { savingOf } from '../cluster/cost.js';
import {
  capacityTick,
  NO_CAPACITY_STATE,
  type CapacityResult,
  type CapacityState,
  type TickWorkload,
} from '../cluster/capacity-tick.js';
import type { Grant } from '../core/observation.js';
import type { Millis } from '../core/time.js';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Cluster, WorkloadFacts } from '../ports/cluster.js';
import type { GpuShare, MoneyPerHour, WorkloadClusterView } from '../ports/cluster-desk.js';
import type { Pod } from '../ports/cluster-objects.js';
import type { Workload } from './workload.js';

/** Nodes and pods change slowly; what bursts beyond its claim does not wait for it. */
const EVERY: Millis = 15_000;
/** A trigger that KEDA left out for so long while it asked for its siblings was edited away. */
const EDITED_AWAY_AFTER: Millis = 60_000;

export interface SharesLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/**
 * Shares GPUs and money out, by ScaledObject: KEDA takes the largest of its triggers. While nodes or pods are not known
 * nothing is capped.
 */
export class GpuShares {
  readonly #cluster: Cluster;
  readonly #config: CapacityConfig;
  readonly #log: SharesLog;
  #state: CapacityState = NO_CAPACITY_STATE;
  #result: CapacityResult | null = null;
  #shares = new Map<string, GpuShare>();
  /** The most each wanted when it was last looked at, or claims still. */
  #expected = new Map<string, number>();
  #at: Millis | null = null;

  constructor(cluster: Cluster, config: CapacityConfig, log: SharesLog) {
    this.#cluster = cluster;
    this.#config = config;
    this.#log = log;
  }

  /** @returns workloads whose grant is another now, to be decided anew */
  tick(workloads: Iterable<Workload>, now: Millis): readonly Workload[] {
    const all = [...workloads];
    const asked = byScaledObject(all);
    if (!this.#isDue(asked, now)) return [];
    this.#at = now;
    const before = new Map(all.map((each) => [each, this.grantOf(each)?.replicas ?? null]));
    try {
      this.#round(asked, now);
    } catch (error) {
      this.#forget();
      this.#log.error({ error }, 'GPUs could not be shared out: nothing is capped until they can');
    }
    return all.filter((each) => (this.grantOf(each)?.replicas ?? null) !== before.get(each));
  }

  /** Null: all that it wants. */
  grantOf(workload: Workload): Grant | null {
    const share = this.#shares.get(idOf(workload));
    return share === undefined || share.why === null ? null : { replicas: share.granted, why: share.why };
  }

  shareOf(workload: Workload): GpuShare | null {
    return this.#shares.get(idOf(workload)) ?? null;
  }

  shares(): readonly GpuShare[] {
    return [...this.#shares.values()];
  }

  costOf(workload: Workload, maxReplicas: number | null): WorkloadClusterView['cost'] {
    const id = idOf(workload);
    const price = this.#result?.prices.get(id) ?? null;
    const perHour = this.#result?.cost.workloads.get(id) ?? (price === null ? null : 0);
    if (this.#result === null || perHour === null) return null;
    const saving = savingOf(perHour, price, maxReplicas);
    const complete = !this.#result.cost.incomplete.has(id);
    const { currency } = this.#config;
    return { perHour, complete, currency, alwaysOn: saving?.alwaysOn ?? null };
  }

  money(): MoneyPerHour | null {
    if (this.#result === null) return null;
    const { total, held, idle, namespaces, unpriced } = this.#result.cost;
    return { currency: this.#config.currency, total, held, idle, namespaces, unpriced: unpriced.length };
  }

  #isDue(asked: readonly Asked[], now: Millis): boolean {
    if (this.#at === null || Math.abs(now - this.#at) >= EVERY) return true;
    return this.#result !== null && asked.some(({ id, most }) => most > (this.#expected.get(id) ?? 0));
  }

  #round(asked: readonly Asked[], now: Millis): void {
    const [nodes, pods] = [this.#cluster.nodes(), this.#cluster.pods()];
    if (nodes.kind === 'unknown' || pods.kind === 'unknown') return this.#forget();
    const terms = asked.map((each) => termsOf(each, this.#cluster));
    const owners = new Map(terms.flatMap(({ id, owns }) => (owns === null ? [] : [[owns, id]])));
    const result = capacityTick(this.#state, {
      now,
      nodes: nodes.items,
      pods: pods.items,
      config: this.#config,
      workloads: terms,
      ownerOf: (pod) => owners.get(ownerKey(pod) ?? '') ?? null,
    });
    this.#state = result.state;
    this.#result = result;
    const named = new Map(asked.map((each) => [each.id, each]));
    this.#expected = new Map(
      result.grants.map(({ id, claim }) => [id, Math.max(claim, named.get(id)?.most ?? 0)]),
    );
    this.#shares = new Map(
      result.grants.flatMap(({ id, wanted, granted, why }) => {
        const of = named.get(id);
        return of === undefined
          ? []
          : [[id, { namespace: of.namespace, name: of.name, wanted, granted, why }] as const];
      }),
    );
    for (const { id, type, reason, note } of result.events) {
      if (type === 'Warning') this.#log.warn({ workload: id, reason }, note);
      else this.#log.info({ workload: id, reason }, note);
    }
  }

  #forget(): void {
    this.#result = null;
    this.#shares = new Map();
    this.#expected = new Map();
  }
}

interface Terms extends TickWorkload {
  /** Of its pods; null while its scale target is not known. */
  readonly owns: string | null;
}

function idOf({ namespace, name }: Pick<Workload, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

function ownerKey({ namespace, owner }: Pod): string | null {
  return owner === null ? null : `${namespace}/${owner.kind.toLowerCase()}/${owner.name}`;
}

/** One ScaledObject with those of its triggers that KEDA still asks about. */
interface Asked {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly triggers: readonly Workload[];
  /** Before what the cluster says of it. */
  readonly most: number;
}

function byScaledObject(workloads: readonly Workload[]): Asked[] {
  const found = new Map<string, [Workload, ...Workload[]]>();
  for (const each of workloads) {
    const siblings = found.get(idOf(each));
    if (siblings === undefined) found.set(idOf(each), [each]);
    else siblings.push(each);
  }
  return Array.from(found, ([id, siblings]) => {
    const { namespace, name } = siblings[0];
    const newest = Math.max(...siblings.map(({ askedAt }) => askedAt));
    const triggers = siblings.filter(({ askedAt }) => newest - askedAt < EDITED_AWAY_AFTER);
    return { id, namespace, name, triggers, most: Math.max(...triggers.map((each) => wantedBy(each, null))) };
  });
}

function termsOf({ id, namespace, name, triggers }: Asked, cluster: Cluster): Terms {
  const answer = cluster.facts(namespace, name);
  const facts = answer.kind === 'known' ? answer.facts : null;
  const wanted = Math.max(...triggers.map((each) => wantedBy(each, facts)));
  return {
    id,
    namespace,
    name,
    tier: triggers.some(({ trigger }) => trigger.policy.tier === 1) ? 1 : 2,
    // KEDA takes nothing beyond it.
    wanted: Math.min(wanted, facts?.maxReplicas ?? Infinity),
    minimum: Math.max(facts?.minReplicas ?? 0, ...triggers.map(({ trigger }) => trigger.policy.minReplicas)),
    shape: shapeOf(facts),
    owns: facts === null ? null : `${namespace}/${facts.target.kind}/${facts.target.name}`,
  };
}

/** What does not move keeps what it has: blind, paused, or decided for show. */
function wantedBy({ decision, trigger }: Workload, facts: WorkloadFacts | null): number {
  if (decision === null) return facts?.replicas.current ?? 0;
  const stands = decision.verdict === 'blind' || trigger.policy.dryRun || facts?.paused === true;
  if (stands) return facts?.replicas.current ?? decision.replicas.current;
  return decision.wanted ?? decision.desired;
}

/** Null where it is not known: nothing is capped for a guess. */
function shapeOf(facts: WorkloadFacts | null): TickWorkload['shape'] {
  if (facts === null) return null;
  const { requests, nodeSelector, nodeAffinity, tolerations } = facts.shape;
  return { requests, nodeSelector, affinity: nodeAffinity, tolerations };
}
