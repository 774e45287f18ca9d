/**
 * The kernel's own neighbour tables (ARP and ND), for devices of the host such as a gateway.
 *
 * Source: include/uapi/linux/neighbour.h.
 */

import {
  attribute,
  concat,
  decodeAttributes,
  type Message,
  NLM_F,
  viewOf,
} from '../../../loader/netlink/codec.js';
import { ipBytes, ipText, ipVersion, macBytes, macText } from './address-bytes.js';
import { dump, type Rtnl, request } from './socket.js';

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const NDA = { DST: 1, LLADDR: 2 } as const;
const NUD_PERMANENT = 0x80;
const NDMSG_LENGTH = 12;

const STATES: Readonly<Record<number, string>> = {
  1: 'INCOMPLETE',
  2: 'REACHABLE',
  4: 'STALE',
  8: 'DELAY',
  16: 'PROBE',
  32: 'FAILED',
  64: 'NOARP',
  128: 'PERMANENT',
};

/** A neighbour as the kernel has it. */
export interface Neighbour {
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly address: string;
  /** Undefined while it is not known. */
  readonly mac: string | undefined;
  /** 'REACHABLE', 'STALE', 'PERMANENT' ... ; '' for none. */
  readonly state: string;
}

/** Adds or replaces a permanent neighbour. Throws KERNEL_ENODEV, BAD_ADDRESS (exit 1). */
export function neighReplace(rtnl: Rtnl, ifindex: number, address: string, mac: string): void {
  const body = concat([
    neighbourBody(ifindex, address, NUD_PERMANENT),
    attribute(NDA.LLADDR, macBytes(mac)),
  ]);
  const what = `set neighbour ${address} on link #${ifindex}`;
  request(rtnl, what, RTM_NEWNEIGH, NLM_F.CREATE | NLM_F.REPLACE, body);
}

/** Deletes a neighbour. Throws KERNEL_ENOENT when there is none, KERNEL_ENODEV. */
export function neighDelete(rtnl: Rtnl, ifindex: number, address: string): void {
  const what = `delete neighbour ${address} of link #${ifindex}`;
  request(rtnl, what, RTM_DELNEIGH, 0, neighbourBody(ifindex, address, 0));
}

/** IPv4 and IPv6 neighbours of one link, or of all. Throws KERNEL_*. */
export function neighDump(rtnl: Rtnl, ifindex?: number): Neighbour[] {
  return dump(rtnl, 'list neighbours', RTM_GETNEIGH, new Uint8Array(NDMSG_LENGTH))
    .flatMap(decodeNeighbour)
    .filter((neighbour) => ifindex === undefined || neighbour.ifindex === ifindex);
}

function neighbourBody(ifindex: number, address: string, state: number): Uint8Array {
  const { family, bytes } = ipBytes(address);
  const header = new Uint8Array(NDMSG_LENGTH);
  const view = viewOf(header);
  view.setUint8(0, family);
  view.setInt32(4, ifindex, true);
  view.setUint16(8, state, true);
  return concat([header, attribute(NDA.DST, bytes)]);
}

function decodeNeighbour({ body }: Message): Neighbour[] {
  const view = viewOf(body);
  const family = ipVersion(view.getUint8(0));
  const attributes = decodeAttributes(body, NDMSG_LENGTH);
  const address = attributes.get(NDA.DST);
  if (family === undefined || address === undefined) return [];
  const mac = attributes.get(NDA.LLADDR);
  return [
    {
      ifindex: view.getInt32(4, true),
      family,
      address: ipText(address),
      mac: mac && macText(mac),
      state: STATES[view.getUint16(8, true)] ?? '',
    },
  ];
}
