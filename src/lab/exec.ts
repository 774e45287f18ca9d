/** Programs in a node or an endpoint of a lab. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { errnoOfAny } from '../../loader/errors.js';
import { searchPath, unstarted } from '../linux/command.js';
import { hostPath } from '../linux/mountns.js';
import type { LabNamespace } from './lab.js';

/** Exit code of a shell for a program that does not exist. */
const NOT_FOUND = 127;
/** Signals to forward to the program, as the terminal does not send them to it. */
const FORWARDED = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Run a program with the terminal's own input and output. In a node, DPCTL_ROOT is set to its root.
 * @param self how this dpctl was started: `dpctl` runs the same inside
 * @returns its exit code; for a signal, 128 plus its number, as shells do
 */
export async function labExec(
  { ns, root }: LabNamespace,
  argv: readonly string[],
  self: readonly string[],
): Promise<number> {
  const bin = writeSelf(root, self);
  return new Promise((resolve, reject) => {
    const child = spawn('ip', ['netns', 'exec', ns, ...argv], {
      stdio: 'inherit',
      env: { ...process.env, DPCTL_ROOT: root, PATH: `${bin}:${searchPath()}` },
    });
    const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
    for (const signal of FORWARDED) process.on(signal, forward);
    child.on('error', (cause) => {
      if (errnoOfAny(cause) === 'ENOENT') resolve(NOT_FOUND);
      else reject(unstarted('ip', cause));
    });
    child.on('close', (code, signal) => {
      for (const each of FORWARDED) process.off(each, forward);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Make a `dpctl` that runs this one, in a directory that is searched first. */
function writeSelf(root: string, self: readonly string[]): string {
  const bin = join(root, 'bin');
  mkdirSync(hostPath(bin), { recursive: true });
  const file = hostPath(join(bin, 'dpctl'));
  const words = self.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  writeFileSync(file, `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(file, 0o755);
  return bin;
}
