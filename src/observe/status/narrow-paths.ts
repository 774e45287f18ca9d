/** Ways to other nodes that carry less than the device they leave by. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, exec, run } from '../../../loader/hint.js';
import type { Problem, StatusReport } from '../../api/status.js';
import type { Node } from '../../control/node/node.js';
import { routeMtu } from '../../linux/netlink/route.js';
import { familyOf } from '../../model/address/ip.js';
import { OVERHEAD } from '../../model/overlay/underlay.js';
import { MTU_MIN_IP6 } from '../../model/state/names.js';
import type { State } from '../../model/state/state.js';

/** A way that is narrower than its device, by a route or by what routers have said. */
export interface NarrowPath {
  readonly node: string;
  readonly vtep: string;
  /** Bytes of layer 3, as the kernel has them. */
  readonly mtu: number;
  /** Of the device. */
  readonly full: number;
  /** Bytes that are sent all the same: what IPv6 inside needs. */
  readonly least: number;
}

/** Ask the kernel for the way to each node. */
export function narrowPaths(node: Node, { uplink: resolved, nodes }: State): NarrowPath[] {
  if (resolved === undefined) return [];
  const full = resolved.mtu;
  const least = Math.min(full, MTU_MIN_IP6 + OVERHEAD[familyOf(resolved.vtep)]);
  return nodes.flatMap(({ name, vtep }) => {
    const mtu = mtuTo(node, vtep);
    return mtu === undefined || mtu >= full ? [] : [{ node: name, vtep, mtu, full, least }];
  });
}

/** A node without a route is a problem of its own, which frames for it show. */
function mtuTo(node: Node, vtep: string): number | undefined {
  try {
    return routeMtu(node.rtnl(), vtep);
  } catch (error) {
    const routing = ['KERNEL_ENETUNREACH', 'KERNEL_EHOSTUNREACH', 'KERNEL_EACCES', 'KERNEL_EINVAL'];
    if (error instanceof DpctlError && routing.includes(error.code)) return undefined;
    throw error;
  }
}

/** Ways that are said to carry less than what is sent. */
export function pathProblems(paths: readonly NarrowPath[], device: string): Problem[] {
  return paths
    .filter(({ mtu, least }) => mtu < least)
    .map(({ node, vtep, mtu, full, least }) => ({
      code: 'PATH_NARROW',
      subject: node,
      message: `the way to ${vtep} is said to carry ${mtu} of ${full} bytes, which may be forged; up to ${least} are sent, as IPv6 inside needs`,
      fix: advice`${exec`ip route flush cache`}; where it is true: ${exec`ip link set ${device} mtu ${mtu}`}, ${run`reconcile`}`,
    }));
}

/** All of them, for people. */
export function pathFacts(paths: readonly NarrowPath[]): StatusReport['facts'] {
  return paths.map(({ node, vtep, mtu, full }) => ({
    name: `path to ${node}`,
    value: `${vtep}: ${mtu} of ${full} bytes`,
  }));
}
