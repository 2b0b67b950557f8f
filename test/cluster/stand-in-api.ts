import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A stand-in for the API server, over real HTTP: objects by path, server-side apply with the ownership of fields, conflicts
 * and resource versions, merge patches, deletion. What it does not imitate it refuses with 501, so that no test passes on
 * a kindness of it. Lists inside objects count as one value each, which holds while one manager has all of a list.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = { [key: string]: Json };

interface Stored {
  object: Fields;
  /** Leaf path → its managers. */
  owners: Map<string, Set<string>>;
  version: number;
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: Fields;
}

class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const KNOWN = new Set([
  '/apis/apps/v1 deployments',
  '/api/v1 podtemplates',
  '/api/v1 pods',
  '/apis/autoscaling.x-k8s.io/v1beta1 capacitybuffers',
  '/apis/keda.sh/v1alpha1 scaledobjects',
  '/apis/events.k8s.io/v1 events',
]);
/** Of which a client never says who set them. */
const UNOWNED = new Set([
  'apiVersion',
  'kind',
  'metadata.name',
  'metadata.namespace',
  'metadata.resourceVersion',
]);

export class StandInApi {
  readonly requests: Seen[] = [];
  readonly #objects = new Map<string, Stored>();
  readonly #failures: number[] = [];
  readonly #server: Server;
  #version = 100;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ([code, body]) =>
          response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        (error: unknown) => {
          const code = error instanceof Refusal ? error.code : 500;
          const message = error instanceof Error ? error.message : 'unknown';
          response.writeHead(code, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, message }));
        },
      );
    });
  }

  static async start(): Promise<StandInApi> {
    const api = new StandInApi();
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** As somebody else made it. */
  put(path: string, object: Fields, manager: string): void {
    const owners = new Map(leavesOf(object).map(([leaf]) => [leaf, new Set([manager])]));
    this.#keep(path, { object: structuredClone(object), owners, version: 0 });
  }

  /** As `kubectl edit` does: the field is then the editor's alone. */
  edit(path: string, leaf: string, value: Json, manager: string): void {
    const stored = this.#objects.get(path)!;
    set(stored.object, leaf, value);
    stored.owners.set(leaf, new Set([manager]));
    this.#keep(path, stored);
  }

  get(path: string): Fields | null {
    return this.#objects.get(path)?.object ?? null;
  }

  owners(path: string, leaf: string): string[] {
    return [...(this.#objects.get(path)?.owners.get(leaf) ?? [])];
  }

  paths(): string[] {
    return [...this.#objects.keys()].toSorted();
  }

  /** The next requests fail like this, each once. */
  failNext(...codes: number[]): void {
    this.#failures.push(...codes);
  }

  async #answer(request: IncomingMessage): Promise<[number, Json]> {
    const url = new URL(request.url ?? '/', this.url);
    const body = await bodyOf(request);
    const method = request.method ?? '';
    const contentType = request.headers['content-type'] ?? '';
    this.requests.push({ method, path: `${url.pathname}${url.search}`, contentType, body });
    const failure = this.#failures.shift();
    if (failure !== undefined) throw new Refusal(failure, `told to answer ${failure}`);
    const { name, collection } = placeOf(url.pathname);
    if (method === 'GET' && name === null) return [200, this.#list(collection, url.searchParams)];
    if (method === 'GET') return [200, this.#stored(url.pathname).object];
    if (method === 'DELETE' && name !== null) {
      this.#stored(url.pathname);
      this.#objects.delete(url.pathname);
      return [200, { kind: 'Status', status: 'Success' }];
    }
    const manager = url.searchParams.get('fieldManager');
    if (manager === null) throw new Refusal(400, 'fieldManager is required');
    if (method === 'POST' && name === null) return [201, this.#create(url.pathname, body, manager)];
    if (method === 'PATCH' && contentType === 'application/apply-patch+yaml') {
      return [200, this.#apply(url.pathname, body, manager, url.searchParams.get('force') === 'true')];
    }
    if (method === 'PATCH' && contentType === 'application/merge-patch+json') {
      return [200, this.#merge(url.pathname, body, manager)];
    }
    throw new Refusal(501, `the stand-in does not imitate ${method} with ${contentType}`);
  }

  #stored(path: string): Stored {
    const stored = this.#objects.get(path);
    if (stored === undefined) throw new Refusal(404, `${path} not found`);
    return stored;
  }

  #list(collection: string, query: URLSearchParams): Json {
    const selector = query.get('labelSelector') ?? '';
    if ([...query.keys()].some((key) => key !== 'labelSelector') || !/^[\w./-]+$/.test(selector)) {
      throw new Refusal(501, `the stand-in does not imitate the query ${query.toString()}`);
    }
    const [folder = '', resource = ''] = collection.split(' ');
    const inside = (path: string) => path.startsWith(`${folder}/`) && path.split('/').at(-2) === resource;
    const items = [...this.#objects]
      .filter(
        ([path, { object }]) => inside(path) && at(object, ['metadata', 'labels', selector]) !== undefined,
      )
      .map(([, { object }]) => object);
    return { kind: 'List', items };
  }

  #create(path: string, body: Fields, manager: string): Json {
    const name = at(body, ['metadata', 'name']);
    if (typeof name !== 'string' || name.length > 253) throw new Refusal(422, 'metadata.name is required');
    if (path.startsWith('/apis/events.k8s.io/')) checkEvent(body);
    if (this.#objects.has(`${path}/${name}`)) throw new Refusal(409, `${name} already exists`);
    this.put(`${path}/${name}`, body, manager);
    return body;
  }

  #apply(path: string, body: Fields, manager: string, force: boolean): Json {
    const wanted = at(body, ['metadata', 'resourceVersion']);
    const before = this.#objects.get(path);
    if (typeof wanted === 'string' && wanted !== '') {
      if (before === undefined) throw new Refusal(404, `${path} not found`);
      if (wanted !== String(before.version)) throw new Refusal(409, 'the object has been modified');
    }
    const stored = before ?? {
      object: { ...pick(body) },
      owners: new Map<string, Set<string>>(),
      version: 0,
    };
    const leaves = leavesOf(body);
    for (const [leaf, value] of leaves) {
      const others = [...(stored.owners.get(leaf) ?? [])].filter((each) => each !== manager);
      const same = JSON.stringify(at(stored.object, split(leaf))) === JSON.stringify(value);
      if (others.length === 0 || same) continue;
      if (Array.isArray(value))
        throw new Refusal(501, `the stand-in does not imitate two managers of the list ${leaf}`);
      if (!force)
        throw new Refusal(409, `Apply failed with 1 conflict: conflict with "${others.join()}": .${leaf}`);
    }
    const now = new Set(leaves.map(([leaf]) => leaf));
    for (const [leaf, managers] of stored.owners) {
      if (now.has(leaf) || !managers.delete(manager) || managers.size > 0) continue;
      stored.owners.delete(leaf);
      set(stored.object, leaf, undefined);
    }
    for (const [leaf, value] of leaves) {
      const same = JSON.stringify(at(stored.object, split(leaf))) === JSON.stringify(value);
      stored.owners.set(leaf, new Set([...(same ? (stored.owners.get(leaf) ?? []) : []), manager]));
      set(stored.object, leaf, value);
    }
    if (path.includes('/scaledobjects/') && at(stored.object, ['spec', 'scaleTargetRef']) === undefined) {
      throw new Refusal(422, 'spec.scaleTargetRef: Required value');
    }
    return this.#keep(path, stored);
  }

  #merge(path: string, body: Fields, manager: string): Json {
    const stored = this.#stored(path);
    for (const [leaf, value] of leavesOf(body)) {
      if (Array.isArray(value)) throw new Refusal(501, 'the stand-in does not merge lists');
      set(stored.object, leaf, value ?? undefined);
      stored.owners.set(leaf, new Set([manager]));
    }
    return this.#keep(path, stored);
  }

  #keep(path: string, stored: Stored): Json {
    this.#version += 1;
    stored.version = this.#version;
    set(stored.object, leaf('metadata', 'resourceVersion'), String(stored.version));
    this.#objects.set(path, stored);
    return stored.object;
  }
}

/** For leaves of an object that is read back with its version. */
export function leaf(...path: string[]): string {
  return path.join('\u0000');
}

function split(leaf: string): string[] {
  return leaf.split('\u0000');
}

function placeOf(path: string): { collection: string; name: string | null } {
  const match = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+)?\/([a-z]+)(?:\/([^/]+))?$/.exec(
    path,
  );
  const collection = `${match?.[1] ?? ''} ${match?.[2] ?? ''}`;
  if (!KNOWN.has(collection)) throw new Refusal(404, `the stand-in does not know ${path}`);
  const namespaced = path.slice(0, path.indexOf(`/${match?.[2] ?? ''}`, 8));
  return { collection: `${namespaced} ${match?.[2] ?? ''}`, name: match?.[3] ?? null };
}

function checkEvent(body: Fields): void {
  const missing = [
    'eventTime',
    'reportingController',
    'reportingInstance',
    'action',
    'reason',
    'type',
    'note',
  ].filter((field) => typeof body[field] !== 'string' || body[field] === '');
  if (missing.length > 0) throw new Refusal(422, `required: ${missing.join(', ')}`);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(body['eventTime'] as string)) {
    throw new Refusal(400, 'eventTime is no MicroTime');
  }
  if ((body['note'] as string).length > 1024)
    throw new Refusal(422, 'note: can have at most 1024 characters');
}

function leavesOf(value: Json, path: string[] = []): [string, Json][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return UNOWNED.has(path.join('.')) ? [] : [[leaf(...path), value]];
  }
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function pick(body: Fields): Fields {
  const metadata = body['metadata'] as Fields;
  return {
    apiVersion: body['apiVersion'] ?? null,
    kind: body['kind'] ?? null,
    metadata: { name: metadata['name'] ?? null, namespace: metadata['namespace'] ?? null },
  };
}

function at(object: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (value, key) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined,
    object,
  );
}

function set(object: Fields, leafPath: string, value: Json | undefined): void {
  const keys = split(leafPath);
  let inner = object;
  for (const key of keys.slice(0, -1)) {
    inner[key] ??= {};
    inner = inner[key] as Fields;
  }
  const last = keys.at(-1) ?? '';
  if (value === undefined) delete inner[last];
  else inner[last] = value;
}

async function bodyOf(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Fields);
}
