/** What else on this node claims packets of the overlay: found before anything is attached. */

import { DpctlError } from '../../../loader/errors.js';
import { advice, exec, run } from '../../../loader/hint.js';
import { overlayDevices } from '../../datapath/underlay/device.js';
import { runsOtherOverlay } from '../../datapath/underlay/hook.js';
import { socketOwner, udpHolders } from '../../datapath/underlay/port.js';
import type { Link } from '../../linux/netlink/link.js';
import { lowestFree } from '../../model/network/ipam.js';
import { VNI_MAX } from '../../model/state/names.js';
import type { State } from '../../model/state/state.js';
import { hostPins, type Node } from '../node/node.js';
import { kernelVxlans } from './device-facts.js';

/**
 * Refuse an underlay whose packets something else claims: a process with the UDP port, another dpctl root on
 * the device, a VXLAN device of the kernel that takes every VNI or one of ours. A VXLAN device with other
 * VNIs on the same port is no obstacle: it gets the frames that are not ours.
 * @param before the recorded state of this node
 * @throws DpctlError, exit 1: UNDERLAY_IN_USE, PORT_IN_USE, VNI_IN_USE
 */
export function refuseConflicts(node: Node, before: State, state: State): void {
  const { underlay, resolvedUnderlay: resolved } = state;
  if (underlay === undefined || resolved === undefined) return;
  const { device, port } = underlay;
  const place = { name: 'underlay', ifindex: resolved.ifindex } as const;
  const recorded = before.resolvedUnderlay?.ifindex === resolved.ifindex;
  if (runsOtherOverlay(hostPins(node), node.netnsFd(), place, recorded)) {
    throw new DpctlError('UNDERLAY_IN_USE', `${device} is the underlay of another dpctl root`, {
      exitCode: 1,
      hint: 'each root needs a network namespace of its own',
      details: { device },
    });
  }
  const vxlans = kernelVxlans(node).filter(({ vxlan }) => vxlan?.port === port);
  const external = vxlans.find(({ vxlan }) => vxlan?.external);
  if (external !== undefined)
    throw portInUse(state, `VXLAN device ${external.name}, for every VNI`);
  refuseVnis(state, vxlans);
  if (vxlans.length > 0) return;
  const holder = udpHolders(node.netnsFd(), port).find(({ address }) =>
    [resolved.vtep, '0.0.0.0', '::'].includes(address),
  );
  // The anchor's own sockets are not another process's.
  const anchor = overlayDevices(node.rtnl(), node.netnsFd(), state.rootId).get('anchor');
  if (holder === undefined || anchor?.port === port) return;
  throw portInUse(state, socketOwner(holder.inode) ?? 'a socket inside the kernel');
}

/** VXLAN devices of the kernel that have a VNI of one of our networks. */
function refuseVnis({ networks, underlay }: State, vxlans: readonly Link[]): void {
  for (const { name, vni } of networks) {
    const holder = vxlans.find(({ vxlan }) => vxlan?.vni === vni);
    if (holder === undefined) continue;
    const taken = [
      ...networks.map((each) => each.vni),
      ...vxlans.map(({ vxlan }) => vxlan?.vni ?? 0),
    ];
    const free = lowestFree(taken, 1, VNI_MAX);
    throw new DpctlError(
      'VNI_IN_USE',
      `VNI ${vni} of network ${name} is also used by the VXLAN device ${holder.name} on port ${underlay?.port}`,
      {
        exitCode: 1,
        hint: advice`${run`network add ${name} --vni ${free ?? 'VNI'}`}, on every node; or ${exec`ip link del ${holder.name}`}`,
        details: { vni, network: name, device: holder.name, free },
      },
    );
  }
}

function portInUse({ underlay }: State, holder: string): DpctlError {
  const { device = '', port = 0 } = underlay ?? {};
  return new DpctlError('PORT_IN_USE', `UDP port ${port} belongs to ${holder}`, {
    exitCode: 1,
    hint: advice`${run`underlay set ${device} --port ${port === 4789 ? 8472 : 4789}`}, on every node`,
    details: { port, device, holder },
  });
}
