import { finished, type Steps } from '../steps.js';
import { arbitration, type ArbitrationState, type Grant } from './arbitrate.js';

/** A workload of a namespace with a budget. */
export interface Spender {
  readonly id: string;
  readonly tier: 1 | 2;
  readonly wanted: number;
  readonly minimum: number;
  /** Of one replica, per hour; null: not known. */
  readonly price: number | null;
}

export interface Spending {
  /** In the order of the spenders; what has no price is granted whole. */
  readonly grants: readonly Grant[];
  /** Per hour, of all that is granted and has a price. */
  readonly perHour: number;
  /** Per hour, that would have been spent besides. */
  readonly cut: number;
  /** Replicas that were wanted and are not granted. */
  readonly cutReplicas: number;
  /** Guaranteed minimums alone cost more than the budget: they stand, and nothing else does. */
  readonly over: boolean;
  /** Workloads whose price is not known. */
  readonly unpriced: readonly string[];
  readonly state: ArbitrationState;
}

/**
 * What a namespace may run for its budget: the same rules as for GPUs, with money in their place. Tier 1 first, the rest in
 * proportion, peaks held for the same time. A budget never takes a guaranteed minimum: KEDA would keep it all the same.
 */
export function withinBudget(state: ArbitrationState, input: Budgeting): Spending {
  return finished(budgeting(state, input));
}

export interface Budgeting {
  readonly namespace: string;
  /** Money per hour. */
  readonly budget: number;
  readonly currency: string;
  readonly spenders: readonly Spender[];
  readonly now: number;
}

/** The same, to be run in parts. */
export function* budgeting(state: ArbitrationState, input: Budgeting): Steps<Spending> {
  const { namespace, budget, currency, spenders, now } = input;
  const priced = spenders.flatMap(({ price, minimum, ...spender }) =>
    price === null || price <= 0 ? [] : [{ ...spender, price, minimum: Math.min(minimum, spender.wanted) }],
  );
  const least = priced.reduce((sum, { price, minimum }) => sum + price * minimum, 0);
  const supply = {
    pool: namespace,
    units: Math.max(budget, least),
    limit: `the budget of namespace ${namespace} is ${inMoney(budget)} ${currency}/h`,
  };
  const claimants = priced.map(({ price, ...spender }) => ({
    ...spender,
    options: [{ pool: namespace, units: price, most: Infinity }],
  }));
  const decided = yield* arbitration(state, { claimants, supplies: [supply], now });
  const grants = new Map(decided.grants.map((grant) => [grant.id, grant]));
  let perHour = 0;
  let cut = 0;
  let cutReplicas = 0;
  for (const { id, price, wanted } of priced) {
    const granted = grants.get(id)?.granted ?? 0;
    perHour += granted * price;
    cut += (wanted - granted) * price;
    cutReplicas += wanted - granted;
  }
  return {
    grants: spenders.map(
      ({ id, wanted }) =>
        grants.get(id) ?? { id, wanted, granted: wanted, claim: wanted, pools: [], why: null },
    ),
    perHour,
    cut,
    cutReplicas,
    over: least > budget,
    unpriced: spenders.filter(({ price }) => price === null).map(({ id }) => id),
    state: decided.state,
  };
}

/** Two places, and more where it is less than a cent. */
export function inMoney(amount: number): string {
  if (amount === 0) return '0';
  return amount >= 0.01 ? String(Math.round(amount * 100) / 100) : amount.toPrecision(2);
}
