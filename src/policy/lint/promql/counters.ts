import { servingMetric } from '../serving-metrics.js';
import type { Expression, Selector } from './expression.js';

/** A use of a metric that its kind does not bear. */
export interface Misuse {
  readonly metric: string;
  /** The function around it; null where the counter is read as it is. */
  readonly by: string | null;
}

/** Functions for gauges: a restart takes a counter from 23 600 to 300, and `delta` reports −23 300. */
const FOR_GAUGES = new Set(['delta', 'idelta', 'deriv', 'predict_linear']);
/** Only ask whether a sample is there, or when. */
const INDIFFERENT = new Set([
  'absent',
  'absent_over_time',
  'timestamp',
  'changes',
  'resets',
  'present_over_time',
]);

/** Counters of known servers that are read as they are, or with a function for gauges. */
export function misusedCounters(expression: Expression): Misuse[] {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return [];
    case 'selector':
      return isCounter(expression) && expression.range === null
        ? [{ metric: expression.metric, by: null }]
        : [];
    case 'call':
      if (INDIFFERENT.has(expression.name)) return [];
      return expression.args.flatMap((argument) =>
        argument.kind === 'selector' && isCounter(argument) && FOR_GAUGES.has(expression.name)
          ? [{ metric: argument.metric, by: expression.name }]
          : misusedCounters(argument),
      );
    case 'aggregation':
      return ['count', 'group'].includes(expression.operator) ? [] : misusedCounters(expression.operand);
    case 'binary': {
      const left = misusedCounters(expression.left);
      // `… and nv_inference_count > 0` asks for presence; its value goes nowhere.
      const isFilter = expression.operator === 'and' || expression.operator === 'unless';
      return isFilter ? left : [...left, ...misusedCounters(expression.right)];
    }
  }
}

function isCounter({ metric }: Selector): boolean {
  return servingMetric(metric)?.nature.kind === 'counter';
}

export interface ShortRange {
  readonly call: string;
  /** Seconds. */
  readonly range: number;
}

const NEEDS_TWO = new Set(['rate', 'irate', 'increase', 'delta', 'idelta', 'deriv', 'predict_linear']);

/** Functions that need two samples, over a range of at most `longest` seconds. */
export function shortRanges(expression: Expression, longest: number): ShortRange[] {
  switch (expression.kind) {
    case 'number':
    case 'text':
    case 'selector':
      return [];
    case 'call':
      return expression.args.flatMap((argument) =>
        argument.kind === 'selector' &&
        NEEDS_TWO.has(expression.name) &&
        (argument.range ?? Infinity) <= longest
          ? [{ call: expression.name, range: argument.range ?? 0 }]
          : shortRanges(argument, longest),
      );
    case 'aggregation':
      return shortRanges(expression.operand, longest);
    case 'binary':
      return [...shortRanges(expression.left, longest), ...shortRanges(expression.right, longest)];
  }
}
