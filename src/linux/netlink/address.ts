/**
 * Addresses of links.
 *
 * Source: include/uapi/linux/if_addr.h.
 */

import {
  attribute,
  concat,
  decodeAttributes,
  type Message,
  NLM_F,
  readText,
  readUint,
  u8,
  u32,
  viewOf,
} from '../../../loader/netlink/codec.js';
import { ipBytes, ipText, ipVersion } from './address-bytes.js';
import { dump, type Rtnl, request } from './socket.js';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, FLAGS: 8, PROTO: 11 } as const;
const IFA_F_NODAD = 0x02;
const IFA_F_NOPREFIXROUTE = 0x200;
const IFADDRMSG_LENGTH = 8;

/** IFA_F_* by the name iproute2 prints. */
const FLAG_NAMES = [
  ['secondary', 0x01],
  ['nodad', 0x02],
  ['optimistic', 0x04],
  ['dadfailed', 0x08],
  ['home', 0x10],
  ['deprecated', 0x20],
  ['tentative', 0x40],
  ['permanent', 0x80],
  ['mngtmpaddr', 0x100],
  ['noprefixroute', 0x200],
  ['autojoin', 0x400],
  ['stable-privacy', 0x800],
] as const;

/** Scopes of addresses and routes (RT_SCOPE_*) by number. */
const SCOPES: Readonly<Record<number, string>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
};

/** An address to add. */
export interface AddressSpec {
  /** IPv4 or IPv6 as text. */
  readonly address: string;
  /** Bits of the prefix, 0 to 32 or 128. */
  readonly prefixLength: number;
  /** IPv6: usable at once, no duplicate address detection. */
  readonly nodad?: boolean | undefined;
  /** Do not add a route to the prefix. */
  readonly noprefixroute?: boolean | undefined;
  /** ifa_proto: who added it. Kernels before 5.18 do not store it. */
  readonly protocol?: number | undefined;
}

/** An address in the kernel. */
export interface LinkAddress {
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  /** 'global', 'link', 'host', 'site', 'nowhere' or a number as text. */
  readonly scope: string;
  /** As iproute2 names them: 'permanent', 'tentative', 'nodad', 'noprefixroute' ... */
  readonly flags: readonly string[];
  /** IPv4 only; usually the device's name. */
  readonly label: string | undefined;
  /** ifa_proto: who added it; 0 if not set. */
  readonly protocol: number;
}

/** Add an address. Throws KERNEL_EEXIST when the link has it, KERNEL_ENODEV, ADDRESS_INVALID (exit 1). */
export function addrAdd(rtnl: Rtnl, ifindex: number, spec: AddressSpec): void {
  const flags = (spec.nodad ? IFA_F_NODAD : 0) | (spec.noprefixroute ? IFA_F_NOPREFIXROUTE : 0);
  const parts = [addressBody(ifindex, spec), attribute(IFA.FLAGS, u32(flags))];
  if (spec.protocol !== undefined) parts.push(attribute(IFA.PROTO, u8(spec.protocol)));
  const what = `add address ${spec.address}/${spec.prefixLength} to link #${ifindex}`;
  request(rtnl, what, RTM_NEWADDR, NLM_F.CREATE | NLM_F.EXCL, concat(parts));
}

/** Remove an address. Throws KERNEL_EADDRNOTAVAIL when the link does not have it, KERNEL_ENODEV. */
export function addrDelete(
  rtnl: Rtnl,
  ifindex: number,
  spec: Pick<AddressSpec, 'address' | 'prefixLength'>,
): void {
  const what = `delete address ${spec.address}/${spec.prefixLength} of link #${ifindex}`;
  request(rtnl, what, RTM_DELADDR, 0, addressBody(ifindex, spec));
}

/** IPv4 and IPv6 addresses of one link, or of all. Empty for a link that does not exist. Throws KERNEL_*. */
export function addrDump(rtnl: Rtnl, ifindex?: number): LinkAddress[] {
  // Filtered here: with ifa_index in the request the kernel answers ENODEV for a link without IPv6.
  return dump(rtnl, 'list addresses', RTM_GETADDR, ifaddrmsg(0, 0, 0))
    .flatMap(decodeAddress)
    .filter((address) => ifindex === undefined || address.ifindex === ifindex);
}

function addressBody(
  ifindex: number,
  spec: Pick<AddressSpec, 'address' | 'prefixLength'>,
): Uint8Array {
  const { family, bytes } = ipBytes(spec.address);
  // On a broadcast device both are given and equal; they differ only with a fixed peer.
  return concat([
    ifaddrmsg(family, spec.prefixLength, ifindex),
    attribute(IFA.LOCAL, bytes),
    attribute(IFA.ADDRESS, bytes),
  ]);
}

function ifaddrmsg(family: number, prefixLength: number, ifindex: number): Uint8Array {
  const out = new Uint8Array(IFADDRMSG_LENGTH);
  out[0] = family;
  out[1] = prefixLength;
  viewOf(out).setUint32(4, ifindex, true);
  return out;
}

function decodeAddress({ body }: Message): LinkAddress[] {
  const view = viewOf(body);
  const family = ipVersion(view.getUint8(0));
  const attributes = decodeAttributes(body, IFADDRMSG_LENGTH);
  const bytes = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS);
  if (family === undefined || bytes === undefined) return [];
  const bits = readUint(attributes.get(IFA.FLAGS)) ?? view.getUint8(2);
  const scope = view.getUint8(3);
  return [
    {
      ifindex: view.getUint32(4, true),
      family,
      address: ipText(bytes),
      prefixLength: view.getUint8(1),
      scope: SCOPES[scope] ?? String(scope),
      flags: FLAG_NAMES.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name),
      label: readText(attributes.get(IFA.LABEL)),
      protocol: readUint(attributes.get(IFA.PROTO)) ?? 0,
    },
  ];
}
