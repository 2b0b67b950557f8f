import { readFileSync } from 'node:fs';
import { copyFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCredentials, type CredentialFiles } from '../../../src/signals/prometheus/credentials.js';
import { createPrometheusSource } from '../../../src/signals/prometheus/source.js';
import { watchFile } from '../../../src/signals/prometheus/watched-file.js';
import { temporaryFolder } from '../../support/processes.js';
import { listen } from '../../support/prometheus-server.js';
import { answered, askFake, failure, handClock, pair, profile, vector } from './support.js';

const pem = (name: string) => join(import.meta.dirname, 'tls', name);
const request = { profile: profile(), byModel: false };
const GOOD = vector(pair('a', '3'));

let folder = '';
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await temporaryFolder('credentials');
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

async function secret(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The Authorization header that a query carries. */
async function signedIn(credentials: CredentialFiles): Promise<string | undefined> {
  const { headers } = await askFake((response) => response.end(GOOD), { credentials });
  return headers[0]?.authorization;
}

describe('signing in', () => {
  it('with a bearer token, without the line end of its file', async () => {
    expect(await signedIn({ bearerTokenFile: await secret('token', 'abc.def\n') })).toBe('Bearer abc.def');
  });

  it('with a user name and a password', async () => {
    const passwordFile = await secret('password', 'pässwörd\n');
    const pair = Buffer.from('reader:pässwörd').toString('base64');
    expect(await signedIn({ username: 'reader', passwordFile })).toBe(`Basic ${pair}`);
  });

  it('is not left out when the file is missing: the query fails and names it', async () => {
    const bearerTokenFile = join(folder, 'nothing');
    const { result, queries, health } = await askFake((response) => response.end(GOOD), {
      credentials: { bearerTokenFile },
    });
    expect(failure(result)).toContain(`cannot read ${bearerTokenFile}: ENOENT`);
    expect(queries).toHaveLength(0);
    expect(health.credentialProblems).toHaveLength(1);
  });

  it('is refused with a file that holds more than a token, without showing it', async () => {
    const bearerTokenFile = await secret('token', 'hush\nhush');
    const { result, queries } = await askFake((response) => response.end(GOOD), {
      credentials: { bearerTokenFile },
    });
    expect(failure(result)).toContain(`${bearerTokenFile} must hold one bearer token and nothing else`);
    expect(failure(result)).not.toContain('hush');
    expect(queries).toHaveLength(0);
  });

  it.each([
    [{ username: 'reader' }, 'needs both a user name and a password file'],
    [{ passwordFile: 'p' }, 'needs both a user name and a password file'],
    [{ username: 'reader', passwordFile: 'p', bearerTokenFile: 't' }, 'not both'],
    [{ certFile: 'c' }, 'needs both its file and its key file'],
  ])('with %o is refused at once', (files, why) => {
    expect(() => createCredentials(files, handClock())).toThrow(why);
  });
});

describe('a watched file', () => {
  it('is read again when it has changed, looked at once a second at most', async () => {
    const clock = handClock();
    const path = await secret('token', 'one');
    const file = watchFile(path, clock);
    expect(await file.read()).toBe('one');
    await writeFile(path, 'second');
    clock.move(999);
    expect(await file.read()).toBe('one');
    clock.move(1);
    expect(await file.read()).toBe('second');
  });

  it('is read again when only its time has changed', async () => {
    const clock = handClock();
    const path = await secret('token', 'one');
    const file = watchFile(path, clock);
    await file.read();
    await writeFile(path, 'two');
    await utimes(path, new Date(), new Date(1_900_000_000_000));
    clock.move(1000);
    expect(await file.read()).toBe('two');
  });

  it('is followed through the links that Kubernetes swaps', async () => {
    const clock = handClock();
    await secret('v1', 'one');
    await secret('v2', 'two');
    const path = join(folder, 'token');
    await symlink('v1', path);
    const file = watchFile(path, clock);
    expect(await file.read()).toBe('one');
    await symlink('v2', `${path}.new`);
    await rename(`${path}.new`, path);
    clock.move(1000);
    expect(await file.read()).toBe('two');
  });

  it('that disappears or is emptied leaves its last contents in use, and says so', async () => {
    const clock = handClock();
    const path = await secret('token', 'one');
    const file = watchFile(path, clock);
    await file.read();
    await rm(path);
    clock.move(1000);
    expect(await file.read()).toBe('one');
    expect(file.problem()).toBe(`cannot read ${path}: ENOENT; its last contents stay in use`);
    await writeFile(path, '');
    clock.move(1000);
    expect(await file.read()).toBe('one');
    expect(file.problem()).toContain('the file is empty');
    await writeFile(path, 'back again');
    clock.move(1000);
    expect(await file.read()).toBe('back again');
    expect(file.problem()).toBeNull();
  });

  it('that was never there is looked for at each use', async () => {
    const clock = handClock();
    const path = join(folder, 'late');
    const file = watchFile(path, clock);
    await expect(file.read()).rejects.toThrow('ENOENT');
    await writeFile(path, 'here');
    expect(await file.read()).toBe('here');
  });
});

describe('TLS', () => {
  async function secureServer() {
    const certificates: unknown[] = [];
    const server = createServer(
      {
        cert: readFileSync(pem('new.pem')),
        key: readFileSync(pem('new.key')),
        ca: readFileSync(pem('client.pem')),
        requestCert: true,
        rejectUnauthorized: false,
      },
      (incoming, response) => {
        const socket = incoming.socket as TLSSocket;
        certificates.push(socket.authorized ? socket.getPeerCertificate().subject.CN : undefined);
        incoming.resume().on('end', () => response.end(GOOD));
      },
    );
    const port = await listen(server);
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `https://127.0.0.1:${port}`, certificates };
  }

  it('trusts the authority in the file, and a new one when the file changes', async () => {
    const { url, certificates } = await secureServer();
    const clock = handClock();
    const caFile = join(folder, 'ca.pem');
    await copyFile(pem('old.pem'), caFile);
    const source = createPrometheusSource({ url, clock, credentials: { caFile } });
    closing.push(() => source.close());
    expect(failure(await source.read(request))).toMatch(/connection failed: self-signed certificate/);
    await copyFile(pem('new.pem'), caFile);
    clock.move(1000);
    expect(answered(await source.read(request))).toHaveLength(1);
    expect(certificates).toEqual([undefined]);
  });

  it('leaves the connections made with the certificates before', async () => {
    const { url, certificates } = await secureServer();
    const clock = handClock();
    const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    const use = (name: string) =>
      Promise.all([copyFile(pem(`${name}.pem`), certFile), copyFile(pem(`${name}.key`), keyFile)]);
    await use('new');
    const credentials = { caFile: pem('new.pem'), certFile, keyFile };
    const source = createPrometheusSource({ url, clock, credentials });
    closing.push(() => source.close());
    answered(await source.read(request));
    await use('client');
    clock.move(1000);
    answered(await source.read(request));
    expect(certificates).toEqual([undefined, 'client.test']);
  });

  it('shows the client certificate', async () => {
    const { url, certificates } = await secureServer();
    const credentials = { caFile: pem('new.pem'), certFile: pem('client.pem'), keyFile: pem('client.key') };
    const source = createPrometheusSource({ url, clock: handClock(), credentials });
    closing.push(() => source.close());
    expect(answered(await source.read(request))).toHaveLength(1);
    expect(certificates).toEqual(['client.test']);
  });

  it('says which file is no certificate', async () => {
    const { url } = await secureServer();
    const caFile = await secret('ca.pem', 'not a certificate');
    const certFile = await secret('client.pem', 'neither is this');
    const credentials = { caFile, certFile, keyFile: pem('client.key') };
    const source = createPrometheusSource({ url, clock: handClock(), credentials });
    closing.push(() => source.close());
    expect(failure(await source.read(request))).toMatch(/PEM/);
  });
});
