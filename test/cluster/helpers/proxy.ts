/** A TCP proxy that cuts connections. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A proxy between a client and one member. */
export interface Proxy {
  readonly endpoint: string;
  /**
   * Cut all connections. From now on, connections end after so many bytes of answers, the first one after
   * the first number; those beyond the list are refused.
   */
  cutAfter(...bytes: number[]): void;
  /** Let everything pass. */
  heal(): void;
  close(): Promise<void>;
}

/** Start a proxy that lets everything pass. */
export async function startProxy(target: string): Promise<Proxy> {
  const [host, port] = target.split(':');
  const open = new Set<Socket>();
  let limits: number[] | undefined;
  const server = createServer((client) => {
    const limit = limits === undefined ? Number.POSITIVE_INFINITY : (limits.shift() ?? 0);
    if (limit === 0) {
      client.destroy();
      return;
    }
    const member = connect(Number(port), host);
    let left = limit;
    const end = (): void => {
      for (const each of [client, member]) {
        each.destroy();
        open.delete(each);
      }
    };
    for (const each of [client, member]) {
      open.add(each);
      each.on('error', end).on('close', end);
    }
    client.on('data', (data) => member.write(data));
    member.on('data', (data) => {
      client.write(data.subarray(0, left));
      left -= data.length;
      if (left <= 0) client.end(end);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  const cut = (): void => {
    for (const each of open) each.destroy();
  };
  return {
    endpoint: `127.0.0.1:${own}`,
    cutAfter(...bytes) {
      limits = bytes;
      cut();
    },
    heal() {
      limits = undefined;
    },
    async close() {
      cut();
      await once(server.close(), 'close');
    },
  };
}
