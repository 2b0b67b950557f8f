import { Script } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replayPage } from '../../../src/replay/report/html.js';
import type { Chart } from '../../../src/replay/report/page/chart.js';
import { DRAW } from '../../../src/replay/report/page/draw.js';
import { report, SCORE, timeline } from './html-fixture.js';

/** The page is not told what uPlot is: what lies beside it is for a browser. */
const ASSETS = { script: '/* uPlot </script> */', style: '.uplot {}' };

function chartsIn(page: string): Chart[] {
  const json = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(page)?.[1];
  return JSON.parse(json ?? '') as Chart[];
}

function chart(page: string, id: string): Chart {
  const found = chartsIn(page).find((each) => each.id === id);
  if (found === undefined) throw new Error(`no chart ${id}`);
  return found;
}

describe('the page of a replay', () => {
  const page = replayPage(report(), [timeline('shop/llm'), timeline('static-peak')], ASSETS);

  it('is the same for the same replay', () => {
    expect(replayPage(report(), [timeline('shop/llm'), timeline('static-peak')], ASSETS)).toBe(page);
  });

  it('needs no network: no address outside of it, and a policy that allows none', () => {
    expect(page).toContain('default-src &#39;none&#39;; ');
    expect(page).not.toMatch(/\b(?:src|href)=/);
    expect(page).not.toMatch(/url\(|@import|https?:/);
  });

  it('says what the replay comes to, against the cheapest that serves as many', () => {
    expect(page).toContain(
      '99.63 % of 12\u202F345 requests would have waited at most 10 s, for 3.00 (2.0 node-hours)',
    );
    expect(page).toContain('static-peak for 4.50 (3.0 node-hours), 50.0 % more');
  });

  it('says so when nobody serves as many', () => {
    const alone = report({ rows: report().rows.filter(({ name }) => name !== 'static-peak') });
    expect(replayPage(alone, [], ASSETS)).toContain('None of the others would have served as many in time.');
  });

  it('has a row for each policy and the bound, with waits that never end', () => {
    const rows = [...page.matchAll(/<tr[^>]*><th scope="row">(.*?)<\/th>(.*?)<\/tr>/gs)].slice(0, 4);
    expect(rows.map((row) => row[1])).toEqual(['shop/llm', 'static-peak', 'keda-queue', 'Bound']);
    expect(rows[2]?.[2]).toContain('<td>never</td>');
    expect(rows[0]?.[2]).toContain('<td>2.00</td>');
  });

  it('leaves money and a bound out where there are none', () => {
    const plain = replayPage(report({ pricePerHour: null, bound: null }), [timeline('shop/llm')], ASSETS);
    expect(plain).not.toContain('<th scope="col">Cost</th>');
    expect(plain).not.toContain('>Bound<');
    expect(chart(plain, 'cost').unit).toBe('node-hours');
  });

  it('draws the load in requests a second', () => {
    const [mean] = chart(page, 'load').series;
    expect(mean?.values[3]).toBe(2);
    expect(Math.max(...mean!.values.map(Number))).toBe(10);
  });

  it('counts the cost over the scored part, as the table does', () => {
    // Two nodes from second 900 to 3600 at 1.5 an hour.
    for (const { values } of chart(page, 'cost').series) expect(values.at(-1)).toBeCloseTo(2.25, 4);
    expect(chart(page, 'cost').series.map(({ label }) => label)).toEqual(['shop/llm', 'static-peak']);
  });

  it('has a line for each of the others, of which the selector shows one', () => {
    const three = replayPage(
      report(),
      ['shop/llm', 'static-peak', 'keda-queue'].map((name) => timeline(name)),
      ASSETS,
    );
    for (const id of ['replicas', 'wait', 'queue', 'cost']) {
      const others = chart(three, id).series.filter(({ only }) => only !== null);
      expect(others.map(({ only }) => only)).toEqual(['1', '2']);
      expect(others.map(({ label }) => label.split(':')[0])).toEqual(['static-peak', 'keda-queue']);
    }
    expect(
      [...three.matchAll(/<option value="(\d?)"( selected)?>(.*?)</g)].map((each) => each.slice(1)),
    ).toEqual([
      ['1', ' selected', 'static-peak'],
      ['2', undefined, 'keda-queue'],
      ['', undefined, 'nothing'],
    ]);
  });

  it('begins beside the cheapest that serves as many, not beside the first', () => {
    const [own, ...others] = report().rows;
    const turned = report({ rows: [own!, ...others.toReversed()] });
    const runs = turned.rows.map(({ name }) => timeline(name));
    expect(replayPage(turned, runs, ASSETS)).toContain('<option value="2" selected>static-peak<');
  });

  it('marks where the score begins in every chart, and says it once', () => {
    const marks = chartsIn(page).map((each) => each.marks);
    expect(marks[0]).toEqual([{ x: 900, label: 'scored from here on' }]);
    expect(new Set(marks.slice(1).map((each) => JSON.stringify(each)))).toEqual(
      new Set(['[{"x":900,"label":""}]']),
    );
  });

  it('has the decisions with their reasons, the first 200 of them', () => {
    const changes = Array.from({ length: 300 }, (_, index) => ({
      t: index,
      desired: index,
      reason: `because ${index}`,
    }));
    const long = replayPage(report(), [timeline('shop/llm', { changes })], ASSETS);
    expect(long).toContain('The first 200 of 300');
    expect(long).toContain('<td class="text">because 199</td>');
    expect(long).not.toContain('because 200');
    expect(page).not.toContain('wanted other replicas');
  });

  it('leaves out what a run did not record', () => {
    const { starting: _s, nodes: _n, wait: _w, paid: _p, ...bare } = timeline('shop/llm');
    const ids = chartsIn(replayPage(report(), [bare], ASSETS)).map(({ id }) => id);
    expect(ids).toEqual(['load', 'replicas', 'queue']);
  });

  it('shows the waits that never end as missing, not as a number', () => {
    const endless = timeline('shop/llm', {
      wait: timeline('').t.length > 0 ? Array.from(timeline('').t, () => Infinity) : [],
    });
    const [p99] = chart(replayPage(report(), [endless], ASSETS), 'wait').series;
    expect(new Set(p99?.values)).toEqual(new Set([null]));
  });

  it('is a table and settings alone without a timeline', () => {
    const bare = replayPage(report({ notes: ['A note.'] }), [], ASSETS);
    expect(chartsIn(bare)).toEqual([]);
    expect(bare).toContain('<li>A note.</li>');
    expect(bare).toContain('a node takes 180 s to come');
  });

  it('refuses a timeline without a sample', () => {
    const none = { t: [], arrivals: [], queue: [], running: [], desired: [], ready: [] };
    expect(() => replayPage(report(), [{ policy: 'empty', ...none }], ASSETS)).toThrow('empty has no sample');
  });

  it('says what each chart shows, and has the run as a table', () => {
    for (const { id, title } of chartsIn(page))
      expect(page).toMatch(new RegExp(`id="${id}" role="img" aria-label="${title}: .+"`));
    expect(page).toContain('<summary>The run of shop/llm as a table</summary>');
    expect(page).toContain('<noscript>');
  });

  it('has at most 2000 points in a chart, with the peaks kept', () => {
    const t = Array.from({ length: 80_640 }, (_, index) => 14 + index * 15);
    const flat = (value: number) => t.map(() => value);
    const queue = t.map((_, index) => (index === 40_000 ? 500 : 0));
    const long = {
      policy: 'long',
      t,
      arrivals: flat(15),
      queue,
      running: flat(1),
      desired: flat(1),
      ready: flat(1),
    };
    const waiting = chart(replayPage(report(), [long], ASSETS), 'queue');
    expect(waiting.xs.length).toBeLessThanOrEqual(2000);
    expect(Math.max(...waiting.series[0]!.values.map(Number))).toBe(500);
  });
});

describe('texts from outside', () => {
  const hostile = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(
      '</script><script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "'-->",
      '<!--<script',
      '&lt;',
      '\u202Egnp',
    ),
  );

  it('stay text, wherever they stand', () => {
    const bones = (page: string) => page.match(/<\/?[a-z!][^\s>]*/gi)?.length;
    const plain = bones(pageWith('x'));
    fc.assert(
      fc.property(hostile, (text) => {
        const page = pageWith(text);
        expect(bones(page)).toBe(plain);
        expect(chart(page, 'cost').series[0]?.label).toBe(text.replaceAll(/[\p{Cc}\u202E]/gu, ''));
        expect(page).not.toContain('\u202E');
      }),
      { numRuns: 200 },
    );
  });

  function pageWith(text: string): string {
    const of = report({
      manifest: { file: text, object: text, profiles: [text] },
      load: { source: text, seconds: 3600, requests: 1 },
      rows: [{ name: text, kind: 'manifest', score: SCORE }],
      notes: [text],
    });
    return replayPage(of, [timeline(text)], ASSETS);
  }
});

describe('the script of the page', () => {
  it('is JavaScript, and cannot end its element', () => {
    expect(() => new Script(DRAW)).not.toThrow();
    expect(DRAW).not.toContain('</');
  });
});
