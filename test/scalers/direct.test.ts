import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScrapeTarget } from '../../src/ports/scrape-targets.js';
import { createScrapeSource } from '../../src/signals/scrape/scraper.js';
import { listen } from '../support/prometheus-server.js';
import { goldenCases, type GoldenCase, type GoldenRow, type GoldenTarget } from './cases.js';
import { livingPage } from './living-page.js';
import { BESIDE, byOwner, readBeside, readRows, snapped } from './reading.js';

/** Four scrapes: enough for a difference over 30 s, and for a rate over the last 10. */
const SCRAPES_AT = [0, 10, 20, 30];

const cases = goldenCases().filter(({ direct }) => direct !== 'none');
const targets = cases.flatMap((each) => scrapable(each));
const pages = targets.map(livingPage);
const now = { seconds: 0, late: false };
const clock = { now: () => 1_800_000_000_000 + now.seconds * 1000 };

let server: Server;
let base: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const page = pages[Number(request.url?.split('/')[1])]?.(now) ?? null;
    response.writeHead(page === null ? 500 : 200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(page ?? 'down');
  });
  base = `http://127.0.0.1:${await listen(server)}`;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

describe('straight from the pods and exporters', () => {
  test.each(cases)('$name', async (golden) => {
    const source = createScrapeSource({ targets: { list: () => scrapable(golden).map(listed) }, clock });
    let rows = await read(SCRAPES_AT[0]!);
    for (const seconds of SCRAPES_AT.slice(1)) rows = await read(seconds);
    source.close();
    const expected = (Array.isArray(golden.direct) ? golden.direct : golden.expect).toSorted(byOwner);
    expect(snapped(rows, expected, golden.tolerance)).toEqual(expected);

    function read(seconds: number) {
      Object.assign(now, { seconds, late: seconds === SCRAPES_AT.at(-1) });
      return readRows(source, golden);
    }
  });
});

describe.each(BESIDE)('%s, from the page that has the signal', (what, profileOf) => {
  test.each(cases.filter((golden) => golden[what] !== undefined))('$name', async (golden) => {
    const source = createScrapeSource({ targets: { list: () => scrapable(golden).map(listed) }, clock });
    let rows: GoldenRow[] = [];
    for (const seconds of SCRAPES_AT) {
      Object.assign(now, { seconds, late: false });
      await readRows(source, golden);
      rows = await readBeside(source, golden, [what, profileOf]);
    }
    source.close();
    const direct = what === 'served' ? golden.directServed : undefined;
    const expected = (direct ?? golden[what] ?? []).toSorted(byOwner);
    expect(snapped(rows, expected, golden.tolerance)).toEqual(expected);
  });
});

function scrapable({ targets }: GoldenCase): GoldenTarget[] {
  return targets.filter(({ only }) => only !== 'prometheus');
}

function listed(target: GoldenTarget): ScrapeTarget {
  const url = `${base}/${targets.indexOf(target)}/metrics`;
  const { namespace = '', pod = '' } = target.labels;
  return target.exporter === undefined
    ? { kind: 'pod', namespace, pod, url }
    : { kind: 'exporter', exporter: target.exporter, url };
}
