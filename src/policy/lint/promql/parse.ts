import {
  labelList,
  list,
  need,
  next,
  operatorOf,
  peekSymbol,
  peekWord,
  takeSymbol,
  takeWord,
  UNREADABLE,
  type Cursor,
} from './cursor.js';
import type { Aggregation, Expression, Matcher } from './expression.js';
import { tokenise, type Token } from './tokens.js';

/**
 * A small PromQL parser: enough to see how many series a query returns and what it measures. It does not check types;
 * what it cannot read it leaves to Prometheus.
 */

const AGGREGATORS = new Set(
  'sum avg min max count group stddev stdvar topk bottomk quantile count_values limitk limit_ratio'.split(
    ' ',
  ),
);
const WITH_PARAMETER = new Set(['topk', 'bottomk', 'quantile', 'count_values', 'limitk', 'limit_ratio']);

/** From loosest to tightest; `^` alone binds to the right. */
const PRECEDENCE: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 7,
};
/** A sign binds tighter than `*` and looser than `^`. */
const SIGN = 6;
/** No sane query nests deeper; a hostile one must not exhaust the stack. */
const DEEPEST = 100;

/** Null for what is no PromQL, or PromQL beyond this parser. Never throws. */
export function parsePromql(text: string): Expression | null {
  const tokens = tokenise(text);
  if (tokens === null) return null;
  const cursor: Cursor = { tokens, at: 0, depth: 0 };
  try {
    const expression = binary(cursor, 0);
    return cursor.at === tokens.length ? expression : null;
  } catch (error) {
    if (error === UNREADABLE) return null;
    throw error;
  }
}

function binary(cursor: Cursor, loosest: number): Expression {
  cursor.depth += 1;
  if (cursor.depth > DEEPEST) throw UNREADABLE;
  let left = signed(cursor);
  for (;;) {
    const operator = operatorOf(cursor.tokens[cursor.at]);
    const precedence = operator === null ? undefined : PRECEDENCE[operator];
    if (operator === null || precedence === undefined || precedence < loosest) break;
    cursor.at += 1;
    const bool = takeWord(cursor, 'bool');
    const grouped = matching(cursor);
    const right = binary(cursor, operator === '^' ? precedence : precedence + 1);
    left = { kind: 'binary', operator, bool, grouped, left, right };
  }
  cursor.depth -= 1;
  return left;
}

/** `on (…) group_left (…)`; true when one side has many series for one of the other. */
function matching(cursor: Cursor): boolean {
  if (takeWord(cursor, 'on') || takeWord(cursor, 'ignoring')) labelList(cursor);
  const grouped = takeWord(cursor, 'group_left') || takeWord(cursor, 'group_right');
  if (grouped && peekSymbol(cursor, '(')) labelList(cursor);
  return grouped;
}

function signed(cursor: Cursor): Expression {
  if (takeSymbol(cursor, '+')) return binary(cursor, SIGN);
  if (!takeSymbol(cursor, '-')) return ranged(cursor, primary(cursor));
  const right = binary(cursor, SIGN);
  if (right.kind === 'number') return { kind: 'number', value: -right.value };
  const minusOne: Expression = { kind: 'number', value: -1 };
  return { kind: 'binary', operator: '*', bool: false, grouped: false, left: minusOne, right };
}

function primary(cursor: Cursor): Expression {
  const token = next(cursor);
  if (token.kind === 'number') return token;
  if (token.kind === 'duration') return { kind: 'number', value: token.seconds };
  if (token.kind === 'text') return token;
  if (token.kind === 'word') return named(cursor, token.text);
  if (token.text === '(') {
    const inner = binary(cursor, 0);
    need(cursor, ')');
    return inner;
  }
  if (token.text !== '{') throw UNREADABLE;
  cursor.at -= 1;
  return selector(cursor, '');
}

function named(cursor: Cursor, name: string): Expression {
  const lower = name.toLowerCase();
  const opensCall = peekSymbol(cursor, '(');
  const groups = ['by', 'without'].some((word) => peekWord(cursor, word));
  if (AGGREGATORS.has(lower) && (opensCall || groups)) return aggregation(cursor, lower);
  if (opensCall) return { kind: 'call', name, args: list(cursor, () => binary(cursor, 0)) };
  if (lower === 'inf' || lower === 'nan') return { kind: 'number', value: lower === 'inf' ? Infinity : NaN };
  return selector(cursor, name);
}

function aggregation(cursor: Cursor, operator: string): Aggregation {
  const before = grouping(cursor);
  const args = list(cursor, () => binary(cursor, 0));
  const after = before ?? grouping(cursor);
  const [first, second] = args;
  const parameter = WITH_PARAMETER.has(operator) ? (first ?? null) : null;
  const operand = parameter === null ? first : second;
  if (operand === undefined) throw UNREADABLE;
  return {
    kind: 'aggregation',
    operator,
    grouping: after ?? { mode: 'by', labels: [] },
    parameter,
    operand,
  };
}

function grouping(cursor: Cursor): Aggregation['grouping'] | null {
  for (const mode of ['by', 'without'] as const) {
    if (takeWord(cursor, mode)) return { mode, labels: labelList(cursor) };
  }
  return null;
}

function selector(cursor: Cursor, name: string): Expression {
  const matchers: Matcher[] = [];
  let metric = name;
  if (takeSymbol(cursor, '{')) {
    while (!takeSymbol(cursor, '}')) {
      const label = next(cursor);
      if (label.kind === 'text' && !isMatchOperator(cursor)) metric = label.value;
      else matchers.push(matcher(cursor, label));
      if (!takeSymbol(cursor, ',') && !peekSymbol(cursor, '}')) throw UNREADABLE;
    }
  }
  const stated = matchers.find(({ label, operator }) => label === '__name__' && operator === '=');
  return { kind: 'selector', metric: stated?.value ?? metric, matchers, range: null };
}

const MATCH_OPERATORS = ['=', '!=', '=~', '!~'] as const;

function isMatchOperator(cursor: Cursor): boolean {
  return MATCH_OPERATORS.some((operator) => peekSymbol(cursor, operator));
}

function matcher(cursor: Cursor, label: Token): Matcher {
  const operator = MATCH_OPERATORS.find((each) => takeSymbol(cursor, each));
  const value = next(cursor);
  if (operator === undefined || value.kind !== 'text') throw UNREADABLE;
  if (label.kind === 'word') return { label: label.text, operator, value: value.value };
  if (label.kind === 'text') return { label: label.value, operator, value: value.value };
  throw UNREADABLE;
}

/** What may follow an expression: `[5m]`, `[1h:5m]`, `offset 1h`, `@ end()`. */
function ranged(cursor: Cursor, expression: Expression): Expression {
  let result = expression;
  for (;;) {
    if (takeSymbol(cursor, '[')) result = withRange(cursor, result);
    else if (takeWord(cursor, 'offset')) {
      takeSymbol(cursor, '-');
      next(cursor);
    } else if (takeSymbol(cursor, '@')) primary(cursor);
    else return result;
  }
}

function withRange(cursor: Cursor, expression: Expression): Expression {
  const length = next(cursor);
  if (length.kind !== 'duration') throw UNREADABLE;
  const isSubquery = takeSymbol(cursor, ':');
  if (isSubquery && !peekSymbol(cursor, ']')) next(cursor);
  need(cursor, ']');
  // A subquery keeps its operand: over its window it means what the operand means at each step.
  if (isSubquery) return expression;
  if (expression.kind !== 'selector') throw UNREADABLE;
  return { ...expression, range: length.seconds };
}
