import * as fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { confineQuery } from '../../../src/signals/prometheus/promql-guard.js';
import { startPrometheus, type PrometheusServer } from '../../support/prometheus-server.js';
import { exposition, grammarQuery, looseQuery } from './promql-fuzz.js';

const MINE = { label: 'namespace', value: 'mine' };
/** All samples are older than the servers, so that nothing they scrape of their own accord comes in. */
const END = Date.now() - 60_000;

/** One server knows two namespaces, the other only `mine`: what is confined must not see the difference. */
let both: PrometheusServer;
let alone: PrometheusServer;

beforeAll(async () => {
  const mine = { page: exposition(END, 0), labels: { namespace: 'mine' } };
  const theirs = { page: exposition(END, 1e6), labels: { namespace: 'theirs' } };
  [alone, both] = await Promise.all([startPrometheus([mine]), startPrometheus([mine, theirs])]);
  await Promise.all([alone.scraped(), both.scraped()]);
});
afterAll(() => Promise.all([alone.stop(), both.stop()]));

/** Of an error only the kind: its text names the series in any order. */
type Outcome = { readonly error: string } | { readonly result: string };

async function evaluated({ url }: PrometheusServer, query: string): Promise<Outcome> {
  const form = new URLSearchParams({ query, time: String(END / 1000) });
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body: form });
  const { status, errorType, error, data } = (await response.json()) as {
    status: string;
    errorType?: string;
    error?: string;
    data?: { result: unknown[] };
  };
  if (status !== 'success')
    return { error: /non-empty matcher/.exec(error ?? '')?.[0] ?? errorType ?? 'none' };
  // The instance is the address of the test's own pages.
  const series = (data?.result ?? []).map((one) => JSON.stringify(one).replace(/"instance":"[^"]*",?/, ''));
  return { result: rounded(series.sort().join('\n')) };
}

/** Prometheus adds floats in any order, so the last digits of a sum differ from one evaluation to the next. */
function rounded(text: string): string {
  return text.replaceAll(/"-?\d[\d.]*(?:e[+-]?\d+)?"/g, (number) =>
    Number(number.slice(1, -1)).toPrecision(9),
  );
}

/** The same, tried again where such a digit has tipped a comparison: another namespace's values stay different. */
async function expectAlike(query: string, plain: string): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    const [seen, expected] = await Promise.all([evaluated(both, query), evaluated(alone, plain)]);
    if (isDeepStrictEqual(seen, expected)) return seen;
    if (tries === 6) expect(seen, `${query} against ${plain}`).toEqual(expected);
  }
}

it('the two servers differ without the guard', async () => {
  const open = await evaluated(both, 'sum by (namespace) (a)');
  expect(open).toMatchObject({ result: expect.stringContaining('theirs') as string });
  expect(await evaluated(alone, 'sum by (namespace) (a)')).not.toEqual(open);
});

it('a comment that Prometheus ends at a carriage return would show another namespace', async () => {
  const query = 'a{namespace="mine"} # \r or b';
  expect(await evaluated(both, query)).toMatchObject({ result: expect.stringContaining('theirs') as string });
  expect(confineQuery(query, MINE)).toMatchObject({ ok: false });
});

it('whatever is asked, another namespace makes no difference, and the meaning stays', async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(grammarQuery, async (query) => {
      const answer = confineQuery(query, MINE);
      if (!answer.ok) expect.fail(`${query}: ${answer.why}`);
      const seen = await expectAlike(answer.query, answer.query);
      if ('result' in seen) answered += 1;
      // absent() takes labels from the matchers, and a selector of nothing at all becomes one.
      const plain = await evaluated(alone, query);
      const comparable =
        !query.includes('absent') && !('error' in plain && plain.error === 'non-empty matcher');
      if (comparable) await expectAlike(answer.query, query);
    }),
    { numRuns: 250 },
  );
  expect(answered).toBeGreaterThan(100);
}, 60_000);

it('nonsense that the guard lets pass shows no other namespace either', async () => {
  const queries = fc.sample(looseQuery, 6000).map((query) => confineQuery(query, MINE));
  const passed = queries.flatMap((answer) => (answer.ok ? [answer.query] : []));
  expect(passed.length).toBeGreaterThan(100);
  for (const query of passed) await expectAlike(query, query);
}, 60_000);
