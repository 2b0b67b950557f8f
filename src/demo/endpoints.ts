import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A `/metrics` endpoint of its own port on loopback; all else there is its API, and answers that all is well. */
export interface Endpoint {
  readonly url: string;
  /** Of the API. */
  readonly origin: string;
  /** Refuses connections from now on, as a pod does that is gone. */
  close(): void;
}

/** @param page the page as it stands at the moment of the request */
export async function openEndpoint(page: () => string): Promise<Endpoint> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(page());
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}/metrics`,
    origin: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`127.0.0.1: ${error.message}`, { cause: error })));
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
