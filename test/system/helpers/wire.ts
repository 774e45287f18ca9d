/** Frames on an interface: sent raw, and captured by tcpdump. */
import type { ExecutionContext } from 'ava';
import { PATIENCE } from '../../helpers/patience.js';
import { run } from './lab.js';
import { type Running, sleep, start } from './process.js';

/** A captured frame. */
export interface Seen {
  /** Its first bytes, up to the snap length. */
  readonly bytes: Buffer;
  /** Its length on the wire. */
  readonly length: number;
}

/** A running capture on an interface. */
export interface Capture {
  /** All frames so far. */
  frames(): Seen[];
  /** Wait until a number of frames has arrived; throws after a time-out. */
  atLeast(count: number, milliseconds?: number): Promise<Seen[]>;
  /** Wait a moment for late frames, stop it, and return all frames. */
  stop(): Promise<Seen[]>;
}

/** Bytes kept of each frame: enough for the headers and a mark behind them. */
const SNAP = 256;
/** Milliseconds within which a sent frame is certainly in the receiver's capture. */
const STRAGGLERS = 150 * PATIENCE;

/**
 * Capture incoming frames of an interface.
 * @param filter in tcpdump's language
 */
export async function capture(
  t: Pick<ExecutionContext, 'teardown'>,
  ns: string,
  filter: string,
  ifname = 'eth0',
): Promise<Capture> {
  const options = ['-Z', 'root', '-n', '-U', '-Q', 'in', '-s', `${SNAP}`, '-B', '16384'];
  const argv = ['tcpdump', ...options, '-i', ifname, '-w', '-', '--immediate-mode', filter];
  const tcpdump = start(t, ns, argv);
  await tcpdump.says(/listening on/);
  const frames = () => parse(tcpdump);
  return {
    frames,
    async atLeast(count, milliseconds = 3000) {
      const deadline = Date.now() + milliseconds * PATIENCE;
      while (frames().length < count) {
        if (Date.now() > deadline) {
          throw new Error(`${frames().length} of ${count} frames came to ${ns}: ${filter}`);
        }
        await sleep(10);
      }
      return frames();
    },
    async stop() {
      await sleep(STRAGGLERS);
      await tcpdump.stop('SIGINT');
      return frames();
    },
  };
}

/** A classic pcap file: a header of 24 bytes, then 16 bytes before each frame. */
function parse(tcpdump: Running): Seen[] {
  const file = tcpdump.bytes();
  const seen: Seen[] = [];
  for (let offset = 24; offset + 16 <= file.length; ) {
    const kept = file.readUInt32LE(offset + 8);
    if (offset + 16 + kept > file.length) break;
    const bytes = file.subarray(offset + 16, offset + 16 + kept);
    seen.push({ bytes, length: file.readUInt32LE(offset + 12) });
    offset += 16 + kept;
  }
  return seen;
}

/** Send one raw frame out of an interface. */
export function sendFrame(ns: string, frame: Uint8Array, ifname = 'eth0'): Promise<void> {
  return sendFrames(ns, [frame], ifname);
}

/** Send raw frames of the same length out of an interface in turn. */
export async function sendFrames(
  ns: string,
  frames: readonly Uint8Array[],
  ifname = 'eth0',
): Promise<void> {
  const length = frames[0]?.length ?? 0;
  if (frames.some((frame) => frame.length !== length)) throw new Error('frames of one length only');
  // Each read of that many bytes becomes one frame.
  const argv = ['socat', '-b', `${length}`, '-u', 'STDIN', `INTERFACE:${ifname}`];
  const sent = await run(['ip', 'netns', 'exec', ns, ...argv], { stdin: Buffer.concat(frames) });
  if (sent.code !== 0) throw new Error(`socat in ${ns}: ${sent.stderr}`);
}
