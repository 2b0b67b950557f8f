import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seriesKey } from '../../../src/signals/scrape/sample-line.js';
import { startPrometheus, type PrometheusServer } from '../../support/prometheus-server.js';
import { EXPOSITIONS, exposition, samplesOf } from './support.js';

/** What a page may hold beyond the samples: lines that parsers get wrong. Quoted names only came with Prometheus 3. */
const ODD = String.raw`
# HELP odd "{ # EOF
odd{a="\\ \" \n \t {,}=#"} 1
odd { b = "x" , } +Inf
odd{c="",d="日本"}	-1.5e-3
odd{e="twice"} 1
odd{e="twice"} 2
odd:colon .5
odd{f="g"}1.
`;

let prometheus: PrometheusServer;
const pages = [...EXPOSITIONS.map(exposition), ODD];

beforeAll(async () => {
  prometheus = await startPrometheus(
    pages.map((page) => {
      return { page, labels: {} };
    }),
    { honorLabels: true },
  );
  await prometheus.scraped();
});
afterAll(async () => {
  await prometheus?.stop();
});

describe('a real Prometheus reads the same series and values', () => {
  it.each([...EXPOSITIONS, 'odd lines'].map((name, index) => [name, index] as const))(
    '%s',
    async (_, index) => {
      const theirs = new Map<string, number>();
      for (const { metric, value } of await prometheus.query(`{job="target-${index}"}`)) {
        const { __name__: name = '', job: _job, instance: _instance, ...labels } = metric;
        // Prometheus adds these to every scrape.
        if (name === 'up' || name.startsWith('scrape_')) continue;
        theirs.set(
          seriesKey(name, new Map(Object.entries(labels))),
          Number(value[1].replace('Inf', 'Infinity')),
        );
      }
      const ours = new Map<string, number>();
      for (const { name, labels, value } of samplesOf(pages[index] ?? '')) {
        // For Prometheus a label that is empty is not there.
        const filled = new Map([...labels].filter(([, content]) => content !== ''));
        ours.set(seriesKey(name, filled), value);
      }
      const sorted = (all: Map<string, number>) => [...all].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(sorted(ours)).toEqual(sorted(theirs));
    },
  );
});
