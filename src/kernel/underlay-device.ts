/** The overlay's own devices: made, found and deleted. */
import { ENDPOINT_ARRAY_SIZE } from '../contract/generated.js';
import {
  derivedMac,
  OVERLAY_IFNAMES,
  type OverlayDevice,
  type OverlayDeviceKind,
  overlayAlias,
} from '../model/desired/overlay.js';
import type { ObservedOverlayDevice } from '../model/observed.js';
import {
  type Link,
  linkAddVeth,
  linkAddVxlanExternal,
  linkDelete,
  linkGet,
  linkSet,
  type Rtnl,
} from './netlink.js';

/** Frames of any length go through the replicator, segments that are yet to be cut among them. */
const REPLICATOR_MTU = 65_535;

/**
 * Make a device of the overlay, and bring a replicator up.
 * @throws DpctlError KERNEL_EEXIST, KERNEL_EOPNOTSUPP as of {@link linkAddVxlanExternal}
 */
export function createOverlayDevice(rtnl: Rtnl, device: OverlayDevice): void {
  const { kind, name, ifindex, mac, port } = device;
  const alias = overlayAlias(kind);
  if (kind === 'anchor') {
    linkAddVxlanExternal(rtnl, { name, ifindex, mac, port, alias });
    return;
  }
  const peer = freeOverlayIfindex(rtnl, kind, ifindex);
  linkAddVeth(rtnl, {
    name,
    ifindex,
    mac,
    mtu: REPLICATOR_MTU,
    alias,
    up: true,
    peer: {
      name: OVERLAY_IFNAMES.replicatorPeer,
      ifindex: peer,
      mac: derivedMac(`peer of ${mac}`),
      mtu: REPLICATOR_MTU,
    },
  });
  try {
    const mode = linkGet(rtnl, { ifindex: peer })?.addrGenMode;
    linkSet(rtnl, peer, { alias, addrGenMode: mode === undefined ? undefined : 'none' });
    linkSet(rtnl, peer, { up: true });
  } catch (error) {
    linkDelete(rtnl, { ifindex });
    throw error;
  }
}

/**
 * Open the anchor's socket, or close it: only while its program runs, as whatever comes out of the
 * device without it is taken by the host's IP stack. One that is gone (0: already unknown) is closed.
 * @throws DpctlError KERNEL_EADDRINUSE (a socket has the port)
 */
export function openAnchor(rtnl: Rtnl, ifindex: number, open: boolean): void {
  if (!open && (ifindex === 0 || linkGet(rtnl, { ifindex }) === undefined)) return;
  linkSet(rtnl, ifindex, { up: open });
}

/** Delete a device of the overlay; one that is gone is no error. */
export function deleteOverlayDevice(rtnl: Rtnl, { ifindex }: OverlayDevice): void {
  linkDelete(rtnl, { ifindex });
}

/**
 * A free number for a device of the overlay: past those that are keys of a table, which are for
 * endpoints. Those of anchors are far from the others, as each is chosen before the other is made.
 */
export function freeOverlayIfindex(rtnl: Rtnl, kind: OverlayDeviceKind, except = 0): number {
  let ifindex = kind === 'anchor' ? 2 * ENDPOINT_ARRAY_SIZE : ENDPOINT_ARRAY_SIZE;
  while (ifindex === except || linkGet(rtnl, { ifindex }) !== undefined) ifindex++;
  return ifindex;
}

/** The device of the overlay that a link is, by its name and alias; undefined: none. */
export function overlayKindOf({ name, kind, alias }: Link): OverlayDeviceKind | undefined {
  if (kind === 'veth' && name === OVERLAY_IFNAMES.replicator && isMine(alias, 'replicator')) {
    return 'replicator';
  }
  const isAnchor = kind === 'vxlan' && name === OVERLAY_IFNAMES.anchor && isMine(alias, 'anchor');
  return isAnchor ? 'anchor' : undefined;
}

/** Nobody else is expected to use these names; without an alias it is one that was half made. */
function isMine(alias: string | undefined, kind: OverlayDeviceKind): boolean {
  return alias === undefined || alias === overlayAlias(kind);
}

/** The overlay's devices that are there. */
export function overlayDevices(rtnl: Rtnl): Map<OverlayDeviceKind, ObservedOverlayDevice> {
  const found = new Map<OverlayDeviceKind, ObservedOverlayDevice>();
  for (const kind of ['replicator', 'anchor'] as const) {
    const link = linkGet(rtnl, { name: OVERLAY_IFNAMES[kind] });
    if (link === undefined || overlayKindOf(link) !== kind) continue;
    const { name, ifindex, mac, up, vxlan } = link;
    found.set(kind, { name, ifindex, mac, up, port: vxlan?.external ? vxlan.port : 0 });
  }
  return found;
}
