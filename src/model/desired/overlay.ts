/**
 * From desired state to what the kernel must hold for the overlay: how this node sends, to which nodes, which
 * networks it receives, which programs run where, and the devices that they need. Pure.
 */
import { FdbFlags, UnderlayDecap, UnderlayFlags } from '../../contract/generated.js';
import { familyOf, ipToBytes16 } from '../address/ip.js';
import { bytesToMac, macToBytes } from '../address/mac.js';
import { hash32 } from '../state/hash.js';
import type { Network, Remote, ResolvedUnderlay, State } from '../state/state.js';
import { nodePrefixEntry } from './prefixes.js';
import { type RawEntry, tableEntry } from './table-entry.js';

/** Maximum number of MACs learned behind one node: twice the endpoints that a node can have. */
export const NODE_LEARN_LIMIT = 16_384;
/** TTL of sent packets, the same as that of the host's own packets (RFC 1700). */
const TTL = 64;

/** Stands for an unknown MAC of a device. */
const NO_MAC = '00:00:00:00:00:00';

/** Programs of the overlay, by their names in the kernel. */
export const OVERLAY_PROGRAMS = ['replicate', 'anchor', 'underlay', 'decap'] as const;
export type OverlayProgram = (typeof OVERLAY_PROGRAMS)[number];

/** Devices of the overlay. */
export type OverlayDeviceKind = 'replicator' | 'anchor';

/** A device that the overlay needs. */
export interface OverlayDevice {
  readonly kind: OverlayDeviceKind;
  readonly name: string;
  readonly ifindex: number;
  /** Derived, so that a device that is made again looks the same to all processes. */
  readonly mac: string;
  /** UDP port of an anchor. */
  readonly port: number;
  /** Mark of its owner. */
  readonly alias: string;
}

/** Names of the overlay's devices; the replicator is a veth whose other end has the second name. */
export const OVERLAY_IFNAMES = {
  replicator: 'dpr0',
  replicatorPeer: 'dpr1',
  anchor: 'dpx0',
} as const;

/**
 * The alias that `ip link` shows for a device of the overlay; without a root's id, as an older dpctl wrote
 * it.
 */
export function overlayAlias(kind: OverlayDeviceKind, root?: string): string {
  return root === undefined ? `dpctl ${kind}` : `dpctl ${root} ${kind}`;
}

/** The devices that a state asks for. */
export function wantedDevices({
  rootId,
  underlay,
  resolvedUnderlay: resolved,
}: State): OverlayDevice[] {
  if (underlay === undefined || resolved === undefined) return [];
  const { port } = underlay;
  const device = (kind: OverlayDeviceKind, ifindex: number): OverlayDevice => ({
    kind,
    name: OVERLAY_IFNAMES[kind],
    ifindex,
    mac: derivedMac(`${kind}/${resolved.vtep}`),
    port,
    alias: overlayAlias(kind, rootId),
  });
  return [
    device('replicator', resolved.replicator),
    ...(resolved.anchor === undefined ? [] : [device('anchor', resolved.anchor)]),
  ];
}

/** A locally administered MAC derived from a text: the same text always gives the same MAC. */
export function derivedMac(text: string): string {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x0e58);
  view.setUint32(2, hash32(text));
  return bytesToMac(bytes);
}

/** Whether a MAC may have come from {@link derivedMac}. */
export function isDerivedMac(mac: string): boolean {
  return mac.startsWith('0e:58:');
}

/** Which programs run on which devices, in the order in which they are attached. */
export function wantedPrograms({
  underlay,
  resolvedUnderlay: resolved,
}: State): Map<OverlayProgram, number> {
  const programs = new Map<OverlayProgram, number>();
  if (underlay === undefined || resolved === undefined) return programs;
  programs.set('replicate', resolved.replicator);
  if (resolved.anchor !== undefined) programs.set('anchor', resolved.anchor);
  programs.set('underlay', resolved.ifindex);
  if (resolved.decap === 'xdp') programs.set('decap', resolved.ifindex);
  return programs;
}

/** Sysctls that make the lookup of the next hop faster: key -> value. */
export function underlaySysctls({
  underlay,
  resolvedUnderlay: resolved,
}: State): [string, string][] {
  if (underlay === undefined || resolved === undefined) return [];
  // Packets to nodes start at the loopback device, as those of local sockets do (bpf/encap/outer_common.h).
  return [[`net/ipv${familyOf(resolved.vtep)}/conf/lo/forwarding`, '1']];
}

/** How this node sends to others. */
export function underlayEntry({ underlay, resolvedUnderlay: resolved }: State): RawEntry[] {
  if (underlay === undefined || resolved === undefined) return [];
  return [
    tableEntry('underlay', 0, {
      ifindex: resolved.ifindex,
      flags: underlayFlags(resolved),
      mtu: resolved.mtu,
      replicator: resolved.replicator,
      local: ipToBytes16(resolved.vtep),
      port: underlay.port,
      ttl: TTL,
      dscp: 0,
      mac: macToBytes(resolved.mac ?? NO_MAC),
      decap: underlayDecap(resolved),
    }),
  ];
}

function underlayFlags({ vtep, anchor }: ResolvedUnderlay): number {
  return (
    (familyOf(vtep) === 6 ? UnderlayFlags.IP6 : 0) |
    (anchor === undefined ? 0 : UnderlayFlags.ANCHOR)
  );
}

/** Flags for decapsulation in the driver: what the device may have done to a packet by then. */
function underlayDecap({ decap, checksums }: ResolvedUnderlay): number {
  if (decap !== 'xdp') return 0;
  return (
    UnderlayDecap.XDP |
    (checksums === 'nobody' ? 0 : UnderlayDecap.VERIFY) |
    (checksums === 'sender' ? UnderlayDecap.VETH : 0)
  );
}

/** How to reach a node, and the static MACs behind it. */
export function nodeEntries(state: State, node: Remote): RawEntry[] {
  const { number } = node;
  const vtep = ipToBytes16(node.vtep);
  return [
    tableEntry('node', number, { vtep, flags: 0, learnMax: NODE_LEARN_LIMIT }),
    tableEntry('vtep', { ip: vtep }, { node: number }),
    ...remoteEntries(state, number),
    ...(node.prefixes ?? []).flatMap(({ network, prefix }) => {
      const owner = state.networks.find(({ name }) => name === network);
      return owner === undefined ? [] : [nodePrefixEntry(owner, prefix, number)];
    }),
  ];
}

function remoteEntries(state: State, node: number): RawEntry[] {
  const vnis = new Map(state.networks.map(({ name, vni }) => [name, vni]));
  const entries: RawEntry[] = [];
  for (const remote of state.remoteFdb) {
    const vni = vnis.get(remote.network);
    if (vni === undefined || remote.node !== node) continue;
    const mac = macToBytes(remote.mac);
    entries.push(
      tableEntry(
        'fdb',
        { vni, mac },
        { ifindex: 0, endpoint: 0, node, flags: FdbFlags.STATIC, lastSeen: 0n },
      ),
    );
    for (const ip of remote.ips) {
      entries.push(
        tableEntry('neigh', { vni, ip: ipToBytes16(ip) }, { mac, flags: 0, endpoint: 0 }),
      );
    }
  }
  return entries;
}

/** The VNI of a network on the wire. Without an underlay nothing is received on it. */
export function vniEntries(state: State, { vni, index }: Network): RawEntry[] {
  if (state.underlay === undefined || state.resolvedUnderlay === undefined) return [];
  return [tableEntry('vni', vni, { network: index })];
}

/** Slots in the lists of nodes that floods go to; none without an underlay. */
export function replicaCount({ underlay, resolvedUnderlay: resolved, nodes }: State): number {
  if (underlay === undefined || resolved === undefined) return 0;
  return nodes.at(-1)?.number ?? 0;
}

/** The entry that sends floods of a network to a node. */
export function replicaEntries(state: State, network: Network, node: Remote): RawEntry[] {
  if (state.underlay === undefined || state.resolvedUnderlay === undefined) return [];
  if (node.networks?.includes(network.name) === false) return [];
  const key = { network: network.index, slot: node.number - 1 };
  return [tableEntry('replica', key, { node: node.number })];
}
