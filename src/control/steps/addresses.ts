/** address.add and address.delete: addresses inside, marked as dpctl's, as routes are. */

import { DpctlError, exceptFor } from '../../../loader/errors.js';
import { advice, exec, run } from '../../../loader/hint.js';
import { addrAdd, addrDelete } from '../../linux/netlink/address.js';
import { ROUTE_PROTOCOL } from '../../linux/netlink/route.js';
import { sysctlGet, sysctlSet } from '../../linux/sysctl.js';
import type { StepOf } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import { requireInner, withEndpointRtnl } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import { endpointSubject, type StepActions, type StepText } from './actions.js';

type AddressStep = StepOf<'address.add' | 'address.delete'>;

/** The interface inside gets an address. @throws DpctlError IPV6_DISABLED, NETNS_GONE */
export const addressAdd: StepActions<AddressStep> = { execute: add, undo: remove, describe };

/** The interface inside loses an address of dpctl's. */
export const addressDelete: StepActions<AddressStep> = { execute: remove, undo: add, describe };

function describe({ endpoint, address }: AddressStep): StepText {
  return { subject: endpointSubject(endpoint), detail: address };
}

function add(node: Node, { endpoint, address: text }: AddressStep): void {
  const spec = addressOf(text);
  const nodad = spec.address.includes(':');
  withEndpointRtnl(node, endpoint, (rtnl, nsFd) => {
    const ifindex = requireInner(rtnl, endpoint);
    if (nodad) enableIp6(nsFd, endpoint);
    // The address is this endpoint's by assignment, so nobody need be asked whether it is free.
    addrAdd(rtnl, ifindex, { ...spec, nodad, protocol: ROUTE_PROTOCOL });
  });
}

function remove(node: Node, { endpoint, address }: AddressStep): void {
  withEndpointRtnl(node, endpoint, (rtnl, nsFd) => {
    const ifindex = requireInner(rtnl, endpoint);
    promoting(nsFd, endpoint.ifname, () =>
      // What somebody else has done meanwhile need not be done.
      exceptFor(['EADDRNOTAVAIL'], () => addrDelete(rtnl, ifindex, addressOf(address)), undefined),
    );
  });
}

function addressOf(text: string) {
  const [address = '', length = ''] = text.split('/');
  return { address, prefixLength: Number(length) };
}

/**
 * Containers are often made with IPv6 off (Docker's by default). On a pair of dpctl's own IPv6 is
 * switched on, which ends with the pair; one that was adopted is its owner's to set.
 */
function enableIp6(nsFd: number, endpoint: Endpoint): void {
  const key = `net/ipv6/conf/${endpoint.ifname}/disable_ipv6`;
  if (disableIp6(nsFd, key, endpoint) === '0') return;
  if (endpoint.adopted !== undefined) throw ip6Disabled(endpoint, key);
  sysctlSet(nsFd, key, '0');
}

function disableIp6(nsFd: number, key: string, { namespace, ifname }: Endpoint): string {
  try {
    return sysctlGet(nsFd, key);
  } catch (cause) {
    // Without IPv6 in the kernel there is no such parameter; all else is a fault of its own.
    if (!(cause instanceof DpctlError) || cause.code !== 'SYSCTL_NOT_FOUND') throw cause;
    throw new DpctlError('IPV6_DISABLED', `this kernel has no IPv6 for ${ifname}`, {
      exitCode: 2,
      hint: advice`a network of IPv4 alone: ${run`network add NAME --subnet 10.0.0.0/16`}`,
      details: { ns: namespace.ref, ifname },
      cause,
    });
  }
}

function ip6Disabled({ namespace, ifname }: Endpoint, key: string): DpctlError {
  return new DpctlError('IPV6_DISABLED', `IPv6 is switched off on ${ifname} in ${namespace.ref}`, {
    exitCode: 2,
    hint: advice`switch it on there (${exec`sysctl -w ${key}=0`}), or use a network of IPv4 alone`,
    details: { ns: namespace.ref, ifname, sysctl: key },
  });
}

/**
 * The first IPv4 address of a subnet takes all later ones of it along when it is deleted, and the
 * last address of an interface its routes, unless the kernel is told to move them up.
 */
function promoting(nsFd: number, ifname: string, action: () => void): void {
  const key = `net/ipv4/conf/${ifname}/promote_secondaries`;
  const before = sysctlSet(nsFd, key, '1');
  try {
    action();
  } finally {
    sysctlSet(nsFd, key, before);
  }
}
