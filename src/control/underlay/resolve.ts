/** The current underlay: the requested device, this node's address on it, and the decap mode. */

import { isDeepStrictEqual } from 'node:util';
import { DpctlError } from '../../../loader/errors.js';
import { advice, exec, run } from '../../../loader/hint.js';
import { freeOverlayIfindex, overlayKindOf } from '../../datapath/underlay/device.js';
import { addrDump, type LinkAddress } from '../../linux/netlink/address.js';
import { type Link, linkDump, linkGet } from '../../linux/netlink/link.js';
import { closestWord } from '../../linux/suggest.js';
import { familyOf } from '../../model/address/ip.js';
import type { OverlayDeviceKind } from '../../model/desired/overlay.js';
import { chooseDecap, type DecapChoice, mayAnchor } from '../../model/overlay/decap.js';
import { overlayMtu } from '../../model/overlay/mtu.js';
import { checkOwnVtep, OVERHEAD } from '../../model/overlay/underlay.js';
import { MTU_MIN } from '../../model/state/names.js';
import type { ResolvedUnderlay, State, Underlay } from '../../model/state/state.js';
import type { Node } from '../node/node.js';
import { deviceFacts } from './device-facts.js';

/** How {@link resolveUnderlay} looks. */
export interface ResolveOptions {
  /** Ask again what the device can do; otherwise the earlier choice stays. */
  readonly fresh: boolean;
  /** Decap modes that the kernel has refused just now. */
  readonly refused?: ResolvedUnderlay['refused'];
}

/**
 * What to use of the underlay that a state asks for.
 * @param before the state when the kernel was last changed
 * @throws DpctlError, exit 3: UNDERLAY_NOT_FOUND; exit 1: UNDERLAY_UNFIT, UNDERLAY_NO_ADDRESS,
 *   VTEP_NOT_LOCAL, UNDERLAY_MTU, DECAP_IMPOSSIBLE, and those of checkOwnVtep
 */
export function resolveUnderlay(
  node: Node,
  before: State,
  state: State & { readonly underlay: Underlay },
  options: ResolveOptions,
): ResolvedUnderlay {
  const { underlay } = state;
  const link = requireDevice(node, state);
  const old =
    before.resolvedUnderlay?.ifindex === link.ifindex ? before.resolvedUnderlay : undefined;
  const vtep = chooseVtep(node, underlay, link, old?.vtep);
  checkOwnVtep(state.nodes, vtep);
  const same = old !== undefined && isDeepStrictEqual(before.underlay, underlay);
  const refused = [...(same ? old.refused : []), ...(options.refused ?? [])];
  const facts = deviceFacts(node, underlay, link);
  const choice: DecapChoice = same && !options.fresh ? old : chooseDecap(underlay, facts, refused);
  const { tunnelDevice } = facts;
  // A request for only tc gets only tc: the UDP port stays free.
  const needsAnchor =
    underlay.decap !== 'tc' && mayAnchor(facts) && !refused.some(({ decap }) => decap === 'tc-gro');
  const replicator = numberFor(node, 'replicator', before.resolvedUnderlay?.replicator);
  const resolved: ResolvedUnderlay = {
    ifindex: link.ifindex,
    mtu: link.mtu,
    vtep,
    decap: choice.decap,
    why: choice.why,
    refused,
    replicator,
    ...(needsAnchor ? { anchor: numberFor(node, 'anchor', before.resolvedUnderlay?.anchor) } : {}),
    ...(tunnelDevice === undefined ? {} : { tunnel: tunnelDevice }),
    mac: link.mac,
    checksums: facts.checksums,
  };
  if (overlayMtu(resolved) < MTU_MIN) throw tooSmall(underlay.device, resolved);
  return resolved;
}

function requireDevice(node: Node, { underlay, endpoints }: State): Link {
  const name = underlay?.device ?? '';
  const link = linkGet(node.rtnl(), { name });
  if (link === undefined) {
    const names = linkDump(node.rtnl(), { statistics: false }).map((each) => each.name);
    const close = closestWord(name, names);
    throw new DpctlError('UNDERLAY_NOT_FOUND', `this node has no device ${JSON.stringify(name)}`, {
      exitCode: 3,
      hint: close === undefined ? exec`ip -br link` : run`underlay set ${close}`,
      details: { device: name },
    });
  }
  const own = endpoints.some(({ hostIfname, ifname, namespace }) =>
    namespace.kind === 'node' ? [hostIfname, ifname].includes(name) : hostIfname === name,
  );
  const why = link.flags.includes('LOOPBACK')
    ? 'it is loopback'
    : own
      ? 'it belongs to an endpoint'
      : overlayKindOf(link) !== undefined
        ? 'it is a device of the overlay itself'
        : undefined;
  if (why === undefined) {
    if (link.ethernet) return link;
    throw notEthernet(name);
  }
  throw new DpctlError('UNDERLAY_UNFIT', `${name} cannot be the underlay: ${why}`, {
    exitCode: 1,
    hint: advice`${exec`ip -br addr`} lists the devices with their addresses`,
    details: { device: name, why },
  });
}

/** The program expects the IP header behind an Ethernet header. */
function notEthernet(name: string): DpctlError {
  const why = 'its packets have no Ethernet header, as those of tun, WireGuard and other tunnels';
  return new DpctlError('UNDERLAY_UNFIT', `${name} cannot carry VXLAN for dpctl: ${why}`, {
    exitCode: 1,
    hint: advice`use the Ethernet device below it: ${exec`ip -br link`} lists devices with their MACs`,
    details: { device: name, why },
  });
}

function chooseVtep(
  node: Node,
  { device, vtep }: Underlay,
  link: Link,
  old: string | undefined,
): string {
  const all = addrDump(node.rtnl()).filter(isUsable);
  const here = all.filter(({ ifindex }) => ifindex === link.ifindex);
  if (vtep !== undefined) {
    if (all.some(({ address }) => address === vtep)) return vtep;
    const [other] = here;
    throw new DpctlError('VTEP_NOT_LOCAL', `${vtep} is not an address of this node`, {
      exitCode: 1,
      hint:
        other === undefined
          ? exec`ip addr add ${vtep}/${familyOf(vtep) === 4 ? 24 : 64} dev ${device}`
          : run`underlay set ${device} --vtep ${other.address}`,
      details: { vtep, device },
    });
  }
  // An address that is still present stays, even if others were added before it.
  const kept = here.find(({ address }) => address === old) ?? here[0];
  if (kept !== undefined) return kept.address;
  const master =
    link.master === undefined ? undefined : linkGet(node.rtnl(), { ifindex: link.master });
  throw new DpctlError('UNDERLAY_NO_ADDRESS', `${device} has no global address`, {
    exitCode: 1,
    hint:
      master === undefined
        ? advice`${exec`ip addr add 192.0.2.7/24 dev ${device}`}, or --vtep with an address of another device`
        : advice`it is a port of ${master.name}: ${run`underlay set ${master.name}`}`,
    details: { device },
  });
}

function isUsable({ scope, flags }: LinkAddress): boolean {
  return scope === 'global' && !flags.includes('dadfailed') && !flags.includes('deprecated');
}

/** Keep the former number, unless another device has it by now. */
function numberFor(node: Node, kind: OverlayDeviceKind, old: number | undefined): number {
  const link = old === undefined ? undefined : linkGet(node.rtnl(), { ifindex: old });
  if (old !== undefined && (link === undefined || overlayKindOf(link) === kind)) return old;
  return freeOverlayIfindex(node.rtnl(), kind);
}

function tooSmall(device: string, { mtu, vtep }: ResolvedUnderlay): DpctlError {
  const least = MTU_MIN + OVERHEAD[familyOf(vtep)];
  return new DpctlError(
    'UNDERLAY_MTU',
    `the MTU of ${device} is ${mtu}, and VXLAN needs ${least}`,
    {
      exitCode: 1,
      hint: exec`ip link set ${device} mtu 1500`,
      details: { device, mtu, least },
    },
  );
}
