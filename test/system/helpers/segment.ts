/** One segment with containers, made by dpctl or by a Linux bridge: users expect the same of both. */
import { attach } from './attached-containers.js';
import type { Lab } from './lab.js';

/** What connects the containers. */
export type Kind = 'dpctl' | 'bridge';

/** A container on a segment. */
export interface Station {
  readonly ns: string;
  /** Its interface. */
  readonly ifname: string;
  readonly mac: string;
  /** Its port's device in the node's namespace. */
  readonly port: string;
}

/** Settings of a container. */
export interface StationOptions {
  /** Number at the end of its addresses, from 2. */
  readonly number: number;
  readonly ifname?: string;
  /** Options of `dpctl attach`. */
  readonly options?: readonly string[];
}

/** A segment; its addresses are 10.9.0.N and fd09::N. */
export interface Segment {
  readonly kind: Kind;
  readonly name: string;
  /** Connect a namespace to it. */
  join(ns: string, options: StationOptions): Promise<Station>;
}

/** IPv4 and IPv6 address of a number. */
export function addressesOf(number: number): { ip4: string; ip6: string } {
  return { ip4: `10.9.0.${number}`, ip6: `fd09::${number.toString(16)}` };
}

/** Options of a segment. */
export interface SegmentOptions {
  /** The host is connected too, with number 1, and forwards. */
  readonly gateway?: boolean;
  /** No addresses. */
  readonly bare?: boolean;
}

/** Create a segment on a lab's node. */
export function openSegment(
  lab: Lab,
  kind: Kind,
  name: string,
  options: SegmentOptions = {},
): Promise<Segment> {
  return kind === 'dpctl' ? network(lab, name, options) : bridge(lab, name, options);
}

async function network(
  lab: Lab,
  name: string,
  { gateway = false, bare = false }: SegmentOptions,
): Promise<Segment> {
  const subnets = bare ? [] : ['--subnet', '10.9.0.0/24', '--subnet', 'fd09::/64'];
  await lab.must('network', 'add', name, ...subnets, ...(gateway ? ['--gateway'] : []));
  return {
    kind: 'dpctl',
    name,
    async join(ns, { number, ifname = 'eth0', options = [] }) {
      const { ip4, ip6 } = addressesOf(number);
      const ips = bare ? [] : ['--ip', ip4, '--ip', ip6];
      const at = ['--network', name, '--ifname', ifname, ...ips, ...options];
      const { mac, host_ifname: port } = await attach(lab, ns, ...at);
      return { ns, ifname, mac, port };
    },
  };
}

async function bridge(
  lab: Lab,
  name: string,
  { gateway = false, bare = false }: SegmentOptions,
): Promise<Segment> {
  const on = (...argv: string[]) => lab.within(lab.node, 'ip', ...argv);
  await on('link', 'add', name, 'type', 'bridge');
  await on('link', 'set', name, 'up');
  if (gateway) {
    await on('addr', 'add', '10.9.0.1/24', 'dev', name);
    await on('addr', 'add', 'fd09::1/64', 'dev', name, 'nodad');
    for (const key of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) {
      await lab.within(lab.node, 'sysctl', '-q', '-w', `${key}=1`);
    }
  }
  return {
    kind: 'bridge',
    name,
    async join(ns, { number, ifname = 'eth0' }) {
      const port = `${name}p${number}`;
      await on('link', 'add', port, 'type', 'veth', 'peer', 'name', ifname, 'netns', ns);
      await on('link', 'set', port, 'master', name, 'up');
      const inside = (...argv: string[]) => lab.within(ns, 'ip', ...argv);
      await inside('link', 'set', 'lo', 'up');
      await inside('link', 'set', ifname, 'up');
      if (!bare) {
        const { ip4, ip6 } = addressesOf(number);
        await inside('addr', 'add', `${ip4}/24`, 'dev', ifname);
        await inside('addr', 'add', `${ip6}/64`, 'dev', ifname, 'nodad');
        if (gateway) {
          await inside('route', 'add', 'default', 'via', '10.9.0.1');
          await inside('-6', 'route', 'add', 'default', 'via', 'fd09::1');
        }
      }
      const mac = (await lab.within(ns, 'cat', `/sys/class/net/${ifname}/address`)).trim();
      return { ns, ifname, mac, port };
    },
  };
}
