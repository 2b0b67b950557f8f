import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { StepContext } from '../../src/ports/warm-up-steps.js';
import { stepsWithoutCluster } from '../../src/warmup/steps/no-cluster.js';
import { warmModelOver, type ModelServer } from '../../src/warmup/steps/warm-model.js';
import { warmUp } from './support.js';

type Answer = (
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
) => [status: number, body?: string] | null;

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function model(answer: Answer): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      asked.push(`${request.method} ${request.url}${body === '' ? '' : ` ${body}`}`);
      const reply = answer(request, body, response);
      if (reply !== null) response.writeHead(reply[0]).end(reply[1] ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function context(signal = new AbortController().signal): StepContext {
  return { signal, replicas: () => 1 };
}

function warm(servers: readonly ModelServer[], limits = {}, signal?: AbortSignal) {
  const serversOf = () => ({ kind: 'servers', servers }) as const;
  return warmModelOver({ serversOf, ...limits })(warmUp(), context(signal));
}

describe('Triton', () => {
  test('loads the model, waits until it is ready and infers', async () => {
    let loads = 0;
    const { url, asked } = await model((request) => {
      if (request.url?.endsWith('/load') === true) loads += 1;
      return [request.url?.endsWith('/ready') === true && loads === 0 ? 400 : 200];
    });
    const result = await warm([
      { engine: 'triton', url: `${url}/`, model: 'resnet 50', infer: '{"inputs":[]}' },
    ]);
    expect(asked).toEqual([
      'GET /v2/health/live',
      'POST /v2/repository/models/resnet%2050/load {}',
      'GET /v2/models/resnet%2050/ready',
      'POST /v2/models/resnet%2050/infer {"inputs":[]}',
    ]);
    expect(result).toMatchObject({ outcome: 'done', note: 'resnet 50 is loaded and has answered' });
    expect(result.split.model).toBeGreaterThanOrEqual(0);
  });

  test('that loads by itself is waited for', async () => {
    const { url } = await model((request) =>
      request.url?.endsWith('/load') === true
        ? [503, '{"error":"explicit model load / unload is not allowed if polling is enabled"}']
        : [200],
    );
    const result = await warm([{ engine: 'triton', url, model: 'bert', infer: null }]);
    expect(result.note).toBe('bert is loaded');
  });

  test('that cannot load says why', async () => {
    const { url } = await model((request) =>
      request.url?.endsWith('/load') === true ? [400, '{"error":"no such\nmodel"}'] : [200],
    );
    await expect(warm([{ engine: 'triton', url, model: 'bert', infer: null }])).rejects.toThrow(
      `triton at ${url}: load: expected 200, got 400 {"error":"no such model"}`,
    );
  });
});

test('TGI is waited for until it is healthy, and generates one token', async () => {
  let looks = 0;
  const { url, asked } = await model((request) => {
    if (request.url !== '/health') return [200, '{"generated_text":"!"}'];
    looks += 1;
    return [looks < 2 ? 503 : 200];
  });
  const result = await warm([{ engine: 'tgi', url }]);
  expect(asked.at(-1)).toBe('POST /generate {"inputs":"hi","parameters":{"max_new_tokens":1}}');
  expect(result).toMatchObject({ outcome: 'done', note: 'has generated a token' });
});

test('vLLM completes one token with the model that it lists; busy is warm', async () => {
  const { url, asked } = await model((request) => {
    if (request.url === '/v1/models') return [200, '{"data":[{"id":"llama"}]}'];
    return [request.url === '/v1/completions' ? 429 : 200];
  });
  const result = await warm([{ engine: 'vllm', url, model: null }]);
  expect(asked.at(-1)).toBe('POST /v1/completions {"model":"llama","prompt":"hi","max_tokens":1}');
  expect(result.note).toBe('is busy already');
});

test('all servers of a workload are warmed, and one that fails fails the step', async () => {
  const servers = await Promise.all(Array.from({ length: 12 }, () => model(() => [200])));
  const all = servers.map(({ url }) => ({ engine: 'tgi', url }) as const);
  expect((await warm(all)).note).toBe('has generated a token, and 11 more');
  for (const { asked } of servers) expect(asked).toHaveLength(2);
  const broken = await model((request) => (request.url === '/health' ? [200] : [500, 'out of memory']));
  await expect(warm([...all, { engine: 'tgi', url: broken.url }])).rejects.toThrow('got 500 out of memory');
});

test('a server that is not there, hangs or talks without end is given up in time', async () => {
  const nobody = { engine: 'tgi', url: 'http://127.0.0.1:1' } as const;
  await expect(warm([nobody], { comesUpWithin: 10 })).rejects.toThrow(
    /not up within 0.01 s.*connection refused/,
  );
  const hanging = await model((request) => (request.url === '/health' ? [200] : null));
  await expect(warm([{ engine: 'tgi', url: hanging.url }], { answersWithin: 100 })).rejects.toThrow(
    'no answer within 0.1 s',
  );
  const endless = await model((request, _body, response) => {
    if (request.url === '/health') return [200];
    response.writeHead(500);
    const talk = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) continue;
    };
    response.on('drain', talk);
    talk();
    return null;
  });
  await expect(warm([{ engine: 'tgi', url: endless.url }])).rejects.toThrow(/got 500 x{100,}$/);
});

test('a redirect is not followed', async () => {
  const other = await model(() => [200]);
  const { url } = await model((request, _body, response) => {
    if (request.url === '/health') return [200];
    response.writeHead(307, { location: other.url }).end();
    return null;
  });
  await expect(warm([{ engine: 'tgi', url }])).rejects.toThrow('got 307');
  expect(other.asked).toEqual([]);
});

test('a server that stops leaves at once, with its reason', async () => {
  const { url } = await model(() => null);
  const controller = new AbortController();
  const warming = warm([{ engine: 'tgi', url }], {}, controller.signal);
  setTimeout(() => controller.abort(new Error('the server stops')), 50);
  await expect(warming).rejects.toThrow('the server stops');
});

test('without cluster access nodes are not held, and ready is what the last decision saw', async () => {
  let ready: number | null = null;
  const clock = { now: () => Date.now() };
  const warmModel = warmModelOver({
    serversOf: () => ({ kind: 'none', why: 'no model server is configured' }),
  });
  const steps = stepsWithoutCluster({ readyReplicas: () => ready, warmModel, clock });
  expect(await steps.holdNodes(warmUp(), context())).toMatchObject({
    outcome: 'nothing',
    note: 'no cluster access',
  });
  expect(await steps.warmModel(warmUp(), context())).toMatchObject({
    outcome: 'nothing',
    note: 'no model server is configured',
  });
  const waiting = steps.waitReady(warmUp(), { ...context(), replicas: () => 2 });
  setTimeout(() => (ready = 1), 100);
  setTimeout(() => (ready = 2), 700);
  expect(await waiting).toMatchObject({ outcome: 'done' });
  expect(ready).toBe(2);
});
