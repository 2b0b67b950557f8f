import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

const object = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().optional() }),
});
export type KubernetesObject = z.infer<typeof object>;

export function text(path: string): string {
  return readFileSync(join(repository, path), 'utf8');
}

/** Paths of the YAML files below a folder, relative to the repository. */
export function yamlFiles(folder: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.ya?ml$/.test(path))
    .map((path) => join(folder, path))
    .sort();
}

/** All documents of a stream, strictly: a duplicate key or a tab is an error here, as it is for the API server. */
export function documents(content: string): unknown[] {
  return parseAllDocuments(content).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    return document.toJS();
  });
}

export function objects(content: string): KubernetesObject[] {
  return documents(content).map((document) => object.parse(document));
}

/** The only object of a kind, and of a name where several have the kind. */
export function only(all: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const found = all.filter(
    (each) => each.kind === kind && (name === undefined || each.metadata.name === name),
  );
  if (found[0] === undefined || found.length > 1)
    throw new Error(`${found.length} of ${kind} ${name ?? ''}, not 1`);
  return found[0];
}
