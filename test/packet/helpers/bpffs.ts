/** A temporary BPF file system. */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MNT_DETACH, mount, umount } from '../../../loader/sys/files.js';

/** Mount one in an empty directory, pass its path to `use`, and unmount it with all pins. */
export async function withBpffs(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), `dpp${process.pid}-`));
  mount('bpf', dir, 'bpf', 0);
  try {
    await use(dir);
  } finally {
    umount(dir, MNT_DETACH);
    rmdirSync(dir);
  }
}
