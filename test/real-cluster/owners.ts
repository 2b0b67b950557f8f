import type { KubeObject } from './api.js';

interface Managed {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: Record<string, unknown>;
}

/** The managers that have a field, by name. */
export function ownersOf({ metadata }: KubeObject, ...path: readonly string[]): string[] {
  const managed = (metadata['managedFields'] ?? []) as readonly Managed[];
  return managed
    .filter(({ fieldsV1 }) => {
      let inner: unknown = fieldsV1;
      for (const key of path) inner = (inner as Record<string, unknown> | undefined)?.[`f:${key}`];
      return inner !== undefined;
    })
    .map(({ manager }) => manager)
    .toSorted();
}
