import type https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ClusterConfigError } from './config-error.js';
import type { Access } from './connection.js';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * What a kubeconfig file says, through client-node, which knows tokens, certificates, exec plugins and proxies.
 *
 * @throws ClusterConfigError naming the file, when it cannot be read or its current context leads nowhere
 */
export async function kubeconfigAccess(file: string): Promise<Access> {
  // Imported here alone: it takes 85 MB, and a pod uses its service account.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    const said = error instanceof Error ? error.message : 'unreadable';
    throw new ClusterConfigError(`cannot read the kubeconfig ${file}: ${said.split('\n', 1)[0] ?? ''}`);
  }
  const server = checkedServer(config, file);
  let agent: https.RequestOptions['agent'];
  return {
    server,
    async options() {
      const options: https.RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      ({ agent } = options);
      return options;
    },
    close() {
      if (typeof agent === 'object') agent.destroy();
    },
  };
}

/** @throws ClusterConfigError where the current context names what is not there */
function checkedServer(config: KubeConfig, file: string): string {
  // Undefined in an empty or foreign file, whatever its type says.
  const context = config.getCurrentContext() as string | undefined;
  if ((context ?? '') === '') {
    const expected = `expected one, e.g. kubectl config use-context NAME --kubeconfig ${file}`;
    throw new ClusterConfigError(`the kubeconfig ${file} has no current-context; ${expected}`);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null || !URL.canParse(cluster.server)) {
    throw new ClusterConfigError(
      `the kubeconfig ${file} has no cluster with a server for its current context '${context}': kubectl config use-context`,
    );
  }
  // A context without a user is allowed: kubectl proxy needs none.
  const user = config.getContextObject(context ?? '')?.user ?? '';
  if (user !== '' && config.getCurrentUser() === null) {
    const known = config.getUsers().map(({ name }) => name);
    const expected = known.length === 0 ? 'it has no users' : `expected one of ${known.join(', ')}`;
    throw new ClusterConfigError(
      `the kubeconfig ${file} has no user '${user}', whom its current context '${context}' names: ${expected}`,
    );
  }
  const { protocol, hostname } = new URL(cluster.server);
  if (protocol === 'http:' && !cluster.skipTLSVerify) {
    if (!LOOPBACK.has(hostname)) {
      const expected = 'expected https, or http on loopback such as kubectl proxy gives';
      throw new ClusterConfigError(`the kubeconfig ${file} has the server ${cluster.server}: ${expected}`);
    }
    // There is no TLS to verify, and client-node wants to be told so.
    config.clusters = config.clusters.map((each) =>
      each.name === cluster.name ? { ...each, skipTLSVerify: true } : each,
    );
  }
  return cluster.server;
}
