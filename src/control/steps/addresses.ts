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

/** Add an address to the interface inside. @throws DpctlError IPV6_DISABLED, NETNS_GONE */
export const addressAdd: StepActions<AddressStep> = { execute: add, undo: remove, describe };

/** Delete one of dpctl's addresses from the interface inside. */
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
    // The address is assigned to this endpoint, so duplicate address detection is not needed.
    addrAdd(rtnl, ifindex, { ...spec, nodad, protocol: ROUTE_PROTOCOL });
  });
}

function remove(node: Node, { endpoint, address }: AddressStep): void {
  withEndpointRtnl(node, endpoint, (rtnl, nsFd) => {
    const ifindex = requireInner(rtnl, endpoint);
    promoting(nsFd, endpoint.ifname, () =>
      // Another process may have deleted it already.
      exceptFor(['EADDRNOTAVAIL'], () => addrDelete(rtnl, ifindex, addressOf(address)), undefined),
    );
  });
}

function addressOf(text: string) {
  const [address = '', length = ''] = text.split('/');
  return { address, prefixLength: Number(length) };
}

/**
 * Containers often start with IPv6 off (Docker's default). On its own pairs dpctl switches IPv6 on, which
 * ends with the pair; the owner of an adopted pair decides.
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
    // A kernel without IPv6 has no such parameter; any other error is a fault.
    if (!(cause instanceof DpctlError) || cause.code !== 'SYSCTL_NOT_FOUND') throw cause;
    throw new DpctlError('IPV6_DISABLED', `this kernel has no IPv6 for ${ifname}`, {
      exitCode: 2,
      hint: advice`use a network without IPv6: ${run`network add NAME --subnet 10.0.0.0/16`}`,
      details: { ns: namespace.ref, ifname },
      cause,
    });
  }
}

function ip6Disabled({ namespace, ifname }: Endpoint, key: string): DpctlError {
  return new DpctlError('IPV6_DISABLED', `IPv6 is disabled on ${ifname} in ${namespace.ref}`, {
    exitCode: 2,
    hint: advice`enable it there (${exec`sysctl -w ${key}=0`}), or use a network without IPv6`,
    details: { ns: namespace.ref, ifname, sysctl: key },
  });
}

/**
 * Deleting the first IPv4 address of a subnet deletes its later ones too, and deleting the last address of an
 * interface deletes its routes, unless the kernel is told to promote them.
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
