/** Traffic whose arrival is checked byte by byte. */
import { createHash, randomBytes } from 'node:crypto';
import { PATIENCE } from '../../helpers/patience.js';
import { ok, sh, start, until } from './shell.js';

let port = 20_000;

/** Whether each of some pings is answered; `size` is of the ICMP payload. */
export function pings(ns: string, to: string, size = 56, ...more: string[]): boolean {
  return ok(ns, 'ping', '-n', '-c', '2', '-i', '0.05', '-W', '1', '-s', `${size}`, ...more, to);
}

/** Whether a namespace listens on a TCP port. */
function listens(ns: string, number: number): boolean {
  return sh(ns, 'ss', '-Hltn', `sport = :${number}`).trim() !== '';
}

/**
 * Send random bytes by TCP from one namespace to an address of another.
 * @returns the duration in milliseconds
 * @param milliseconds maximum duration
 * @param ports of the sender and the receiver; any by default
 * @throws Error if the received bytes differ from those sent
 */
export async function transfer(
  from: string,
  to: { readonly ns: string; readonly address: string },
  bytes: number,
  milliseconds = 20_000,
  ports: { readonly from?: number; readonly to: number } = { to: port++ },
): Promise<number> {
  const number = ports.to;
  const bind = ports.from === undefined ? '' : `,sourceport=${ports.from},reuseaddr`;
  const six = to.address.includes(':');
  const data = randomBytes(bytes);
  const server = start(to.ns, [
    'socat',
    '-u',
    '-b',
    '131072',
    `${six ? 'TCP6' : 'TCP4'}-LISTEN:${number},reuseaddr`,
    'STDOUT',
  ]);
  try {
    await until(`${to.ns} listens`, () => listens(to.ns, number));
    const began = performance.now();
    const target = `${six ? `TCP6:[${to.address}]` : `TCP4:${to.address}`}:${number}${bind}`;
    const client = start(from, ['socat', '-u', '-b', '131072', 'STDIN', target], data);
    const timeout = setTimeout(() => client.stop('SIGKILL'), milliseconds * PATIENCE);
    const code = await client.ended();
    await server.ended();
    clearTimeout(timeout);
    const sum = (what: Uint8Array) => createHash('sha256').update(what).digest('hex');
    if (code !== 0 || sum(server.stdout()) !== sum(data)) {
      throw new Error(
        `${from} to ${to.address}: ${server.stdout().length} of ${bytes} bytes came, ` +
          `exit ${code}: ${client.output()}`,
      );
    }
    return performance.now() - began;
  } finally {
    await server.stop('SIGKILL');
  }
}

/** Statistics of a protocol in a namespace that are not 0, as nstat names them. */
export function nstat(ns: string): Record<string, number> {
  const all = JSON.parse(sh(ns, 'nstat', '-asj')) as { kernel: Record<string, number> };
  return all.kernel;
}
