/** Checks that payload arrives intact, before the speed is measured. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { featuresGet, isActive } from '../../linux/offload.js';
import { ask, DEVICE, type Pair, serve } from './pair.js';
import type { Sandbox } from './sandbox.js';

const PORT = 5301;
/** Enough data for segments of all sizes. */
const BYTES = 8 << 20;
const OFFLOADS = ['tso', 'gso', 'gro', 'tx', 'rx'] as const;

/**
 * Send random data over TCP, with IPv4 and IPv6, and compare.
 * @throws DpctlError BENCH_CORRUPT
 */
export async function verifyPayload(sandbox: Sandbox, pair: Pair): Promise<string> {
  const dir = sandbox.folder(`-verify-${pair.client.space.name}`);
  const sent = join(dir, 'sent');
  writeFileSync(sent, randomBytes(BYTES));
  const wanted = hashOf(sent);
  for (const [family, host] of [
    [4, pair.server.ip4],
    [6, `[${pair.server.ip6}]`],
  ] as const) {
    const got = join(dir, `got${family}`);
    const listener = `TCP${family}-LISTEN:${PORT},reuseaddr`;
    const receiver = await serve(
      sandbox,
      pair,
      ['socat', '-u', listener, `CREATE:${got}`],
      'tcp',
      PORT,
    );
    await ask(pair, ['socat', '-u', `OPEN:${sent}`, `TCP${family}:${host}:${PORT}`]);
    await receiver.ended();
    if (hashOf(got) === wanted) continue;
    throw new DpctlError('BENCH_CORRUPT', `${pair.name}: TCP over IPv${family} changed the data`);
  }
  return `${BYTES >> 20} MB over TCP each by IPv4 and IPv6, equal`;
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Enabled offloads of the devices in both ends, as text: `tso gso gro tx rx`. */
export function offloadsOf({ client, server }: Pair): string {
  const words = [client, server].map(({ space }) => {
    const features = featuresGet(space.fd, DEVICE);
    return OFFLOADS.map((name) => `${name} ${isActive(features, name) ? 'on' : 'off'}`).join(', ');
  });
  const [first = '', second = ''] = words;
  return first === second ? first : `${first}; ${second}`;
}
