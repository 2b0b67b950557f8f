import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ClusterState } from '../ports/cluster.js';

/** A JSON document in a file, written beside it first: whoever reads finds the old or the new one, whole. */
export function stateFile(file: string): ClusterState {
  return {
    async load() {
      let written: string;
      try {
        written = await readFile(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
      return JSON.parse(written) as unknown;
    },
    async save(document) {
      await mkdir(dirname(file), { recursive: true });
      const beside = `${file}.${process.pid}.new`;
      await writeFile(beside, JSON.stringify(document));
      await rename(beside, file);
    },
  };
}
