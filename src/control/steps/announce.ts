/** endpoint.announce: an endpoint announces where it is, by gratuitous ARP and unsolicited NA. */
import { DpctlError } from '../../../loader/errors.js';
import { linkGet, linkSet } from '../../linux/netlink/link.js';
import { sysctlSet } from '../../linux/sysctl.js';
import type { StepOf } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import { withEndpointRtnl } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import { endpointSubject, nothingToUndo, type StepActions } from './actions.js';

/** The interface inside announces its addresses. */
export const endpointAnnounce: StepActions<StepOf<'endpoint.announce'>> = {
  execute: (node, { endpoint }) => announce(node, endpoint),
  undo: nothingToUndo,
  describe: ({ endpoint }) => ({
    subject: endpointSubject(endpoint),
    detail: `mac ${endpoint.mac}`,
  }),
  omittedByReset: true,
};

/**
 * Let the interface inside announce its addresses. The kernel does this when a device gets its MAC, if
 * arp_notify and ndisc_notify are set, so the device gets the MAC that it already has. If they cannot be set,
 * nodes learn the endpoint's place from its first frame.
 */
function announce(node: Node, endpoint: Endpoint): void {
  const { ifname, mac } = endpoint;
  const keys = [`net/ipv4/conf/${ifname}/arp_notify`, `net/ipv6/conf/${ifname}/ndisc_notify`];
  withEndpointRtnl(node, endpoint, (rtnl, nsFd) => {
    const link = linkGet(rtnl, { name: ifname });
    if (link === undefined) return;
    const before = keys.map((key) => switchTo(nsFd, key, '1'));
    try {
      linkSet(rtnl, link.ifindex, { mac });
    } finally {
      for (const [index, key] of keys.entries()) {
        const value = before[index];
        if (value !== undefined) switchTo(nsFd, key, value);
      }
    }
  });
}

/** @returns the former value; undefined if it cannot be changed: no IPv6, or /proc/sys is read-only */
function switchTo(nsFd: number, key: string, value: string): string | undefined {
  try {
    return sysctlSet(nsFd, key, value);
  } catch (error) {
    const known = ['SYSCTL_NOT_FOUND', 'KERNEL_EROFS'];
    if (error instanceof DpctlError && known.includes(error.code)) return undefined;
    throw error;
  }
}
