/** Classification of failed etcd calls, and the errors that users see. All of them have exit code 5. */
import { type ServiceError, status } from '@grpc/grpc-js';
import { DpctlError } from '../../../../loader/errors.js';
import type { Hint } from '../../../../loader/hint.js';

/**
 * Kind of a failure, which determines how to continue.
 * - `token`: request a new token and retry.
 * - `unreachable`, `quorum`, `certificate`: try another member. If all fail, the last of these is reported.
 * - `user`, `compacted`, `future`, `other`: final, since every member would answer the same.
 */
export type FailureKind =
  | 'token'
  | 'unreachable'
  | 'quorum'
  | 'certificate'
  | 'user'
  | 'compacted'
  | 'future'
  | 'other';

/** Failures after which another member may succeed. */
export const ELSEWHERE: readonly FailureKind[] = ['unreachable', 'quorum', 'certificate'];

/** Messages of OpenSSL and Node.js about certificates that either side rejected. */
const CERTIFICATE =
  /certificate|self.signed|altname|\b(SSL|TLS)\b|CERT_|_CERT|alert number|wrong version number/i;

/** The peer closed the connection during the TLS handshake, without an alert about a certificate. */
const CUT = /disconnected before secure TLS connection/;

/** Messages of members without a leader or under overload. Their status codes vary. */
const OVERDUE = /too many requests|context (deadline exceeded|canceled)/;

/**
 * @param isConnected the channel was up, so a missed deadline means that the member did not answer the call
 */
export function kindOf(error: ServiceError, isConnected: boolean): FailureKind {
  const { code, details } = error;
  if (/invalid auth token|revision of auth store is old/.test(details)) return 'token';
  if (/authentication failed|user name is empty|permission denied/.test(details)) return 'user';
  if (/required revision has been compacted/.test(details)) return 'compacted';
  if (/required revision is a future revision/.test(details)) return 'future';
  if (code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED) return 'user';
  if (code === status.DEADLINE_EXCEEDED) return isConnected ? 'quorum' : 'unreachable';
  if (code !== status.UNAVAILABLE && code !== status.CANCELLED && code !== status.INTERNAL) {
    return OVERDUE.test(details) ? 'quorum' : 'other';
  }
  if (/^etcdserver: /.test(details)) return 'quorum';
  return CERTIFICATE.test(details) && !CUT.test(details) ? 'certificate' : 'unreachable';
}

/** The store that messages refer to. */
export interface Whom {
  readonly endpoints: readonly string[];
  readonly user?: string | undefined;
}

const SAYS: Readonly<
  Record<FailureKind, (whom: Whom, why: string) => readonly [string, string, Hint]>
> = {
  unreachable: ({ endpoints }, why) => [
    'CLUSTER_UNREACHABLE',
    `no member of etcd answers at ${endpoints.join(', ')}: ${why}`,
    'check that etcd runs and that its client port is reachable from here; forwarding continues',
  ],
  quorum: ({ endpoints }, why) => [
    'CLUSTER_NO_QUORUM',
    `etcd at ${endpoints.join(', ')} is up, but does not answer in time: ${why}`,
    'most members must run and reach each other (etcdctl endpoint health); forwarding continues',
  ],
  certificate: ({ endpoints }, why) => [
    'CLUSTER_CERTIFICATE',
    `this node and etcd do not trust each other at ${endpoints.join(', ')}: ${why}`,
    'compare the CA, the certificate and its key with those of etcd, and their dates',
  ],
  user: ({ user }, why) => [
    'CLUSTER_USER_REFUSED',
    `etcd refuses ${user === undefined ? "the certificate's user" : `user ${user}`}: ${why}`,
    'check the user, its password and its role (etcdctl user get, etcdctl role get)',
  ],
  token: ({ user }, why) => [
    'CLUSTER_USER_REFUSED',
    `etcd refuses the token of ${user === undefined ? 'this node' : `user ${user}`}: ${why}`,
    'check that the clocks and users of all members agree (etcdctl user list)',
  ],
  compacted: (_, why) => [
    'CLUSTER_COMPACTED',
    `etcd has forgotten that revision: ${why}`,
    'list the records again',
  ],
  future: (_, why) => [
    'CLUSTER_RESET',
    `etcd has no such revision yet: ${why}; it was reset or restored from a backup`,
    'list the records again',
  ],
  other: (_, why) => [
    'CLUSTER_REFUSED',
    `etcd refuses the request: ${why}`,
    /space exceeded/.test(why)
      ? 'free space in etcd: etcdctl compact, etcdctl defrag, then etcdctl alarm disarm'
      : 'check the log of etcd',
  ],
};

/** Create the error that users see. Its details never contain a password or a token. */
export function failure(kind: FailureKind, whom: Whom, cause: ServiceError | string): DpctlError {
  const why = typeof cause === 'string' ? cause : reason(cause);
  const [code, message, hint] = SAYS[kind](whom, why);
  return new DpctlError(code, message, {
    exitCode: 5,
    hint,
    details: { endpoints: whom.endpoints, kind, why },
    cause: typeof cause === 'string' ? undefined : cause,
  });
}

/** The kind of an error from {@link failure}; undefined for other errors. */
export function failureKind(error: unknown): FailureKind | undefined {
  if (!(error instanceof DpctlError)) return undefined;
  const { kind } = error.details;
  return typeof kind === 'string' && kind in SAYS ? (kind as FailureKind) : undefined;
}

function reason({ details, code }: ServiceError): string {
  const last = /Last error: (.*?)(?:\. Resolution note.*)?$/s.exec(details)?.[1] ?? details;
  const said = (/SSL routines:[^:]*:([^:]+)/.exec(last)?.[1] ?? last)
    .replace(/^Error: /, '')
    .trim();
  return said === '' ? (status[code] ?? `code ${code}`) : said;
}
