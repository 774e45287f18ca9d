/** Raw frames: sent from one namespace, captured in others. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendFrame } from '../../packet/helpers/containers.js';
import { sh, sleep, start, until } from './shell.js';

/** An EtherType for local experiments (IEEE 802), which no other program sends. */
export const EXPERIMENT = 0x88b5;

/** A running tcpdump. */
export interface Capture {
  /**
   * Wait for late frames, stop it, and return the frames, with the tags that the kernel keeps outside the
   * data.
   */
  stop(): Promise<Uint8Array[]>;
}

/** Sizes of the headers of a classic pcap file and of each packet in it. */
const FILE_HEADER = 24;
const PACKET_HEADER = 16;
const STRAGGLERS_MS = 150;

/** Capture incoming packets of a device; the promise resolves when the capture has started. */
export async function capture(
  ns: string,
  filter: string,
  device = 'eth0',
  direction: 'in' | 'out' = 'in',
): Promise<Capture> {
  // The ring has room for few packets of maximum length, so a burst would be lost.
  const room = ['-s', '2048', '-B', '8192'];
  const options = ['-Q', direction, '--immediate-mode', '-U', ...room, '-w', '-'];
  const tcpdump = start(ns, ['tcpdump', '-Z', 'root', '-i', device, ...options, filter]);
  await until(`tcpdump: ${tcpdump.output()}`, () => tcpdump.output().includes('listening on'));
  return {
    async stop() {
      await sleep(STRAGGLERS_MS);
      await tcpdump.stop('SIGINT');
      return packetsOf(tcpdump.stdout());
    },
  };
}

function packetsOf(file: Buffer): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = FILE_HEADER; at + PACKET_HEADER <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    at += PACKET_HEADER;
    packets.push(Uint8Array.from(file.subarray(at, at + length)));
    at += length;
  }
  return packets;
}

/** The frames that arrive at eth0 of some namespaces during an action, by a filter of tcpdump. */
export async function arriving(
  receivers: readonly { readonly ns: string }[],
  filter: string,
  act: () => void | Promise<void>,
): Promise<Uint8Array[][]> {
  const captures = await Promise.all(receivers.map(({ ns }) => capture(ns, filter)));
  try {
    await act();
  } finally {
    await sleep(STRAGGLERS_MS);
  }
  return await Promise.all(captures.map((it) => it.stop()));
}

/** Send frames out of a namespace's eth0. */
export function send(from: { readonly ns: string }, ...frames: readonly Uint8Array[]): void {
  for (const frame of frames) sendFrame(from.ns, 'eth0', frame);
}

/** Send a frame many times, as fast as possible. */
export function sendMany(from: { readonly ns: string }, frame: Uint8Array, count: number): void {
  const input = Buffer.concat(Array.from({ length: count }, () => frame));
  // Each read is a frame of exactly that many bytes; a file is never read in part.
  withFile(input, (path) =>
    sh(from.ns, 'socat', '-u', '-b', `${frame.length}`, `OPEN:${path},rdonly`, 'INTERFACE:eth0'),
  );
}

/** Send frames of one length back to back. */
export function sendBurst(ns: string, device: string, frames: readonly Uint8Array[]): void {
  const length = frames[0]?.length ?? 0;
  if (frames.some((frame) => frame.length !== length)) throw new Error('lengths differ');
  withFile(Buffer.concat(frames), (path) =>
    sh(ns, 'socat', '-u', '-b', `${length}`, `OPEN:${path},rdonly`, `INTERFACE:${device}`),
  );
}

function withFile(content: Uint8Array, use: (path: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-frames-'));
  try {
    writeFileSync(join(dir, 'frames'), content);
    use(join(dir, 'frames'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
