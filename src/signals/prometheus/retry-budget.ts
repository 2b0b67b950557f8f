/**
 * Second attempts are paid for by calls: one for every ten, and at most ten saved up. A server that fails everything
 * then sees 10 % more queries, not twice as many.
 */
export interface RetryBudget {
  /** In tenths of a retry, so that the sums are exact. */
  readonly tenths: number;
}

const MOST = 100;
const PER_CALL = 1;
const PER_RETRY = 10;

export const FULL: RetryBudget = { tenths: MOST };

export function earn(budget: RetryBudget): RetryBudget {
  return { tenths: Math.min(budget.tenths + PER_CALL, MOST) };
}

/** What is left after one retry, or null when it cannot be paid. */
export function spend(budget: RetryBudget): RetryBudget | null {
  return budget.tenths < PER_RETRY ? null : { tenths: budget.tenths - PER_RETRY };
}
