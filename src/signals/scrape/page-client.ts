import { Agent as HttpAgent, get as httpGet, STATUS_CODES, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ExpositionReader, ParsedExposition } from './exposition.js';
import type { ExpositionFormat } from './sample-line.js';

export interface PageClient {
  /**
   * Fetches and parses one page as it arrives.
   *
   * @param signal the deadline of the whole exchange
   * @param open called when the page's format is known
   * @throws Error whose message says why there is no page, in words for an operator and without anything of the body;
   *   the signal's reason when that ended it
   */
  read(
    url: string,
    signal: AbortSignal,
    open: (format: ExpositionFormat) => ExpositionReader,
  ): Promise<ParsedExposition>;
  close(): void;
}

/**
 * 0.0.4 is asked for and nothing else: asked for OpenMetrics, Go's client renames counters (`_total`), and profiles
 * name them as 0.0.4 has them. Gzip, since pages of thousands of pods cross zones, where traffic is paid for.
 */
const HEADERS = {
  accept: 'text/plain;version=0.0.4, */*;q=0.1',
  'accept-encoding': 'gzip',
  'user-agent': 'pilotlight',
};

/** One idle connection to each target, closed when the target has not been scraped for a minute. */
const KEEP_ALIVE = { keepAlive: true, maxFreeSockets: 1, timeout: 60_000 };

/**
 * On node:http rather than on axios: redirects, proxies from the environment and unbounded decompression are things
 * that it does not do by itself, and the body comes as a stream, so that 64 hostile pages of 8 MiB are never in memory.
 *
 * @param maxBodyBytes of one page, decompressed
 * @param pause awaited before each request, which costs as much as a page's parsing, and before each chunk is parsed
 */
export function createPageClient(maxBodyBytes: number, pause: () => Promise<void>): PageClient {
  const http = new HttpAgent(KEEP_ALIVE);
  const https = new HttpsAgent(KEEP_ALIVE);

  function request(url: string, signal: AbortSignal, retry: boolean): Promise<IncomingMessage> {
    const options = { headers: HEADERS, signal };
    return new Promise((resolve, reject) => {
      const sent = url.startsWith('https:')
        ? httpsGet(url, { ...options, agent: https }, resolve)
        : httpGet(url, { ...options, agent: http }, resolve);
      sent.once('error', (error: NodeJS.ErrnoException) => {
        // uvicorn, which serves vLLM, closes an idle connection after 5 s: often just as the next tick reuses it.
        const closedWhileIdle = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        if (retry && closedWhileIdle && !signal.aborted) resolve(request(url, signal, false));
        else reject(error);
      });
    });
  }

  async function parse(body: Readable, reader: ExpositionReader): Promise<ParsedExposition> {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) throw new Error(`expected a page of at most ${maxBodyBytes} bytes`);
      await pause();
      if (!reader.push(decoder.decode(chunk, { stream: true }))) break;
    }
    return reader.end();
  }

  return {
    async read(url, signal, open) {
      try {
        await pause();
        const response = await request(url, signal, true);
        try {
          const reader = open(acceptedFormat(response));
          return await parse(decompressed(response), reader);
        } finally {
          response.destroy(); // what is left of it; a response read to its end keeps its connection
        }
      } catch (error) {
        throw signal.aborted
          ? (signal.reason as Error)
          : new Error(inOperatorsWords(error), { cause: error });
      }
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

/** A missing content type is taken as 0.0.4, as many small exporters send none; HTML or JSON is a wrong address. */
function acceptedFormat(response: IncomingMessage): ExpositionFormat {
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) {
    const note = statusCode >= 300 && statusCode < 400 ? '; redirects are not followed' : '';
    throw new Error(`expected 200, got ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trimEnd() + note);
  }
  const type = (headers['content-type'] ?? 'text/plain').split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'text/plain') return 'prometheus';
  if (type === 'application/openmetrics-text') return 'openmetrics';
  throw new Error('expected the content type text/plain or application/openmetrics-text');
}

function decompressed(response: IncomingMessage): Readable {
  const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return response;
  if (encoding !== 'gzip') throw new Error('expected the content encoding gzip or none');
  // The callback is there because pipeline wants one: whoever iterates over the result sees its errors.
  return pipeline(response, createGunzip(), () => undefined);
}

function inOperatorsWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was closed before the page was whole';
    case 'ENOTFOUND':
      return 'no such host';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'expected a page in UTF-8';
    case undefined:
    default:
      return code?.startsWith('Z_') === true ? 'expected a gzip body as announced' : message;
  }
}
