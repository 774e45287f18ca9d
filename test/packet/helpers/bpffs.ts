/** A BPF file system of one test. */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MNT_DETACH, mount, umount } from '../../../loader/sys/files.js';

/** Mounts one in an empty directory, hands its path to `use` and unmounts it with all pins. */
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
