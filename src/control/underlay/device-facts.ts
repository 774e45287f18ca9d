/** What the underlay's device does with packets, and what else uses VXLAN on this node. */
import { errnoOf } from '../../../loader/errors.js';
import { hasFeature } from '../../../loader/probe.js';
import { overlayKindOf } from '../../datapath/underlay/device.js';
import { foreignXdp } from '../../datapath/underlay/hook.js';
import { xdpSupport } from '../../datapath/underlay/xdp.js';
import { type Link, linkDump } from '../../linux/netlink/link.js';
import { driverName, type Features, featuresGet, isActive } from '../../linux/offload.js';
import type { DeviceFacts } from '../../model/overlay/decap.js';
import type { Underlay } from '../../model/state/state.js';
import { hostPins, type Node } from '../node/node.js';

/** Look at a device. Changes and attaches nothing. */
export function deviceFacts(node: Node, { port }: Underlay, link: Link): DeviceFacts {
  const netns = node.netnsFd();
  const features = featuresGet(netns, link.name);
  const driver = kernelDriver(netns, link);
  const xdp = xdpSupport(netns, link.ifindex);
  return {
    driver,
    passesSegments: driver === 'veth' && passesTunnels(features),
    merges: isActive(features, 'gro'),
    mergesInHardware: isActive(features, 'rx-lro') || isActive(features, 'rx-gro-hw'),
    checksums: driver === 'veth' ? 'sender' : isActive(features, 'rx') ? 'driver' : 'nobody',
    xdp: xdp?.native,
    xdpFrags: xdp?.frags,
    foreignXdp: foreignXdp(hostPins(node), netns, link.ifindex),
    mtu: link.mtu,
    tellsDestination: hasFeature('tunnel_key_local'),
    tunnelDevice: kernelVxlans(node).find((each) => each.vxlan?.port === port)?.name,
  };
}

/** A veth passes packets to its peer as it got them: whole, unless segmentation was switched on. */
function passesTunnels(features: Features): boolean {
  return isActive(features, 'tso') && isActive(features, 'tx-udp_tnl-segmentation');
}

function kernelDriver(netns: number, { name, kind }: Link): string {
  try {
    return driverName(netns, name);
  } catch (error) {
    if (errnoOf(error) === 'EOPNOTSUPP') return kind ?? '';
    throw error;
  }
}

/** The kernel's VXLAN devices that are not dpctl's; those that are down receive nothing and are left out. */
export function kernelVxlans(node: Node): Link[] {
  return linkDump(node.rtnl(), { statistics: false }).filter(
    (link) => link.vxlan !== undefined && link.up && overlayKindOf(link) === undefined,
  );
}
