/**
 * The underlay of a lab: a switch in a namespace of its own, and a veth to each node. The bridge only stands
 * for the wire; it is not under test.
 */

import type { LabSpec } from '../api/lab.js';
import { runCommand } from '../linux/command.js';
import { addrAdd, addrDump } from '../linux/netlink/address.js';
import { type Link, linkDelete, linkGet, linkSet } from '../linux/netlink/link.js';
import { linkAddVeth } from '../linux/netlink/pair.js';
import { openRtnl, type Rtnl } from '../linux/netlink/socket.js';
import { createNetns, netnsExists, withNetnsRef } from '../linux/netns.js';
import { featuresSet } from '../linux/offload.js';
import { type LabNode, switchNs, UNDERLAY_IFNAME } from './names.js';

const BRIDGE = 'br0';

/**
 * Make the switch, and its link to each node. Existing parts are set to what is requested.
 * @returns whether a part had to be made
 */
export async function raiseFabric(spec: LabSpec, nodes: readonly LabNode[]): Promise<boolean> {
  const ns = switchNs(spec.name);
  let made = !netnsExists(ns);
  if (made) await createNetns(ns);
  await inNs(ns, async (fd, rtnl) => {
    if (linkGet(rtnl, { name: BRIDGE }) === undefined) {
      await runCommand(['ip', '-n', ns, 'link', 'add', BRIDGE, 'type', 'bridge']);
      made = true;
    }
    const bridge = requireLink(rtnl, BRIDGE);
    linkSet(rtnl, bridge.ifindex, { mtu: spec.mtu, up: true });
    for (const node of nodes) made = (await raiseCable(spec, node, { ns, fd, rtnl })) || made;
  });
  return made;
}

interface Switch {
  readonly ns: string;
  readonly fd: number;
  readonly rtnl: Rtnl;
}

async function raiseCable(spec: LabSpec, node: LabNode, fabric: Switch): Promise<boolean> {
  const port = `p${node.number}`;
  const { mtu } = spec;
  if (!netnsExists(node.ns)) await createNetns(node.ns);
  let made = false;
  await inNs(node.ns, async (nsFd, rtnl) => {
    const end = linkGet(rtnl, { name: UNDERLAY_IFNAME });
    if (!areJoined(end, linkGet(fabric.rtnl, { name: port }))) {
      // A single end leads into a namespace that is gone, or was made by hand.
      linkDelete(fabric.rtnl, { name: port });
      linkDelete(rtnl, { name: UNDERLAY_IFNAME });
      linkAddVeth(fabric.rtnl, { name: port, mtu, peer: { name: UNDERLAY_IFNAME, nsFd, mtu } });
      made = true;
    }
    await runCommand(['ip', '-n', fabric.ns, 'link', 'set', port, 'master', BRIDGE]);
    linkSet(fabric.rtnl, requireLink(fabric.rtnl, port).ifindex, { mtu, up: true });
    const { ifindex } = requireLink(rtnl, UNDERLAY_IFNAME);
    linkSet(rtnl, requireLink(rtnl, 'lo').ifindex, { up: true });
    linkSet(rtnl, ifindex, { mtu, up: true });
    const there = new Set(addrDump(rtnl, ifindex).map(({ address }) => address));
    for (const text of node.addresses) {
      const [address = '', length = ''] = text.split('/');
      if (there.has(address)) continue;
      addrAdd(rtnl, ifindex, { address, prefixLength: Number(length), nodad: text.includes(':') });
    }
    setOffloads(nsFd, spec.underlay === 'wire');
  });
  await impair(fabric.ns, port, spec);
  return made;
}

/** Whether the two are the ends of one veth pair. */
function areJoined(one: Link | undefined, other: Link | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.kind === 'veth' &&
    one.peerIfindex === other.ifindex &&
    other.peerIfindex === one.ifindex
  );
}

/**
 * Offloads of a device. A wire carries packets of its MTU: no segments leave whole, and none are merged on
 * arrival.
 */
function setOffloads(nsFd: number, wire: boolean): void {
  featuresSet(nsFd, UNDERLAY_IFNAME, {
    tso: !wire,
    gso: !wire,
    'tx-udp_tnl-segmentation': !wire,
    gro: wire,
  });
}

/** Room for the packets that are delayed for up to 10 s at full speed. */
const NETEM_LIMIT = '100000';

/** Set loss and delay towards a node. */
async function impair(ns: string, port: string, { loss, delay }: LabSpec): Promise<void> {
  const tc = ['tc', '-n', ns, 'qdisc'] as const;
  const wanted = [
    ...(loss > 0 ? ['loss', `${loss}%`] : []),
    ...(delay > 0 ? ['delay', `${delay}ms`] : []),
  ];
  if (wanted.length > 0) {
    const netem = ['root', 'netem', 'limit', NETEM_LIMIT, ...wanted];
    await runCommand([...tc, 'replace', 'dev', port, ...netem], {
      code: 'LAB_NETEM',
      hint: 'leave out --loss and --delay if the kernel has no netem (CONFIG_NET_SCH_NETEM)',
    });
    return;
  }
  const shown = await runCommand([...tc, 'show', 'dev', port]);
  if (shown.includes('netem')) await runCommand([...tc, 'del', 'dev', port, 'root']);
}

function requireLink(rtnl: Rtnl, name: string): Link {
  const link = linkGet(rtnl, { name });
  if (link === undefined) throw new Error(`device ${name} went away`);
  return link;
}

/** Run a section with an open namespace, and rtnetlink in it. */
async function inNs(ns: string, section: (fd: number, rtnl: Rtnl) => Promise<void>): Promise<void> {
  await withNetnsRef(ns, async ({ fd }) => {
    const rtnl = openRtnl(fd);
    try {
      await section(fd, rtnl);
    } finally {
      rtnl.close();
    }
  });
}
