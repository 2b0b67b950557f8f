import type https from 'node:https';
import { ClusterConfigError } from './config-error.js';
import type { Access } from './connection.js';

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
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || !URL.canParse(server)) {
    const context = config.getCurrentContext();
    throw new ClusterConfigError(
      `the kubeconfig ${file} has no cluster with a server for its current context '${context}': kubectl config use-context`,
    );
  }
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
