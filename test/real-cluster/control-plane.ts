import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority } from '../support/certificates.js';
import { freePort } from '../support/processes.js';
import { Api, until } from './api.js';
import type { Binaries } from './binaries.js';
import { keepRunning, lastLines, start, type Child } from './children.js';

const ADMIN = 'token-of-the-admin';
const CONTROLLERS = 'token-of-the-controller-manager';
const SCHEDULER = 'token-of-the-scheduler';

/** Every request with its user and its code, and nothing of its body. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

export interface AuditEntry {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code: number };
}

/** etcd, API server, controller manager and scheduler on loopback, with RBAC and an authority of its own. */
export class ControlPlane {
  readonly server: string;
  readonly ca: string;
  readonly admin: Api;
  readonly folder: string;
  readonly #binaries: Binaries;
  readonly #apiArgs: readonly string[];
  readonly #etcd: string;
  #api: Child | null = null;

  private constructor(
    folder: string,
    binaries: Binaries,
    parts: { server: string; ca: string; admin: Api; apiArgs: readonly string[]; etcd: string },
  ) {
    this.folder = folder;
    this.#binaries = binaries;
    this.server = parts.server;
    this.ca = parts.ca;
    this.admin = parts.admin;
    this.#apiArgs = parts.apiArgs;
    this.#etcd = parts.etcd;
  }

  static async start(folder: string, binaries: Binaries): Promise<ControlPlane> {
    await mkdir(join(folder, 'pki'));
    const authority = await createAuthority(join(folder, 'pki'), 'ca');
    const serving = await authority.issue('apiserver', 'DNS:localhost,IP:127.0.0.1,IP:10.0.0.1');
    const key = join(folder, 'pki', 'service-accounts.key');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(key, privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const tokens = join(folder, 'pki', 'tokens.csv');
    await writeFile(
      tokens,
      [
        `${ADMIN},admin,1,system:masters`,
        `${CONTROLLERS},system:kube-controller-manager,2`,
        `${SCHEDULER},system:kube-scheduler,3`,
      ].join('\n'),
    );
    const policy = join(folder, 'audit-policy.json');
    await writeFile(policy, JSON.stringify(AUDIT_POLICY));
    const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()];
    const server = `https://127.0.0.1:${port}`;
    const etcd = `http://127.0.0.1:${etcdPort}`;
    const plane = new ControlPlane(folder, binaries, {
      server,
      etcd,
      ca: authority.cert,
      admin: new Api(server, await readFile(authority.cert), ADMIN),
      apiArgs: [
        `--etcd-servers=${etcd}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--tls-cert-file=${serving.cert}`,
        `--tls-private-key-file=${serving.key}`,
        `--client-ca-file=${authority.cert}`,
        `--token-auth-file=${tokens}`,
        '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.0.0.0/24',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-signing-key-file=${key}`,
        `--service-account-key-file=${key}`,
        // Compacted by hand, and little remembered: what is too old is then soon too old.
        '--etcd-compaction-interval=0',
        '--default-watch-cache-size=10',
        `--audit-policy-file=${policy}`,
        `--audit-log-path=${join(folder, 'audit.log')}`,
      ],
    });
    await plane.#startAll(etcdPort, peerPort, key);
    return plane;
  }

  async #startAll(etcdPort: number, peerPort: number, key: string): Promise<void> {
    const { folder } = this;
    const [client, peer] = [`http://127.0.0.1:${etcdPort}`, `http://127.0.0.1:${peerPort}`];
    const etcd = start(
      this.#binaries.etcd,
      [
        `--data-dir=${join(folder, 'etcd')}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        // Nothing here outlives the run.
        '--unsafe-no-fsync',
      ],
      join(folder, 'etcd.log'),
    );
    await alive('etcd', etcd, () => this.etcdRevision());
    await this.startApi();
    const controllers = await this.kubeconfig('controller-manager', CONTROLLERS);
    keepRunning(
      this.#binaries['kube-controller-manager'],
      [
        `--kubeconfig=${controllers}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${await freePort()}`,
        '--port=0',
        `--cert-dir=${join(folder, 'pki')}`,
        `--service-account-private-key-file=${key}`,
        `--root-ca-file=${this.ca}`,
        '--leader-elect=false',
        // Each controller with the rights of its own account, as clusters are set up.
        '--use-service-account-credentials=true',
        // Nobody renews the leases of nodes that are only written down.
        '--node-monitor-grace-period=1h',
      ],
      join(folder, 'controller-manager.log'),
    );
    const scheduler = await this.kubeconfig('scheduler', SCHEDULER);
    keepRunning(
      this.#binaries['kube-scheduler'],
      [
        `--kubeconfig=${scheduler}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${await freePort()}`,
        '--port=0',
        `--cert-dir=${join(folder, 'pki')}`,
        '--leader-elect=false',
      ],
      join(folder, 'scheduler.log'),
    );
    // The controller manager makes it.
    await until(
      'the default service account',
      () => this.admin.get('/api/v1/namespaces/default/serviceaccounts/default'),
      60,
    );
  }

  /** @returns seconds until it was ready */
  async startApi(): Promise<number> {
    const began = performance.now();
    const child = start(this.#binaries['kube-apiserver'], this.#apiArgs, join(this.folder, 'apiserver.log'));
    this.#api = child;
    await alive('kube-apiserver', child, async () => {
      const { code } = await this.admin.ask('GET', '/readyz');
      return code === 200 ? true : undefined;
    });
    return (performance.now() - began) / 1000;
  }

  /** As when its machine is lost. */
  async killApi(): Promise<void> {
    await this.#api?.end('SIGKILL');
  }

  signalApi(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#api?.process.kill(signal);
  }

  async etcdRevision(): Promise<number> {
    const { header } = (await this.#etcdCall('maintenance/status', {})) as { header: { revision: string } };
    return Number(header.revision);
  }

  /** All that is older than now is gone. @returns the revision */
  async compact(): Promise<number> {
    const revision = await this.etcdRevision();
    await this.#etcdCall('kv/compaction', { revision: String(revision), physical: true });
    return revision;
  }

  async #etcdCall(path: string, body: object): Promise<unknown> {
    const answer = await fetch(`${this.#etcd}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** A kubeconfig file of this name. */
  async kubeconfig(name: string, token: string): Promise<string> {
    const file = join(this.folder, `${name}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: this.server, 'certificate-authority': this.ca } }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    };
    await writeFile(file, JSON.stringify(config)); // JSON is YAML
    return file;
  }

  /** A token of a service account, as the kubelet asks for one. */
  async tokenOf(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = (await this.admin.must('POST', path, request)) as { status: { token: string } };
    return status.token;
  }

  /** What a user asked for so far, with the codes it got. */
  async audit(user: string): Promise<AuditEntry[]> {
    const lines = (await readFile(join(this.folder, 'audit.log'), 'utf8')).split('\n');
    return lines
      .filter((line) => line.includes(`"username":"${user}"`) && line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditEntry);
  }
}

async function alive(name: string, child: Child, probe: () => Promise<unknown>): Promise<void> {
  try {
    await until(
      `${name} to be ready`,
      async () => {
        if (child.process.exitCode !== null) throw new Error(`${name} has ended`);
        return probe();
      },
      90,
    );
  } catch (error) {
    throw new Error(`${name} does not start:\n${lastLines(child.log)}`, { cause: error });
  }
}
