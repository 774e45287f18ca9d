/** Connections to the etcd members. One member is used at a time; after a failure, the next one. */

import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkServerIdentity } from 'node:tls';
import {
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { DpctlError } from '../../../../loader/errors.js';
import { ELSEWHERE, type FailureKind, failure, kindOf } from './failure.js';
import { METHODS, type Method } from './protocol.js';

/** Addresses and credentials of etcd. */
export interface EtcdSettings {
  /** Client address of each member, as HOST:PORT. */
  readonly endpoints: readonly string[];
  /** CA certificate, client certificate and key, in PEM. Without `tls`, connections are not encrypted. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  readonly user?: { readonly name: string; readonly password: string };
  readonly timing?: Partial<Timing>;
}

/** Timeouts, in milliseconds. */
export interface Timing {
  /** Deadline of a call, over all members. */
  readonly call: number;
  /** Deadline of a call to one member. */
  readonly attempt: number;
  /** Idle time of a stream before a keepalive ping. etcd allows at least 5 s. */
  readonly keepalive: number;
  /** Timeout of the answer to a keepalive ping. */
  readonly keepaliveTimeout: number;
  /** Pause before all members are tried again. */
  readonly pause: number;
}

/** Default timeouts. */
export const TIMING: Timing = {
  ...{ call: 5000, attempt: 2000, keepalive: 10_000, keepaliveTimeout: 5000, pause: 200 },
};

/** An open stream to one member. */
export interface OpenStream<Q, A> {
  readonly stream: ClientDuplexStream<Q, A>;
  /** Convert an error of the stream. Later calls use another member or a new token, as the error requires. */
  judge(error: unknown): DpctlError;
  /** Use another member for later calls. */
  leave(): void;
}

/** Connections to the members of one etcd cluster. */
export interface Link {
  readonly timing: Timing;
  /**
   * Call members in turn until one answers. After a lost answer the call is repeated, so it must be
   * idempotent.
   * @throws DpctlError CLUSTER_..., exit 5, by the deadline at the latest
   */
  call<A>(method: Method, request: object): Promise<A>;
  /** @throws DpctlError CLUSTER_..., exit 5 */
  open<Q, A>(method: Method, deadline?: number): Promise<OpenStream<Q, A>>;
  /** Create an error with the addresses of this link. */
  error(kind: FailureKind, why: string): DpctlError;
  close(): void;
}

/** Maximum number of rounds over all members if none has a quorum problem: waiting does not help then. */
const ROUNDS = 2;

/** Create a link, which connects on first use. It must be closed: an open link keeps the process alive. */
export function openLink(settings: EtcdSettings): Link {
  const timing: Timing = { ...TIMING, ...settings.timing };
  const { endpoints, tls, user } = settings;
  const whom = { endpoints, user: user?.name };
  const clients = endpoints.map((endpoint) => connect(endpoint, tls, timing));
  let at = 0;
  /** Authentication token; empty if authentication is disabled in etcd. */
  let token: Promise<string> | undefined;

  /** Switch to the next member, unless another failed call has already switched from `used`. */
  const leave = (used: number): void => {
    if (at === used) at = (used + 1) % clients.length;
  };
  const metadataOf = async (used: number, deadline: number): Promise<Metadata> => {
    const metadata = new Metadata();
    // With this header, a member without a leader fails calls at once and ends its streams.
    metadata.set('hasleader', 'true');
    if (user === undefined) return metadata;
    token ??= authenticate(clientAt(used), user, deadline);
    const asked = token;
    const value = await asked.catch((error) => {
      if (token === asked) token = undefined;
      throw error;
    });
    if (value !== '') metadata.set('token', value);
    return metadata;
  };
  const clientAt = (index: number): Client => clients[index] as Client;
  const judged = (error: ServiceError, used: number): FailureKind => {
    const state = clientAt(used).getChannel().getConnectivityState(false);
    const kind = kindOf(error, state === connectivityState.READY);
    if (kind === 'token' || kind === 'user') token = undefined;
    if (ELSEWHERE.includes(kind)) leave(used);
    return kind;
  };

  return {
    timing,
    error: (kind, why) => failure(kind, whom, why),
    async call(method, request) {
      const end = Date.now() + timing.call;
      const failures = new Map<FailureKind, ServiceError>();
      let renewals = 0;
      for (let attempts = 1; ; attempts++) {
        const used = at;
        const deadline = Math.min(end, Date.now() + timing.attempt);
        try {
          return await unary(clientAt(used), method, request, {
            metadata: await metadataOf(used, deadline),
            deadline,
          });
        } catch (cause) {
          const error = asServiceError(cause);
          const kind = judged(error, used);
          failures.set(kind, error);
          // Authentication may have been enabled since, or a member has lost its tokens.
          const renewed = kind === 'token' || (kind === 'user' && user !== undefined);
          if (renewed && renewals++ < 2 && Date.now() < end) continue;
          if (!ELSEWHERE.includes(kind)) throw failure(kind, whom, error);
          const hopeless = !failures.has('quorum') && attempts >= ROUNDS * clients.length;
          if (hopeless || Date.now() + timing.pause >= end) throw worst(failures, whom);
          if (attempts % clients.length === 0) await sleep(timing.pause);
        }
      }
    },
    async open<Q, A>(method: Method, deadline = Number.POSITIVE_INFINITY) {
      const used = at;
      const soon = Date.now() + timing.attempt;
      const metadata = await metadataOf(used, soon).catch((cause) => {
        const error = asServiceError(cause);
        throw failure(judged(error, used), whom, error);
      });
      const { path, requestSerialize, responseDeserialize } = method;
      const stream = clientAt(used).makeBidiStreamRequest(
        ...([path, requestSerialize, responseDeserialize, metadata, { deadline }] as const),
      );
      return {
        stream: stream as unknown as ClientDuplexStream<Q, A>,
        leave: () => leave(used),
        judge: (cause) => {
          const error = asServiceError(cause);
          return failure(judged(error, used), whom, error);
        },
      };
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}

/** Server name (SNI) for members given by IP address, which TLS does not allow there: Node.js would warn. */
const NO_NAME = 'etcd.invalid';

function connect(endpoint: string, tls: EtcdSettings['tls'], timing: Timing): Client {
  const options = channelOptions(timing);
  if (tls === undefined) return new Client(endpoint, credentials.createInsecure(), options);
  const { ca = null, key = null, cert = null } = tls;
  const host = endpoint.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0) return new Client(endpoint, credentials.createSsl(ca, key, cert), options);
  const trust = credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  });
  return new Client(endpoint, trust, { ...options, 'grpc.ssl_target_name_override': NO_NAME });
}

function channelOptions(timing: Timing) {
  return {
    'grpc.keepalive_time_ms': timing.keepalive,
    'grpc.keepalive_timeout_ms': timing.keepaliveTimeout,
    // etcd closes connections that send pings without an active call.
    'grpc.keepalive_permit_without_calls': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    'grpc.max_receive_message_length': -1,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
  };
}

/** Choose the failure to report: the one that a user can most likely repair. */
function worst(
  failures: ReadonlyMap<FailureKind, ServiceError>,
  whom: Parameters<typeof failure>[1],
): DpctlError {
  const kind = [...ELSEWHERE].reverse().find((each) => failures.has(each)) ?? 'unreachable';
  return failure(kind, whom, failures.get(kind) ?? 'no answer');
}

function unary<A>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: Method,
  request: object,
  { metadata, deadline }: { readonly metadata: Metadata; readonly deadline: number },
): Promise<A> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      ...([path, requestSerialize, responseDeserialize, request, metadata, { deadline }] as const),
      (error, answer) => (error === null ? resolve(answer as A) : reject(error)),
    );
  });
}

async function authenticate(
  client: Client,
  user: { readonly name: string; readonly password: string },
  deadline: number,
): Promise<string> {
  const request = { name: user.name, password: user.password };
  const metadata = new Metadata();
  try {
    const answer = await unary<{ readonly token: string }>(client, METHODS.authenticate, request, {
      ...{ metadata, deadline },
    });
    return answer.token;
  } catch (error) {
    if (/authentication is not enabled/.test(asServiceError(error).details)) return '';
    throw error;
  }
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof Error && 'code' in error && 'details' in error) return error as ServiceError;
  // A closed client throws an Error without a status code.
  const details = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(details), {
    ...{ code: status.CANCELLED, details, metadata: new Metadata() },
  });
}
