import { readFile, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import {
  bookmarkText,
  eventText,
  KINDS,
  listText,
  selects,
  statusText,
  type ApiKind,
  type ApiObject,
} from './api-objects.js';
import type { CertificatePaths } from './certificates.js';
import { listen } from './prometheus-server.js';

export const TOKEN = 'a-token-of-the-test';

type Selector = (object: ApiObject) => boolean;

interface Happened {
  readonly version: number;
  readonly type: string;
  readonly before: ApiObject | null;
  readonly object: ApiObject;
  /** As it was recorded; null: as it is written here. */
  readonly line: string | null;
}

interface Watcher {
  readonly response: ServerResponse;
  readonly namespace: string | null;
  readonly selector: Selector;
}

/** What goes wrong with one resource, until it is set anew. Null: nothing. */
export type Fault =
  | { readonly kind: 'status'; readonly code: number; readonly reason: string; readonly retryAfter?: number }
  /** Accepts, and never answers. */
  | { readonly kind: 'hang' }
  /** Half a list, and then the end of the connection. */
  | { readonly kind: 'breaks' }
  | { readonly kind: 'garbage'; readonly body: string };

/**
 * Lists and watches as a Kubernetes API server (1.36) gives them, over HTTP or HTTPS with a bearer token: pages with
 * continue tokens, resource versions, bookmarks, expired versions, field selectors, RBAC's refusals. What it cannot imitate
 * it refuses, and notes in `refused`, which every test expects to be empty. It is held against recordings of a real one.
 */
export class ApiServer {
  readonly url: string;
  readonly requests: { readonly path: string; readonly query: URLSearchParams }[] = [];
  readonly refused: string[] = [];
  /** By resource, or by `list:resource` and `watch:resource`. */
  readonly faults = new Map<string, Fault>();
  /** Resources that the token may not read, by resource, or `resource/namespace`. */
  readonly forbidden = new Set<string>();
  /** Resources of which no list can be continued, as when each page takes longer than etcd keeps a version. */
  readonly fleeting = new Set<string>();
  token = TOKEN;
  version = 1;
  /** Where a stand-in for changes is: what changes objects, or asks for one or by label, is handed over to it. */
  changes: string | null = null;
  readonly #server: http.Server;
  readonly #certificate: CertificatePaths | null;
  readonly #kinds = new Map<string, Held>();

  static async start(certificate: CertificatePaths | null = null): Promise<ApiServer> {
    if (certificate === null) {
      const server = http.createServer();
      return new ApiServer(server, `http://127.0.0.1:${await listen(server)}`, null);
    }
    const [cert, key] = [await readFile(certificate.cert), await readFile(certificate.key)];
    const server = https.createServer({ cert, key });
    return new ApiServer(server, `https://127.0.0.1:${await listen(server)}`, certificate);
  }

  private constructor(server: http.Server, url: string, certificate: CertificatePaths | null) {
    this.#server = server;
    this.url = url;
    this.#certificate = certificate;
    for (const kind of KINDS) this.#kinds.set(kind.resource, new Held(kind));
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#answer(request, response),
    );
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** @param ca the authority's certificate; without, TLS is not verified */
  async kubeconfig(folder: string, ca: string | null = null): Promise<string> {
    const tls = ca === null ? { 'insecure-skip-tls-verify': true } : { 'certificate-authority': ca };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: this.url, ...tls } }],
      users: [{ name: 'test', user: { token: TOKEN } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    };
    const file = join(folder, 'kubeconfig');
    await writeFile(file, JSON.stringify(config)); // JSON is YAML
    return file;
  }

  /** What a pod finds of its service account. */
  async serviceAccount(folder: string): Promise<{ environment: Record<string, string>; folder: string }> {
    if (this.#certificate === null) throw new Error('a service account needs HTTPS');
    await writeFile(join(folder, 'token'), `${TOKEN}\n`);
    return {
      environment: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: `${this.port}` },
      folder,
    };
  }

  put(resource: string, object: ApiObject): void {
    this.version += 1;
    const held = this.#held(resource);
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: `${this.version}` } };
    const before = held.objects.get(keyOf(object)) ?? null;
    held.objects.set(keyOf(object), stored);
    held.happen({
      version: this.version,
      type: before === null ? 'ADDED' : 'MODIFIED',
      before,
      object: stored,
      line: null,
    });
  }

  remove(resource: string, key: string): void {
    const held = this.#held(resource);
    const before = held.objects.get(key);
    if (before === undefined) throw new Error(`there is no ${resource} ${key}`);
    this.version += 1;
    held.objects.delete(key);
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: `${this.version}` } };
    held.happen({ version: this.version, type: 'DELETED', before, object, line: null });
  }

  bookmark(resource: string): void {
    const held = this.#held(resource);
    for (const watcher of held.watchers) watcher.response.write(bookmarkText(held.kind, this.version));
  }

  /** Something that is no event, to all who watch. */
  inject(resource: string, text: string): void {
    for (const { response } of this.#held(resource).watchers) response.write(text);
  }

  /** Takes over what a real one answered. */
  recorded(resource: string, list: string): void {
    const held = this.#held(resource);
    const parsed = JSON.parse(list) as { metadata: { resourceVersion: string }; items: ApiObject[] };
    for (const item of parsed.items) held.objects.set(keyOf(item), item);
    this.version = Math.max(this.version, Number(parsed.metadata.resourceVersion));
    held.floor = Number(parsed.metadata.resourceVersion);
    held.changed();
  }

  /** Lets happen what happened to a real one. @param line as it was recorded */
  replay(resource: string, line: string): void {
    const held = this.#held(resource);
    const { type, object } = JSON.parse(line) as { type: string; object: ApiObject };
    const version = Number(object.metadata.resourceVersion);
    this.version = Math.max(this.version, version);
    const before = held.objects.get(keyOf(object)) ?? null;
    if (type === 'DELETED') held.objects.delete(keyOf(object));
    else if (type !== 'BOOKMARK') held.objects.set(keyOf(object), object);
    held.happen({ version, type, before, object, line: `${line}\n` });
  }

  /** etcd compacts: what happened until now cannot be watched any more, nor old lists be continued. */
  compact(resource: string): void {
    const held = this.#held(resource);
    held.floor = this.version;
    held.happened.length = 0;
  }

  objects(resource: string): readonly ApiObject[] {
    return this.#held(resource).sorted();
  }

  /** How many watches of it stand. */
  watchers(resource: string): number {
    return this.#held(resource).watchers.size;
  }

  hangUp(resource?: string): void {
    if (resource === undefined) this.#server.closeAllConnections();
    else for (const { response } of this.#held(resource).watchers) response.destroy();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #held(resource: string): Held {
    const held = this.#kinds.get(resource);
    if (held === undefined) throw new Error(`the stand-in holds no ${resource}`);
    return held;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    this.requests.push({ path: pathname, query: searchParams });
    if (this.changes !== null && isOfChanges(request, pathname, searchParams))
      return handOver(request, response, this.changes);
    if (request.method !== 'GET') return this.#refuse(response, `${request.method} ${pathname}`);
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      return end(response, 401, statusText(401, 'Unauthorized', 'Unauthorized'));
    }
    const route = routeOf(pathname);
    if (route === null) return end(response, 404, '404 page not found\n');
    const { namespace } = route;
    const held = this.#held(route.resource);
    if (this.#isForbidden(held.kind, namespace))
      return end(response, 403, forbiddenText(held.kind, namespace));
    const verb = searchParams.has('watch') ? 'watch' : 'list';
    const fault = this.faults.get(`${verb}:${route.resource}`) ?? this.faults.get(route.resource);
    if (fault !== undefined) return this.#fail(fault, response);
    const selector = selects(held.kind, searchParams.get('fieldSelector'));
    if (selector === null)
      return this.#refuse(response, `field selector ${searchParams.get('fieldSelector')}`);
    const known = searchParams.has('watch') ? WATCH_KEYS : LIST_KEYS;
    const strange = [...searchParams.keys()].find((key) => !known.has(key));
    if (strange !== undefined) return this.#refuse(response, `${pathname} with ${strange}`);
    if (searchParams.has('watch')) this.#watch(held, { response, namespace, selector }, searchParams);
    else this.#list(held, { response, namespace, selector }, searchParams);
  }

  #isForbidden({ resource }: ApiKind, namespace: string | null): boolean {
    return (
      this.forbidden.has(resource) || (namespace !== null && this.forbidden.has(`${resource}/${namespace}`))
    );
  }

  #list(held: Held, { response, namespace, selector }: Watcher, query: URLSearchParams): void {
    const limit = Number(query.get('limit') ?? 0);
    const token = query.get('continue');
    const from = token === null ? null : (JSON.parse(Buffer.from(token, 'base64url').toString()) as Continue);
    if (from !== null && (from.rv < held.floor || this.fleeting.has(held.kind.resource))) {
      // As apiserver storage/errors.go has it, with a token for an inconsistent rest that we do not use.
      const why = 'The provided continue parameter is too old to display a consistent list result.';
      return end(response, 410, statusText(410, 'Expired', why));
    }
    const version = from?.rv ?? this.version;
    const all = held.sorted().filter((object) => isIn(object, namespace) && selector(object));
    const rest = from === null ? all : all.filter((object) => sortKey(object) > from.start);
    const page = limit > 0 ? rest.slice(0, limit) : rest;
    const left = rest.length - page.length;
    const last = page.at(-1);
    const next = left > 0 && last !== undefined ? tokenOf({ rv: version, start: sortKey(last) }) : null;
    const metadata = {
      resourceVersion: `${version}`,
      ...(next === null ? {} : { continue: next }),
      // The real one cannot count with a selector.
      ...(next === null || query.has('fieldSelector') ? {} : { remainingItemCount: left }),
    };
    end(response, 200, listText(held.kind, metadata, page));
  }

  #watch(held: Held, watcher: Watcher, query: URLSearchParams): void {
    const { response } = watcher;
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    const from = Number(query.get('resourceVersion') ?? Number.NaN);
    if (!(from > 0)) return this.#refuse(response, `a watch from ${query.get('resourceVersion')}`);
    if (from < held.floor) {
      const said = `too old resource version: ${from} (${held.floor})`;
      const status = JSON.parse(statusText(410, 'Expired', said)) as object;
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      return;
    }
    for (const each of held.happened) if (each.version > from) held.tell(watcher, each);
    held.watchers.add(watcher);
    const seconds = Number(query.get('timeoutSeconds') ?? 0);
    const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
    timer?.unref();
    response.on('close', () => {
      clearTimeout(timer);
      held.watchers.delete(watcher);
    });
  }

  #fail(fault: Fault, response: ServerResponse): void {
    switch (fault.kind) {
      case 'hang':
        break;
      case 'status': {
        const headers = fault.retryAfter === undefined ? {} : { 'retry-after': `${fault.retryAfter}` };
        end(response, fault.code, statusText(fault.code, fault.reason, fault.reason), headers);
        break;
      }
      case 'garbage':
        end(response, 200, fault.body);
        break;
      case 'breaks':
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":');
        setTimeout(() => response.destroy(), 5);
        break;
    }
  }

  #refuse(response: ServerResponse, what: string): void {
    this.refused.push(what);
    if (response.headersSent) response.destroy();
    else end(response, 501, `the stand-in cannot imitate ${what}`);
  }
}

function isOfChanges({ method }: IncomingMessage, pathname: string, query: URLSearchParams): boolean {
  return method !== 'GET' || query.has('labelSelector') || routeOf(pathname) === null;
}

function handOver(request: IncomingMessage, response: ServerResponse, to: string): void {
  const { method, headers } = request;
  const onward = http.request(`${to}${request.url ?? ''}`, { method: method ?? 'GET', headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

interface Continue {
  readonly rv: number;
  readonly start: string;
}

/** One kind of object, and what happened to it. */
class Held {
  readonly kind: ApiKind;
  readonly objects = new Map<string, ApiObject>();
  readonly happened: Happened[] = [];
  readonly watchers = new Set<Watcher>();
  floor = 0;
  #sorted: ApiObject[] | null = null;

  constructor(kind: ApiKind) {
    this.kind = kind;
  }

  /** The order is worked out anew. */
  changed(): void {
    this.#sorted = null;
  }

  happen(event: Happened): void {
    this.changed();
    this.happened.push(event);
    for (const watcher of this.watchers) this.tell(watcher, event);
  }

  /** To a selector, what stops to match has gone, and what begins to match has come. */
  tell({ response, namespace, selector }: Watcher, { type, before, object, line }: Happened): void {
    if (type === 'BOOKMARK') {
      response.write(line ?? '');
      return;
    }
    if (!isIn(object, namespace)) return;
    const did = before !== null && selector(before);
    const does = type !== 'DELETED' && selector(object);
    if (!did && !does) return;
    const seen = does ? (did ? 'MODIFIED' : 'ADDED') : 'DELETED';
    response.write(line !== null && seen === type ? line : eventText(this.kind, seen, object));
  }

  sorted(): ApiObject[] {
    this.#sorted ??= [...this.objects.values()].sort((one, other) =>
      sortKey(one) < sortKey(other) ? -1 : 1,
    );
    return this.#sorted;
  }
}

const LIST_KEYS = new Set(['limit', 'continue', 'fieldSelector']);
const WATCH_KEYS = new Set([
  'watch',
  'allowWatchBookmarks',
  'resourceVersion',
  'timeoutSeconds',
  'fieldSelector',
]);

function routeOf(path: string): { resource: string; namespace: string | null } | null {
  for (const { group, version, resource } of KINDS) {
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    if (path === `${root}/${resource}`) return { resource, namespace: null };
    const within = new RegExp(`^${root}/namespaces/([^/]+)/${resource}$`).exec(path);
    if (within !== null && resource !== 'nodes') return { resource, namespace: within[1] ?? '' };
  }
  return null;
}

function end(
  response: ServerResponse,
  code: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

export function forbiddenText({ resource, group }: ApiKind, namespace: string | null): string {
  const place = namespace === null ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const full = group === '' ? resource : `${resource}.${group}`;
  const message = `${full} is forbidden: User "nobody" cannot list resource "${resource}" in API group "${group}" ${place}`;
  return statusText(403, 'Forbidden', message, {
    details: { ...(group === '' ? {} : { group }), kind: resource },
  });
}

export function keyOf({ metadata: { namespace, name } }: ApiObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function isIn(object: ApiObject, namespace: string | null): boolean {
  return namespace === null || object.metadata.namespace === namespace;
}

/** etcd's order. */
function sortKey(object: ApiObject): string {
  return keyOf(object);
}

function tokenOf(next: Continue): string {
  return Buffer.from(JSON.stringify(next)).toString('base64url');
}
