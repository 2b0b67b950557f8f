import { arbitration, type ArbitrationState, type Grant } from '../core/capacity/arbitrate.js';
import { budgeting, type Spender, type Spending } from '../core/capacity/budget.js';
import {
  GROWING,
  growthStep,
  shortageStep,
  type GrowthState,
  type ShortageEvent,
  type ShortageState,
} from '../core/capacity/shortage.js';
import { finished, stepwise, type Steps } from '../core/steps.js';
import type { Millis } from '../core/time.js';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Node, Pod } from '../ports/cluster-objects.js';
import { nodePoolOf, termsIn, type CapacityTerms, type ManagedWorkload } from './arbitration.js';
import { viewing, without, type ClusterView } from './capacity.js';
import type { OwnedPod } from './capacity-growth.js';
import { textOf } from './capacity-kind.js';
import type { ReplicaShape } from './capacity-shape.js';
import { costNow, type CostReport } from './cost.js';
import { replicaPrice } from './cost-replica.js';
import { isPlaceholder } from './placeholders-render.js';

/** What capacity remembers from tick to tick. Plain data; begin with `NO_CAPACITY_STATE`. */
export interface CapacityState {
  readonly arbitration: ArbitrationState;
  readonly budgets: Readonly<Record<string, ArbitrationState>>;
  readonly shortages: Readonly<Record<string, ShortageState>>;
  /** Of workloads that no node could hold. */
  readonly unfit: Readonly<Record<string, ShortageState>>;
  readonly growth: Readonly<Record<string, GrowthState>>;
  /** Pools that do not grow just now, and why. */
  readonly blocked: Readonly<Record<string, string>>;
}

export const NO_CAPACITY_STATE: CapacityState = {
  arbitration: {},
  budgets: {},
  shortages: {},
  unfit: {},
  growth: {},
  blocked: {},
};

/** A workload as its decision and the cluster have it; its `id` is the ScaledObject's `namespace/name`. */
export interface TickWorkload extends Omit<ManagedWorkload, 'shape'> {
  readonly namespace: string;
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
  /** In the order of the workloads. `wanted` is what was asked for; `why` names the budget or the pools; `pools` are node pools. */
  readonly grants: readonly Grant[];
  readonly events: readonly (ShortageEvent & { readonly id: string })[];
  /** Workloads of which no node that is there or declared could hold a pod, and why; they are not capped for it. */
  readonly unfit: ReadonlyMap<string, string>;
  readonly spending: ReadonlyMap<string, Spending>;
  readonly cost: CostReport;
  /** Money per hour of one replica; null: not known. */
  readonly prices: ReadonlyMap<string, number | null>;
}

/** All of capacity for one tick: budgets, then pools, then what to tell and what it costs. */
export function capacityTick(state: CapacityState, tick: CapacityTick): CapacityResult {
  return finished(capacityRound(state, tick));
}

const BETWEEN_YIELDS = 32;

/** The same, to be run in parts. */
export function* capacityRound(state: CapacityState, tick: CapacityTick): Steps<CapacityResult> {
  const { now, config, workloads } = tick;
  const { owned, owners } = yield* ownedPods(tick);
  const ownerOf = (pod: Pod) => owners.get(pod) ?? null;
  const placeholder = (pod: Pod) => isPlaceholder(pod, config.placeholders);
  const view = yield* viewing({
    ...tick,
    pools: config.pools,
    extendedResourceToleration: config.extendedResourceToleration,
    blocked: new Map(Object.entries(state.blocked)),
  });
  const free = yield* without(view, (pod) => owners.has(pod) || placeholder(pod));
  const shapes = yield* shapesOf(tick);
  const prices = yield* pricesOf(shapes, free, config);
  const { spending, budgets } = yield* budgetsOf(state, tick, prices);
  const paid = new Map<string, Grant>();
  for (const { grants } of spending.values())
    yield* stepwise(grants, BETWEEN_YIELDS, (grant) => void paid.set(grant.id, grant));
  const terms = yield* termsIn({ free, taken: view }, yield* managed(tick, shapes, paid), owned);
  const arbitrated = yield* arbitration(state.arbitration, { ...placeable(terms), now });
  const placed = new Map<string, Grant>();
  yield* stepwise(arbitrated.grants, BETWEEN_YIELDS, (grant) => void placed.set(grant.id, grant));
  const grants: Grant[] = [];
  yield* stepwise(workloads, BETWEEN_YIELDS, ({ id, wanted }) => {
    grants.push(both(id, wanted, paid.get(id), placed.get(id)));
  });
  const growth = terms.growth.map(({ pool, ...seen }) => ({
    pool,
    // The nodes that are there when a pool is first seen have not just come.
    ...growthStep(state.growth[pool] ?? { ...GROWING, nodes: seen.nodes }, { now, ...seen }),
  }));
  const told = yield* telling(state, grants, terms.unfit, now);
  return {
    state: {
      arbitration: arbitrated.state,
      budgets,
      shortages: told.shortages,
      unfit: told.unfit,
      growth: Object.fromEntries(growth.map(({ pool, state }) => [pool, state])),
      blocked: Object.fromEntries(growth.flatMap(({ pool, why }) => (why === null ? [] : [[pool, why]]))),
    },
    grants,
    events: told.events,
    unfit: terms.unfit,
    spending,
    cost: yield* costNow({ view, prices: config.prices, ownerOf, isPlaceholder: placeholder }),
    prices,
  };
}

function* ownedPods({
  pods,
  ownerOf,
}: CapacityTick): Steps<{ owned: readonly OwnedPod[]; owners: ReadonlyMap<Pod, string> }> {
  const owned: OwnedPod[] = [];
  const owners = new Map<Pod, string>();
  yield* stepwise(pods, BETWEEN_YIELDS, (pod) => {
    const id = ownerOf(pod);
    if (id === null) return;
    owned.push({ pod, id });
    owners.set(pod, id);
  });
  return { owned, owners };
}

/** Equal shapes are one object, so that each is compared with the nodes once. By workload. */
function* shapesOf({ workloads, config }: CapacityTick): Steps<ReadonlyMap<string, ReplicaShape>> {
  const known = new Map<string, ReplicaShape>();
  const shapes = new Map<string, ReplicaShape>();
  yield* stepwise(workloads, BETWEEN_YIELDS, (workload) => {
    if (workload.shape === null) return;
    const gpuMemory = config.replicaMemory[workload.id] ?? null;
    const key = `${gpuMemory} ${textOf(workload.shape)}`;
    const shape = known.get(key) ?? { ...workload.shape, gpuMemory };
    known.set(key, shape);
    shapes.set(workload.id, shape);
  });
  return shapes;
}

function* pricesOf(
  shapes: ReadonlyMap<string, ReplicaShape>,
  view: ClusterView,
  config: CapacityConfig,
): Steps<ReadonlyMap<string, number | null>> {
  const known = new Map<ReplicaShape, number | null>();
  const prices = new Map<string, number | null>();
  for (const [id, shape] of shapes) {
    const before = known.get(shape);
    const price = before === undefined ? yield* replicaPrice(shape, view, config.prices) : before;
    known.set(shape, price);
    prices.set(id, price);
    yield;
  }
  return prices;
}

/** Those whose shape is known, with what their namespace can pay and what they are guaranteed. */
function* managed(
  { workloads, config }: CapacityTick,
  shapes: ReadonlyMap<string, ReplicaShape>,
  paid: ReadonlyMap<string, Grant>,
): Steps<ManagedWorkload[]> {
  const found: ManagedWorkload[] = [];
  yield* stepwise(workloads, BETWEEN_YIELDS, (workload) => {
    const { id, tier, minimum } = workload;
    const shape = shapes.get(id);
    if (shape === undefined) return;
    const wanted = paid.get(id)?.granted ?? workload.wanted;
    found.push({ id, tier, wanted, minimum, guaranteed: config.guaranteed[id] ?? 0, shape });
  });
  return found;
}

/**
 * What no known node takes may wait for a pool that nobody declared and that has no node yet: it is not held at zero, and
 * takes nothing from the others.
 */
function placeable({ claimants, supplies, unfit }: CapacityTerms) {
  return {
    claimants: claimants.filter(({ id, options }) => options.length > 0 && !unfit.has(id)),
    supplies,
  };
}

function* telling(
  state: CapacityState,
  grants: readonly Grant[],
  unfitNow: ReadonlyMap<string, string>,
  now: Millis,
): Steps<Pick<CapacityState, 'shortages' | 'unfit'> & Pick<CapacityResult, 'events'>> {
  const events: (ShortageEvent & { readonly id: string })[] = [];
  const shortages: Record<string, ShortageState> = {};
  const unfit: Record<string, ShortageState> = {};
  yield* stepwise(grants, BETWEEN_YIELDS, ({ id, wanted, why }) => {
    // Asleep it asks no node for anything.
    const whyUnfit = wanted > 0 ? (unfitNow.get(id) ?? null) : null;
    const short = shortageStep('GpuShortage', state.shortages[id] ?? null, { now, why });
    const held = shortageStep('NoNodeFits', state.unfit[id] ?? null, { now, why: whyUnfit });
    if (short.state !== null) shortages[id] = short.state;
    if (held.state !== null) unfit[id] = held.state;
    for (const { event } of [short, held]) if (event !== null) events.push({ ...event, id });
  });
  return { shortages, unfit, events };
}

function* budgetsOf(
  state: CapacityState,
  { config, workloads, now }: CapacityTick,
  prices: ReadonlyMap<string, number | null>,
): Steps<{ spending: Map<string, Spending>; budgets: Record<string, ArbitrationState> }> {
  const spenders = new Map<string, Spender[]>(
    Object.keys(config.budgets).map((namespace) => [namespace, []]),
  );
  yield* stepwise(workloads, BETWEEN_YIELDS, (workload) => {
    const { id, namespace, tier, wanted } = workload;
    const minimum = Math.max(workload.minimum, config.guaranteed[id] ?? 0);
    spenders.get(namespace)?.push({ id, tier, wanted, minimum, price: prices.get(id) ?? null });
  });
  const spending = new Map<string, Spending>();
  const budgets: Record<string, ArbitrationState> = {};
  for (const [namespace, budget] of Object.entries(config.budgets)) {
    const spent = yield* budgeting(state.budgets[namespace] ?? {}, {
      namespace,
      budget,
      currency: config.currency,
      spenders: spenders.get(namespace) ?? [],
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
    pools: (placed?.pools ?? []).map(({ pool, replicas }) => ({ pool: nodePoolOf(pool), replicas })),
    why: whys.length === 0 ? null : whys.join('; '),
  };
}
