/** What other dpctl roots have changed in the node's namespace: no root undoes another's changes. */
import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { hostPath } from '../../linux/mountns.js';
import { mountsOf } from '../../linux/mounts.js';
import { statOf } from '../../linux/path-status.js';
import type { SysctlChange } from '../../model/state/state.js';
import { type LocalRecords, localRecords } from '../../store/salvage.js';
import type { Node } from './node.js';
import { nodePaths } from './paths.js';

/** A root with endpoints has its own BPF file system here. */
const BPF_DIR = '/run/dpctl/bpf';

/** Directories of the roots that have a mount. */
export function mountedRoots(): string[] {
  const dirs = mountsOf('bpf').filter((path) => path.endsWith(BPF_DIR));
  return [...new Set(dirs.map((path) => path.slice(0, -BPF_DIR.length) || '/'))];
}

/** What a root has recorded about this machine, as far as it can be read. */
export function recordsAt(root: string): LocalRecords {
  const { runDir, stateDir } = nodePaths(root);
  return localRecords({ runDir: hostPath(runDir), stateDir: hostPath(stateDir) });
}

/** Parameters that other roots in the node's namespace rely on, with the values they found. */
export function sharedSysctls(node: Node): SysctlChange[] {
  const own = fstatSync(node.netnsFd(), { bigint: true });
  const others = mountedRoots().filter((root) => {
    if (root === node.paths.root) return false;
    const bound = statOf(hostPath(join(root, 'run/dpctl/netns')));
    return bound?.ino === own.ino && bound.dev === own.dev;
  });
  return others.flatMap((root) => recordsAt(root).sysctls);
}
