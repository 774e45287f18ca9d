/** The overlay's own devices: made, found and deleted. */
import { ENDPOINT_ARRAY_SIZE } from '../../contract/generated.js';
import { type Link, linkDelete, linkGet, linkSet } from '../../linux/netlink/link.js';
import { linkAddVeth } from '../../linux/netlink/pair.js';
import type { Rtnl } from '../../linux/netlink/socket.js';
import { linkAddVxlanExternal } from '../../linux/netlink/vxlan.js';
import { featuresGet, featuresSet, isActive } from '../../linux/offload.js';
import {
  derivedMac,
  isDerivedMac,
  OVERLAY_IFNAMES,
  type OverlayDevice,
  type OverlayDeviceKind,
  overlayAlias,
} from '../../model/desired/overlay.js';
import type { ObservedOverlayDevice } from '../../model/plan/observed.js';
import { markOf } from '../../model/state/ownership-mark.js';

/** Frames of any length pass the replicator, including segments that are not yet cut. */
const REPLICATOR_MTU = 65_535;

/**
 * Make a device of the overlay, and bring a replicator up.
 * @throws DpctlError KERNEL_EEXIST, KERNEL_EOPNOTSUPP as of {@link linkAddVxlanExternal}
 */
export function createOverlayDevice(rtnl: Rtnl, netnsFd: number, device: OverlayDevice): void {
  const { kind, name, ifindex, mac, port, alias } = device;
  if (kind === 'anchor') {
    linkAddVxlanExternal(rtnl, { name, ifindex, mac, port, alias });
    // Packets were merged on arrival. Here GRO would count the outer headers as part of the flow, so that
    // segments of one flow with different outer headers (a congestion mark changes them) would be reordered.
    undoOnError(rtnl, ifindex, () => featuresSet(netnsFd, name, { gro: false }));
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
  undoOnError(rtnl, ifindex, () => {
    const mode = linkGet(rtnl, { ifindex: peer })?.addrGenMode;
    linkSet(rtnl, peer, { alias, addrGenMode: mode === undefined ? undefined : 'none' });
    linkSet(rtnl, peer, { up: true });
  });
}

/** Delete a device again if it cannot be finished. */
function undoOnError(rtnl: Rtnl, ifindex: number, finish: () => void): void {
  try {
    finish();
  } catch (error) {
    linkDelete(rtnl, { ifindex });
    throw error;
  }
}

/**
 * Open the anchor's socket, or close it. It is open only while the anchor's program runs: without the
 * program, the host's IP stack takes the decapsulated frames. Closing a device that is gone (0: already known
 * to be) is no error.
 * @throws DpctlError KERNEL_EADDRINUSE (a socket has the port)
 */
export function openAnchor(rtnl: Rtnl, ifindex: number, open: boolean): void {
  if (!open && (ifindex === 0 || linkGet(rtnl, { ifindex }) === undefined)) return;
  linkSet(rtnl, ifindex, { up: open });
}

/** Delete a device of the overlay; a missing one is no error. */
export function deleteOverlayDevice(rtnl: Rtnl, { ifindex }: OverlayDevice): void {
  linkDelete(rtnl, { ifindex });
}

/**
 * A free number for a device of the overlay, above the numbers that are table keys, which are for endpoints.
 * Anchors' numbers are far from the others, as each is chosen before the other device is made.
 */
export function freeOverlayIfindex(rtnl: Rtnl, kind: OverlayDeviceKind, except = 0): number {
  let ifindex = kind === 'anchor' ? 2 * ENDPOINT_ARRAY_SIZE : ENDPOINT_ARRAY_SIZE;
  while (ifindex === except || linkGet(rtnl, { ifindex }) !== undefined) ifindex++;
  return ifindex;
}

/** Which device of the overlay a link is, for any root, by its name and mark; undefined: none. */
export function overlayKindOf({ name, kind, alias, mac }: Link): OverlayDeviceKind | undefined {
  const device = kind === 'veth' ? 'replicator' : kind === 'vxlan' ? 'anchor' : undefined;
  if (device === undefined || name !== OVERLAY_IFNAMES[device]) return undefined;
  // A half-made device has no alias yet, but has its MAC from the start.
  const marked = alias === undefined ? isDerivedMac(mac) : isOverlayAlias(alias, device);
  return marked ? device : undefined;
}

function isOverlayAlias(alias: string, kind: OverlayDeviceKind): boolean {
  return alias === overlayAlias(kind, markOf(alias)?.root);
}

/**
 * The existing devices of the overlay.
 * @param root leave out those with the mark of another root; an older dpctl's have none
 */
export function overlayDevices(
  rtnl: Rtnl,
  netnsFd: number,
  root?: string,
): Map<OverlayDeviceKind, ObservedOverlayDevice> {
  const found = new Map<OverlayDeviceKind, ObservedOverlayDevice>();
  for (const kind of ['replicator', 'anchor'] as const) {
    const link = linkGet(rtnl, { name: OVERLAY_IFNAMES[kind] });
    if (link === undefined || overlayKindOf(link) !== kind) continue;
    const { name, ifindex, mac, up, vxlan, alias = '' } = link;
    const owner = markOf(alias)?.root;
    if (root !== undefined && owner !== undefined && owner !== root) continue;
    const port = vxlan?.external ? vxlan.port : 0;
    const merges = kind === 'anchor' && isActive(featuresGet(netnsFd, name), 'gro');
    found.set(kind, { name, ifindex, mac, up, alias, port, merges });
  }
  return found;
}
