/** Which BPF objects running processes hold open. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * `prog 12`, `map 7`, `link 3` for each that some other process has a file descriptor of. Those are
 * somebody's who is still at work, such as another service of the machine: what a finished test left
 * behind is held by a pin or a device.
 */
export function heldElsewhere(): Set<string> {
  const held = new Set<string>();
  for (const pid of entries('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    for (const fd of entries(`/proc/${pid}/fd`)) {
      if (!isBpf(`/proc/${pid}/fd/${fd}`)) continue;
      const info = /^(prog|map|link)_id:\s*(\d+)$/m.exec(read(`/proc/${pid}/fdinfo/${fd}`));
      if (info) held.add(`${info[1]} ${info[2]}`);
    }
  }
  return held;
}

// Processes and descriptors come and go while they are listed.
function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isBpf(path: string): boolean {
  try {
    return /bpf[-_](prog|map|link)/.test(readlinkSync(path));
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
