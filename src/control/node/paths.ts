/** The files of a node. */
import { join, resolve } from 'node:path';

/** Where a node keeps its files. Paths as the host sees them (mountns.ts). */
export interface NodePaths {
  readonly root: string;
  /** Until the next boot: lock, endpoints, pins. */
  readonly runDir: string;
  /** Survives a reboot: networks. */
  readonly stateDir: string;
  readonly bpfDir: string;
  readonly mapsDir: string;
  readonly programsDir: string;
  readonly linksDir: string;
  /** The node's own network namespace, bind-mounted when the node is first changed. */
  readonly netns: string;
}

/** The paths of a node under a root directory. */
export function nodePaths(root: string): NodePaths {
  const base = resolve(root);
  const runDir = join(base, 'run/dpctl');
  const bpfDir = join(runDir, 'bpf');
  return {
    root: base,
    runDir,
    stateDir: join(base, 'var/lib/dpctl'),
    bpfDir,
    mapsDir: join(bpfDir, 'maps'),
    programsDir: join(bpfDir, 'programs'),
    linksDir: join(bpfDir, 'links'),
    netns: join(runDir, 'netns'),
  };
}
