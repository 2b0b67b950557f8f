import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNodeRef } from '@lezer/common';
import { describe, expect, test } from 'vitest';
import type { Profile, PrometheusForm } from '../../src/policy/profile.js';
import { aliveQuery, clusterQuery } from '../../src/policy/promql.js';
import { modelLoadProfile, servedProfile } from '../../src/policy/beside-signal.js';
import { profiles } from './cases.js';

interface Query {
  readonly name: string;
  readonly promql: string;
}

const beside = [...profiles.values()].flatMap((profile) =>
  [servedProfile(profile) ?? [], modelLoadProfile(profile) ?? []].flat(),
);
const all = [...profiles.values(), ...beside];
const queries = all.flatMap(queriesOf);

function queriesOf(profile: Profile): Query[] {
  const form = promqlOf(profile);
  if (form === null) return [];
  const alive = aliveQuery(profile, form, '1m');
  return [
    { name: profile.name, promql: clusterQuery(profile, form, false, '1m') },
    ...(profile.model === undefined
      ? []
      : [{ name: `${profile.name} by model`, promql: clusterQuery(profile, form, true, '1m') }]),
    ...(alive === null ? [] : [{ name: `${profile.name}: pods that are up`, promql: alive }]),
  ];
}

function promqlOf({ prometheus }: Profile): PrometheusForm | null {
  return 'value' in prometheus ? prometheus : null;
}

describe.each(queries)('$name', ({ promql }) => {
  test('is PromQL', () => {
    expect(faults(promql)).toEqual([]);
  });

  // Of any other expression timestamp() gives the moment of evaluation, and every sample would be new.
  test('takes timestamps of series alone', () => {
    const taken = calls(promql, 'timestamp');
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.filter((argument) => argument !== 'VectorSelector')).toEqual([]);
  });
});

test.each(
  all.flatMap((profile) =>
    Object.entries(promqlOf(profile) ?? {}).map(([part, promql]) => ({ name: profile.name, part, promql })),
  ),
)('$name: $part is one series for each owner', ({ promql }) => {
  expect(promql).toMatch(/^\W*(?:100\s+\* )?(?:sum|avg|max) by \(\{\{by\}\}\)/);
});

test('the grammar finds faults', () => {
  expect(faults('sum by (pod) (rate(x[1m]')).not.toEqual([]);
  expect(calls('timestamp(up == 1)', 'timestamp')).toEqual(['BinaryExpr']);
});

/** The text around each place where the grammar gave up. */
function faults(promql: string): string[] {
  return nodes(promql)
    .filter(({ type }) => type.isError)
    .map(({ from }) => promql.slice(Math.max(0, from - 20), from + 20));
}

/** What kind of expression each call of the function is given. */
function calls(promql: string, name: string): string[] {
  return nodes(promql)
    .filter((node) => node.name === 'FunctionCall' && promql.slice(node.from).startsWith(`${name}(`))
    .map(({ node }) => node.getChild('FunctionCallBody')?.firstChild?.name ?? 'nothing');
}

function nodes(promql: string): SyntaxNodeRef[] {
  const found: SyntaxNodeRef[] = [];
  parser.parse(promql).iterate({ enter: ({ node }) => void found.push(node) });
  return found;
}
