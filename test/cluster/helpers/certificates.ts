/** Certificates of a test authority, made by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its key, as files and as text. */
export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The signing authority. */
export interface Authority {
  readonly caPath: string;
  readonly ca: Buffer;
  /** For clients, and for servers on loopback. etcd uses the name as the user. */
  issue(name: string): Certificate;
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A new authority in a directory of its own. */
export function makeAuthority(dir: string): Authority {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: dir, stdio: 'pipe' });
  };
  openssl('req', '-x509', ...CURVE, '-days', '2', ...subject('ca'), ...out('ca'));
  writeFileSync(
    join(dir, 'ext'),
    'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
  );
  return {
    caPath: join(dir, 'ca.pem'),
    ca: readFileSync(join(dir, 'ca.pem')),
    issue(name) {
      const [csr, pem, key] = [`${name}.csr`, `${name}.pem`, `${name}.key`];
      openssl('req', ...CURVE, ...subject(name), '-keyout', key, '-out', csr);
      openssl(
        ...['x509', '-req', '-in', csr, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
        ...['-days', '2', '-extfile', 'ext', '-out', pem],
      );
      const [certPath, keyPath] = [join(dir, pem), join(dir, key)];
      return { certPath, keyPath, cert: readFileSync(certPath), key: readFileSync(keyPath) };
    },
  };
}

const subject = (name: string): string[] => ['-subj', `/CN=${name}`];
const out = (name: string): string[] => ['-keyout', `${name}.key`, '-out', `${name}.pem`];
