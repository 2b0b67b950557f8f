import https from 'node:https';

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface Answer {
  readonly code: number;
  readonly body: Record<string, unknown>;
}

export type PatchKind = 'merge' | 'strategic' | 'apply';

const CONTENT: Readonly<Record<PatchKind, string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** A client of its own, so that the product is not tried with the product. */
export class Api {
  readonly #agent: https.Agent;
  readonly #server: string;
  readonly #token: string;

  constructor(server: string, ca: Buffer, token: string) {
    this.#server = server;
    this.#token = token;
    this.#agent = new https.Agent({ ca, keepAlive: true });
  }

  ask(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Answer> {
    const text = body === undefined ? null : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = https.request(new URL(path, this.#server), {
        method,
        agent: this.#agent,
        headers: {
          authorization: `Bearer ${this.#token}`,
          accept: 'application/json',
          ...(text === null
            ? {}
            : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
        },
        timeout: 20_000,
      });
      request.once('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in 20 s`)));
      request.once('error', reject);
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const said = Buffer.concat(chunks).toString('utf8');
          resolve({ code: response.statusCode ?? 0, body: jsonOf(said) });
        });
      });
      request.end(text);
    });
  }

  /** @throws Error with what the server said, unless it answers 2xx */
  async must(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer['body']> {
    const { code, body: answer } = await this.ask(method, path, body, contentType);
    if (code >= 200 && code < 300) return answer;
    throw new Error(`${method} ${path}: ${code} ${messageOf(answer)}`);
  }

  /** @throws Error unless it is there */
  async get(path: string): Promise<KubeObject> {
    return (await this.must('GET', path)) as unknown as KubeObject;
  }

  async items(path: string): Promise<KubeObject[]> {
    return (await this.must('GET', path))['items'] as KubeObject[];
  }

  patch(kind: PatchKind, path: string, body: unknown, query = ''): Promise<Answer['body']> {
    return this.must('PATCH', `${path}${query}`, body, CONTENT[kind]);
  }

  /**
   * Creates it, or merges into what is there. Not server-side apply, which before 1.20.3 or so refuses ports without a
   * protocol; nor does `kubectl apply` use it unless told to.
   */
  async put(object: KubeObject): Promise<void> {
    const path = pathOf(object);
    const query = '?fieldManager=installer';
    const { code, body } = await this.ask('POST', `${path.slice(0, path.lastIndexOf('/'))}${query}`, object);
    if (code === 409) await this.patch('merge', path, object, query);
    else if (code >= 300) throw new Error(`${path}: ${code} ${messageOf(body)}`);
  }

  close(): void {
    this.#agent.destroy();
  }
}

const PLURALS: Readonly<Record<string, string>> = {
  NetworkPolicy: 'networkpolicies',
  PriorityClass: 'priorityclasses',
};
const CLUSTER_WIDE = new Set([
  'Namespace',
  'Node',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'PriorityClass',
]);

export function pathOf({ apiVersion = 'v1', kind = '', metadata }: KubeObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = CLUSTER_WIDE.has(kind) ? '' : `/namespaces/${metadata.namespace ?? 'default'}`;
  return `${root}${within}/${PLURALS[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
}

/** What the server said of a failure; empty where it said nothing. */
export function messageOf({ message }: Answer['body']): string {
  return typeof message === 'string' ? message : '';
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { message: text.slice(0, 200) };
  }
}

export async function until<T>(
  what: string,
  attempt: () => Promise<T | undefined> | T | undefined,
  withinSeconds = 30,
): Promise<T> {
  const deadline = performance.now() + withinSeconds * 1000;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${withinSeconds} s: ${what}`, { cause: last });
}
