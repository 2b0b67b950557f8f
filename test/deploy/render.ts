import { execFileSync } from 'node:child_process';
import { objects, repository, type KubernetesObject } from './manifests.js';

/** What `kubectl apply -k` would send. */
export function rendered(folder: string): KubernetesObject[] {
  const output = execFileSync('kubectl', ['kustomize', folder], {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return objects(output);
}
