import { gzipSync } from 'node:zlib';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createScrapeSource,
  type ScrapeOptions,
  type ScrapeSource,
} from '../../../src/signals/scrape/scraper.js';
import { listen } from '../../support/prometheus-server.js';
import { endpoint, podTarget, profile, testClock, type TestEndpoint } from './support.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const queue = profile({ sum: ['q'] });

async function serve(page: TestEndpoint['page']): Promise<TestEndpoint> {
  const served = await endpoint(page);
  open.push(served);
  return served;
}

function source(urls: readonly string[], more: Partial<ScrapeOptions> = {}): ScrapeSource {
  const targets = urls.map((url, index) => podTarget(url, `pod-${index}`));
  const created = createScrapeSource({ targets: { list: () => targets }, clock: testClock(), ...more });
  open.push(created);
  return created;
}

/** Why the page at this URL is none; the message begins with the URL. */
async function why(url: string, more: Partial<ScrapeOptions> = {}): Promise<string> {
  const answer = await source([url], more).read({ profile: queue, byModel: false });
  if (answer.kind === 'answered') throw new Error(`answered: ${JSON.stringify(answer.series)}`);
  expect(answer.why.startsWith(`${url}: `)).toBe(true);
  return answer.why.slice(url.length + 2);
}

async function value(url: string, more: Partial<ScrapeOptions> = {}): Promise<number | undefined> {
  const answer = await source([url], more).read({ profile: queue, byModel: false });
  if (answer.kind === 'failed') throw new Error(answer.why);
  return answer.series[0]?.sample.value;
}

function page(
  body: string | Buffer,
  headers: Record<string, string> = {},
  status = 200,
): TestEndpoint['page'] {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
  };
}

describe('a page that is none', () => {
  it.each<[string, TestEndpoint['page'], string]>([
    ['an error', page('q 1\n', {}, 500), 'expected 200, got 500 Internal Server Error'],
    ['no content', page('', {}, 204), 'expected 200, got 204 No Content'],
    ['HTML', page('q 1\n', { 'content-type': 'text/html' }), 'expected the content type text/plain'],
    ['garbage', page(Buffer.from([0x71, 0x20, 0xff, 0xfe, 0x0a])), 'expected a page in UTF-8'],
    ['text', page('Please log in.\n'), 'line 1: expected'],
    ['a broken line', page('a 1\nq one\n'), 'line 2: expected a value'],
    [
      'half an OpenMetrics page',
      page('q 1\n', { 'content-type': 'application/openmetrics-text' }),
      'expected "# EOF"',
    ],
    ['a false announcement of gzip', page('q 1\n', { 'content-encoding': 'gzip' }), 'expected a gzip body'],
    [
      'half a gzip body',
      page(gzipSync('q 1\n').subarray(0, 15), { 'content-encoding': 'gzip' }),
      'expected a gzip body',
    ],
    [
      'another encoding',
      page('q 1\n', { 'content-encoding': 'br' }),
      'expected the content encoding gzip or none',
    ],
  ])('because it is %s', async (_, broken, expected) => {
    expect(await why((await serve(broken)).url)).toContain(expected);
  });

  it('because it redirects, wherever to', async () => {
    const other = await serve('q 1\n');
    const redirect = await serve(page('', { location: other.url }, 302));
    expect(await why(redirect.url)).toBe('expected 200, got 302 Found; redirects are not followed');
    expect(other.gets).toBe(0);
  });

  it('because it is too large, also when it only becomes so', async () => {
    const limit = { maxBodyBytes: 100_000 };
    const large = 'q 1\n'.repeat(30_000);
    expect(await why((await serve(large)).url, limit)).toBe('expected a page of at most 100000 bytes');
    const bomb = gzipSync(Buffer.alloc(5_000_000, '\n'));
    expect(bomb.length).toBeLessThan(limit.maxBodyBytes);
    expect(await why((await serve(page(bomb, { 'content-encoding': 'gzip' }))).url, limit)).toBe(
      'expected a page of at most 100000 bytes',
    );
  });

  it('because it never ends', async () => {
    const endless = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const line = '# nothing\n'.repeat(1000);
      const write = () => {
        while (!response.destroyed && response.write(line));
      };
      response.on('drain', write);
      write();
    });
    expect(await why(endless.url, { maxBodyBytes: 1_000_000 })).toContain('at most 1000000 bytes');
  });

  it('because it has more series than a page may', async () => {
    const wide = Array.from({ length: 11 }, (_, i) => `q{i="${i}"} 1\n`).join('');
    expect(await why((await serve(wide)).url, { maxSeries: 10 })).toContain(
      'line 11: expected at most 10 series',
    );
  });

  it.each<[string, TestEndpoint['page']]>([
    ['nothing comes', () => undefined],
    [
      'headers come',
      (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders(),
    ],
    [
      'half a page comes',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).write('q 1\n'),
    ],
    [
      'it trickles',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        const timer = setInterval(() => response.write('#'), 10);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('because %s and the deadline passes', async (_, hang) => {
    expect(await why((await serve(hang)).url, { timeoutMs: 150 })).toBe(
      'no whole page within 150 ms, connecting or reading until then',
    );
  });

  it('because the connection breaks in the middle', async () => {
    const broken = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
      response.write('q 1\n', () => response.destroy());
    });
    expect(await why(broken.url)).toBe('the connection was closed before the page was whole');
  });

  it('because what answers does not speak HTTP', async () => {
    const server: Server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    open.push(server);
    const port = await listen(server as never);
    expect(await why(`http://127.0.0.1:${port}/metrics`)).toContain('Parse Error');
  });

  it('because its address is none', async () => {
    expect(await why('ftp://127.0.0.1/metrics')).toContain('Protocol');
    expect(await why('not a URL')).toContain('Invalid URL');
  });
});

describe('a page that is one', () => {
  it.each<[string, TestEndpoint['page']]>([
    ['gzip', page(gzipSync('q 1\n'), { 'content-encoding': 'gzip' })],
    ['OpenMetrics', page('q 1\n# EOF\n', { 'content-type': 'application/openmetrics-text; version=1.0.0' })],
    ['without a content type', (_, response) => response.end('q 1\n')],
    ['with parameters', page('q 1\n', { 'content-type': 'Text/Plain; version=0.0.4; charset=utf-8' })],
  ])('%s', async (_, sound) => {
    expect(await value((await serve(sound)).url)).toBe(1);
  });

  it('is asked for as 0.0.4 and gzip', async () => {
    let headers: Record<string, unknown> = {};
    const pod = await serve((request, response) => {
      headers = request.headers;
      response.end('q 1\n');
    });
    await value(pod.url);
    expect(headers).toMatchObject({
      accept: expect.stringMatching(/^text\/plain;version=0\.0\.4/),
      'accept-encoding': 'gzip',
    });
    expect(headers['accept']).not.toContain('openmetrics');
  });

  it('does not come through a proxy from the environment', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) vi.stubEnv(name, 'http://127.0.0.1:1');
    expect(await value((await serve('q 1\n')).url)).toBe(1);
  });

  it('may be large and have characters that chunks cut in two', async () => {
    const label = 'é'.repeat(100);
    const body = `#\n${`other{a="${label}"} 1\n`.repeat(2000)}q{a="${label}"} 7\n`;
    expect(Buffer.byteLength(body)).toBeGreaterThan(400_000);
    expect(await value((await serve(body)).url)).toBe(7);
  });
});

describe('connections', () => {
  it('are kept between scrapes', async () => {
    const pod = await serve('q 1\n');
    let connections = 0;
    pod.server.on('connection', () => (connections += 1));
    const clock = testClock();
    const from = source([pod.url], { clock });
    for (let tick = 0; tick < 3; tick += 1) {
      expect(await from.read({ profile: queue, byModel: false })).toMatchObject({ kind: 'answered' });
      clock.advance(5000);
      await new Promise((resolve) => setImmediate(resolve)); // until the socket is back with the agent
    }
    expect(pod.gets).toBe(3);
    expect(connections).toBe(1);
  });

  it('that the server closed while they were idle do not cost a scrape', async () => {
    const pod = await serve('q 1\n');
    let connections = 0;
    pod.server.on('connection', (socket) => {
      connections += 1;
      // Reset as the second request arrives on the first connection: an idle timeout that came just then.
      if (connections > 1) return;
      let requests = 0;
      socket.prependListener('data', () => {
        requests += 1;
        if (requests === 2) socket.resetAndDestroy();
      });
    });
    const clock = testClock();
    const from = source([pod.url], { clock });
    for (let tick = 0; tick < 2; tick += 1) {
      expect(await from.read({ profile: queue, byModel: false })).toMatchObject({ kind: 'answered' });
      clock.advance(5000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(connections).toBe(2);
  });

  it('are no more at once than allowed', async () => {
    let atOnce = 0;
    let most = 0;
    const pods = await Promise.all(
      Array.from({ length: 8 }, () =>
        serve((_, response) => {
          atOnce += 1;
          most = Math.max(most, atOnce);
          setTimeout(() => {
            atOnce -= 1;
            response.end('q 1\n');
          }, 5);
        }),
      ),
    );
    const from = source(
      pods.map(({ url }) => url),
      { concurrency: 3 },
    );
    const answer = await from.read({ profile: queue, byModel: false });
    expect(answer).toMatchObject({ kind: 'answered' });
    expect(answer.kind === 'answered' && answer.series).toHaveLength(8);
    expect(most).toBe(3);
  });

  it('end when the source is closed, and with them the scrapes under way', async () => {
    const pod = await serve(() => undefined);
    const arrived = new Promise((resolve) => pod.server.once('request', resolve));
    const from = source([pod.url]);
    const answer = from.read({ profile: queue, byModel: false });
    await arrived;
    from.close();
    expect(await answer).toEqual({ kind: 'failed', why: `${pod.url}: the scrape source has been closed` });
    expect(await from.read({ profile: queue, byModel: false })).toEqual({
      kind: 'failed',
      why: 'the scrape source has been closed',
    });
  });
});
