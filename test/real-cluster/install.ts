import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Api, KubeObject } from './api.js';
import { Skip } from './report.js';

const DEPLOY = 'deploy';

/** What an operator would apply: a folder of deploy/, rendered. @throws Skip when there is no such folder */
export function rendered(kubectl: string, folder: string): KubeObject[] {
  const path = folder.startsWith('/') ? folder : join(DEPLOY, folder);
  if (!existsSync(join(path, 'kustomization.yaml'))) throw new Skip(`there is no ${path}`);
  const text = execFileSync(kubectl, ['kustomize', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}

/** A component in a namespace of its own, by an overlay that names it, as its comment says. */
export async function renderedIn(
  kubectl: string,
  component: string,
  namespace: string,
  scratch: string,
): Promise<KubeObject[]> {
  const folder = join(scratch, `overlay-${namespace}`);
  await mkdir(folder, { recursive: true });
  const base = relative(folder, join(process.cwd(), DEPLOY, component));
  await writeFile(
    join(folder, 'kustomization.yaml'),
    JSON.stringify({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace,
      resources: [base],
    }),
  );
  return rendered(kubectl, folder);
}

/** @returns what the API server would not take, one line each */
export async function applyAll(api: Api, objects: readonly KubeObject[]): Promise<string[]> {
  const refused: string[] = [];
  for (const object of objects) {
    await api.put(object).catch((error: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      refused.push(`${object.kind ?? ''}/${object.metadata.name} (${object.apiVersion ?? ''}): ${said}`);
    });
  }
  return refused;
}
