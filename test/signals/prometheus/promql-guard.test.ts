import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confineQuery } from '../../../src/signals/prometheus/promql-guard.js';

const MINE = { label: 'namespace', value: 'mine' };

function confined(query: string): string {
  const answer = confineQuery(query, MINE);
  if (!answer.ok) throw new Error(answer.why);
  return answer.query;
}

function refusal(query: string): string {
  const answer = confineQuery(query, MINE);
  if (answer.ok) throw new Error(`allowed as ${answer.query}`);
  return answer.why;
}

describe('every selector gets the matcher', () => {
  it.each([
    ['up', 'up{namespace="mine"}'],
    ['up{}', 'up{namespace="mine",}'],
    ['{}', '{namespace="mine",}'],
    ['up{job="a"}', 'up{namespace="mine",job="a"}'],
    ['{__name__=~".+"}', '{namespace="mine",__name__=~".+"}'],
    ['{"quoted.metric", job="a"}', '{namespace="mine","quoted.metric", job="a"}'],
    ['up{"quoted label"="a"}', 'up{namespace="mine","quoted label"="a"}'],
    ['up{namespace="theirs"}', 'up{namespace="mine",namespace="theirs"}'],
    ['up{namespace!="mine"}', 'up{namespace="mine",namespace!="mine"}'],
    ['up or up{a="b"}', 'up{namespace="mine"} or up{namespace="mine",a="b"}'],
    ['rate(up[5m])', 'rate(up{namespace="mine"}[5m])'],
    ['max_over_time(up[1h:5m] offset 1d)', 'max_over_time(up{namespace="mine"}[1h:5m] offset 1d)'],
    ['up @ end() offset -5m', 'up{namespace="mine"} @ end() offset -5m'],
    ['a * on (pod) group_left (x) b', 'a{namespace="mine"} * on (pod) group_left (x) b{namespace="mine"}'],
    ['sum by (namespace) (up)', 'sum by (namespace) (up{namespace="mine"})'],
    ['sum(up) by (pod)', 'sum(up{namespace="mine"}) by (pod)'],
    ['and and and', 'and{namespace="mine"} and and{namespace="mine"}'],
    ['sum + rate + by', 'sum{namespace="mine"} + rate{namespace="mine"} + by{namespace="mine"}'],
    [
      'label_replace(up, "namespace", "mine", "", "")',
      'label_replace(up{namespace="mine"}, "namespace", "mine", "", "")',
    ],
    ['absent(up)', 'absent(up{namespace="mine"})'],
    ['count({pod=~"{a}|\\"} or up{"})', 'count({namespace="mine",pod=~"{a}|\\"} or up{"})'],
    ["up{a='}'} - up{b=`}\\`}", 'up{namespace="mine",a=\'}\'} - up{namespace="mine",b=`}\\`}'],
    ['INF + Nan + inf', 'INF + Nan + inf'],
    ['vector(1)', 'vector(1)'],
  ])('%s', (query, expected) => {
    expect(confined(query)).toBe(expected);
  });

  it('and comments go, since Prometheus ends them elsewhere', () => {
    expect(confined('up# or theirs\n{ # }\n job="a"} # end')).toBe('up\n{namespace="mine", \n job="a"} ');
    expect(confined('up#\n+ up')).toBe('up{namespace="mine"}\n+ up{namespace="mine"}');
  });
});

describe('refused is', () => {
  it.each([
    ['an empty query', '', 'not valid PromQL at character 1 (its end)'],
    ['half a query', 'sum(up', 'not valid PromQL at character 7 (its end)'],
    ['two queries', 'up up', 'not valid PromQL at character 4 ("up")'],
    ['an open string', 'up{a="b', 'not valid PromQL at character 8 (its end)'],
    ['an open string alone', '"up', 'not a complete PromQL string at character 1 ("\\"up")'],
    ['an open string before a line end', 'up{a="b\n"}', 'not valid PromQL'],
    ['an escape that Go does not know', 'up{a="\\d"}', 'not a complete PromQL string at character 6'],
    ['a quote escaped in the other quotes', `up{a="\\'"}`, 'not a complete PromQL string at character 6'],
    [
      'a comment that ends at a carriage return',
      'up # \r or up',
      'a control character at character 6 ("or up")',
    ],
    ['a NUL', 'up\u0000', 'a control character at character 3'],
    ['a control in a string', 'up{a="\u001b"}', 'a control character at character 7'],
    ['a query that is too long', 'a'.repeat(4097), 'longer than 4096 characters'],
    [
      'a query with too many selectors',
      Array(51).fill('a').join('+'),
      'more than 50 selectors at character 101 ("a")',
    ],
    ['info()', 'info(up, {a="b"})', 'info() at character 1 ("info(up, {a=\\"b\\"})") cannot be confined'],
    ['nesting beyond reason', '-'.repeat(4000) + 'a', 'not valid PromQL'],
    ['an or within braces', 'up{a="b" or c="d"}', 'not valid PromQL at character 10 ("or c=\\"d\\"}")'],
    ['a WITH template', 'WITH (x = up) x', 'not valid PromQL'],
    ['a template of ours', 'up{{by}}', 'not valid PromQL'],
  ])('%s', (_, query, why) => {
    expect(refusal(query)).toContain(why);
  });
});

it('escapes the value, so that it can say nothing else', () => {
  const values = fc.string({
    unit: fc.constantFrom('"', '\\', '\n', '`', '}', ',', '{', 'x', 'é'),
    maxLength: 20,
  });
  fc.assert(
    fc.property(values, (value) => {
      const answer = confineQuery('up', { label: 'namespace', value });
      const text = answer.ok ? answer.query : expect.fail(answer.why);
      // JSON's escapes for these characters are Go's.
      expect(text).toBe(`up{namespace=${JSON.stringify(value)}}`);
      expect(confineQuery(text, MINE)).toMatchObject({ ok: true });
    }),
  );
});
