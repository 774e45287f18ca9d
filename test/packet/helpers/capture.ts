/** What arrives at a device, byte by byte. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from './containers.js';

/** Sizes of the headers of a classic pcap file and of each packet in it. */
const FILE_HEADER = 24;
const PACKET_HEADER = 16;

/**
 * Capture packets that match a filter during an action.
 * @returns the frames, with the VLAN tags that the kernel keeps outside the data
 */
export async function captured(
  netns: string,
  device: string,
  filter: string,
  send: () => void,
): Promise<Uint8Array[]> {
  const argv = ['tcpdump', '-i', device, '-Q', 'in', '--immediate-mode', '-U', '-w', '-', filter];
  const tcpdump = start(netns, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  tcpdump.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = once(tcpdump, 'close');
  let said = '';
  tcpdump.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  try {
    for (let tries = 0; !said.includes('listening on'); tries++) {
      if (tries > 100 || tcpdump.exitCode !== null) throw new Error(`tcpdump: ${said}`);
      await sleep(20);
    }
    send();
    await sleep(300);
  } finally {
    tcpdump.kill('SIGINT');
    await closed;
  }
  return packetsOf(Buffer.concat(chunks));
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
