import { looksLikeShare, servingMetric } from '../serving-metrics.js';
import { selectorsIn, type Aggregation, type Binary, type Call, type Expression } from './expression.js';
import { seriesCount } from './series.js';

/** What happens to a query's value when the same load falls on twice the replicas. */
export type Growth =
  /** Stays: the sum over the replicas. Right for AverageValue, wrong for Value. */
  | { readonly kind: 'total'; readonly metric: string }
  /** Halves, and never exceeds `most` (null: 1 or 100, whichever it is). Right for Value, wrong for AverageValue. */
  | { readonly kind: 'share'; readonly metric: string; readonly most: number | null }
  /** Halves or so: a mean, the worst pod, a time per request. Right for Value, wrong for AverageValue. */
  | { readonly kind: 'mean'; readonly metric: string; readonly how: string }
  | { readonly kind: 'unknown' };

const UNKNOWN: Growth = { kind: 'unknown' };

/** Says nothing of metrics it does not know, except where the form of the query alone decides. */
export function growthOf(expression: Expression): Growth {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return UNKNOWN;
    case 'selector':
      return ofMetric(expression.metric);
    case 'call':
      return ofCall(expression);
    case 'aggregation':
      return ofAggregation(expression);
    case 'binary':
      return ofBinary(expression);
  }
}

function ofMetric(metric: string): Growth {
  const nature = servingMetric(metric)?.nature;
  if (nature?.kind === 'share') return { kind: 'share', metric, most: nature.most };
  return nature === undefined && looksLikeShare(metric) ? { kind: 'share', metric, most: null } : UNKNOWN;
}

/** Functions whose value is of the kind of their argument. */
const TRANSPARENT = new Set(
  (
    'avg_over_time max_over_time min_over_time last_over_time quantile_over_time abs ceil floor round ' +
    'clamp clamp_min clamp_max sort sort_desc label_replace label_join scalar vector'
  ).split(' '),
);

function ofCall({ name, args }: Call): Growth {
  if (name === 'histogram_quantile') {
    const [, buckets] = args;
    const metric = buckets === undefined ? undefined : selectorsIn(buckets)[0]?.metric;
    return metric === undefined
      ? UNKNOWN
      : { kind: 'mean', metric, how: 'a quantile of a time or size per request' };
  }
  if (!TRANSPARENT.has(name)) return UNKNOWN;
  const argument = args.find(({ kind }) => kind !== 'number' && kind !== 'text');
  return argument === undefined ? UNKNOWN : growthOf(argument);
}

function ofAggregation(aggregation: Aggregation): Growth {
  const { operator, operand } = aggregation;
  const inner = growthOf(operand);
  const metric = servingNameIn(operand);
  // `sum(… > bool 0)` counts those that have something to do: a switch, not a load.
  const isSwitch = operand.kind === 'binary' && operand.bool;
  if (operator === 'sum') return metric === null || isSwitch ? UNKNOWN : { kind: 'total', metric };
  if (!['avg', 'max', 'min', 'quantile', 'topk', 'bottomk'].includes(operator)) return UNKNOWN;
  if (inner.kind === 'share' || seriesCount(operand).kind === 'one') return inner;
  if (metric === null) return UNKNOWN;
  const how = operator === 'avg' ? 'the mean of the pods' : `the ${operator} of the pods`;
  return { kind: 'mean', metric, how };
}

function ofBinary(binary: Binary): Growth {
  const { operator, left, right, bool } = binary;
  if (bool) return UNKNOWN;
  const growth = growthOf(left);
  switch (operator) {
    case 'or':
    case 'and':
    case 'unless':
    case '>':
    case '>=':
    case '<':
    case '<=':
    case '==':
    case '!=':
      return growth;
    case '/':
      return ofQuotient(left, right);
    case '*':
      return ofProduct(left, right);
    case '+':
    case '-':
      return ofSum(growth, growthOf(right), right);
    default:
      return UNKNOWN;
  }
}

function ofQuotient(left: Expression, right: Expression): Growth {
  const [above, below] = [growthOf(left), growthOf(right)];
  if (right.kind === 'number') return scaled(above, 1 / right.value);
  const [first] = selectorsIn(left);
  if (first === undefined) return UNKNOWN;
  if (countsReplicas(right)) {
    const inner = left.kind === 'aggregation' ? growthOf(left.operand) : UNKNOWN;
    return inner.kind === 'share'
      ? inner
      : { kind: 'mean', metric: first.metric, how: 'a sum divided by the replicas' };
  }
  if (above.kind === 'total' && below.kind === 'total') {
    return { kind: 'mean', metric: above.metric, how: 'a quotient of two sums' };
  }
  return UNKNOWN;
}

function ofProduct(left: Expression, right: Expression): Growth {
  if (right.kind === 'number') return scaled(growthOf(left), right.value);
  if (left.kind === 'number') return scaled(growthOf(right), left.value);
  // Most likely times the replicas, which makes a total of it.
  return UNKNOWN;
}

function ofSum(a: Growth, b: Growth, right: Expression): Growth {
  if (right.kind === 'number') return a;
  return a.kind === 'total' && b.kind === 'total' ? a : UNKNOWN;
}

function scaled(growth: Growth, factor: number): Growth {
  if (growth.kind !== 'share' || growth.most === null) return growth;
  return factor > 0 ? { ...growth, most: growth.most * factor } : UNKNOWN;
}

/** `count(up{…})`, `kube_deployment_status_replicas_ready`, and `scalar()` around them. */
function countsReplicas(expression: Expression): boolean {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return false;
    case 'selector':
      return /_replicas(?:_|$)/.test(expression.metric) || expression.metric === 'up';
    case 'call':
      return expression.args.some(countsReplicas);
    case 'aggregation':
      return expression.operator === 'count' || countsReplicas(expression.operand);
    case 'binary':
      return expression.operator === 'or' && countsReplicas(expression.left);
  }
}

function servingNameIn(expression: Expression): string | null {
  return selectorsIn(expression).find(({ metric }) => servingMetric(metric) !== null)?.metric ?? null;
}
