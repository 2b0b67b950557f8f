import * as fc from 'fast-check';

/** PromQL from a small grammar and from loose tokens, over the metrics of `expositions`. */

const NAMES = ['a', 'b', 'rate', 'sum', 'and', 'start', 'step', 'a:b'];

/** Samples every 15 s until `end`, in a series for each name and pod; values tell the namespaces apart. */
export function exposition(end: number, base: number): string {
  const lines: string[] = [];
  for (const [n, name] of NAMES.entries())
    for (const pod of ['x', 'y'])
      for (let i = 8; i >= 0; i -= 1) {
        const value = base + n * 100 + (pod === 'x' ? 7 : 31) + (8 - i) * (n + 1);
        lines.push(`${name}{pod="${pod}",le="${n}"} ${value} ${end - i * 15_000}`);
      }
  return `${lines.sort((x, y) => Number(x.split(' ')[2]) - Number(y.split(' ')[2])).join('\n')}\n`;
}

const name = fc.constantFrom(...NAMES);
const labelValue = fc.constantFrom('mine', 'theirs', 'x', 'y', '', '.*', '.+', 'mine|theirs');
const quotes = fc.constantFrom('"', "'", '`');
const string = fc.tuple(quotes, labelValue).map(([quote, value]) => quote + value + quote);
const matcher = fc
  .tuple(fc.constantFrom('namespace', 'pod', 'le', 'job'), fc.constantFrom('=', '!=', '=~', '!~'), string)
  .map((parts) => parts.join(''));
const matchers = fc
  .tuple(fc.array(matcher, { maxLength: 3 }), fc.constantFrom('', ',', ' # }\n'))
  .map(([list, end]) => `{${list.join(', ')}${list.length === 0 && end === ',' ? '' : end}}`);
const byName = fc.constantFrom('{__name__="a"}', '{__name__=~".+"}', '{__name__=~\'a|b\',pod!=""}');
const selector = fc.oneof(
  name,
  fc.tuple(name, matchers).map((parts) => parts.join('')),
  byName,
);
const duration = fc.constantFrom('30s', '1m', '90s', '2m', '1m:15s', '90s:');
const modifier = fc.constantFrom('', '', '', ' offset 15s', ' offset -15s', ' @ end()', ' @ start()');
const range = fc.tuple(selector, duration, modifier).map(([of, length, when]) => `${of}[${length}]${when}`);
const grouping = fc.constantFrom('', ' by (pod)', ' by (namespace, pod)', ' without (namespace)', ' by ()');
const comment = fc.constantFrom('', '', ' # or secret{namespace="theirs"}\n', '\n', '\t');

export const grammarQuery = fc.letrec<{ expression: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(
    fc.tuple(selector, modifier).map((parts) => parts.join('')),
    range.map((of) => `rate(${of})`),
    range.map((of) => `max_over_time(${of})`),
    range.map((of) => `absent_over_time(${of})`),
    fc.constantFrom('1', 'vector(2)', 'scalar(sum(a))', 'time()'),
  ),
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc
      .tuple(fc.constantFrom('sum', 'avg', 'MAX', 'count', 'group'), grouping, tie('expression'))
      .map(([op, by, of]) => `${op}${by} (${of})`),
    fc
      .tuple(fc.constantFrom('sum', 'min'), tie('expression'), grouping)
      .map(([op, of, by]) => `${op}(${of})${by}`),
    fc
      .tuple(
        tie('expression'),
        comment,
        fc.constantFrom(
          'or',
          'and',
          'unless',
          '+',
          '*',
          '> bool',
          '==',
          '- on (pod)',
          '/ ignoring (le, job)',
        ),
        fc.constantFrom('', '', ' group_left ()', ' group_right (le)'),
        tie('expression'),
      )
      .map(([left, gap, op, group, right]) => `${left}${gap} ${op}${op.endsWith(')') ? group : ''} ${right}`),
    tie('expression').map((of) => `(${of})`),
    tie('expression').map((of) => `-${of}`),
    tie('expression').map((of) => `sum_over_time((${of})[1m:15s])`),
    tie('expression').map((of) => `absent(${of})`),
    tie('expression').map((of) => `label_replace(${of}, "namespace", "theirs", "", "")`),
    fc.tuple(fc.constantFrom('topk', 'bottomk'), tie('expression')).map(([op, of]) => `${op}(999, ${of})`),
    tie('expression').map((of) => `count_values("v", ${of})`),
  ),
})).expression;

const PUNCTUATION = '( ) { } [ ] , + - * / ^ % = == != =~ !~ > < @ : # " \' ` \\ ; | & . $'.split(' ');
const WORDS =
  'by without on ignoring group_left group_right or and unless bool offset inf NaN atan2 end() start()'.split(
    ' ',
  );
const token = fc.oneof(
  fc.constantFrom(...NAMES, ...PUNCTUATION, ...WORDS),
  fc.constantFrom(
    '{}',
    '{pod="x"}',
    '(a)',
    '[1m]',
    '[1m:15s]',
    '5m',
    '1',
    '0x1f',
    '1e3',
    '"x"',
    "'x'",
    '`x`',
  ),
  fc.constantFrom('"\\""', '"\\\n', '"a"', '\n', '\r', '\t', '# c\n', '# c\r', '\u00a0', '\u2028', '\u0000'),
  fc.constantFrom('__name__', 'namespace="mine"', '{__name__=~".+"}', 'sum(a)', 'b{', '}'),
);
/** Mostly nonsense: what one parser takes for a string or a comment, another might take for a selector. */
export const looseQuery = fc
  .array(fc.tuple(token, fc.constantFrom('', ' ')), { minLength: 1, maxLength: 9 })
  .map((parts) => parts.flat().join(''));
