import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { MINUTE } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import { QueryFault } from './fault.js';
import { watchFile, type WatchedFile } from './watched-file.js';

/** How to sign in. Secrets are files, read again when they change, so that rotation needs no restart. */
export interface CredentialFiles {
  /** Basic authentication; needs `passwordFile`. */
  readonly username?: string;
  readonly passwordFile?: string;
  readonly bearerTokenFile?: string;
  /** PEM. Replaces the well-known authorities. */
  readonly caFile?: string;
  /** PEM, client certificate and its key: both or neither. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What one request needs. */
export interface Access {
  readonly authorization: string | null;
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

export interface Credentials {
  /** @throws QueryFault when a file has never been readable */
  access(): Promise<Access>;
  /** Files that cannot be read now; their last contents are in use. */
  problems(): readonly string[];
  close(): void;
}

/** @throws Error when the settings contradict each other */
export function createCredentials(files: CredentialFiles, clock: Clock): Credentials {
  checkSettings(files);
  const watched = (path: string | undefined) => (path === undefined ? null : watchFile(path, clock));
  const password = watched(files.passwordFile);
  const token = watched(files.bearerTokenFile);
  const tls = [watched(files.caFile), watched(files.certFile), watched(files.keyFile)] as const;
  const httpAgent = new HttpAgent(AGENT);
  let httpsAgent = new HttpsAgent(AGENT);
  let pems: (string | undefined)[] = [];

  async function authorization(): Promise<string | null> {
    if (token !== null) return `Bearer ${tokenOf(token.path, await token.read())}`;
    if (password === null) return null;
    const pair = `${files.username ?? ''}:${(await password.read()).trim()}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  }

  async function currentHttpsAgent(): Promise<HttpsAgent> {
    const read = await Promise.all(tls.map(async (file) => file?.read()));
    if (read.some((pem, index) => pem !== pems[index])) {
      const [ca, cert, key] = (pems = read);
      retire(httpsAgent);
      httpsAgent = new HttpsAgent({ ...AGENT, ca, cert, key });
    }
    return httpsAgent;
  }

  return {
    async access() {
      try {
        return { authorization: await authorization(), httpAgent, httpsAgent: await currentHttpsAgent() };
      } catch (error) {
        throw new QueryFault('unsent', (error as Error).message);
      }
    },
    problems: () => [password, token, ...tls].flatMap(problemOf),
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

/** Idle connections go before the usual keep-alive limits of proxies (60 s) end them under us. */
const AGENT = { keepAlive: true, timeout: 0.75 * MINUTE } as const;

/** Queries under way finish on their connections; nothing new starts on them. */
function retire(agent: HttpsAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}

/** A token is one word; a file with more in it is not what somebody meant to send. */
function tokenOf(path: string, text: string): string {
  const token = text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`${path} must hold one bearer token and nothing else`);
  return token;
}

function problemOf(file: WatchedFile | null): string[] {
  const problem = file?.problem() ?? null;
  return problem === null ? [] : [problem];
}

function checkSettings(files: CredentialFiles): void {
  const { username, passwordFile, bearerTokenFile, certFile, keyFile } = files;
  if ((username === undefined) !== (passwordFile === undefined))
    throw new Error('Prometheus: basic authentication needs both a user name and a password file');
  if (bearerTokenFile !== undefined && passwordFile !== undefined)
    throw new Error('Prometheus: set a bearer token or basic authentication, not both');
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new Error('Prometheus: a client certificate needs both its file and its key file');
}
