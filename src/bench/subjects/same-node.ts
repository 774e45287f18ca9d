/** Subjects of the one-node suite: a veth pair, a Linux bridge, dpctl. */
import { attach } from '../../control/endpoint/attach.js';
import { networkAdd } from '../../control/network/network.js';
import { linkDump, linkSet } from '../../linux/netlink/link.js';
import { withRtnl } from '../../linux/netlink/socket.js';
import { openBenchNode } from './node.js';
import { DEVICE, type End, type Pair } from './pair.js';
import { ip, type Namespace, type Sandbox } from './sandbox.js';

/** Names of the subjects in reports. */
export const NAME = { veth: 'veth pair', bridge: 'Linux bridge', dpctl: 'dpctl' } as const;

/** Name of a subject with BIG TCP. */
export function bigName(name: string): string {
  return `${name}, BIG TCP`;
}

/** Maximum GSO and GRO size with --big-tcp, in bytes. */
const BIG = 196_608;
const PREFIX = { ip4: '10.66.0', ip6: 'fd66:' } as const;

/** Options of a pair. */
export interface PairOptions {
  readonly bigTcp?: boolean;
  /** Layer 3 MTU, in bytes. */
  readonly mtu: number;
}

function endsOf(sandbox: Sandbox, label: string): { readonly client: End; readonly server: End } {
  const end = (side: string, number: number): End => ({
    space: sandbox.namespace(`${label}-${side}`),
    ip4: `${PREFIX.ip4}.${number}`,
    ip6: `${PREFIX.ip6}:${number}`,
  });
  return { client: end('a', 2), server: end('b', 3) };
}

function setAddresses({ space, ip4, ip6 }: End): void {
  ip('-n', space.name, 'addr', 'add', `${ip4}/24`, 'dev', DEVICE);
  ip('-n', space.name, 'addr', 'add', `${ip6}/64`, 'dev', DEVICE, 'nodad');
  ip('-n', space.name, 'link', 'set', DEVICE, 'up');
}

/** Set the GSO and GRO limits of all devices of a namespace to {@link BIG}, as `--big-tcp` does. */
function setBig({ fd }: Namespace): void {
  withRtnl(fd, (rtnl) => {
    for (const { ifindex, name } of linkDump(rtnl, { statistics: false })) {
      if (name === 'lo') continue;
      linkSet(rtnl, ifindex, {
        ...{ gsoMaxSize: BIG, groMaxSize: BIG, gsoIpv4MaxSize: BIG, groIpv4MaxSize: BIG },
      });
    }
  });
}

/** Two namespaces connected directly by a veth pair: the upper limit for a veth. */
export function vethPair(sandbox: Sandbox, label: string, { bigTcp, mtu }: PairOptions): Pair {
  const { client, server } = endsOf(sandbox, label);
  ip(
    ...['-n', client.space.name, 'link', 'add', DEVICE, 'mtu', String(mtu), 'type', 'veth'],
    ...['peer', 'name', DEVICE, 'mtu', String(mtu), 'netns', server.space.name],
  );
  for (const end of [client, server]) {
    setAddresses(end);
    if (bigTcp) setBig(end.space);
  }
  return { name: bigTcp ? bigName(NAME.veth) : NAME.veth, client, server };
}

/** Two namespaces on a Linux bridge, like most containers. */
export function bridgePair(sandbox: Sandbox, label: string, { bigTcp, mtu }: PairOptions): Pair {
  const { client, server } = endsOf(sandbox, label);
  const hub = sandbox.namespace(`${label}-hub`);
  ip('-n', hub.name, 'link', 'add', 'br0', 'up', 'mtu', String(mtu), 'type', 'bridge');
  for (const [index, end] of [client, server].entries()) {
    const port = `port${index}`;
    ip(
      ...['-n', hub.name, 'link', 'add', port, 'mtu', String(mtu), 'type', 'veth'],
      ...['peer', 'name', DEVICE, 'mtu', String(mtu), 'netns', end.space.name],
    );
    ip('-n', hub.name, 'link', 'set', port, 'master', 'br0', 'up');
    setAddresses(end);
    if (bigTcp) setBig(end.space);
  }
  if (bigTcp) setBig(hub);
  return { name: bigTcp ? bigName(NAME.bridge) : NAME.bridge, client, server };
}

/** Two namespaces attached by dpctl, with the same code as the command. */
export async function dpctlPair(
  sandbox: Sandbox,
  label: string,
  { bigTcp = false, mtu }: PairOptions,
): Promise<Pair> {
  const { client, server } = endsOf(sandbox, label);
  const { node } = openBenchNode(sandbox, `${label}-node`);
  const subnets = [`${PREFIX.ip4}.0/24`, `${PREFIX.ip6}:/64`];
  await networkAdd(node, { name: 'bench', subnets, bigTcp });
  for (const { space, ip4, ip6 } of [client, server]) {
    await attach(node, {
      ns: space.name,
      network: 'bench',
      ips: [ip4, ip6],
      mtu,
      ifname: DEVICE,
    });
  }
  return { name: bigTcp ? bigName(NAME.dpctl) : NAME.dpctl, client, server };
}
