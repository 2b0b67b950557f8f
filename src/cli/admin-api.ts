import { readFile } from 'node:fs/promises';
import { UsageError } from './command.js';

/** The address where `kubectl port-forward` ends. */
export const SERVER = 'http://127.0.0.1:8080';

export interface Asked {
  /** JSON. */
  readonly body: unknown;
  /** What the server said was wrong, or why it did not answer; null when all is well. */
  readonly error: string | null;
}

/** @throws UsageError unless it is `NAMESPACE/NAME` and nothing else */
export function workloadNamed(positionals: readonly string[]): string {
  const [namespace, name, ...more] = (positionals[0] ?? '').split('/');
  if (!namespace || !name || more.length > 0 || positionals.length !== 1)
    throw new UsageError('expected NAMESPACE/NAME of a ScaledObject');
  return `${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

/**
 * One request to a running server's admin API.
 *
 * @param flags `server` and `token-file`
 * @param post the body to send; a GET without
 * @throws UsageError where `server` is no URL
 */
export async function askServer(
  path: string,
  flags: Readonly<Record<string, unknown>>,
  post?: object,
): Promise<Asked> {
  const server = String(flags['server']);
  // `localhost:8080` can be parsed too: as something of the protocol `localhost:`.
  if (!/^https?:\/\//i.test(server) || !URL.canParse(server))
    throw new UsageError(`--server: got "${server}", expected a URL such as ${SERVER}`);
  const url = `${server.replace(/\/$/, '')}${path}`;
  const tokenFile = flags['token-file'];
  const token = typeof tokenFile === 'string' ? (await readFile(tokenFile, 'utf8')).trim() : null;
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(post === undefined ? {} : { 'content-type': 'application/json' }),
  };
  let response: Response;
  try {
    response = await fetch(
      url,
      post === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(post) },
    );
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return {
      body: null,
      error: `no server answers at ${url}: ${cause}${server === SERVER ? '; give --server' : ''}`,
    };
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return { body, error: null };
  const said =
    typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : response.statusText;
  return { body, error: said };
}
