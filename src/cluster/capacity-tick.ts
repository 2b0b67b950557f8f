import { arbitrate, type ArbitrationState, type Grant } from '../core/capacity/arbitrate.js';
import { withinBudget, type Spending } from '../core/capacity/budget.js';
import {
  GROWING,
  growthStep,
  shortageStep,
  type GrowthState,
  type ShortageEvent,
  type ShortageState,
} from '../core/capacity/shortage.js';
import type { Millis } from '../core/time.js';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import { capacityTerms, type ManagedWorkload } from './arbitration.js';
import { viewOf } from './capacity.js';
import type { ReplicaShape } from './capacity-shape.js';
import { costNow, type CostReport } from './cost.js';
import { replicaPrice } from './cost-price.js';
import { isPlaceholder } from './placeholders-render.js';

/** What capacity remembers from tick to tick. Plain data; begin with `NO_CAPACITY_STATE`. */
export interface CapacityState {
  readonly arbitration: ArbitrationState;
  readonly budgets: Readonly<Record<string, ArbitrationState>>;
  readonly shortages: Readonly<Record<string, ShortageState>>;
  readonly growth: Readonly<Record<string, GrowthState>>;
  /** Pools that do not grow just now, and why. */
  readonly blocked: Readonly<Record<string, string>>;
}

export const NO_CAPACITY_STATE: CapacityState = {
  arbitration: {},
  budgets: {},
  shortages: {},
  growth: {},
  blocked: {},
};

/** A workload as its decision and the cluster have it. */
export interface TickWorkload extends Omit<ManagedWorkload, 'shape'> {
  readonly namespace: string;
  /** The ScaledObject's name. */
  readonly name: string;
  /** Null while its pod template is not known: it is granted all that it wants. */
  readonly shape: Omit<ReplicaShape, 'gpuMemory'> | null;
}

export interface CapacityTick {
  readonly now: Millis;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly config: CapacityConfig;
  readonly workloads: readonly TickWorkload[];
  /** The `id` of the workload that a pod belongs to; null: to none of these. */
  readonly ownerOf: (pod: Pod) => string | null;
}

export interface CapacityResult {
  readonly state: CapacityState;
  /** In the order of the workloads. `wanted` is what was asked for; `why` names the budget or the pools. */
  readonly grants: readonly Grant[];
  readonly events: readonly (ShortageEvent & { readonly id: string })[];
  readonly spending: ReadonlyMap<string, Spending>;
  readonly cost: CostReport;
  /** Money per hour of one replica; null: not known. */
  readonly prices: ReadonlyMap<string, number | null>;
}

/** All of capacity for one tick: budgets, then pools, then what to tell and what it costs. */
export function capacityTick(state: CapacityState, tick: CapacityTick): CapacityResult {
  const { now, nodes, pods, config, ownerOf } = tick;
  const placeholder = (pod: Pod) => isPlaceholder(pod, config.placeholders);
  const base = {
    now,
    nodes,
    pods,
    pools: config.pools,
    extendedResourceToleration: config.extendedResourceToleration,
  };
  const view = viewOf(base);
  const shaped = tick.workloads.flatMap(({ shape, ...workload }) =>
    shape === null ? [] : [{ ...workload, shape: { ...shape, gpuMemory: memoryOf(config, workload) } }],
  );
  const prices = new Map<string, number | null>(
    shaped.map(({ id, shape }) => [id, replicaPrice(shape, view, config.prices)]),
  );
  const { spending, budgets } = budgetsOf(state, tick, prices);
  const paid = new Map(
    [...spending.values()].flatMap(({ grants }) => grants.map((grant) => [grant.id, grant])),
  );
  const guaranteed = (workload: TickWorkload | ManagedWorkload, minimum: number) =>
    Math.max(minimum, workload.minimum);
  const terms = capacityTerms({
    ...base,
    workloads: shaped.map(({ namespace, name, ...workload }) => ({
      ...workload,
      wanted: paid.get(workload.id)?.granted ?? workload.wanted,
      minimum: guaranteed(workload, config.guaranteed[`${namespace}/${name}`] ?? 0),
    })),
    blocked: new Map(Object.entries(state.blocked)),
    ownerOf,
    isPlaceholder: placeholder,
  });
  const arbitrated = arbitrate(state.arbitration, { ...placeable(terms), now });
  const placed = new Map(arbitrated.grants.map((grant) => [grant.id, grant]));
  const grants = tick.workloads.map(({ id, wanted }) => both(id, wanted, paid.get(id), placed.get(id)));
  const growth = terms.growth.map(({ pool, ...seen }) => ({
    pool,
    // The nodes that are there when a pool is first seen have not just come.
    ...growthStep(state.growth[pool] ?? { ...GROWING, nodes: seen.nodes }, { now, ...seen }),
  }));
  const told = grants.map(({ id, why }) => ({
    id,
    ...shortageStep(state.shortages[id] ?? null, { now, why }),
  }));
  return {
    state: {
      arbitration: arbitrated.state,
      budgets,
      shortages: Object.fromEntries(told.flatMap(({ id, state }) => (state === null ? [] : [[id, state]]))),
      growth: Object.fromEntries(growth.map(({ pool, state }) => [pool, state])),
      blocked: Object.fromEntries(growth.flatMap(({ pool, why }) => (why === null ? [] : [[pool, why]]))),
    },
    grants,
    events: told.flatMap(({ id, event }) => (event === null ? [] : [{ ...event, id }])),
    spending,
    cost: costNow({ view, prices: config.prices, ownerOf, isPlaceholder: placeholder }),
    prices,
  };
}

/** What no known node takes may wait for a pool that nobody declared and that has no node yet: it is not held at zero. */
function placeable({ claimants, supplies }: ReturnType<typeof capacityTerms>) {
  return { claimants: claimants.filter(({ options }) => options.length > 0), supplies };
}

function memoryOf(
  config: CapacityConfig,
  { namespace, name }: Pick<TickWorkload, 'namespace' | 'name'>,
): number | null {
  return config.replicaMemory[`${namespace}/${name}`] ?? null;
}

function budgetsOf(
  state: CapacityState,
  { config, workloads, now }: CapacityTick,
  prices: ReadonlyMap<string, number | null>,
): { spending: Map<string, Spending>; budgets: Record<string, ArbitrationState> } {
  const spending = new Map<string, Spending>();
  const budgets: Record<string, ArbitrationState> = {};
  for (const [namespace, budget] of Object.entries(config.budgets)) {
    const spenders = workloads
      .filter((workload) => workload.namespace === namespace)
      .map((workload) => ({
        id: workload.id,
        tier: workload.tier,
        wanted: workload.wanted,
        minimum: Math.max(workload.minimum, config.guaranteed[`${namespace}/${workload.name}`] ?? 0),
        price: prices.get(workload.id) ?? null,
      }));
    const spent = withinBudget(state.budgets[namespace] ?? {}, {
      namespace,
      budget,
      currency: config.currency,
      spenders,
      now,
    });
    spending.set(namespace, spent);
    budgets[namespace] = spent.state;
  }
  return { spending, budgets };
}

/** The less of the two, and each reason there is. */
function both(id: string, wanted: number, paid: Grant | undefined, placed: Grant | undefined): Grant {
  const whys = [paid?.why ?? null, placed?.why ?? null].filter((why) => why !== null);
  return {
    id,
    wanted,
    granted: placed?.granted ?? paid?.granted ?? wanted,
    claim: Math.max(wanted, paid?.claim ?? 0, placed?.claim ?? 0),
    pools: placed?.pools ?? [],
    why: whys.length === 0 ? null : whys.join('; '),
  };
}
