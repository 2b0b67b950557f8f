import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Millis } from '../../core/time.js';

export interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: string;
  readonly timeout: Millis;
}

export interface Reply {
  readonly status: number;
  /** The first bytes of the body, as text: a model server says there what is wrong. */
  readonly body: string;
}

/** Longer bodies are not read: a warm-up wants the status, and a few words when it is bad. */
const MOST_BYTES = 64 * 1024;

/** A connection of its own for each exchange: a warm-up has few, and its pods are new. */
const http = new HttpAgent({ keepAlive: false });
const https = new HttpsAgent({ keepAlive: false });

/**
 * One request and its reply. Redirects are not followed and proxies of the environment not used: the address is the one
 * that was allowed.
 *
 * @throws Error in words for an operator, within the time limit; the signal's reason when it aborts first
 */
export async function exchange(
  { method, url, body, timeout }: Exchange,
  signal: AbortSignal,
): Promise<Reply> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  try {
    const response = await opened(method, url, body, limited);
    try {
      return { status: response.statusCode ?? 0, body: await beginning(response) };
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (limited.aborted) throw new Error(`no answer within ${timeout / 1000} s`, { cause: error });
    throw new Error(inWords(error as NodeJS.ErrnoException), { cause: error });
  }
}

function opened(
  method: string,
  url: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = {
    'user-agent': 'pilotlight',
    accept: 'application/json',
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const send = secure ? httpsRequest : httpRequest;
    const sent = send(url, { method, headers, signal, agent: secure ? https : http }, resolve);
    sent.once('error', reject);
    sent.end(body);
  });
}

async function beginning(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MOST_BYTES).toString('utf8');
}

function inWords({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was closed before the answer was whole';
    case 'ENOTFOUND':
      return 'no such host';
    case undefined:
    default:
      return message;
  }
}
