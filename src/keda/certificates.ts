import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** With it, clients must show a certificate that it signed. */
  readonly clientCa: string | null;
}

interface Loaded {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly clientCa: Buffer | null;
}

type Listener<T> = (update: T | null) => void;

/** How often the files are looked at: kubelet takes a minute to bring a rotated Secret, so seconds do not matter. */
const LOOK_EVERY_MS = 5000;

/**
 * Server credentials from files that are read again when they change, so that a rotated Secret needs no restart. A half
 * written pair, or one whose key does not fit, is reported and the last good one stays.
 *
 * @throws Error naming the file when the first reading fails
 */
export function tlsCredentials(
  files: TlsFiles,
  onProblem: (why: string) => void,
  lookEveryMs = LOOK_EVERY_MS,
): { readonly credentials: ServerCredentials; close(): void } {
  let loaded = load(files);
  let seen = fingerprint(files);
  const identity = new Set<Listener<{ certificate: Buffer; privateKey: Buffer }>>();
  const authorities = new Set<Listener<{ caCertificate: Buffer }>>();
  const timer = setInterval(() => {
    const now = fingerprint(files);
    if (now === seen) return;
    seen = now; // a broken pair is reported once, and looked at again when it changes
    try {
      loaded = load(files);
      for (const listener of identity) listener(loaded);
      for (const listener of authorities) listener(authority(loaded));
    } catch (error) {
      onProblem(`${message(error)}; the certificate in use stays`);
    }
  }, lookEveryMs);
  timer.unref();
  // grpc-js begins to listen for updates only after it has added a listener: one told at once would go unheard, and
  // the server would drop every connection.
  const provider = {
    addCaCertificateListener: (listener: Listener<{ caCertificate: Buffer }>) => {
      authorities.add(listener);
      process.nextTick(() => listener(authority(loaded)));
    },
    removeCaCertificateListener: (listener: Listener<{ caCertificate: Buffer }>) =>
      void authorities.delete(listener),
    addIdentityCertificateListener: (listener: Listener<{ certificate: Buffer; privateKey: Buffer }>) => {
      identity.add(listener);
      process.nextTick(() => listener(loaded));
    },
    removeIdentityCertificateListener: (listener: Listener<{ certificate: Buffer; privateKey: Buffer }>) =>
      void identity.delete(listener),
  };
  const mutual = files.clientCa !== null;
  const credentials = experimental.createCertificateProviderServerCredentials(
    provider,
    mutual ? provider : null,
    mutual,
  );
  return { credentials, close: () => clearInterval(timer) };
}

function load(files: TlsFiles): Loaded {
  const certificate = read('--tls-cert', files.cert);
  const privateKey = read('--tls-key', files.key);
  const clientCa = files.clientCa === null ? null : read('--tls-client-ca', files.clientCa);
  const parsed = inFile(
    '--tls-cert',
    files.cert,
    'a PEM certificate',
    () => new X509Certificate(certificate),
  );
  const key = inFile('--tls-key', files.key, 'a PEM private key', () => createPrivateKey(privateKey));
  if (!parsed.checkPrivateKey(key))
    throw new Error(`--tls-key ${files.key} does not belong to --tls-cert ${files.cert}`);
  if (clientCa !== null && files.clientCa !== null) {
    inFile('--tls-client-ca', files.clientCa, 'a PEM certificate', () => new X509Certificate(clientCa));
  }
  return { certificate, privateKey, clientCa };
}

function read(flag: string, file: string): Buffer {
  return inFile(flag, file, 'a readable file', () => readFileSync(file));
}

function inFile<T>(flag: string, file: string, expected: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${flag} ${file}: expected ${expected}: ${message(error)}`, { cause: error });
  }
}

function authority({ clientCa }: Loaded): { caCertificate: Buffer } | null {
  return clientCa === null ? null : { caCertificate: clientCa };
}

function fingerprint(files: TlsFiles): string {
  return [files.cert, files.key, files.clientCa]
    .map((file) => {
      const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? '' : `${stat.mtimeMs}:${stat.size}:${stat.ino}`;
    })
    .join('|');
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
