import axios, { isAxiosError } from 'axios';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Access } from './credentials.js';
import type { Deadline } from './deadline.js';
import { envelopeOf, errorText, evaluationTimedOut, type Envelope } from './envelope.js';
import { QueryFault, quoted } from './fault.js';
import { createVectorStream } from './vector-stream.js';

export interface QueryCall {
  /** The server's address up to where `/api/v1` begins, without a slash at the end. */
  readonly base: string;
  readonly promql: string;
  /** How long Prometheus may evaluate; it also stops when we hang up, unless a proxy hides that from it. */
  readonly evaluationMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly access: Access;
  readonly deadline: Deadline;
  /** After decompression. */
  readonly maxBodyBytes: number;
}

/**
 * Read without a break for others. One turn of the event loop may bring 2 MB from a fast socket, some 30 ms of work;
 * this much takes about 2 ms.
 */
const UNBROKEN_BYTES = 128 * 1024;

/** How much of an error's body is read for its text. */
const ERROR_BYTES = 64 * 1024;

/**
 * One instant query over HTTP. Elements go to `take` as they arrive; the envelope comes back with those that are left.
 * Until then none of them may be used: only the end shows that the answer is whole.
 *
 * @throws QueryFault
 */
export async function instantQuery(call: QueryCall, take: (elements: Buffer) => void): Promise<Envelope> {
  try {
    call.deadline.stage = 'waiting for the answer to begin';
    const { status, headers, data } = await post(call);
    call.deadline.stage = 'reading the answer';
    if (status !== 200) throw await refusal(status, headers, data);
    return await readAnswer(call, data, take);
  } catch (error) {
    // A fault that the deadline caused must carry the deadline's words, whatever broke first.
    if (call.deadline.signal.aborted) throw call.deadline.signal.reason;
    throw error instanceof QueryFault ? error : transportFault(error);
  }
}

function post({ base, promql, evaluationMs, headers, access, deadline }: QueryCall) {
  const body = new URLSearchParams({ query: promql, timeout: `${evaluationMs}ms` });
  return axios.post<Readable>(`${base}/api/v1/query`, body.toString(), {
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Accept: 'application/json',
      'Accept-Encoding': 'gzip',
      'User-Agent': 'pilotlight',
      ...headers,
      ...(access.authorization === null ? {} : { Authorization: access.authorization }),
    },
    httpAgent: access.httpAgent,
    httpsAgent: access.httpsAgent,
    signal: deadline.signal,
    responseType: 'stream',
    validateStatus: () => true,
    // A redirect or a proxy would carry the credentials to somewhere nobody has allowed.
    maxRedirects: 0,
    proxy: false,
  });
}

async function readAnswer(
  { maxBodyBytes }: QueryCall,
  body: Readable,
  take: (elements: Buffer) => void,
): Promise<Envelope> {
  const stream = createVectorStream(maxBodyBytes, take);
  let unbroken = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    stream.push(chunk);
    unbroken += chunk.length;
    if (unbroken >= UNBROKEN_BYTES) {
      unbroken = 0;
      await setImmediate();
    }
  }
  return envelopeOf(stream.end());
}

async function refusal(
  status: number,
  headers: Readonly<Record<string, unknown>>,
  body: Readable,
): Promise<QueryFault> {
  if (status >= 300 && status < 400) {
    body.destroy();
    const to = typeof headers['location'] === 'string' ? ` to ${quoted(headers['location'])}` : '';
    return new QueryFault(
      'refused',
      `HTTP ${status}, a redirect${to}; redirects are not followed, set the final address`,
    );
  }
  const json = await errorBody(body);
  const said = errorText(json);
  const text = `HTTP ${status}${said === null ? '' : ` (${said})`}${hint(status, said !== null)}`;
  if (status === 429) return new QueryFault('unavailable', text);
  // Asking again for what took Prometheus too long would only double its load.
  if (status >= 500) return new QueryFault('unavailable', text, !evaluationTimedOut(json));
  return new QueryFault('refused', text);
}

function hint(status: number, prometheusSpoke: boolean): string {
  if (status === 401 || status === 403) return '; check the credentials and the tenant header';
  if (prometheusSpoke) return '';
  if (status === 404 || status === 405) return '; check the address and its path prefix';
  return '';
}

/** The error's body as JSON, or null when it is none or too long: a proxy's page says nothing we could use. */
async function errorBody(body: Readable): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ERROR_BYTES) return null;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return null;
  }
}

/** Errors of sockets, DNS, TLS and zlib. The message names the host at most: no header, no body. */
function transportFault(error: unknown): QueryFault {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!isAxiosError(error) && code?.startsWith('Z_') === true)
    return new QueryFault('unusable', `cannot use the answer: it cannot be decompressed (${code})`);
  const what = message === '' ? (code ?? 'unknown error') : quoted(message);
  return new QueryFault('connection', `connection failed: ${what}`, true);
}
