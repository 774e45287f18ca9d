/**
 * What a device can do with XDP, asked of the kernel's netdev family (6.3) without attaching anything:
 * attaching a program makes some drivers take their link down for a moment.
 *
 * Source: include/uapi/linux/netdev.h, Documentation/netlink/specs/netdev.yaml.
 */

import { errnoOf } from '../../../loader/errors.js';
import {
  attribute,
  concat,
  decodeAttributes,
  readUint,
  text,
  u32,
  viewOf,
} from '../../../loader/netlink/codec.js';
import { openFamily, request } from '../../linux/netlink/socket.js';

const NETLINK_GENERIC = 16;
const GENL_HEADER_LENGTH = 4;
const CTRL = { id: 16, getFamily: 3, familyId: 1, familyName: 2 } as const;
const NETDEV = { devGet: 1, ifindex: 1, xdpFeatures: 3 } as const;
const XDP_ACT = { basic: 1 << 0, scatterGather: 1 << 5 } as const;

/** XDP support of a device's driver. */
export interface XdpSupport {
  readonly native: boolean;
  /** Packets in several fragments too, as packets with a large MTU are. */
  readonly frags: boolean;
}

/** @returns undefined if this kernel cannot tell */
export function xdpSupport(nsFd: number, ifindex: number): XdpSupport | undefined {
  const socket = openFamily(NETLINK_GENERIC, nsFd);
  try {
    const ask = (family: number, command: number, body: Uint8Array) =>
      request(socket, 'ask for XDP features', family, 0, concat([header(command), body]))[0];
    const found = ask(CTRL.id, CTRL.getFamily, attribute(CTRL.familyName, text('netdev')));
    const family = found && readUint(attributesOf(found.body).get(CTRL.familyId));
    if (family === undefined) return undefined;
    const device = ask(family, NETDEV.devGet, attribute(NETDEV.ifindex, u32(ifindex)));
    const features = device && attributesOf(device.body).get(NETDEV.xdpFeatures);
    if (features === undefined) return undefined;
    const bits = Number(viewOf(features).getBigUint64(0, true));
    return {
      native: (bits & XDP_ACT.basic) !== 0,
      frags: (bits & XDP_ACT.scatterGather) !== 0,
    };
  } catch (error) {
    if (['ENOENT', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  } finally {
    socket.close();
  }
}

function header(command: number): Uint8Array {
  return Uint8Array.of(command, 1, 0, 0);
}

function attributesOf(body: Uint8Array) {
  return decodeAttributes(body, GENL_HEADER_LENGTH);
}
