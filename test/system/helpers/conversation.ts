/** Traffic between namespaces, compared on both sides. */
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { bulk } from '../../helpers/patience.js';
import { type Ran, run } from './lab.js';
import { digestOf } from './payload.js';
import { start } from './process.js';

const AGENT = fileURLToPath(new URL('./namespace-program.js', import.meta.url));
const PORT = 5600;

interface Received {
  readonly received: number;
  readonly sha256: string;
}

/**
 * One TCP connection on which both sides send that many bytes at once, fewer on a slow machine.
 * @returns true if both received exactly what the other sent
 */
export async function tcpBothWays(
  t: ExecutionContext,
  from: string,
  to: string,
  address: string,
  usually: number,
): Promise<boolean> {
  const bytes = bulk(usually);
  const server = start(t, to, [process.execPath, AGENT, 'tcp-serve', `${PORT}`, `${bytes}`]);
  await server.says(/listening/);
  const argv = [process.execPath, AGENT, 'tcp-connect', address, `${PORT}`, `${bytes}`];
  const client = await start(t, from, argv).ended(20_000);
  const answer = await server.ended();
  const expected: Received = { received: bytes, sha256: digestOf(bytes) };
  const right = (ran: Ran) => {
    const line = ran.stdout.trim().split('\n').at(-1) ?? '';
    t.log(`${address}: ${line}${ran.stderr}`);
    return line === JSON.stringify(expected);
  };
  return right(client) && right(answer);
}

/**
 * UDP datagrams that are returned by the receiver.
 * @returns sizes of those that did not come back unchanged
 */
export async function udpEcho(
  t: ExecutionContext,
  from: string,
  to: string,
  address: string,
  sizes: readonly number[],
): Promise<number[]> {
  const server = start(t, to, [process.execPath, AGENT, 'udp-echo', `${PORT}`]);
  await server.says(/listening/);
  const argv = [process.execPath, AGENT, 'udp-ask', address, `${PORT}`, ...sizes.map(String)];
  const { stdout, stderr } = await start(t, from, argv).ended(20_000);
  await server.stop();
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { wrong: number[] }).wrong;
}

/** Whether all of a number of echo requests were answered. */
export async function pings(ns: string, address: string, ...options: string[]): Promise<boolean> {
  return (await ping(ns, address, ...options)).code === 0;
}

/** ping, three times in 0.2 s unless the options say otherwise; exits with 0 if all were answered. */
export async function ping(ns: string, address: string, ...options: string[]): Promise<Ran> {
  const argv = ['ping', '-c', '3', '-i', '0.1', '-W', '1', ...options, address];
  const ran = await run(['ip', 'netns', 'exec', ns, ...argv]);
  return ran.code === 0 && !/ 0% packet loss/.test(ran.stdout) ? { ...ran, code: 1 } : ran;
}
