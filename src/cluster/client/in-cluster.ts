import { readFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { MINUTE, type Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import { ClusterConfigError } from './config-error.js';
import type { Access } from './connection.js';

export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A projected token lives for an hour and is renewed at 80 % of it; client-go reads it anew every minute too. */
const TOKEN_FOR: Millis = MINUTE;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether this runs in a pod, with a service account. */
export function isInCluster(environment: Environment): boolean {
  return (environment['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
}

/**
 * The pod's own service account. Done here and not with client-node, whose import takes 85 MB and 2.5 s: in a cluster
 * it is two files and two variables.
 *
 * @throws ClusterConfigError when the pod has none
 */
export async function inClusterAccess(
  environment: Environment,
  clock: Clock,
  folder = SERVICE_ACCOUNT,
): Promise<Access> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (host === '') {
    throw new ClusterConfigError(
      'not in a cluster: KUBERNETES_SERVICE_HOST is not set; give --kubeconfig or --no-cluster',
    );
  }
  const read = async (file: string) =>
    readFile(join(folder, file), 'utf8').catch((error: unknown) => {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      throw new ClusterConfigError(
        `cannot read the service account's ${join(folder, file)} (${code}): is automountServiceAccountToken off?`,
      );
    });
  // Made once: each connection would parse the authority's certificate again.
  const secureContext = createSecureContext({ ca: await read('ca.crt') });
  const agent = new https.Agent({ secureContext, keepAlive: true });
  let token = { text: (await read('token')).trim(), readAt: clock.now() };
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async options() {
      if (Math.abs(clock.now() - token.readAt) > TOKEN_FOR) {
        token = { text: (await read('token')).trim(), readAt: clock.now() };
      }
      return { agent, headers: { authorization: `Bearer ${token.text}` } };
    },
    close: () => agent.destroy(),
  };
}
