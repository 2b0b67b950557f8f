import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPrometheusSource, type PrometheusSource } from '../../../src/signals/prometheus/source.js';
import { freePort } from '../../support/processes.js';
import {
  answered,
  askFake,
  failure,
  fakeServer,
  fromTrigger,
  handClock,
  pair,
  profile,
  vector,
  wallClock,
  type FakeServer,
} from './support.js';

const GOOD = vector(pair('a', '3'));
const request = { profile: profile(), byModel: false };
const own = { profile: fromTrigger, byModel: false, query: 'up' };

const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000 });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function fake(answer: Parameters<typeof fakeServer>[0], prefix = ''): Promise<FakeServer> {
  const server = await fakeServer(answer, prefix);
  closing.push(() => server.stop());
  return server;
}

function sourceAt(
  url: string,
  options: Partial<Parameters<typeof createPrometheusSource>[0]> = {},
): PrometheusSource {
  const source = createPrometheusSource({ url, clock: wallClock, ...options });
  closing.push(() => source.close());
  return source;
}

describe('the query', () => {
  it('is one form to the address and its prefix, with our headers and no time', async () => {
    const server = await fake((response) => response.end(GOOD), '/tenants/a');
    const source = sourceAt(`${server.url}/`, { headers: { 'X-Scope-OrgID': 'team-a' }, window: '2m' });
    answered(await source.read(request));
    answered(await source.read({ ...request, part: 'alive' }).then(() => source.read(request)));
    expect(server.queries).toHaveLength(3);
    expect([...(server.queries[0]?.keys() ?? [])].sort()).toEqual(['query', 'timeout']);
    expect(server.queries[0]?.get('query')).toContain('sum by (namespace, pod) (app_queue)');
    expect(server.queries[1]?.get('query')).toBe('max by (namespace, pod) (timestamp(up == 1))');
    expect(server.headers[0]).toMatchObject({ 'x-scope-orgid': 'team-a', 'user-agent': 'pilotlight' });
    expect(server.headers[0]).not.toHaveProperty('authorization');
  });

  it('keeps its connection', async () => {
    const ports = new Set<number | undefined>();
    const server = await fake((response, _, { socket }) => {
      ports.add(socket.remotePort);
      response.end(GOOD);
    });
    const source = sourceAt(server.url);
    for (let i = 0; i < 3; i += 1) answered(await source.read(request));
    expect(ports.size).toBe(1);
  });

  it('does not go through a proxy that the environment names', async () => {
    vi.stubEnv('http_proxy', `http://127.0.0.1:${await freePort()}`);
    vi.stubEnv('no_proxy', '');
    closing.push(() => vi.unstubAllEnvs());
    const server = await fake((response) => response.end(GOOD));
    answered(await sourceAt(server.url).read(request));
  });

  it.each([
    ['no form', { profile: profile({ prometheus: { none: 'only the pod knows' } }) }, 'only the pod knows'],
    ['no query in the trigger', { profile: fromTrigger }, 'profile promql needs a query in the trigger'],
    [
      'no query for live pods',
      { profile: fromTrigger, query: 'up', part: 'alive' as const },
      'has no query for the pods',
    ],
  ])('is not sent for a profile with %s', async (_, what, why) => {
    const server = await fake((response) => response.end(GOOD));
    expect(failure(await sourceAt(server.url).read({ byModel: false, ...what }))).toContain(why);
    expect(server.queries).toHaveLength(0);
  });
});

describe('addresses', () => {
  it.each([
    ['prometheus:9090', 'prometheus:// is not served'],
    ['::', 'it cannot be read'],
    ['ftp://prometheus', 'ftp:// is not served'],
    ['http://user:secret@prometheus', 'it holds a user or password'],
    ['http://prometheus/?dedup=true', 'http://prometheus has a query or a fragment after it'],
  ])('%s is refused at once', (url, why) => {
    const create = () => createPrometheusSource({ url, clock: wallClock });
    expect(create).toThrow(why);
    expect(create).not.toThrow('secret');
  });
});

describe('the deadline', () => {
  it('covers a server that accepts and never answers', async () => {
    const server = await fake(() => undefined);
    const source = sourceAt(server.url, { timeoutMs: 400 });
    expect(failure(await source.read(request))).toContain(
      'no whole answer within 400 ms (at the end: waiting for the answer to begin)',
    );
    expect(source.health()).toMatchObject({ calls: 1, failures: 1 });
    await soon(() => expect(source.health().underWay).toBe(0));
  });

  it('covers a body that drips', async () => {
    const { result } = await askFake(
      (response) => {
        response.write('{"status":"succ');
        const timer = setInterval(() => response.write(' '), 5);
        response.on('close', () => clearInterval(timer));
      },
      { timeoutMs: 400 },
    );
    expect(failure(result)).toContain('no whole answer within 400 ms (at the end: reading the answer)');
  });

  it('covers a connection that is never accepted by HTTP', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as { port: number };
    expect(failure(await sourceAt(`https://127.0.0.1:${port}`, { timeoutMs: 400 }).read(request))).toContain(
      '400 ms',
    );
  });

  it('covers the wait for a place among the queries under way', async () => {
    const server = await fake(() => undefined);
    const source = sourceAt(server.url, { timeoutMs: 250, maxConcurrent: 2 });
    const reads = Array.from({ length: 5 }, () => source.read(request));
    expect(source.health()).toMatchObject({ underWay: 2, waiting: 3 });
    for (const answer of await Promise.all(reads)) expect(failure(answer)).toContain('within 250 ms');
    await soon(() => expect(source.health()).toMatchObject({ underWay: 0, waiting: 0 }));
  });
});

describe('bounds', () => {
  it('sends at most eight queries at once, and all in the end', async () => {
    let open = 0;
    let most = 0;
    const server = await fake((response) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.end(GOOD);
      }, 5);
    });
    const source = sourceAt(server.url);
    const answers = await Promise.all(Array.from({ length: 40 }, () => source.read(request)));
    expect(answers.map((answer) => answered(answer).length)).toEqual(Array.from({ length: 40 }, () => 1));
    expect(most).toBe(8);
  });

  it('leaves half the places to the signals of everybody when tenants’ queries hang', async () => {
    const server = await fake((response, count) => {
      const query = server.queries[count - 1]?.get('query') ?? '';
      if (query !== 'up') response.end(GOOD);
    });
    const source = sourceAt(server.url);
    const hanging = Array.from({ length: 20 }, () => source.read(own));
    await soon(() => expect(source.health().underWay).toBe(4));
    for (let i = 0; i < 8; i += 1) answered(await source.read(request));
    source.close();
    expect((await Promise.all(hanging)).every(({ kind }) => kind === 'failed')).toBe(true);
  });
});

describe('a second attempt', () => {
  it('follows a 503', async () => {
    const { result, health, queries } = await askFake((response, count) =>
      count === 1 ? response.writeHead(503).end() : response.end(GOOD),
    );
    expect(answered(result)).toHaveLength(1);
    expect([queries.length, health.retries, health.failures]).toEqual([2, 1, 0]);
  });

  it('follows a connection that breaks, and starts from nothing', async () => {
    const { result, queries } = await askFake((response, count) => {
      if (count > 1) return response.end(GOOD);
      response.writeHead(200, { 'content-length': '1000000' });
      const half = vector(Array.from({ length: 2000 }, (_, i) => pair(`old-${i}`, '1')).flat());
      return response.write(half, () => response.destroy());
    });
    expect(answered(result).map(({ sample }) => sample.pod)).toEqual(['a']);
    expect(queries).toHaveLength(2);
  });

  it('is the last', async () => {
    const { result, queries } = await askFake((response) => response.writeHead(500).end());
    expect(failure(result)).toMatch(/HTTP 500$/);
    expect(queries).toHaveLength(2);
  });

  it.each([
    ['a bad query', 400, '{"status":"error","errorType":"bad_data","error":"parse error"}'],
    [
      'an evaluation that took too long',
      503,
      '{"status":"error","errorType":"timeout","error":"query timed out"}',
    ],
    ['a server that asks for less', 429, ''],
  ])('does not follow %s', async (_, status, body) => {
    const { queries } = await askFake((response) => response.writeHead(status).end(body));
    expect(queries).toHaveLength(1);
  });

  it('is not paid for more than ten times in a row and a tenth of the calls', async () => {
    let fail = true;
    const server = await fake((response) => {
      fail = !fail;
      if (fail) response.end(GOOD);
      else response.writeHead(503).end();
    });
    const source = sourceAt(server.url);
    let refused = 0;
    // Pairs of failure and success: each call needs its second attempt for as long as there is budget.
    for (let i = 0; i < 12; i += 1) if ((await source.read(request)).kind === 'failed') refused += 1;
    expect(source.health().retries).toBe(11);
    expect(refused).toBe(1);
  });
});

describe('a server that keeps failing', () => {
  let broken = true;
  beforeEach(() => {
    broken = true;
  });

  it('is left alone, and taken up again by a single probe', async () => {
    const clock = handClock();
    const server = await fake((response) => (broken ? response.writeHead(429).end() : response.end(GOOD)));
    const source = sourceAt(server.url, { clock });
    for (let i = 0; i < 5; i += 1) expect(failure(await source.read(request))).toMatch(/HTTP 429$/);
    clock.move(2000);
    expect(failure(await source.read(request))).toMatch(
      /left alone after repeated failures, tries again in 3 s; the last: HTTP 429$/,
    );
    expect(server.queries).toHaveLength(5);
    expect(source.health()).toMatchObject({ breaker: 'open', opensAgainAt: clock.now() + 3000 });

    clock.move(3000);
    failure(await source.read(request));
    expect(server.queries).toHaveLength(6);
    expect(source.health()).toMatchObject({ breaker: 'open', opensAgainAt: clock.now() + 10_000 });

    broken = false;
    clock.move(10_000);
    answered(await source.read(request));
    expect(source.health()).toMatchObject({ breaker: 'closed', opensAgainAt: null });
  });

  it('gets one probe, however many ask', async () => {
    const clock = handClock();
    const server = await fake((response) => (broken ? response.writeHead(429).end() : undefined));
    const source = sourceAt(server.url, { clock });
    for (let i = 0; i < 5; i += 1) await source.read(request);
    broken = false;
    clock.move(5000);
    const probe = source.read(request);
    await soon(() => expect(server.queries).toHaveLength(6));
    expect(failure(await source.read(request))).toContain('is trying again now; the last: HTTP 429');
    source.close();
    failure(await probe);
    expect(server.queries).toHaveLength(6);
  });

  it('is not given up because of tenants’ queries, unless nobody answers at all', async () => {
    const server = await fake((response, count) =>
      server.queries[count - 1]?.get('query') === 'up' ? response.writeHead(503).end() : response.end(GOOD),
    );
    const source = sourceAt(server.url);
    for (let i = 0; i < 6; i += 1) failure(await source.read(own));
    answered(await source.read(request));

    const nobody = sourceAt(`http://127.0.0.1:${await freePort()}`);
    for (let i = 0; i < 6; i += 1) failure(await nobody.read(own));
    expect(nobody.health()).toMatchObject({ breaker: 'open' });
    expect(failure(await nobody.read(request))).toMatch(/last: connection failed: connect ECONNREFUSED/);
  });

  it('stays in use while it answers, even if the answer is no', async () => {
    const { health } = await (async () => {
      const server = await fake((response) => response.writeHead(400).end('{}'));
      const source = sourceAt(server.url);
      for (let i = 0; i < 7; i += 1) failure(await source.read(request));
      return { health: source.health() };
    })();
    expect(health).toMatchObject({ breaker: 'closed', calls: 7, failures: 7 });
  });
});

describe('close', () => {
  it('ends what is under way and refuses what comes after', async () => {
    const server = await fake(() => undefined);
    const source = sourceAt(server.url);
    const reads = Array.from({ length: 9 }, () => source.read(request));
    await soon(() => expect(server.queries).toHaveLength(8));
    source.close();
    for (const answer of await Promise.all(reads))
      expect(failure(answer)).toContain('this source has been closed');
    expect(failure(await source.read(request))).toContain('this source has been closed');
  });
});

it('counts what it leaves out of good answers', async () => {
  const [value] = pair('b', '1');
  const { result, health } = await askFake((response) =>
    response.end(vector([...pair('a', '3'), value, ...pair('', '1')])),
  );
  expect(answered(result)).toHaveLength(1);
  expect(health.dropped).toEqual({ withoutTime: 1, withoutOwner: 1 });
  expect(health.lastAnswerAt).toBeGreaterThan(0);
});
