import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, with which openssl signs whatever a test needs. Everything lies in the given folder. */
export interface Authority extends CertificatePaths {
  /** @param subjects as in a certificate's alternative names, such as `DNS:localhost` */
  issue(name: string, subjects?: string): Promise<CertificatePaths>;
}

const KEY = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';

export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const { cert, key } = pathsOf(folder, name);
  await openssl(`req -x509 ${KEY} -subj /CN=${name}`, '-keyout', key, '-out', cert);
  return {
    cert,
    key,
    async issue(holder, subjects = 'DNS:localhost,IP:127.0.0.1') {
      const issued = pathsOf(folder, `${name}-${holder}`);
      const request = join(folder, `${name}-${holder}.csr`);
      const extensions = join(folder, `${name}-${holder}.ext`);
      await writeFile(extensions, `subjectAltName=${subjects}\n`);
      await openssl(`req ${KEY} -subj /CN=${holder}`, '-keyout', issued.key, '-out', request);
      const signer = ['-CA', cert, '-CAkey', key, '-in', request, '-extfile', extensions];
      await openssl('x509 -req -days 2 -CAcreateserial', ...signer, '-out', issued.cert);
      return issued;
    },
  };
}

async function openssl(command: string, ...paths: string[]): Promise<void> {
  await run('openssl', [...command.split(' '), ...paths]);
}

function pathsOf(folder: string, name: string): CertificatePaths {
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}
