/** IPv6 where it is off: in many a container (Docker's by default), in some kernels. */
import { DpctlError } from '../../../loader/errors.js';
import { sysctlGet, sysctlSet } from '../../linux/sysctl.js';
import type { Endpoint } from '../../model/state/state.js';
import { withEndpointFd } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';

/**
 * See to it that an endpoint's interface can have an address. On a veth of dpctl's own IPv6 is
 * switched on, which ends with the veth; one that was adopted is its owner's to set.
 * @param address ADDRESS/LENGTH; nothing is done for one of IPv4
 * @throws DpctlError IPV6_DISABLED, NETNS_GONE
 */
export function allowAddress(node: Node, endpoint: Endpoint, address: string): void {
  if (!address.includes(':')) return;
  withEndpointFd(node, endpoint, (fd) => {
    const key = `net/ipv6/conf/${endpoint.ifname}/disable_ipv6`;
    if (read(fd, key, endpoint) === '0') return;
    if (endpoint.adopted !== undefined) throw disabled(endpoint, key);
    sysctlSet(fd, key, '0');
  });
}

function read(fd: number, key: string, endpoint: Endpoint): string {
  try {
    return sysctlGet(fd, key);
  } catch (cause) {
    if (!(cause instanceof DpctlError) || cause.code !== 'SYSCTL_NOT_FOUND') throw cause;
    throw new DpctlError('IPV6_DISABLED', `this kernel has no IPv6 for ${endpoint.ifname}`, {
      exitCode: 2,
      hint: 'a network of IPv4 alone: dpctl network add NAME --subnet 10.0.0.0/16',
      details: { ns: endpoint.namespace.ref, ifname: endpoint.ifname },
      cause,
    });
  }
}

function disabled({ namespace, ifname }: Endpoint, key: string): DpctlError {
  return new DpctlError('IPV6_DISABLED', `IPv6 is switched off on ${ifname} in ${namespace.ref}`, {
    exitCode: 2,
    hint: `switch it on there (sysctl -w ${key}=0), or use a network of IPv4 alone`,
    details: { ns: namespace.ref, ifname, sysctl: key },
  });
}
