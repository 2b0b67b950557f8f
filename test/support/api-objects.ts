/** An object as the API server holds it. */
export interface ApiObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface ApiKind {
  readonly resource: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const CORE = { group: '', version: 'v1' };
const APPS = { group: 'apps', version: 'v1' };

/** What the stand-in knows; anything else it answers 404, as for a CRD that is not installed. */
export const KINDS: readonly ApiKind[] = [
  { ...CORE, resource: 'pods', kind: 'Pod' },
  { ...CORE, resource: 'nodes', kind: 'Node' },
  { ...CORE, resource: 'events', kind: 'Event' },
  { ...APPS, resource: 'deployments', kind: 'Deployment' },
  { ...APPS, resource: 'statefulsets', kind: 'StatefulSet' },
  { group: 'keda.sh', version: 'v1alpha1', resource: 'scaledobjects', kind: 'ScaledObject' },
];

export function apiVersionOf({ group, version }: ApiKind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** A list as the API server writes it: built-in kinds in Go's order, custom ones sorted, with their metadata last. */
export function listText(kind: ApiKind, metadata: object, items: readonly ApiObject[]): string {
  const apiVersion = apiVersionOf(kind);
  const list = `${kind.kind}List`;
  if (kind.group === 'keda.sh') {
    const sorted = { continue: '', ...metadata };
    return JSON.stringify({ apiVersion, items, kind: list, metadata: sorted });
  }
  return `${JSON.stringify({ kind: list, apiVersion, metadata, items })}\n`;
}

/** A watch event as the API server writes it. Built-in objects carry their kind first, which their lists leave out. */
export function eventText(kind: ApiKind, type: string, object: ApiObject): string {
  const typed = { kind: kind.kind, apiVersion: apiVersionOf(kind), ...object };
  return `${JSON.stringify({ type, object: typed })}\n`;
}

const EMPTY: Readonly<Record<string, object>> = {
  Pod: { spec: { containers: null }, status: {} },
  Node: { spec: {}, status: {} },
  Deployment: { spec: { replicas: 0 }, status: {} },
};

export function bookmarkText(kind: ApiKind, version: number): string {
  const metadata = { resourceVersion: `${version}` };
  const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata, ...EMPTY[kind.kind] };
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
}

/** The field selectors that the real one knows of these kinds, of those that are asked for. Null: the stand-in knows it not. */
export function selects(kind: ApiKind, selector: string | null): ((object: ApiObject) => boolean) | null {
  if (selector === null) return () => true;
  const terms = selector.split(',').map((term) => /^([\w.]+)(!?=)(.*)$/.exec(term));
  const known = new Set(KNOWN_FIELDS[kind.kind]);
  if (terms.some((term) => term === null || !known.has(term[1] ?? ''))) return null;
  return (object) =>
    terms.every((term) => {
      const [, path = '', operator, wanted] = term ?? [];
      return (fieldOf(object, path) === wanted) === (operator === '=');
    });
}

const KNOWN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['status.phase', 'spec.nodeName'],
  Event: ['involvedObject.kind', 'involvedObject.name', 'reason', 'type'],
};

function fieldOf(object: ApiObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return typeof value === 'string' ? value : '';
}

export function statusText(code: number, reason: string, message: string, more: object = {}): string {
  const head = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  return JSON.stringify({ ...head, message, reason, ...more, code });
}
