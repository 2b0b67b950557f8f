import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { type Millis, SECOND } from '../../core/time.js';
import type { Json } from '../objects/json.js';
import { ApiFailure, refusal, slow, unreachable, type Asked } from './failure.js';

/** How one request is made: where to, over what TLS, as whom. */
export interface Access {
  /** Such as `https://10.0.0.1:6443`, without a path of its own unless a proxy adds one. */
  readonly server: string;
  /** Called before each request: tokens are renewed. Rejects when there is none. */
  options(): Promise<https.RequestOptions>;
  close(): void;
}

export interface Patience {
  /** Between two bytes of an answer, its first included. */
  readonly silence: Millis;
  /** For credentials, which may come from a program. */
  readonly credentials: Millis;
}

export const PATIENCE: Patience = { silence: 30 * SECOND, credentials: 15 * SECOND };

const MOST_OF_A_REFUSAL = 64 * 1024;

/**
 * One GET. Resolves with a 200 answer that streams; when it breaks, reading it fails with an ApiFailure.
 *
 * @param silence how long an answer may be silent once it has begun: a watch is for longer than a list
 * @throws ApiFailure for all else; the signal's reason when it aborts
 */
export async function get(
  access: Access,
  path: string,
  asked: Asked,
  signal: AbortSignal,
  patience: Patience,
  silence: Millis = patience.silence,
): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const options = await credentials(access, patience.credentials);
  signal.throwIfAborted();
  const response = await send(access, path, options, signal, { head: patience.silence, body: silence });
  if (response.statusCode === 200) return response;
  const header = response.headers['retry-after'];
  throw refusal(response.statusCode ?? 0, await bodyOf(response), asked, header);
}

async function credentials(access: Access, length: Millis): Promise<https.RequestOptions> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ApiFailure('slow', `no credentials within ${length} ms`)), length);
  });
  try {
    return await Promise.race([access.options(), late]);
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    const said = error instanceof Error ? error.message : 'unknown';
    throw new ApiFailure('unauthorized', `cannot get credentials for the API server: ${said}`);
  } finally {
    clearTimeout(timer);
  }
}

async function send(
  access: Access,
  path: string,
  options: https.RequestOptions,
  signal: AbortSignal,
  silence: { readonly head: Millis; readonly body: Millis },
): Promise<IncomingMessage> {
  const url = new URL(access.server);
  const target = new URL(`${url.pathname.replace(/\/$/, '')}${path}`, url);
  const headers = Object.assign({ accept: 'application/json', 'user-agent': 'pilotlight' }, options.headers);
  const { request } = target.protocol === 'http:' ? http : https;
  return new Promise((resolve, reject) => {
    const outgoing = request(target, { ...options, method: 'GET', headers });
    let answer: IncomingMessage | null = null;
    // Once the answer streams, only destroying the answer tells its reader why.
    const stop = (why: Error) => (answer ?? outgoing).destroy(why);
    const abort = () => stop(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal.addEventListener('abort', abort, { once: true });
    outgoing.once('close', () => signal.removeEventListener('abort', abort));
    // On the socket: it covers name lookup, connecting, TLS, the head, and every pause of the body.
    outgoing.setTimeout(silence.head, () =>
      stop(slow(access.server, answer === null ? silence.head : silence.body)),
    );
    outgoing.on('error', (error) => reject(signal.aborted ? error : unreachable(error, access.server)));
    outgoing.once('response', (response) => {
      answer = response;
      outgoing.setTimeout(silence.body);
      resolve(response);
    });
    outgoing.end();
  });
}

/** The refusal, if it is JSON and not beyond measure. */
async function bodyOf(response: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MOST_OF_A_REFUSAL) break;
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json;
  } catch {
    // The status code says what matters.
    return null;
  }
}
