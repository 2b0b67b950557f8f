import { parser } from '@prometheus-io/lezer-promql';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expression } from '../../../../src/policy/lint/promql/expression.js';
import { parsePromql } from '../../../../src/policy/lint/promql/parse.js';

/** Prometheus' own grammar, which says whether a text is PromQL at all. */
function isPromql(text: string): boolean {
  let isWhole = true;
  parser.parse(text).iterate({
    enter: ({ type }) => {
      if (type.isError) isWhole = false;
    },
  });
  return isWhole;
}

/** The shape with every pair of brackets, so that precedence shows. */
function shape(expression: Expression | null): string {
  if (expression === null) return 'unreadable';
  switch (expression.kind) {
    case 'number':
      return String(expression.value);
    case 'text':
      return JSON.stringify(expression.value);
    case 'selector': {
      const labels = expression.matchers.map(({ label, operator, value }) => `${label}${operator}"${value}"`);
      const range = expression.range === null ? '' : `[${expression.range}s]`;
      return `${expression.metric}${labels.length === 0 ? '' : `{${labels.join(',')}}`}${range}`;
    }
    case 'call':
      return `${expression.name}(${expression.args.map(shape).join(', ')})`;
    case 'aggregation': {
      const { operator, grouping, parameter, operand } = expression;
      const args = [...(parameter === null ? [] : [parameter]), operand].map(shape).join(', ');
      return `${operator} ${grouping.mode} (${grouping.labels.join(', ')}) (${args})`;
    }
    case 'binary': {
      const { operator, bool, grouped, left, right } = expression;
      const words = [operator, ...(bool ? ['bool'] : []), ...(grouped ? ['group_left'] : [])].join(' ');
      return `(${shape(left)} ${words} ${shape(right)})`;
    }
  }
}

describe('parsePromql', () => {
  it.each([
    ['up', 'up'],
    [
      'vllm:num_requests_waiting{model_name="a", pod=~"b-.+"}',
      'vllm:num_requests_waiting{model_name="a",pod=~"b-.+"}',
    ],
    ['{__name__="up", job!="x"}', 'up{__name__="up",job!="x"}'],
    ['{"dcgm.util", "gpu.id"="0"}', 'dcgm.util{gpu.id="0"}'],
    ['rate(x_total{}[1m30s])', 'rate(x_total[90s])'],
    ['1 + 2 * 3', '(1 + (2 * 3))'],
    ['1 - 2 - 3', '((1 - 2) - 3)'],
    ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'],
    ['-2 ^ 2', '(-1 * (2 ^ 2))'],
    ['-a * b', '((-1 * a) * b)'],
    ['a or b and c unless d', '(a or ((b and c) unless d))'],
    ['a > bool 1 + 2', '(a > bool (1 + 2))'],
    ['sum by (pod, ns) (x)', 'sum by (pod, ns) (x)'],
    ['sum(x) without (le,)', 'sum without (le) (x)'],
    ['SUM BY (pod) (x)', 'sum by (pod) (x)'],
    ['topk(3, x)', 'topk by () (3, x)'],
    ['quantile by (a) (0.9, x)', 'quantile by (a) (0.9, x)'],
    ['a * on(pod) group_left(model) b', '(a * group_left b)'],
    ['a / ignoring(pod) b', '(a / b)'],
    ['max_over_time(sum(x)[1h:5m])', 'max_over_time(sum by () (x))'],
    ['rate(x[5m:])', 'rate(x)'],
    ['x offset 5m + y @ end()', '(x + y)'],
    ['x[5m] offset -1h', 'x[300s]'],
    ['x @ 1609746000', 'x'],
    ['0x1F + 1e3 + .5 + Inf', '(((31 + 1000) + 0.5) + Infinity)'],
    ['label_replace(x, "a", "$1", \'b\', `c`)', 'label_replace(x, "a", "$1", "b", "c")'],
    ['sum(x) # of all pods\n or vector(0)', '(sum by () (x) or vector(0))'],
    ['by{a="b"} + sum', '(by{a="b"} + sum)'],
  ])('reads %s', (text, expected) => {
    expect(shape(parsePromql(text))).toBe(expected);
    expect(isPromql(text)).toBe(true);
  });

  it.each([
    '',
    'sum(',
    'sum(x',
    'x{a=b}',
    'x{a="b"',
    'x[5]',
    'x[5m',
    'rate(x[$__rate_interval])',
    'x{namespace="{{ .Values.ns }}"} {{ if }}',
    '${metric}',
    'a b',
    '1 +',
    '"open',
    'sum()',
    '(1 + 2)[5m]',
  ])('leaves %s to Prometheus', (text) => {
    expect(parsePromql(text)).toBeNull();
  });

  it('gives up on nesting that no query has, without exhausting the stack', () => {
    expect(parsePromql(`${'('.repeat(50)}x${')'.repeat(50)}`)).not.toBeNull();
    expect(parsePromql(`${'('.repeat(10_000)}x${')'.repeat(10_000)}`)).toBeNull();
    expect(parsePromql(`${'-'.repeat(10_000)}x`)).toBeNull();
  });
});

const label = fc.constantFrom('pod', 'namespace', 'le', 'model_name');
const metric = fc.constantFrom('up', 'vllm:num_requests_waiting', 'DCGM_FI_DEV_GPU_UTIL', 'by_rate');
const { query } = fc.letrec<{ query: string; selector: string }>((tie) => ({
  selector: fc
    .tuple(metric, fc.array(fc.tuple(label, fc.constantFrom('=', '!=', '=~', '!~')), { maxLength: 2 }))
    .map(
      ([name, matchers]) => `${name}{${matchers.map(([key, operator]) => `${key}${operator}"v"`).join(',')}}`,
    ),
  query: fc.oneof(
    { maxDepth: 4 },
    tie('selector'),
    fc.nat(1000).map(String),
    tie('selector').map((inner) => `rate(${inner}[5m])`),
    fc
      .tuple(fc.constantFrom('sum', 'avg', 'max'), fc.array(label, { maxLength: 2 }), tie('query'))
      .map(([operator, labels, inner]) => `${operator} by (${labels.join(', ')}) (${inner})`),
    fc
      .tuple(tie('query'), fc.constantFrom('+', '-', '*', '/', '> bool', '^'), tie('query'))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    tie('query').map((inner) => `-${inner}`),
  ),
}));

describe('any query', () => {
  it('that is PromQL is read, and what was read reads the same again', () => {
    fc.assert(
      fc.property(query, (text) => {
        fc.pre(isPromql(text));
        const once = shape(parsePromql(text));
        expect(once).not.toBe('unreadable');
        expect(shape(parsePromql(once))).toBe(once);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws, whatever the text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(...'sum by ( ) [ ] { } , = =~ "a" 5m 1 + - ^ @ offset : or'.split(' ')),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const parsed = parsePromql(pieces.join(' '));
        expect(parsed === null || typeof parsed.kind === 'string').toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
