import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MetricSource } from '../../src/ports/metric-source.js';
import { createPrometheusSource } from '../../src/signals/prometheus/source.js';
import { startPrometheus, type TestTarget } from '../support/prometheus-server.js';
import { goldenCases, type GoldenCase, type GoldenTarget } from './cases.js';
import { livingPage } from './living-page.js';
import { BESIDE, byOwner, readAlive, readBeside, readRows, snapped } from './reading.js';

/** Every case at once: what one query for the whole cluster must keep apart anyway. */

const WINDOW_SECONDS = 10;
const POLL = { timeout: 20_000, interval: 250 };
const clock = { now: () => Date.now() };
const cases = goldenCases();
const began = Date.now();
const lateShown = new Set<GoldenTarget>();

interface Cluster {
  readonly source: MetricSource;
  stop(): Promise<void>;
}

/** A server for the cases of one setting of honor_labels, which belongs to the scrape job. */
async function startCluster(honorLabels: boolean): Promise<Cluster> {
  const targets = cases
    .filter((each) => each.honorLabels === honorLabels)
    .flatMap((each) => each.targets.filter(({ only }) => only !== 'direct').map(scraped));
  const server = await startPrometheus(targets, { honorLabels });
  const source = createPrometheusSource({ url: server.url, clock, window: `${WINDOW_SECONDS}s` });
  return {
    source,
    async stop() {
      source.close();
      await server.stop();
    },
  };
}

function scraped(target: GoldenTarget): TestTarget {
  const pageAt = livingPage(target);
  return {
    labels: target.labels,
    get page() {
      const stamp = Date.now();
      return pageAt({ seconds: (stamp - began) / 1000, late: lateShown.has(target), stamp });
    },
  };
}

let [honoring, ordinary]: [Cluster?, Cluster?] = [];

function sourceOf({ honorLabels }: GoldenCase): MetricSource {
  return (honorLabels ? honoring : ordinary)!.source;
}

beforeAll(async () => {
  [honoring, ordinary] = await Promise.all([startCluster(true), startCluster(false)]);
  // A rate is that of the whole window only once the counters have been watched for as long.
  await new Promise((resolve) => setTimeout(resolve, (WINDOW_SECONDS + 2) * 1000));
});

afterAll(async () => {
  await Promise.all([honoring?.stop(), ordinary?.stop()]);
});

describe('through Prometheus', () => {
  test.each(cases)('$name', async (golden) => {
    for (const target of golden.targets) lateShown.add(target);
    const expected = golden.expect.toSorted(byOwner);
    await expect
      .poll(async () => snapped(await readRows(sourceOf(golden), golden), expected, golden.tolerance), POLL)
      .toEqual(expected);
  });

  describe.each(BESIDE)('%s', (what, profileOf) => {
    test.each(cases.filter((golden) => golden[what] !== undefined))('$name', async (golden) => {
      const expected = (golden[what] ?? []).toSorted(byOwner);
      const read = () => readBeside(sourceOf(golden), golden, [what, profileOf]);
      await expect
        .poll(async () => snapped(await read(), expected, golden.tolerance), POLL)
        .toEqual(expected);
    });
  });

  test.each(cases.filter(({ alive }) => alive !== undefined))('$name: pods that are up', async (golden) => {
    await expect.poll(() => readAlive(sourceOf(golden), golden), POLL).toEqual(golden.alive?.toSorted());
  });
});
