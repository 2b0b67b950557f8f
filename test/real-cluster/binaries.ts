import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** From the folder that is given. */
const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
/** From that folder, or from PATH. */
const BESIDES = ['etcd', 'kubectl', 'openssl', 'redis-server'] as const;

export type Binary = (typeof KUBERNETES)[number] | (typeof BESIDES)[number];
export type Binaries = Readonly<Record<Binary, string>>;

/** @throws Error naming all that are missing, and where they were looked for */
export function findBinaries(folder: string): Binaries {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  const missing: string[] = [];
  const find = (name: Binary, folders: readonly string[]) => {
    const found = folders.map((each) => join(each, name)).find(isExecutable);
    if (found === undefined) missing.push(`${name} (not in ${folders.length > 1 ? 'PATH' : folder})`);
    return [name, found ?? ''] as const;
  };
  const found = [
    ...KUBERNETES.map((name) => find(name, [folder])),
    ...BESIDES.map((name) => find(name, [folder, ...path])),
  ];
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
  return Object.fromEntries(found) as Binaries;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function versionsOf(binaries: Binaries): Record<string, string> {
  const first = (file: string, ...args: string[]) =>
    spawnSync(file, args, { encoding: 'utf8' }).stdout.split('\n', 1)[0]?.trim() ?? '';
  return {
    kubernetes: first(binaries['kube-apiserver'], '--version'),
    etcd: first(binaries.etcd, '--version'),
    kubectl: first(binaries.kubectl, 'version', '--client'),
    node: process.version,
  };
}
