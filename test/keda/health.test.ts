import { credentials, loadPackageDefinition, type Client, type ClientDuplexStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath, service } from 'grpc-health-check';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GrpcServer } from '../../src/keda/server.js';
import { ScriptedDecisions, serveScripted } from './scripted-decisions.js';

const SERVICE = 'externalscaler.ExternalScaler';
const OPEN = { timeout: 5000 };

interface HealthClient extends Client {
  check(request: { service: string }, done: (error: Error | null, value?: { status: string }) => void): void;
  watch(request: { service: string }): {
    on(event: 'data' | 'error', listener: (value: never) => void): void;
  };
}

function healthClient({ port }: GrpcServer): HealthClient {
  const root = join(dirname(protoPath), '../..');
  const definition = loadSync('health/v1/health.proto', {
    includeDirs: [root],
    enums: String,
    keepCase: true,
  });
  const { grpc } = loadPackageDefinition(definition) as unknown as {
    grpc: { health: { v1: { Health: new (target: string, channel: unknown) => HealthClient } } };
  };
  return new grpc.health.v1.Health(`127.0.0.1:${port}`, credentials.createInsecure());
}

describe('grpc.health.v1', () => {
  test.each(['', SERVICE])('"%s" serves, and no longer once the server drains', async (name) => {
    const server = await serveScripted(new ScriptedDecisions());
    const health = healthClient(server);
    const checked = await new Promise((resolve, reject) => {
      health.check({ service: name }, (error, value) => (error === null ? resolve(value) : reject(error)));
    });
    expect(checked).toEqual({ status: 'SERVING' });
    const seen: string[] = [];
    const watch = health.watch({ service: name });
    watch.on('data', ({ status }: { status: string }) => seen.push(status));
    watch.on('error', () => undefined);
    await expect.poll(() => seen, OPEN).toEqual(['SERVING']);
    await server.drain(300);
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    health.close();
  });

  test('another service is unknown', async () => {
    const server = await serveScripted(new ScriptedDecisions());
    const health = healthClient(server);
    const error = await new Promise((resolve) => health.check({ service: 'nobody' }, resolve));
    expect(error).toMatchObject({ code: 5 });
    health.close();
    await server.drain(300);
  });

  test('the package’s service is the standard one', () => {
    expect(Object.values(service).map(({ path }) => path)).toContain('/grpc.health.v1.Health/Check');
  });
});

describe('reflection', () => {
  async function services(reflection: boolean): Promise<unknown> {
    const server = await serveScripted(new ScriptedDecisions(), { reflection });
    const root = dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json'));
    const definition = loadSync(join(root, 'build/proto/grpc/reflection/v1/reflection.proto'));
    const { grpc } = loadPackageDefinition(definition) as unknown as {
      grpc: {
        reflection: { v1: { ServerReflection: new (target: string, channel: unknown) => Reflection } };
      };
    };
    const address = `127.0.0.1:${server.port}`;
    const client = new grpc.reflection.v1.ServerReflection(address, credentials.createInsecure());
    const answer = await new Promise((resolve) => {
      const call = client.serverReflectionInfo();
      call.on('data', resolve);
      call.on('error', resolve);
      call.write({ listServices: '*' });
      call.end();
    });
    client.close();
    await server.drain(300);
    return answer;
  }

  test('lists the services when asked for', async () => {
    expect(await services(true)).toMatchObject({ listServicesResponse: { service: [{ name: SERVICE }] } });
  });

  test('is not there otherwise', async () => {
    expect(await services(false)).toMatchObject({ code: 12 });
  });
});

interface Reflection extends Client {
  serverReflectionInfo(): ClientDuplexStream<{ listServices: string }, unknown>;
}
