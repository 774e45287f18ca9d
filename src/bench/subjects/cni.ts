/** The reference CNI bridge plugin, called like by a container runtime. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { searchPath } from '../../linux/command.js';
import { NETNS_DIR } from '../../linux/netns.js';
import type { Namespace } from './sandbox.js';

/** Plugin folders of Debian and of the upstream archive. */
const FOLDERS = ['/usr/lib/cni', '/opt/cni/bin'] as const;

/** The plugin on a node. */
export interface CniBridge {
  /** Add or delete a container. @returns run time of the plugin process, in milliseconds */
  call(command: 'ADD' | 'DEL', container: string): number;
}

/** Folder with the bridge plugin and its IPAM plugin, or undefined. */
export function cniFolder(): string | undefined {
  return FOLDERS.find((dir) => ['bridge', 'host-local'].every((it) => existsSync(join(dir, it))));
}

/**
 * Configure the plugin for the namespace of a node.
 * @param dataDir data directory of the IPAM plugin
 */
export function openCniBridge(dir: string, node: Namespace, dataDir: string): CniBridge {
  const config = JSON.stringify({
    cniVersion: '0.4.0',
    name: 'bench',
    type: 'bridge',
    bridge: 'cni0',
    ipam: { type: 'host-local', subnet: '10.88.0.0/16', dataDir },
  });
  return {
    call(command, container) {
      const env = {
        CNI_COMMAND: command,
        CNI_CONTAINERID: container,
        CNI_NETNS: join(NETNS_DIR, container),
        CNI_IFNAME: 'eth0',
        CNI_PATH: dir,
        PATH: searchPath(),
      };
      const start = performance.now();
      // Start it in the namespace, as a runtime on the node does: `ip netns exec` would add to the time.
      const { status, stdout } = inNetns(node.fd, () =>
        spawnSync(join(dir, 'bridge'), { input: config, env, encoding: 'utf8' }),
      );
      const time = performance.now() - start;
      if (status === 0) return time;
      throw new DpctlError('BENCH_TOOL', `CNI bridge ${command}: ${stdout.trim()}`);
    },
  };
}
