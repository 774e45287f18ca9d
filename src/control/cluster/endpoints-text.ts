/** Where etcd is, as users write it. */
import { DpctlError } from '../../../loader/errors.js';
import { run } from '../../../loader/hint.js';

const PORT = 2379;
/** HOST or HOST:PORT, where HOST is a name, an IPv4 address, or an IPv6 address in brackets. */
const ENDPOINT = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?$/;

/**
 * Read `etcd://h1:2379,h2:2379`, in one text or several. `etcds://` and `https://` ask for TLS without a
 * certificate of our own.
 * @returns HOST:PORT each
 * @throws DpctlError CLUSTER_ENDPOINT_INVALID, exit 1
 */
export function readEndpoints(texts: readonly string[]): {
  readonly endpoints: readonly string[] & string[];
  readonly tls: boolean;
} {
  let tls = false;
  const endpoints = texts
    .flatMap((text) => text.split(','))
    .map((text) => {
      const [, scheme = '', rest = ''] = /^(?:([a-z]+):\/\/)?(.*?)\/?$/.exec(text.trim()) ?? [];
      if (!['', 'etcd', 'etcds', 'http', 'https'].includes(scheme)) throw invalid(text);
      if (scheme === 'etcds' || scheme === 'https') tls = true;
      const [whole, host, port = String(PORT)] = ENDPOINT.exec(rest) ?? [];
      if (whole === undefined || Number(port) < 1 || Number(port) > 65_535) throw invalid(text);
      return `${host}:${port}`;
    });
  return { endpoints: [...new Set(endpoints)], tls };
}

function invalid(text: string): DpctlError {
  return new DpctlError('CLUSTER_ENDPOINT_INVALID', `${JSON.stringify(text)} is no HOST:PORT`, {
    exitCode: 1,
    hint: run`cluster join etcd://10.0.0.1:2379,10.0.0.2:2379`,
    details: { endpoint: text },
  });
}
