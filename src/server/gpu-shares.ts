import { savingOf } from '../cluster/cost.js';
import {
  capacityRound,
  NO_CAPACITY_STATE,
  type CapacityResult,
  type CapacityState,
} from '../cluster/capacity-tick.js';
import { grantIn, isRoundDue, type Round } from '../core/capacity/rounds.js';
import type { Grant } from '../core/observation.js';
import { stepwise, type Steps } from '../core/steps.js';
import type { Millis } from '../core/time.js';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Cluster } from '../ports/cluster.js';
import type { BudgetUse, GpuShare, MoneyPerHour, WorkloadCost } from '../ports/cluster-desk.js';
import { byScaledObject, idOf, termsOf, type Asked } from './gpu-asks.js';
import { drained, inSlices } from './slices.js';
import type { Workload } from './workload.js';

export interface SharesLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** What is to be told of a ScaledObject, in the words of a Kubernetes event. */
export interface ShareEvent {
  readonly namespace: string;
  readonly name: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

/**
 * Shares GPUs and money out, by ScaledObject: KEDA takes the largest of its triggers. While nodes or pods are not known
 * nothing is capped.
 */
export class GpuShares {
  readonly #cluster: Cluster;
  readonly #config: CapacityConfig;
  readonly #log: SharesLog;
  readonly #tell: (event: ShareEvent) => void;
  #state: CapacityState = NO_CAPACITY_STATE;
  #result: CapacityResult | null = null;
  #shares: ReadonlyMap<string, GpuShare> = new Map();
  #last: Round | null = null;
  #underWay = false;

  /** @param tell in addition to the log; it does not throw */
  constructor(cluster: Cluster, config: CapacityConfig, log: SharesLog, tell: (event: ShareEvent) => void) {
    this.#cluster = cluster;
    this.#config = config;
    this.#log = log;
    this.#tell = tell;
  }

  /**
   * Every 15 s, and at once when somebody wants more than was reckoned with. It gives the event loop its turn every few
   * milliseconds, and until it is done what was granted before holds. Never rejects.
   *
   * @returns workloads whose grant is another now, to be decided anew; none while an earlier call is still at work
   */
  async tick(workloads: Iterable<Workload>, now: Millis): Promise<readonly Workload[]> {
    if (this.#underWay) return [];
    this.#underWay = true;
    const all = [...workloads];
    const before = this.#shares;
    try {
      await drained(this.#round(all, now));
    } catch (error) {
      this.#forget(now);
      this.#log.error({ error }, 'GPUs could not be shared out: nothing is capped until they can');
    } finally {
      this.#underWay = false;
    }
    const after = this.#shares;
    const changed: Workload[] = [];
    if (after === before) return changed;
    await inSlices(all, (each) => {
      const id = idOf(each);
      if (replicasIn(before.get(id)) !== replicasIn(after.get(id))) changed.push(each);
    });
    return changed;
  }

  /** Null: all that it wants. */
  grantOf(workload: Workload): Grant | null {
    const share = this.#shares.get(idOf(workload));
    return share === undefined ? null : grantIn(share);
  }

  /** Of a ScaledObject, by `namespace/name`; null: all that it wants. */
  grantedTo(id: string): number | null {
    return replicasIn(this.#shares.get(id));
  }

  /** The pool that has most of a ScaledObject's replicas, by `namespace/name`; null: none that is known. */
  poolOf(id: string): string | null {
    return this.#shares.get(id)?.pool ?? null;
  }

  shareOf(workload: Workload): GpuShare | null {
    return this.#shares.get(idOf(workload)) ?? null;
  }

  shares(): readonly GpuShare[] {
    return [...this.#shares.values()];
  }

  costOf(workload: Workload, maxReplicas: number | null): WorkloadCost | null {
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

  /** Of each namespace that has one, as of the last round; empty while nothing is shared out. */
  budgets(): readonly BudgetUse[] {
    const { currency, budgets } = this.#config;
    return Array.from(this.#result?.spending ?? [], ([namespace, { perHour, cutReplicas }]) => {
      return { namespace, currency, budget: budgets[namespace] ?? 0, perHour, cut: cutReplicas };
    });
  }

  /** Takes effect as a whole, at its end. */
  *#round(all: readonly Workload[], now: Millis): Steps<void> {
    const asked = yield* byScaledObject(all);
    // What is not shared out at all waits for the next round, whatever it wants.
    if (!isRoundDue(this.#last, this.#result === null ? [] : asked, now)) return;
    const [nodes, pods] = [this.#cluster.nodes(), this.#cluster.pods()];
    if (nodes.kind === 'unknown' || pods.kind === 'unknown') return this.#forget(now);
    const terms = yield* termsOf(asked, this.#cluster, this.#config.tierOne);
    const tick = { ...terms, now, nodes: nodes.items, pods: pods.items, config: this.#config };
    const result = yield* capacityRound(this.#state, tick);
    const named = new Map<string, Asked>();
    yield* stepwise(asked, 64, (each) => void named.set(each.id, each));
    const cuts = yield* cutsOf(result);
    const expected = new Map<string, number>();
    const shares = new Map<string, GpuShare>();
    yield* stepwise(result.grants, 32, ({ id, wanted, granted, claim, why: short, pools }) => {
      const of = named.get(id);
      if (of === undefined) return;
      // Not its `wanted`, which ends at maxReplicaCount: what goes beyond that would be a burst at every tick.
      expected.set(id, Math.max(claim, of.wanted));
      const { namespace, name } = of;
      const note = result.unfit.get(id) ?? null;
      const cutByBudget = cuts.get(id) ?? 0;
      // Where all is granted it makes no difference.
      const why = short !== null && terms.demoted.has(id) ? `${short}; ${notTierOne(namespace)}` : short;
      shares.set(id, { namespace, name, wanted, granted, why, pool: mostIn(pools), cutByBudget, note });
    });
    this.#state = result.state;
    this.#result = result;
    this.#shares = shares;
    this.#last = { at: now, expected };
    for (const { id, type, reason, note } of result.events) {
      if (type === 'Warning') this.#log.warn({ workload: id, reason }, note);
      else this.#log.info({ workload: id, reason }, note);
      const of = named.get(id);
      if (of !== undefined) this.#tell({ namespace: of.namespace, name: of.name, type, reason, note });
    }
  }

  #forget(now: Millis): void {
    this.#result = null;
    this.#shares = new Map();
    this.#last = { at: now, expected: new Map() };
  }
}

function notTierOne(namespace: string): string {
  return `its tier 1 counts as 2: gpu.tierOne does not name namespace ${namespace}`;
}

/** Null: all that is wanted. */
function replicasIn(share: GpuShare | undefined): number | null {
  return share === undefined || share.why === null ? null : share.granted;
}

/** Replicas that budgets cut, by ScaledObject. */
function* cutsOf({ spending }: CapacityResult): Steps<ReadonlyMap<string, number>> {
  const cuts = new Map<string, number>();
  for (const { grants } of spending.values()) {
    yield* stepwise(grants, 64, ({ id, wanted, granted }) => {
      if (granted < wanted) cuts.set(id, wanted - granted);
    });
  }
  return cuts;
}

/** The node pool with the most of them. */
function mostIn(pools: CapacityResult['grants'][number]['pools']): string | null {
  const [most] = pools.toSorted((a, b) => b.replicas - a.replicas);
  return most?.pool ?? null;
}
