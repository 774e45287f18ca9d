/** Sends many frames as fast as possible. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { sh, sleep } from '../../overlay/helpers/shell.js';
import { recorded } from './packets.js';

const SENDER = join(import.meta.dirname, '../native/send.bin');
const TIMEOUT_MS = 120_000;

/** Send frames unchanged out of a namespace's device, and lose none on the way out. */
export function sendAll(ns: string, device: string, frames: readonly Uint8Array[]): void {
  const argv = ['netns', 'exec', ns, SENDER, device];
  const { status, stdout, stderr, error } = spawnSync('ip', argv, {
    input: recorded(frames),
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  if (status !== 0 || Number(stdout) !== frames.length) {
    throw new Error(`${stdout.trim()} of ${frames.length} frames were sent: ${stderr || error}`);
  }
}

/** A counter of a device. */
export function deviceCount(ns: string, device: string, name: string): number {
  return Number(sh(ns, 'cat', `/sys/class/net/${device}/statistics/${name}`));
}

/** Wait until a value stops changing, and return it. */
export async function settled<T>(read: () => T): Promise<T> {
  for (let last = ''; ; ) {
    const value = read();
    const text = JSON.stringify(value, (_, it) => (typeof it === 'bigint' ? `${it}` : it));
    if (text === last) return value;
    last = text;
    await sleep(100);
  }
}
