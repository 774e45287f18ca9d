import test from 'ava';
import { addrAdd, addrDump } from '../../src/linux/netlink/address.js';
import { linkDump, linkSet } from '../../src/linux/netlink/link.js';
import { linkAddVeth } from '../../src/linux/netlink/pair.js';
import { routeAdd, routeDump } from '../../src/linux/netlink/route.js';
import { withRtnl } from '../../src/linux/netlink/socket.js';
import { inside, ipJson, type TestNetns, withNamespaces } from './helpers/namespaces.js';

interface IpLink {
  ifindex: number;
  ifname: string;
  address: string;
  mtu: number;
  flags: string[];
  operstate: string;
  ifalias?: string;
  link?: string | null;
  link_index?: number;
  link_netnsid?: number;
  master?: string;
  min_mtu: number;
  max_mtu: number;
  gso_max_size: number;
  inet6_addr_gen_mode?: string;
  linkinfo?: { info_kind?: string };
  stats64: { rx: { packets: number; bytes: number }; tx: { packets: number; bytes: number } };
}

interface IpAddress {
  ifindex: number;
  addr_info: {
    family: string;
    local: string;
    prefixlen: number;
    scope: string;
    label?: string;
    noprefixroute?: boolean;
    tentative?: boolean;
  }[];
}

interface IpRoute {
  dst: string;
  gateway?: string;
  dev: string;
  protocol: string;
  prefsrc?: string;
  metric?: number;
  flags: string[];
  metrics?: { mtu: number }[];
}

/** A namespace with one device of each kind: veth in and out, bridge with a port, macvlan, vxlan. */
function furnish(a: TestNetns, b: TestNetns): void {
  withRtnl(a.fd, (near) => {
    const host = linkAddVeth(near, {
      name: 'h0',
      alias: 'dpctl: "quoted" \u00e9',
      mtu: 1450,
      up: true,
      peer: { name: 'eth0', nsFd: b.fd },
    });
    withRtnl(b.fd, (far) => linkSet(far, host.peerIfindex ?? 0, { up: true }));
    addrAdd(near, host.ifindex, { address: '10.201.0.2', prefixLength: 16 });
    addrAdd(near, host.ifindex, { address: 'fd00::2', prefixLength: 64, nodad: true });
    addrAdd(near, host.ifindex, { address: '10.9.0.1', prefixLength: 32, noprefixroute: true });
    routeAdd(near, { dst: 'default', gateway: '10.201.0.1', ifindex: host.ifindex, mtu: 1300 });
    routeAdd(near, { dst: 'default', gateway: 'fd00::1', ifindex: host.ifindex, metric: 50 });
    routeAdd(near, {
      dst: '192.0.2.1/32',
      gateway: '9.9.9.9',
      ifindex: host.ifindex,
      onlink: true,
    });
  });
  inside(a, 'ip', 'link', 'add', 'br0', 'type', 'bridge');
  inside(a, 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  inside(a, 'ip', 'link', 'set', 'v0', 'master', 'br0', 'up');
  inside(a, 'ip', 'link', 'add', 'link', 'v1', 'name', 'v1.5', 'type', 'macvlan');
  inside(a, 'ip', 'link', 'add', 'vx0', 'type', 'vxlan', 'external', 'dstport', '4789');
  inside(a, 'ip', 'link', 'set', 'lo', 'up');
  inside(a, 'ping', '-c1', '-W1', '127.0.0.1');
}

test('our dump of links equals that of ip -d -s link', async (t) => {
  await withNamespaces(2, (a, b) => {
    furnish(a, b);
    const ours = withRtnl(a.fd, (rtnl) => linkDump(rtnl));
    const theirs = ipJson<IpLink>(a, '-d', '-s', 'link');
    const nameOf = new Map(theirs.map(({ ifindex, ifname }) => [ifindex, ifname]));
    t.is(theirs.length, 7);
    for (const theirsOne of theirs) {
      const link = ours.find(({ ifindex }) => ifindex === theirsOne.ifindex);
      t.deepEqual(
        {
          name: link?.name,
          mac: link?.mac,
          mtu: link?.mtu,
          minMtu: link?.minMtu ?? 0,
          maxMtu: link?.maxMtu ?? 0,
          flags: [...(link?.flags ?? [])].sort(),
          operstate: link?.operstate,
          alias: link?.alias,
          kind: link?.kind,
          linkNetnsId: link?.linkNetnsId,
          master: link?.master === undefined ? undefined : nameOf.get(link.master),
          gso: link?.gsoMaxSize,
          rx: [link?.statistics64?.rxPackets, link?.statistics64?.rxBytes],
          tx: [link?.statistics64?.txPackets, link?.statistics64?.txBytes],
        },
        {
          name: theirsOne.ifname,
          mac: theirsOne.address,
          mtu: theirsOne.mtu,
          minMtu: theirsOne.min_mtu,
          maxMtu: theirsOne.max_mtu,
          // ip(8) derives it from the state of another link.
          flags: theirsOne.flags.filter((flag) => flag !== 'M-DOWN').sort(),
          operstate: theirsOne.operstate,
          alias: theirsOne.ifalias,
          kind: theirsOne.linkinfo?.info_kind,
          linkNetnsId: theirsOne.link_netnsid,
          master: theirsOne.master,
          gso: theirsOne.gso_max_size,
          rx: [theirsOne.stats64.rx.packets, theirsOne.stats64.rx.bytes],
          tx: [theirsOne.stats64.tx.packets, theirsOne.stats64.tx.bytes],
        },
        theirsOne.ifname,
      );
      const peer = link?.peerIfindex;
      const theirPeer = theirsOne.link_index ?? theirsOne.link ?? undefined;
      t.is(typeof theirPeer === 'string' && peer ? nameOf.get(peer) : peer, theirPeer);
      if (theirsOne.inet6_addr_gen_mode !== undefined) {
        t.is(link?.addrGenMode, theirsOne.inet6_addr_gen_mode as 'eui64');
      }
    }
    t.true((ours[0]?.statistics64?.rxPackets ?? 0) > 0);
  });
});

test('our dump of addresses equals that of ip addr', async (t) => {
  await withNamespaces(2, (a, b) => {
    furnish(a, b);
    const ours = withRtnl(a.fd, (rtnl) => addrDump(rtnl)).map((address) =>
      [
        address.ifindex,
        address.family === 4 ? 'inet' : 'inet6',
        `${address.address}/${address.prefixLength}`,
        address.scope,
        address.label,
        address.flags.includes('noprefixroute'),
      ].join(' '),
    );
    const theirs = ipJson<IpAddress>(a, 'addr').flatMap(({ ifindex, addr_info }) =>
      addr_info.map((address) =>
        [
          ifindex,
          address.family,
          `${address.local}/${address.prefixlen}`,
          address.scope,
          address.label,
          address.noprefixroute === true,
        ].join(' '),
      ),
    );
    t.deepEqual(ours.sort(), theirs.sort());
    t.true(ours.length >= 5);
  });
});

test('our dump of routes equals that of ip route', async (t) => {
  await withNamespaces(2, (a, b) => {
    furnish(a, b);
    const nameOf = new Map(
      withRtnl(a.fd, (rtnl) => linkDump(rtnl)).map(({ ifindex, name }) => [ifindex, name]),
    );
    for (const family of [4, 6] as const) {
      const ours = withRtnl(a.fd, (rtnl) => routeDump(rtnl, { family, table: 254 })).map((route) =>
        [
          // ip(8) leaves the length of host routes out.
          route.dst.replace(family === 4 ? /\/32$/ : /\/128$/, ''),
          route.gateway,
          nameOf.get(route.ifindex ?? 0),
          route.source,
          route.metric,
          route.mtu,
          route.onlink,
          route.protocol,
        ].join(' '),
      );
      const theirs = ipJson<IpRoute>(
        a,
        '-N',
        `-${family}`,
        '-d',
        'route',
        'show',
        'table',
        '254',
      ).map((route) =>
        [
          route.dst,
          route.gateway,
          route.dev,
          route.prefsrc,
          route.metric,
          route.metrics?.[0]?.mtu,
          route.flags.includes('onlink'),
          route.protocol,
        ].join(' '),
      );
      t.deepEqual(ours.sort(), theirs.sort());
      t.true(ours.length >= 2);
    }
  });
});
