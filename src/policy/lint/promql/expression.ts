/**
 * PromQL as far as the rules need it: shape, metric names, label matchers and ranges. Offsets and `@` are read and
 * dropped.
 */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | Selector
  | Call
  | Aggregation
  | Binary;

export interface Selector {
  readonly kind: 'selector';
  /** Empty where the selector names none. */
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** Seconds of `[…]`; null for an instant selector. */
  readonly range: number | null;
}

export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
}

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly operator: string;
  /** `by ()` and no grouping at all are the same. */
  readonly grouping: { readonly mode: 'by' | 'without'; readonly labels: readonly string[] };
  /** The number of topk, the quantile, the label of count_values. */
  readonly parameter: Expression | null;
  readonly operand: Expression;
}

export interface Binary {
  readonly kind: 'binary';
  readonly operator: string;
  /** Comparisons that answer 0 or 1 instead of filtering. */
  readonly bool: boolean;
  /** `group_left` or `group_right`: one side's value for many series of the other. */
  readonly grouped: boolean;
  readonly left: Expression;
  readonly right: Expression;
}

/** All selectors, in the order of writing. */
export function selectorsIn(expression: Expression): Selector[] {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return [];
    case 'selector':
      return [expression];
    case 'call':
      return expression.args.flatMap(selectorsIn);
    case 'aggregation':
      return selectorsIn(expression.operand);
    case 'binary':
      return [...selectorsIn(expression.left), ...selectorsIn(expression.right)];
  }
}
