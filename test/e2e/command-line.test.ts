import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { pilotlight, type Ended } from '../support/command-line.js';
import { connectKeda } from '../support/keda-client.js';
import { podOf, servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { listen } from '../support/prometheus-server.js';
import { temporaryFolder } from '../support/processes.js';

let folder: string;
let api: PrometheusApi;

beforeAll(async () => {
  folder = await temporaryFolder('command-line');
  api = await servePrometheusApi((promql, response) => {
    const labels = { namespace: 'shop', pod: podOf('triton') };
    response.end(vectorOf(promql.includes('offset') ? [] : [{ labels, value: 25 }]));
  });
});

afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

const FREE = ['--grpc-listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0'];

function run(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  return pilotlight(args, environment).ended;
}

test(
  'serve says when it is ready, explain says why, and SIGTERM ends it with 0',
  { timeout: 60_000 },
  async () => {
    const server = pilotlight([
      'serve',
      ...FREE,
      '--prometheus',
      api.url,
      '--tick',
      '1s',
      '--log-level',
      'warn',
    ]);
    const [line, grpc, http] = await server.line(
      /^pilotlight is ready: gRPC .* port (\d+), HTTP .* port (\d+)$/m,
    );
    const keda = connectKeda(Number(grpc));
    const ref: TriggerRef = {
      namespace: 'shop',
      name: 'triton',
      metadata: { profile: 'triton-pending', target: '10' },
    };
    expect(await keda.isActive(ref)).toBe(true);
    const stream = keda.streamIsActive(ref);
    await expect.poll(() => stream.received).toEqual([true]);

    const text = await run(['explain', 'shop/triton', '--server', `http://127.0.0.1:${http}`]);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^shop\/triton → deployment\/triton, by triton-pending\n {2}3 replicas: /);
    expect(text.stdout).toMatch(/triton-pending +fresh +25 requests +10 +2\.5 +1 /);

    server.signal('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, stdout: `${line}\n`, stderr: '' });
    expect(stream.ended?.code).toBe(0);
    keda.close();
  },
);

describe.concurrent('the settings of serve', () => {
  test('flags win over the environment, that over the file, and no secret is printed', async ({ expect }) => {
    const config = join(folder, 'config.yaml');
    writeFileSync(
      config,
      'tick: 3s\ndrain: 30s\nrateWindow: 3m\nprometheusHeader: ["X-Scope-OrgID=hunter2"]\n',
    );
    const environment = {
      PILOTLIGHT_CONFIG: config,
      PILOTLIGHT_TICK: '2s',
      PILOTLIGHT_DRAIN: '20s',
      PILOTLIGHT_REDIS: 'redis://:hunter2@cache:6379/0',
    };
    const { code, stdout, stderr } = await run(['serve', '--print-config', '--tick', '1s'], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(parse(stdout)).toMatchObject({
      tick: '1s',
      drain: '20s',
      rateWindow: '3m',
      redis: 'redis://***@cache:6379/0',
      prometheusHeader: ['X-Scope-OrgID=***'],
      grpcListen: '0.0.0.0:50051',
    });
    expect(stdout).not.toContain('hunter2');
  });

  test('what is wrong is named, with 2', async ({ expect }) => {
    const config = join(folder, 'wrong.yaml');
    writeFileSync(config, 'logLevel: loud\n');
    const { code, stdout, stderr } = await run(['serve', '--tick', 'soon', '--config', config], {
      PILOTLIGHT_GRPC_LISTEN: 'here',
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--tick: got "soon", expected a duration');
    expect(stderr).toContain('PILOTLIGHT_GRPC_LISTEN: got "here", expected HOST:PORT');
    expect(stderr).toContain(`${config}: logLevel: got "loud"`);
    expect(stderr).toContain('pilotlight serve --help');
  });

  test('a port that is taken is named with its setting, with 1', async ({ expect }) => {
    const other = createServer();
    const taken = `127.0.0.1:${await listen(other)}`;
    const { code, stdout, stderr } = await run(['serve', ...FREE, '--grpc-listen', taken]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`--grpc-listen ${taken}: .*EADDRINUSE`));
    other.close();
  });
});
