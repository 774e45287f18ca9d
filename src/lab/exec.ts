/** Programs in a node or an endpoint of a lab. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { searchPath } from '../kernel/command.js';
import { hostPath } from '../kernel/mountns.js';
import type { LabPlace } from './lab.js';

/** What a shell says of a program that is not there. */
const NOT_FOUND = 127;

/**
 * Run a program with the terminal's own input and output. In a node, DPCTL_ROOT is its root.
 * @param self how this dpctl is started, which is what `dpctl` means in there
 * @returns its exit code; 128 and more for a signal, as shells have it
 */
export async function labExec(
  { ns, root }: LabPlace,
  argv: readonly string[],
  self: readonly string[],
): Promise<number> {
  const bin = writeSelf(root, self);
  const result = await execa('ip', ['netns', 'exec', ns, ...argv], {
    reject: false,
    stdio: 'inherit',
    env: { DPCTL_ROOT: root, PATH: `${bin}:${searchPath()}` },
  });
  if (result.exitCode !== undefined) return result.exitCode;
  const { signal } = result;
  return signal === undefined ? NOT_FOUND : 128 + (constants.signals[signal] ?? 0);
}

/** A `dpctl` that is this one, found before any other. */
function writeSelf(root: string, self: readonly string[]): string {
  const bin = join(root, 'bin');
  mkdirSync(hostPath(bin), { recursive: true });
  const file = hostPath(join(bin, 'dpctl'));
  const words = self.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  writeFileSync(file, `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(file, 0o755);
  return bin;
}
