import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openWriter, type Writer } from '../../src/cluster/write.js';

/** What it answers to a request for a path: an HTTP status, with the `message` of a `Status` where it is none of success. */
export type Answer = (path: string) => readonly [code: number, message?: string];

/** An API server that says what a test wants it to say, and keeps nothing. */
export class RefusingApi {
  readonly paths: string[] = [];
  answer: Answer;
  readonly #server: Server;

  private constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      this.paths.push(path);
      const [code, message] = this.answer(path);
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(message === undefined ? {} : { kind: 'Status', code, message }));
    });
  }

  static async start(answer: Answer): Promise<RefusingApi> {
    const api = new RefusingApi(answer);
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  writer(): Writer {
    const server = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return openWriter({ server, options: () => Promise.resolve({}), close: () => undefined });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** As kube-apiserver words that the authorizer refuses. */
export function noRight(verb: string, resource: string, namespace: string): string {
  const user = 'system:serviceaccount:pilotlight:pilotlight';
  return `${resource} "a" is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "" in the namespace "${namespace}"`;
}
