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
/** Of most objects' names. */
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
/** Of which a client never says who set them. */
const UNOWNED = new Set([
  'apiVersion',
  'kind',
  'metadata.name',
  'metadata.namespace',
  'metadata.resourceVersion',
  'metadata.managedFields',
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
    if (method === 'GET') return [200, shown(this.#stored(url.pathname))];
    if (method === 'DELETE' && name !== null) {
      this.#stored(url.pathname);
      this.#objects.delete(url.pathname);
      return [200, { kind: 'Status', status: 'Success' }];
    }
    const applies = contentType === 'application/apply-patch+yaml';
    const manager = url.searchParams.get('fieldManager') ?? (applies ? null : request.headers['user-agent']);
    if (manager === null || manager === undefined) throw new Refusal(422, 'fieldManager: Required value');
    if (method === 'POST' && name === null) return [201, this.#create(url.pathname, body, manager)];
    if (method === 'PATCH' && applies) {
      const isNew = !this.#objects.has(url.pathname);
      const force = url.searchParams.get('force') === 'true';
      return [isNew ? 201 : 200, this.#apply(url.pathname, body, manager, force)];
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
      .map(([, stored]) => shown(stored));
    return { kind: 'List', items };
  }

  #create(path: string, body: Fields, manager: string): Json {
    const name = at(body, ['metadata', 'name']);
    if (typeof name !== 'string' || name.length > 253 || !SUBDOMAIN.test(name)) {
      throw new Refusal(422, 'metadata.name: Invalid value');
    }
    if (path.startsWith('/apis/events.k8s.io/')) checkEvent(body);
    if (this.#objects.has(`${path}/${name}`)) throw new Refusal(409, `${name} already exists`);
    this.put(`${path}/${name}`, body, manager);
    return shown(this.#stored(`${path}/${name}`));
  }

  #apply(path: string, body: Fields, manager: string, force: boolean): Json {
    const wanted = at(body, ['metadata', 'resourceVersion']);
    const before = this.#objects.get(path);
    if (at(body, ['metadata', 'name']) !== path.split('/').at(-1)) {
      throw new Refusal(400, 'the name of the object does not match the name on the URL');
    }
    if (at(body, ['metadata', 'managedFields']) !== undefined) {
      throw new Refusal(400, 'metadata.managedFields must be nil');
    }
    if (typeof wanted === 'string' && wanted !== '' && before !== undefined) {
      if (wanted !== String(before.version)) throw new Refusal(409, 'the object has been modified');
    }
    const was = JSON.stringify(before?.object);
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
        throw new Refusal(501, `the stand-in does not imitate two managers of the list ${dotted(leaf)}`);
      if (!force)
        throw new Refusal(
          409,
          `Apply failed with 1 conflict: conflict with "${others.join()}": .${dotted(leaf)}`,
        );
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
    if (JSON.stringify(stored.object) !== was) this.#keep(path, stored);
    return shown(stored);
  }

  #merge(path: string, body: Fields, manager: string): Json {
    const stored = this.#stored(path);
    const { resourceVersion = null, managedFields = null } = (body['metadata'] ?? {}) as Fields;
    if (resourceVersion !== null && resourceVersion !== String(stored.version)) {
      throw new Refusal(409, 'the object has been modified');
    }
    const was = JSON.stringify(shown(stored));
    if (Array.isArray(managedFields) && managedFields.length > 0) keepManagers(stored, managedFields);
    for (const [leaf, value] of leavesOf(body)) {
      if (Array.isArray(value)) throw new Refusal(501, 'the stand-in does not merge lists');
      if (value === at(stored.object, split(leaf))) continue;
      set(stored.object, leaf, value ?? undefined);
      if (value === null) stored.owners.delete(leaf);
      else stored.owners.set(leaf, new Set([manager]));
    }
    if (JSON.stringify(shown(stored)) !== was) this.#keep(path, stored);
    return shown(stored);
  }

  #keep(path: string, stored: Stored): void {
    this.#version += 1;
    stored.version = this.#version;
    set(stored.object, leaf('metadata', 'resourceVersion'), String(stored.version));
    this.#objects.set(path, stored);
  }
}

/** With its managers, of whom only the names are told. */
function shown({ object, owners }: Stored): Fields {
  const managers = [...new Set([...owners.values()].flatMap((each) => [...each]))];
  const metadata = {
    ...(object['metadata'] as Fields),
    managedFields: managers.map((manager) => ({ manager })),
  };
  return { ...object, metadata };
}

/** Who is not in the list has nothing any more, and what nobody else has stays as nobody's. */
function keepManagers({ owners }: Stored, managedFields: readonly Json[]): void {
  const kept = new Set(managedFields.map((each) => at(each, ['manager'])));
  for (const [leaf, managers] of owners) {
    const left = [...managers].filter((each) => kept.has(each));
    if (left.length === 0) owners.delete(leaf);
    else owners.set(leaf, new Set(left));
  }
}

/** For leaves of an object that is read back with its version. */
export function leaf(...path: string[]): string {
  return path.join('\u0000');
}

function split(leaf: string): string[] {
  return leaf.split('\u0000');
}

/** As the API server names a field. */
function dotted(leaf: string): string {
  return split(leaf).join('.');
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
  if (Buffer.byteLength(body['note'] as string) > 1024)
    throw new Refusal(422, 'note: can have at most 1024 characters');
  if ((body['reportingInstance'] as string).length > 128)
    throw new Refusal(422, 'reportingInstance: can have at most 128 characters');
  if (body['type'] !== 'Normal' && body['type'] !== 'Warning') throw new Refusal(422, 'type: Invalid value');
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
  if (value !== undefined) {
    inner[last] = value;
    return;
  }
  delete inner[last];
  // Labels and annotations are left out when there are none.
  const [root = '', map = ''] = keys;
  if (root === 'metadata' && keys.length === 3 && Object.keys(inner).length === 0) {
    delete (object[root] as Fields)[map];
  }
}

async function bodyOf(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Fields);
}
