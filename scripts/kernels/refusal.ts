/** dpctl's message on a kernel that it cannot use. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Attach a namespace with dpctl, under a root directory of its own.
 * @param root the checkout
 * @returns the first line of its stderr, followed by the exit code
 */
export function refusalOf(root: string): string {
  const ns = `dpk${process.pid}`;
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-kernels-'));
  spawnSync('ip', ['netns', 'add', ns]);
  try {
    const words = ['dist/dpctl.cjs', '--root', dir, 'attach', ns];
    const { stderr, status } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
    return `${stderr.split('\n')[0]} (exit ${status})`;
  } finally {
    spawnSync('ip', ['netns', 'del', ns]);
    rmSync(dir, { recursive: true, force: true });
  }
}
