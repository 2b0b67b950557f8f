import type { Aggregation, Binary, Call, Expression, Selector } from './expression.js';
import { servingMetric } from '../serving-metrics.js';

/** How many elements the answer has. `several`: more than one as soon as there are two replicas. */
export type SeriesCount =
  | { readonly kind: 'one' }
  | { readonly kind: 'several'; readonly metric: string }
  | { readonly kind: 'unknown' };

const ONE: SeriesCount = { kind: 'one' };
const UNKNOWN: SeriesCount = { kind: 'unknown' };

/**
 * KEDA's prometheus scaler takes exactly one element. A metric that every pod (or GPU) reports is several; of metrics
 * that are not known to be such, nothing is said: one recording rule is one series.
 */
export function seriesCount(expression: Expression): SeriesCount {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return ONE;
    case 'selector':
      return ofSelector(expression);
    case 'call':
      return ofCall(expression);
    case 'aggregation':
      return ofAggregation(expression);
    case 'binary':
      return ofBinary(expression);
  }
}

/** Labels that single out one reporter. */
const PINS = new Set(['pod', 'exported_pod', 'instance', 'UUID', 'kubernetes_pod_name', 'pod_name']);

function ofSelector({ metric, matchers }: Selector): SeriesCount {
  if (servingMetric(metric) === null) return UNKNOWN;
  const isPinned = matchers.some(({ label, operator }) => operator === '=' && PINS.has(label));
  return isPinned ? UNKNOWN : { kind: 'several', metric };
}

const ALWAYS_ONE = new Set(['scalar', 'vector', 'time', 'absent', 'absent_over_time', 'pi']);

function ofCall({ name, args }: Call): SeriesCount {
  if (ALWAYS_ONE.has(name)) return ONE;
  if (name === 'histogram_quantile') {
    const [, buckets] = args;
    return buckets === undefined ? UNKNOWN : ofBuckets(buckets);
  }
  const [first = null] = args.filter(({ kind }) => kind !== 'number' && kind !== 'text');
  return first === null ? UNKNOWN : seriesCount(first);
}

/** histogram_quantile takes `le` away: `sum by (le) (…)` becomes one. */
function ofBuckets(buckets: Expression): SeriesCount {
  if (buckets.kind !== 'aggregation' || buckets.grouping.mode !== 'by') return seriesCount(buckets);
  const labels = buckets.grouping.labels.filter((label) => label !== 'le');
  return ofAggregation({ ...buckets, grouping: { mode: 'by', labels } });
}

function ofAggregation(aggregation: Aggregation): SeriesCount {
  const { operator, grouping, operand, parameter } = aggregation;
  const inner = seriesCount(operand);
  if (inner.kind === 'one') return ONE;
  const isCut = operator === 'topk' || operator === 'bottomk' || operator.startsWith('limit');
  if (isCut) {
    const isFirst = parameter?.kind === 'number' && parameter.value === 1 && isUngrouped(aggregation);
    return isFirst ? ONE : inner;
  }
  if (operator === 'count_values') return inner;
  if (isUngrouped(aggregation)) return ONE;
  // `sum by (namespace) (x{namespace="chat"})` has one group.
  const open = grouping.labels.filter((label) => !isFixed(label, operand));
  if (grouping.mode === 'by') return open.length === 0 ? ONE : splitBy(open, inner);
  return inner;
}

/** Groups by what tells pods apart are several; groups by namespace or model may well be one. */
function splitBy(labels: readonly string[], inner: SeriesCount): SeriesCount {
  return labels.some((label) => PINS.has(label)) ? inner : UNKNOWN;
}

function isUngrouped({ grouping }: Aggregation): boolean {
  return grouping.mode === 'by' && grouping.labels.length === 0;
}

function isFixed(label: string, expression: Expression): boolean {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return true;
    case 'selector':
      return expression.matchers.some((each) => each.label === label && each.operator === '=');
    case 'call':
      return expression.args.every((each) => isFixed(label, each));
    case 'aggregation':
      return isFixed(label, expression.operand);
    case 'binary':
      return isFixed(label, expression.left) && isFixed(label, expression.right);
  }
}

function ofBinary({ operator, grouped, left, right }: Binary): SeriesCount {
  const [a, b] = [seriesCount(left), seriesCount(right)];
  if (left.kind === 'number') return b;
  if (right.kind === 'number') return a;
  if (operator === 'and' || operator === 'unless') return a;
  if (a.kind === 'one' && b.kind === 'one') return ONE;
  // An element beside many, without group_left, matches none of them or one: Prometheus knows.
  if (a.kind === 'several' && (b.kind === 'several' || grouped || operator === 'or')) return a;
  if (b.kind === 'several' && (grouped || operator === 'or')) return b;
  if (isScalar(right)) return a;
  return isScalar(left) ? b : UNKNOWN;
}

function isScalar(expression: Expression): boolean {
  return expression.kind === 'call' && ['scalar', 'time', 'pi'].includes(expression.name);
}
