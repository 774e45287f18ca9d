/** Paths to other nodes with a smaller MTU than the device they leave by. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, exec, run } from '../../../loader/hint.js';
import type { Problem, StatusReport } from '../../api/status.js';
import type { Node } from '../../control/node/node.js';
import { routeMtu } from '../../linux/netlink/route.js';
import { familyOf } from '../../model/address/ip.js';
import { OVERHEAD } from '../../model/overlay/underlay.js';
import { MTU_MIN_IP6 } from '../../model/state/names.js';
import type { State } from '../../model/state/state.js';

/** A path that is narrower than its device, because of a route or of routers' messages. */
export interface NarrowPath {
  readonly node: string;
  readonly vtep: string;
  /** Bytes of layer 3, as the kernel has them. */
  readonly mtu: number;
  /** MTU of the device. */
  readonly full: number;
  /** Size up to which packets are sent in any case, in bytes: what IPv6 inside needs. */
  readonly least: number;
}

/** Ask the kernel for the path to each node. */
export function narrowPaths(
  node: Node,
  { resolvedUnderlay: resolved, nodes }: State,
): NarrowPath[] {
  if (resolved === undefined) return [];
  const full = resolved.mtu;
  const least = Math.min(full, MTU_MIN_IP6 + OVERHEAD[familyOf(resolved.vtep)]);
  return nodes.flatMap(({ name, vtep }) => {
    const mtu = mtuTo(node, vtep);
    return mtu === undefined || mtu >= full ? [] : [{ node: name, vtep, mtu, full, least }];
  });
}

/** A node without a route is a problem of its own, which shows in its dropped frames. */
function mtuTo(node: Node, vtep: string): number | undefined {
  try {
    return routeMtu(node.rtnl(), vtep);
  } catch (error) {
    const routing = ['KERNEL_ENETUNREACH', 'KERNEL_EHOSTUNREACH', 'KERNEL_EACCES', 'KERNEL_EINVAL'];
    if (error instanceof DpctlError && routing.includes(error.code)) return undefined;
    throw error;
  }
}

/** Problems for paths whose MTU is smaller than what is sent. */
export function pathProblems(paths: readonly NarrowPath[], device: string): Problem[] {
  return paths
    .filter(({ mtu, least }) => mtu < least)
    .map(({ node, vtep, mtu, full, least }) => ({
      code: 'PATH_NARROW',
      subject: node,
      message: `the path MTU to ${vtep} is reported as ${mtu} instead of ${full}, which may be forged; packets of up to ${least} bytes are sent, as IPv6 inside needs`,
      fix: advice`${exec`ip route flush cache`}; if it is true: ${exec`ip link set ${device} mtu ${mtu}`}, ${run`reconcile`}`,
    }));
}

/** All narrow paths, as facts for the user. */
export function pathFacts(paths: readonly NarrowPath[]): StatusReport['facts'] {
  return paths.map(({ node, vtep, mtu, full }) => ({
    name: `path to ${node}`,
    value: `${vtep}: ${mtu} of ${full} bytes`,
  }));
}
