/**
 * Subjects of the two-node suite: no overlay, the VXLAN device of the kernel on a bridge, dpctl, and traffic
 * between the hosts on the same underlay.
 */

import { attachTcx, attachXdp } from '../../../loader/link/attach.js';
import { closeFd } from '../../../loader/sys/files.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { attach } from '../../control/endpoint/attach.js';
import { networkAdd } from '../../control/network/network.js';
import { remoteNodeAdd } from '../../control/underlay/remote-nodes.js';
import { underlaySet } from '../../control/underlay/underlay.js';
import { linkGet } from '../../linux/netlink/link.js';
import { withRtnl } from '../../linux/netlink/socket.js';
import { featuresSet } from '../../linux/offload.js';
import { sysctlSet } from '../../linux/sysctl.js';
import { ip4ToNumber } from '../../model/address/ip.js';
import { openBenchNode } from './node.js';
import { DEVICE, type End, type Pair } from './pair.js';
import { openProbe, programOf } from './program-rig.js';
import { ip, type Namespace, type Sandbox } from './sandbox.js';

/** Network between the nodes. */
export interface Underlay {
  /** Name, which is part of the figure ids. */
  readonly name: string;
  /** true: segments are split to the MTU and merged by GRO on arrival, as with a NIC. false: passed whole. */
  readonly wire: boolean;
  /** Layer 3 MTU, in bytes. */
  readonly mtu: number;
  /** File descriptor of an XDP program for native mode on both ends, as with a NIC. dpctl replaces it. */
  readonly xdp?: number;
}

/** Names of the subjects. */
export const KIND = {
  none: 'no overlay',
  bridge: 'bridge + vxlan',
  metadata: 'bridge + metadata vxlan',
  alone: 'underlay alone',
} as const;

/** Methods by which dpctl decapsulates VXLAN. */
export const DECAPS = ['tc', 'tc-gro', 'xdp'] as const;
export type Decap = (typeof DECAPS)[number];

/** Name of the dpctl subject with a decapsulation method. */
export function dpctlName(decap: Decap): string {
  return `dpctl, ${decap}`;
}

/** Name of the subject for host traffic on the nodes of {@link dpctlName}. */
export function besideName(decap: Decap): string {
  return `underlay with ${dpctlName(decap)}`;
}

/** Bytes that VXLAN over IPv4 adds. Subtracted from the MTU of endpoints, even without an overlay. */
const OVERHEAD = 50;
const UNDERLAY = 'ul0';
const VNI = 42;
const PORT = 4789;

interface Host {
  readonly space: Namespace;
  readonly address: string;
  readonly address6: string;
}

interface Hosts {
  readonly near: Host;
  readonly far: Host;
}

const sides = ['near', 'far'] as const;
const other = (side: (typeof sides)[number]): (typeof sides)[number] =>
  side === 'near' ? 'far' : 'near';

/** Connect two nodes by a veth pair. */
function connect(spaces: Readonly<Record<keyof Hosts, Namespace>>, it: Underlay): Hosts {
  const mtu = String(it.mtu);
  ip(
    ...['-n', spaces.near.name, 'link', 'add', UNDERLAY, 'mtu', mtu, 'type', 'veth'],
    ...['peer', 'name', UNDERLAY, 'mtu', mtu, 'netns', spaces.far.name],
  );
  const hosts = {
    near: { space: spaces.near, address: '192.0.2.1', address6: 'fd67::1' },
    far: { space: spaces.far, address: '192.0.2.2', address6: 'fd67::2' },
  };
  for (const side of sides) {
    const { space, address, address6 } = hosts[side];
    ip('-n', space.name, 'addr', 'add', `${address}/24`, 'dev', UNDERLAY);
    ip('-n', space.name, 'addr', 'add', `${address6}/64`, 'dev', UNDERLAY, 'nodad');
    ip('-n', space.name, 'link', 'set', UNDERLAY, 'up');
    featuresSet(space.fd, UNDERLAY, {
      ...{ tso: !it.wire, gso: !it.wire, 'tx-udp_tnl-segmentation': !it.wire, gro: it.wire },
    });
  }
  return hosts;
}

/** Attach the XDP program in native mode on both ends. */
function attachPass(sandbox: Sandbox, hosts: Hosts, { xdp }: Underlay): void {
  if (xdp === undefined) return;
  for (const side of sides) {
    const { space } = hosts[side];
    const ifindex = withRtnl(space.fd, (rtnl) => linkGet(rtnl, { name: UNDERLAY }))?.ifindex ?? 0;
    const link = inNetns(space.fd, () => attachXdp(xdp, ifindex, 'native'));
    sandbox.defer(() => closeFd(link));
  }
}

function openHosts(sandbox: Sandbox, label: string, it: Underlay): Hosts {
  const near = sandbox.namespace(`${label}-near`);
  const far = sandbox.namespace(`${label}-far`);
  return connect({ near, far }, it);
}

/** Traffic between the hosts. */
function hostPair(name: string, { near, far }: Hosts): Pair {
  const end = ({ space, address, address6 }: Host): End => ({ space, ip4: address, ip6: address6 });
  return { name, client: end(near), server: end(far) };
}

/** Two hosts that have only the underlay. */
export function alonePair(sandbox: Sandbox, label: string, it: Underlay): Pair {
  const hosts = openHosts(sandbox, label, it);
  attachPass(sandbox, hosts, it);
  return hostPair(KIND.alone, hosts);
}

/** Connect a container to its node by a veth pair. */
function endOf(
  sandbox: Sandbox,
  label: string,
  host: Host,
  addresses: Omit<End, 'space'>,
  mtu: number,
): End {
  const space = sandbox.namespace(label);
  ip(
    ...['-n', host.space.name, 'link', 'add', 'port', 'mtu', String(mtu), 'type', 'veth'],
    ...['peer', 'name', DEVICE, 'mtu', String(mtu), 'netns', space.name],
  );
  ip('-n', host.space.name, 'link', 'set', 'port', 'up');
  const { ip4, ip6 } = addresses;
  ip('-n', space.name, 'addr', 'add', `${ip4}/24`, 'dev', DEVICE);
  ip('-n', space.name, 'addr', 'add', `${ip6}/64`, 'dev', DEVICE, 'nodad');
  ip('-n', space.name, 'link', 'set', DEVICE, 'up');
  return { space, ...addresses };
}

/** Endpoints with kernel routing between them: the least possible work. */
export function routedPair(sandbox: Sandbox, label: string, it: Underlay): Pair {
  const hosts = openHosts(sandbox, label, it);
  attachPass(sandbox, hosts, it);
  const number = { near: 1, far: 2 } as const;
  const end = (side: (typeof sides)[number]): End => {
    const { space, address } = hosts[side];
    const [own, its] = [number[side], number[other(side)]];
    const addresses = { ip4: `10.66.${own}.2`, ip6: `fd66:${own}::2` };
    const made = endOf(sandbox, `${label}-${side}-c`, hosts[side], addresses, it.mtu - OVERHEAD);
    for (const key of ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding']) {
      sysctlSet(space.fd, key, '1');
    }
    ip('-n', space.name, 'addr', 'add', `10.66.${own}.1/24`, 'dev', 'port');
    ip('-n', space.name, 'addr', 'add', `fd66:${own}::1/64`, 'dev', 'port', 'nodad');
    const via = hosts[other(side)];
    ip('-n', space.name, 'route', 'add', `10.66.${its}.0/24`, 'via', via.address, 'src', address);
    ip('-n', space.name, 'route', 'add', `fd66:${its}::/64`, 'via', via.address6);
    ip('-n', made.space.name, 'route', 'add', 'default', 'via', `10.66.${own}.1`);
    ip('-n', made.space.name, 'route', 'add', 'default', 'via', `fd66:${own}::1`);
    return made;
  };
  return { name: KIND.none, client: end('near'), server: end('far') };
}

const ADDRESSES = {
  near: { ip4: '10.66.0.2', ip6: 'fd66::2' },
  far: { ip4: '10.66.0.3', ip6: 'fd66::3' },
} as const;

/** Set the destination of a vxlan device in external (metadata) mode per packet. */
function tellTunnel(sandbox: Sandbox, { fd }: Namespace, remote: string): void {
  const object = openProbe(sandbox, { tunnel_remote: ip4ToNumber(remote), tunnel_vni: VNI });
  const ifindex = withRtnl(fd, (rtnl) => linkGet(rtnl, { name: 'vx0' }))?.ifindex ?? 0;
  const link = inNetns(fd, () => attachTcx(programOf(object, 'to_tunnel'), ifindex, 'egress'));
  sandbox.defer(() => closeFd(link));
}

/** A bridge on each node, with a vxlan device of the kernel as a port. */
export function vxlanPair(sandbox: Sandbox, label: string, it: Underlay, metadata: boolean): Pair {
  const hosts = openHosts(sandbox, label, it);
  attachPass(sandbox, hosts, it);
  const mtu = it.mtu - OVERHEAD;
  const end = (side: (typeof sides)[number]): End => {
    const { space, address } = hosts[side];
    const made = endOf(sandbox, `${label}-${side}-c`, hosts[side], ADDRESSES[side], mtu);
    const remote = hosts[other(side)].address;
    const common = ['local', address, 'dstport', String(PORT)];
    ip('-n', space.name, 'link', 'add', 'br0', 'mtu', String(mtu), 'type', 'bridge');
    ip(
      ...['-n', space.name, 'link', 'add', 'vx0', 'type', 'vxlan', ...common],
      ...(metadata ? ['external'] : ['id', String(VNI), 'remote', remote, 'dev', UNDERLAY]),
    );
    ip('-n', space.name, 'link', 'set', 'vx0', 'mtu', String(mtu), 'master', 'br0', 'up');
    ip('-n', space.name, 'link', 'set', 'port', 'master', 'br0');
    ip('-n', space.name, 'link', 'set', 'br0', 'up');
    if (metadata) tellTunnel(sandbox, space, remote);
    return made;
  };
  const name = metadata ? KIND.metadata : KIND.bridge;
  return { name, client: end('near'), server: end('far') };
}

/**
 * Endpoints on two dpctl nodes, and the hosts of these nodes.
 * @throws DpctlError DECAP_IMPOSSIBLE, DECAP_REFUSED if the device does not support the method
 */
export async function overlayPairs(
  sandbox: Sandbox,
  label: string,
  it: Underlay,
  decap: Decap,
): Promise<{ endpoints: Pair; hosts: Pair }> {
  const nodes = {
    near: openBenchNode(sandbox, `${label}-near`),
    far: openBenchNode(sandbox, `${label}-far`),
  };
  const hosts = connect({ near: nodes.near.space, far: nodes.far.space }, it);
  if (decap !== 'xdp') attachPass(sandbox, hosts, it);
  const ends = {} as Record<(typeof sides)[number], End>;
  for (const side of sides) {
    const { node } = nodes[side];
    const far = hosts[other(side)].address;
    await networkAdd(node, { name: 'bench', vni: VNI, subnets: ['10.66.0.0/24', 'fd66::/64'] });
    await underlaySet(node, { device: UNDERLAY, vtep: hosts[side].address, decap });
    await remoteNodeAdd(node, { name: 'other', vtep: far });
    const space = sandbox.namespace(`${label}-${side}-c`);
    const { ip4, ip6 } = ADDRESSES[side];
    await attach(node, {
      ...{ ns: space.name, network: 'bench', ips: [ip4, ip6], ifname: DEVICE },
      mtu: it.mtu - OVERHEAD,
    });
    ends[side] = { space, ...ADDRESSES[side] };
  }
  return {
    endpoints: { name: dpctlName(decap), client: ends.near, server: ends.far },
    hosts: hostPair(besideName(decap), hosts),
  };
}
