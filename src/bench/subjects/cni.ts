/** The reference CNI bridge plugin, as a container runtime calls it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { searchPath } from '../../linux/command.js';
import { NETNS_DIR } from '../../linux/netns.js';
import type { Namespace } from './sandbox.js';

/** Where Debian and the upstream archive put the plugins. */
const FOLDERS = ['/usr/lib/cni', '/opt/cni/bin'] as const;

/** The plugin on one node. */
export interface CniBridge {
  /** Add or delete a container. @returns milliseconds of the plugin's process */
  call(command: 'ADD' | 'DEL', container: string): number;
}

/** The folder that has the plugin and the IPAM plugin it calls, or undefined. */
export function cniFolder(): string | undefined {
  return FOLDERS.find((dir) => ['bridge', 'host-local'].every((it) => existsSync(join(dir, it))));
}

/**
 * The plugin, called in a node's namespace.
 * @param dataDir where its IPAM keeps its addresses
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
      // Started from within, as a runtime on that node would; `ip netns exec` would cost time.
      const { status, stdout } = inNetns(node.fd, () =>
        spawnSync(join(dir, 'bridge'), { input: config, env, encoding: 'utf8' }),
      );
      const time = performance.now() - start;
      if (status === 0) return time;
      throw new DpctlError('BENCH_TOOL', `CNI bridge ${command}: ${stdout.trim()}`);
    },
  };
}
