import type { Asked } from '../client/failure.js';
import type { JsonRecord } from '../objects/json.js';

/** What is watched: a kind of object, in one namespace or in all. */
export interface Resource extends Asked {
  readonly version: string;
  /** Left out by the API server, so that it does not even send them. */
  readonly fieldSelector: string | null;
  /** `false`: only what happens from now on counts, and nothing is listed. */
  readonly lists: boolean;
}

/** Takes what a watch brings. Must not throw: an object that cannot be read is told apart by the answer. */
export interface Sink {
  /** A list begins: what it does not name is gone at its end. */
  begin(): void;
  put(object: JsonRecord): 'taken' | 'unreadable';
  remove(object: JsonRecord): void;
  end(): void;
  size(): number;
}

export function pathOf({ group, version, resource, namespace }: Resource): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const within = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${within}/${resource}`;
}
