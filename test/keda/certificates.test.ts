import { credentials, Server, type ChannelCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tlsCredentials, type TlsFiles } from '../../src/keda/certificates.js';
import { externalScaler } from '../../src/keda/service.js';
import { createAuthority, type Authority, type CertificatePaths } from '../support/certificates.js';
import { connectKeda, refusal } from '../support/keda-client.js';
import { temporaryFolder } from '../support/processes.js';
import { ref, ScriptedDecisions, serveScripted } from './scripted-decisions.js';

const PROTO = new URL('../../protos/externalscaler.proto', import.meta.url).pathname;

let folder: string;
let authority: Authority;
let stranger: Authority;
let first: CertificatePaths;
let second: CertificatePaths;
let client: CertificatePaths;
let unknownClient: CertificatePaths;

beforeAll(async () => {
  folder = await temporaryFolder('tls');
  [authority, stranger] = (await Promise.all(
    ['authority', 'stranger'].map((name) => createAuthority(folder, name)),
  )) as [Authority, Authority];
  first = await authority.issue('first');
  second = await authority.issue('second');
  client = await authority.issue('client');
  unknownClient = await stranger.issue('client');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const CALL = { deadlineMs: 5000 };

/** What a client with these credentials gets from a server with those files. */
async function call(clientCa: string | null, channel: () => ChannelCredentials): Promise<unknown> {
  const server = await serveScripted(new ScriptedDecisions(), { tls: { ...first, clientCa } });
  const keda = connectKeda(`localhost:${server.port}`, channel());
  try {
    return await keda.isActive(ref, CALL).catch(async (error: unknown) => refusal(Promise.reject(error)));
  } finally {
    keda.close();
    await server.drain(500);
  }
}

function trusting(ca: CertificatePaths, own: CertificatePaths | null = null): ChannelCredentials {
  const [key, cert] = own === null ? [null, null] : [readFileSync(own.key), readFileSync(own.cert)];
  return credentials.createSsl(readFileSync(ca.cert), key, cert);
}

const refused = { code: 'UNAVAILABLE' };

describe('TLS', () => {
  test('a client that trusts the authority is served', async () => {
    expect(await call(null, () => trusting(authority))).toBe(true);
  });

  test('a client that trusts another is not', async () => {
    expect(await call(null, () => trusting(stranger))).toMatchObject(refused);
  });

  test('nor is one without TLS', async () => {
    expect(await call(null, () => credentials.createInsecure())).toMatchObject(refused);
  });
});

describe('mutual TLS', () => {
  test('a client with a certificate of the authority is served', async () => {
    expect(await call(authority.cert, () => trusting(authority, client))).toBe(true);
  });

  test('one without a certificate is not', async () => {
    expect(await call(authority.cert, () => trusting(authority))).toMatchObject(refused);
  });

  test('nor is one with a certificate of somebody else', async () => {
    expect(await call(authority.cert, () => trusting(authority, unknownClient))).toMatchObject(refused);
  });
});

describe('files that change', () => {
  const LOOK_EVERY_MS = 20;

  /** A server on copies of the files, which the test may then change. */
  async function rotating(name: string, clientCa: string | null = null) {
    const files: TlsFiles = {
      cert: join(folder, `${name}.pem`),
      key: join(folder, `${name}.key`),
      clientCa,
    };
    const put = ({ cert, key }: CertificatePaths) => {
      copyFileSync(cert, files.cert);
      copyFileSync(key, files.key);
    };
    put(first);
    const problems: string[] = [];
    const tls = tlsCredentials(files, (why) => problems.push(why), LOOK_EVERY_MS);
    const server = new Server();
    const { handlers } = externalScaler(new ScriptedDecisions(), () => undefined);
    server.addService(loadSync(PROTO)['externalscaler.ExternalScaler'] as ServiceDefinition, handlers);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', tls.credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return {
      files,
      port,
      problems,
      put,
      shown: () => commonName(port),
      stop() {
        tls.close();
        server.forceShutdown();
      },
    };
  }

  /** The name in the certificate that a new connection is shown. */
  function commonName(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(
        {
          port,
          host: '127.0.0.1',
          servername: 'localhost',
          ca: readFileSync(authority.cert),
          ALPNProtocols: ['h2'],
        },
        () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        },
      );
      socket.once('error', reject);
    });
  }

  test('a new pair is shown to new connections', async () => {
    const server = await rotating('rotated');
    expect(await server.shown()).toBe('first');
    server.put(second);
    await expect.poll(server.shown).toBe('second');
    server.stop();
  });

  test('a pair that does not fit together, half a file or none leaves the last good one', async () => {
    const server = await rotating('broken');
    const said = (what: string) =>
      expect.poll(() => server.problems.at(-1)).toMatch(new RegExp(`${what}.*the certificate in use stays`));
    copyFileSync(second.key, server.files.key);
    await said('does not belong to');
    expect(await server.shown()).toBe('first');
    copyFileSync(second.cert, server.files.cert);
    await expect.poll(server.shown).toBe('second');
    truncateSync(server.files.cert, 200);
    await said('expected a PEM certificate');
    writeFileSync(server.files.cert, '');
    rmSync(server.files.key);
    await said('expected a readable file');
    expect(await server.shown()).toBe('second');
    server.put(first);
    await expect.poll(server.shown).toBe('first');
    server.stop();
  });

  test('clients of an authority that is no longer named are shut out, and those of the new one let in', async () => {
    const clientCa = join(folder, 'clients.pem');
    copyFileSync(authority.cert, clientCa);
    const server = await rotating('mutual', clientCa);
    const isServed = async (own: CertificatePaths) => {
      const keda = connectKeda(`localhost:${server.port}`, trusting(authority, own));
      const served = await keda.isActive(ref, CALL).catch(() => false);
      keda.close();
      return served;
    };
    expect([await isServed(client), await isServed(unknownClient)]).toEqual([true, false]);
    copyFileSync(stranger.cert, clientCa);
    await expect.poll(() => isServed(unknownClient)).toBe(true);
    expect(await isServed(client)).toBe(false);
    server.stop();
  });

  test('at the start a fault is an error that names the file', () => {
    const files = { cert: first.cert, key: second.key, clientCa: null };
    const ignore = () => undefined;
    expect(() => tlsCredentials(files, ignore)).toThrow(
      `--tls-key ${second.key} does not belong to --tls-cert ${first.cert}`,
    );
    expect(() => tlsCredentials({ ...first, cert: join(folder, 'none'), clientCa: null }, ignore)).toThrow(
      /--tls-cert .*none: /,
    );
    expect(() => tlsCredentials({ ...first, clientCa: first.key }, ignore)).toThrow(/--tls-client-ca /);
  });
});
