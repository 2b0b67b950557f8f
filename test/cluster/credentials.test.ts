import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCluster } from '../../src/cluster/open.js';
import { ApiServer } from '../support/api-server.js';
import { createAuthority } from '../support/certificates.js';
import { deployment } from '../support/cluster-under-test.js';
import { eventually, temporaryFolder } from '../support/processes.js';

const TARGET = { namespace: 'ns', kind: 'deployment', name: 'llm' } as const;

describe('credentials', () => {
  const parts = {
    namespaces: null,
    addresses: null,
    clock: { now: () => Date.now() },
    log: { info: () => undefined, warn: () => undefined },
    state: null,
    startWithin: 3000,
  };

  it('of a kubeconfig and of a service account lead to the same cluster over TLS', async () => {
    const folder = await temporaryFolder('cluster-tls');
    const authority = await createAuthority(folder, 'ca');
    const server = await ApiServer.start(await authority.issue('apiserver'));
    server.put('deployments', deployment('llm', 3));
    const file = await server.kubeconfig(folder, authority.cert);
    const account = join(folder, 'account');
    await mkdir(account);
    await writeFile(join(account, 'ca.crt'), await readFile(authority.cert));
    const pod = await server.serviceAccount(account);
    for (const credentials of [
      { kind: 'kubeconfig', file } as const,
      { kind: 'in-cluster', environment: pod.environment, folder: pod.folder } as const,
    ]) {
      const cluster = await openCluster({ ...parts, credentials });
      expect(cluster.replicas(TARGET), credentials.kind).toEqual({ current: 3, ready: 0 });
      await cluster.close();
    }
    await server.stop();
    expect(server.refused).toEqual([]);
  });

  it('go over plain http to loopback too, as kubectl proxy gives it', async () => {
    const folder = await temporaryFolder('cluster-http');
    const server = await ApiServer.start();
    server.put('deployments', deployment('llm', 3));
    const file = await server.kubeconfig(folder);
    const insecure = (await readFile(file, 'utf8')).replace('"insecure-skip-tls-verify":true', '"x":0');
    expect(insecure).not.toContain('insecure');
    await writeFile(file, insecure);
    const cluster = await openCluster({ ...parts, credentials: { kind: 'kubeconfig', file } });
    expect(cluster.replicas(TARGET)).toEqual({ current: 3, ready: 0 });
    await cluster.close();
    await server.stop();
  });

  it('renew the token of a service account', async () => {
    const folder = await temporaryFolder('cluster-token');
    const authority = await createAuthority(folder, 'ca');
    const server = await ApiServer.start(await authority.issue('apiserver'));
    await writeFile(join(folder, 'ca.crt'), await readFile(authority.cert));
    const { environment } = await server.serviceAccount(folder);
    server.put('deployments', deployment('llm', 3));
    let now = 0;
    const timing = { firstPause: 20, grace: 0 };
    const credentials = { kind: 'in-cluster', environment, folder } as const;
    const cluster = await openCluster({ ...parts, credentials, timing, clock: { now: () => now } });
    server.token = 'the next one';
    await writeFile(join(folder, 'token'), 'the next one');
    now += 61_000;
    server.hangUp();
    server.put('deployments', deployment('llm', 4));
    await eventually('4 replicas', async () => (cluster.replicas(TARGET)?.current === 4 ? true : undefined));
    await cluster.close();
    await server.stop();
  });

  it('that lead nowhere are a fault of the configuration', async () => {
    const folder = await temporaryFolder('cluster-config');
    const open = (file: string) => openCluster({ ...parts, credentials: { kind: 'kubeconfig', file } });
    await expect(open(join(folder, 'none'))).rejects.toThrow(/cannot read the kubeconfig .*none: ENOENT/);
    await writeFile(join(folder, 'empty'), 'apiVersion: v1\nkind: Config\ncurrent-context: prod\n');
    await expect(open(join(folder, 'empty'))).rejects.toThrow(
      /has no cluster with a server for its current context 'prod'/,
    );
    await writeFile(join(folder, 'foreign'), 'kind: Service\n');
    await writeFile(join(folder, 'nothing'), '{}');
    for (const name of ['foreign', 'nothing']) {
      const file = join(folder, name);
      await expect(open(file)).rejects.toThrow(
        `the kubeconfig ${file} has no current-context; expected one, e.g. kubectl config use-context NAME --kubeconfig ${file}`,
      );
    }
    const of = async (server: string, user: string) => {
      const file = join(folder, 'of');
      const clusters = [{ name: 'c', cluster: { server } }];
      const users = [{ name: 'alice', user: { token: 'x' } }];
      const contexts = [{ name: 'prod', context: { cluster: 'c', user } }];
      await writeFile(file, JSON.stringify({ clusters, users, contexts, 'current-context': 'prod' }));
      return open(file);
    };
    await expect(of('https://127.0.0.1:1', 'bob')).rejects.toThrow(
      /has no user 'bob', whom its current context 'prod' names: expected one of alice$/,
    );
    await expect(of('http://api.example:8001', 'alice')).rejects.toThrow(
      /has the server http:\/\/api\.example:8001: expected https, or http on loopback/,
    );
    await writeFile(join(folder, 'bad'), '{{{');
    await expect(open(join(folder, 'bad'))).rejects.toThrow(/cannot read the kubeconfig/);
    const account = (environment: Record<string, string>) =>
      openCluster({ ...parts, credentials: { kind: 'in-cluster', environment, folder } });
    await expect(account({})).rejects.toThrow(/not in a cluster: KUBERNETES_SERVICE_HOST is not set/);
    await expect(account({ KUBERNETES_SERVICE_HOST: '::1' })).rejects.toThrow(/ca.crt \(ENOENT\)/);
  });
});
