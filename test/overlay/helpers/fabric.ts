/** Nodes and the network between them. close() removes all of it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MNT_DETACH, mount, umount } from '../../../loader/sys/files.js';
import { vtep4, vtep6 } from './address-plan.js';
import { CARDS, cardDecap, lendCard, takeCardBack } from './network-cards.js';
import { makeNode, type NodeOptions, type OverlayNode } from './node.js';
import { awaitUp, batch, ok, sh } from './shell.js';

/**
 * A veth passes segments whole, unlike a wire: `wire` segments them, and merges on arrival. On a machine
 * that provides network cards for the tests, `wire` uses these.
 */
export type Underlay = 'gso' | 'wire';

export interface FabricOptions {
  readonly mtu?: number;
  readonly underlay?: Underlay;
}

/** An underlay: a switch in a namespace of its own. */
export interface Fabric {
  readonly mtu: number;
  /** The namespace of the switch: port `pN` is for host N. */
  readonly switch: string;
  /** A namespace with a device `under0` on the underlay, with addresses. */
  host(number: number): string;
  /** The namespace of a host. */
  nameOf(number: number): string;
  /** A node of dpctl's on a host of the same number. */
  node(number: number, options?: Partial<NodeOptions>): OverlayNode;
  close(): void;
}

let fabrics = 0;

/** Offloads that make a veth behave like a wire. */
const WIRE = ['tso', 'off', 'gso', 'off', 'tx-udp_tnl-segmentation', 'off', 'gro', 'on'];

/** Make an underlay. */
export function makeFabric(options: FabricOptions = {}): Fabric {
  const { mtu = 1500, underlay = 'gso' } = options;
  const tag = `do${process.pid}f${fabrics++}`;
  const fabric = `${tag}x`;
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-overlay-'));
  const pins = join(dir, 'bpf');
  const nodes: OverlayNode[] = [];
  const onCards = underlay === 'wire' && CARDS.length > 0;
  const lent: number[] = [];
  let closed = false;
  mkdirSync(pins);
  mount('bpf', pins, 'bpf', 0, 'mode=700');
  sh('', 'ip', 'netns', 'add', fabric);
  // Without netfilter, which drops malformed packets before a node sees them.
  const nf = 'nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0';
  for (const family of ['ip', 'ip6', 'arp']) {
    ok(fabric, 'sysctl', '-qw', `net.bridge.bridge-nf-call-${family}tables=0`);
  }
  batch(fabric, `link add br0 type bridge ${nf}`, `link set br0 mtu ${mtu} up`);

  return {
    mtu,
    switch: fabric,
    host(number) {
      const ns = `${tag}n${number}`;
      const port = `p${number}`;
      sh('', 'ip', 'netns', 'add', ns);
      sh(ns, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0');
      if (onCards) {
        lendCard(number, ns, 'under0', mtu);
        lent.push(number);
      } else {
        batch(
          fabric,
          `link add ${port} mtu ${mtu} type veth peer name under0 mtu ${mtu} netns ${ns}`,
          `link set ${port} master br0 up`,
        );
      }
      batch(
        ns,
        'link set lo up',
        'link set under0 up',
        `addr add ${vtep4(number)}/24 dev under0`,
        `addr add ${vtep6(number)}/64 dev under0 nodad`,
      );
      if (!onCards) awaitUp(fabric, port);
      awaitUp(ns, 'under0');
      if (underlay === 'wire') sh(ns, 'ethtool', '-K', 'under0', ...WIRE);
      if (underlay === 'wire' && !onCards) {
        // A veth does not merge packets that its peer could pass whole.
        sh(fabric, 'ethtool', '-K', port, 'tso', 'off');
      }
      return ns;
    },
    nameOf: (number) => `${tag}n${number}`,
    node(number, wanted = {}) {
      const ns = wanted.ns ?? this.host(number);
      const own = join(pins, `n${number}`);
      mkdirSync(own);
      const node = makeNode({
        number,
        ns,
        device: 'under0',
        family: 4,
        decap: 'tc',
        mtu,
        ...(onCards && wanted.decap === 'xdp' ? { xdp: cardDecap(ns, 'under0') } : {}),
        ...wanted,
        pins: own,
      });
      nodes.push(node);
      return node;
    },
    close() {
      if (closed) return;
      closed = true;
      for (const node of nodes) node.close();
      for (const number of lent) takeCardBack(number, `${tag}n${number}`, 'under0');
      umount(pins, MNT_DETACH);
      rmSync(dir, { recursive: true, force: true });
      const names = JSON.parse(sh('', 'ip', '-j', 'netns', 'list') || '[]') as { name: string }[];
      for (const { name } of names) {
        if (name.startsWith(tag)) sh('', 'ip', 'netns', 'del', name);
      }
    },
  };
}
