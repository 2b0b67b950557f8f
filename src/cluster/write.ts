import http from 'node:http';
import https from 'node:https';
import { SECOND, type Millis } from '../core/time.js';
import type { Access } from './client/connection.js';
import { ApiFailure, nameOf, oneLine, slow, unreachable, type Asked } from './client/failure.js';
import { list, record, text, wholeNumber, type Json, type JsonRecord } from './objects/json.js';

/** Where an object is, in the words of the API. */
export interface ObjectPath extends Asked {
  readonly version: string;
  readonly name: string;
}

/** Who we are in an object's managedFields. */
export const FIELD_MANAGER = 'pilotlight';

/**
 * The few things that are ever changed in a cluster. Everything rejects with an ApiFailure of one line; nothing is tried
 * again here. Every call settles within its deadline.
 */
export interface Writer {
  /** Null: there is none. */
  read(path: ObjectPath): Promise<JsonRecord | null>;
  /** Those with the label, in whatever order. */
  list(collection: Omit<ObjectPath, 'name'>, labelSelector: string): Promise<readonly JsonRecord[]>;
  /** Server-side apply as field manager `pilotlight`. @param force takes fields that another manager has */
  apply(path: ObjectPath, object: JsonRecord, force: boolean): Promise<JsonRecord>;
  /** JSON merge patch. */
  merge(path: ObjectPath, patch: JsonRecord): Promise<JsonRecord>;
  create(collection: Omit<ObjectPath, 'name'>, object: JsonRecord): Promise<void>;
  /** @returns false when there was none */
  remove(path: ObjectPath): Promise<boolean>;
}

const DEADLINE: Millis = 10 * SECOND;
const MOST_OF_AN_ANSWER = 16 * 2 ** 20;

interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly verb: string;
  readonly asked: Asked;
  readonly path: string;
  readonly body?: JsonRecord;
  readonly contentType?: string;
}

export function openWriter(access: Access, deadline: Millis = DEADLINE): Writer {
  const ask = (request: Request) => answered(access, request, deadline);
  const patch = async (path: ObjectPath, body: JsonRecord, contentType: string, query: string) => {
    const { code, json } = await ask({
      method: 'PATCH',
      verb: 'patch',
      asked: path,
      path: `${pathOf(path, path.name)}?fieldManager=${FIELD_MANAGER}${query}`,
      body,
      contentType,
    });
    if (code >= 300) throw refused(code, json, 'patch', path);
    return record(json);
  };
  return {
    async read(path) {
      const { code, json } = await ask({
        method: 'GET',
        verb: 'get',
        asked: path,
        path: pathOf(path, path.name),
      });
      if (code === 404) return null;
      if (code !== 200) throw refused(code, json, 'get', path);
      return record(json);
    },
    async list(collection, labelSelector) {
      const path = `${pathOf(collection, null)}?labelSelector=${encodeURIComponent(labelSelector)}`;
      const { code, json } = await ask({ method: 'GET', verb: 'list', asked: collection, path });
      if (code !== 200) throw refused(code, json, 'list', collection);
      return list(record(json)['items']).map(record);
    },
    apply: (path, object, force) =>
      patch(path, object, 'application/apply-patch+yaml', force ? '&force=true' : ''),
    merge: (path, body) => patch(path, body, 'application/merge-patch+json', ''),
    async create(collection, object) {
      const path = `${pathOf(collection, null)}?fieldManager=${FIELD_MANAGER}`;
      const request = { method: 'POST', verb: 'create', asked: collection, path, body: object } as const;
      const { code, json } = await ask({ ...request, contentType: 'application/json' });
      if (code >= 300) throw refused(code, json, 'create', collection);
    },
    async remove(path) {
      const { code, json } = await ask({
        method: 'DELETE',
        verb: 'delete',
        asked: path,
        path: `${pathOf(path, path.name)}?propagationPolicy=Background`,
      });
      if (code === 404) return false;
      if (code >= 300) throw refused(code, json, 'delete', path);
      return true;
    },
  };
}

function pathOf(
  { group, version, resource, namespace }: Omit<ObjectPath, 'name'>,
  name: string | null,
): string {
  return [
    group === '' ? `/api/${version}` : `/apis/${group}/${version}`,
    namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`,
    `/${resource}`,
    name === null ? '' : `/${encodeURIComponent(name)}`,
  ].join('');
}

function refused(code: number, status: Json, verb: string, asked: Asked): ApiFailure {
  const said = oneLine(text(record(status)['message']) ?? `HTTP ${code}`);
  const what = `${verb} ${nameOf(asked)}`;
  switch (code) {
    case 401:
      return new ApiFailure('unauthorized', `the API server does not accept our credentials (401): ${said}`);
    case 403: {
      const missing = missingRight(record(status)['message'] ?? null);
      if (missing === null)
        return new ApiFailure('refused', `the API server would not ${what} (403): ${said}`);
      const role = asked.namespace === null ? 'a ClusterRole' : `a Role in namespace ${asked.namespace}`;
      const rule = `{apiGroups: ["${asked.group}"], resources: ["${asked.resource}"], verbs: ["${missing}"]}`;
      return new ApiFailure(
        'forbidden',
        `${role} bound to our service account lacks the rule ${rule} (403: ${said})`,
      );
    }
    case 404:
      return new ApiFailure('missing', `cannot ${what} (404): ${said}`);
    case 409:
      return new ApiFailure('conflict', `cannot ${what}, somebody else has it (409): ${said}`);
    case 429:
    case 503:
    case 504: {
      const seconds = wholeNumber(record(record(status)['details'])['retryAfterSeconds']);
      const message = `the API server is busy (${code}): ${said}`;
      return new ApiFailure('busy', message, seconds === null ? null : seconds * SECOND);
    }
    default:
      return new ApiFailure('refused', `the API server would not ${what} (${code}): ${said}`);
  }
}

/** `pods "a" is forbidden: User "u" cannot patch resource "pods" in API group "" …`, with the authorizer's reason or without. */
const MISSING_RIGHT = /^\S+(?: "[^"]*")? is forbidden: User ".*?" cannot (\S+) resource "/;
/** An apply that would create the object, without the right to: the reason alone, and RBAC most often gives none. */
const MISSING_CREATE = /^\S+ "[^"]*" is forbidden:\s*(?:RBAC: .*)?$/;

/**
 * The verb that the authorizer refuses, as kube-apiserver words it (`forbiddenMessage`, `withAuthorization`). Null: another's
 * 403, which concerns this one object or moment: a quota, an admission webhook, a namespace that is being terminated.
 */
function missingRight(message: Json): string | null {
  const said = text(message) ?? '';
  return MISSING_RIGHT.exec(said)?.[1] ?? (MISSING_CREATE.test(said) ? 'create' : null);
}

interface Answered {
  readonly code: number;
  readonly json: Json;
}

async function answered(access: Access, request: Request, deadline: Millis): Promise<Answered> {
  const options = await access.options();
  const base = new URL(access.server);
  const target = new URL(`${base.pathname.replace(/\/$/, '')}${request.path}`, base);
  const body = request.body === undefined ? null : JSON.stringify(request.body);
  const headers: http.OutgoingHttpHeaders = {
    accept: 'application/json',
    'user-agent': 'pilotlight',
    ...(body === null
      ? {}
      : { 'content-type': request.contentType, 'content-length': Buffer.byteLength(body) }),
    ...(options.headers as http.OutgoingHttpHeaders | undefined),
  };
  const { request: open } = target.protocol === 'http:' ? http : https;
  return new Promise((resolve, reject) => {
    const outgoing = open(target, { ...options, method: request.method, headers });
    const timer = setTimeout(() => outgoing.destroy(slow(access.server, deadline)), deadline);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      finish();
    };
    outgoing.once('error', (error) => settle(() => reject(unreachable(error, access.server))));
    outgoing.once('response', (response) => {
      bodyOf(response).then(
        (json) => settle(() => resolve({ code: response.statusCode ?? 0, json })),
        (error: unknown) => settle(() => reject(unreachable(error, access.server))),
      );
    });
    outgoing.end(body);
  });
}

async function bodyOf(response: http.IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_OF_AN_ANSWER) {
      throw new ApiFailure('garbage', `the API server answered with more than ${MOST_OF_AN_ANSWER} bytes`);
    }
    chunks.push(chunk);
  }
  const said = Buffer.concat(chunks).toString('utf8');
  try {
    return said === '' ? null : (JSON.parse(said) as Json);
  } catch {
    if ((response.statusCode ?? 0) >= 300) return null;
    throw new ApiFailure('garbage', 'the API server answered with something that is no JSON');
  }
}
