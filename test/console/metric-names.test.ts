import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClusterMetrics } from '../../src/console/cluster-metrics.js';
import type { ClusterDesk } from '../../src/ports/cluster-desk.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/** docs/metrics.md against what a server shows: every metric has its row there, with its labels, and nothing else has one. */

const page = readFileSync('docs/metrics.md', 'utf8');
const documented = new Map(
  [...page.matchAll(/^\| `(?<name>pilotlight_\w+)` +\|(?<labels>[^|]*)\|/gm)].map(({ groups }) => [
    groups?.['name'] ?? '',
    [...(groups?.['labels'] ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label ?? '').toSorted(),
  ]),
);

let api: PrometheusApi;
let server: TestServer;
let shown: string;

beforeAll(async () => {
  api = await servePrometheusApi((promql, response) => {
    const labels = { namespace: 'shop', pod: podOf('triton') };
    response.end(vectorOf(promql.includes('nv_inference') ? [{ labels, value: 25 }] : []));
  });
  server = await serveHere({ prometheus: api.url });
  const metadata = { profile: 'triton-pending,dcgm-gpu-util', forecast: 'on', slo: '10s@99%' };
  await server.keda.isActive({ namespace: 'shop', name: 'triton', metadata });
  shown = await (await fetch(`${server.http}/metrics`)).text();
});

afterAll(async () => {
  await server.stop();
  await api.stop();
});

test('the page has every metric of a server, and no other', () => {
  const registered = [...shown.matchAll(/^# HELP (\w+) /gm)].map(([, name]) => name ?? '');
  const own = registered.filter((name) => name.startsWith('pilotlight_'));
  expect([...documented.keys()].toSorted()).toEqual(own.toSorted());
  for (const name of registered.filter((each) => !own.includes(each)))
    expect(name).toMatch(/^(?:process|nodejs)_/);
});

test('what the page says beside its tables is of metrics that there are', () => {
  for (const [name] of page.matchAll(/\b(?:pilotlight|process|nodejs)_\w+\b(?!\*)/g))
    expect(shown).toContain(`# HELP ${name} `);
});

test('a metric has the labels that the page says', async () => {
  const cluster = await createClusterMetrics(DESK, { now: () => NOW }).render();
  const labels = new Map<string, readonly string[]>();
  for (const [, series = '', inside = ''] of `${shown}${cluster}`.matchAll(/^(\w+)(?:\{(.*)\})? [-+\d]/gm)) {
    const found = [...inside.matchAll(/(\w+)="/g)].flatMap(([, each = '']) => (each === 'le' ? [] : [each]));
    labels.set(series.replace(/_(?:bucket|sum|count)$/, ''), found.toSorted());
  }
  const known = [...labels].filter(([name]) => name.startsWith('pilotlight_'));
  expect(Object.fromEntries(known)).toEqual(
    Object.fromEntries([...documented].filter(([name]) => labels.has(name))),
  );
  // No forecast has been made, and warm-ups are off.
  expect([...documented.keys()].filter((name) => !labels.has(name))).toEqual([
    'pilotlight_forecast_replicas',
    'pilotlight_forecast_chance_ratio',
    'pilotlight_warm_up_store_up',
    'pilotlight_warm_ups_ended_total',
  ]);
});

const NOW = 1_000_000;
const OBJECT = { namespace: 'shop', name: 'triton' };
const START = {
  p50: 1000,
  p90: 1000,
  parts: { schedule: 0, image: 0, start: 0, model: 0 },
  samples: 1,
  at: NOW,
};

/** A cluster that has something to say of everything. */
const DESK: ClusterDesk = {
  health: () => ({
    kind: 'current',
    why: null,
    watches: [
      {
        resource: 'pods',
        namespace: null,
        health: { kind: 'current' },
        objects: 1,
        unreadable: 0,
        needed: true,
      },
    ],
  }),
  features: () => [{ feature: 'placeholders', why: null }],
  shares: () => [{ ...OBJECT, wanted: 2, granted: 1, why: null, pool: null, cutByBudget: 0, note: null }],
  money: () => ({
    currency: 'USD',
    total: 3,
    held: 1,
    idle: 1,
    namespaces: new Map([['shop', 1]]),
    unpriced: 0,
  }),
  budgets: () => [{ namespace: 'shop', currency: 'USD', budget: 4, perHour: 1, cut: 0 }],
  scaledObjects: () => [
    {
      ...OBJECT,
      waiting: [{ reason: 'unschedulable', pods: 1, detail: null }],
      leadTimes: { warmNode: START, coldNode: null },
      cost: { perHour: 1, complete: true, currency: 'USD', alwaysOn: 4 },
      inferences: { perSecond: 1, moneyPerThousand: 1 },
    },
  ],
};
