/** An endpoint sends only as itself, unless it is configured otherwise. */
import test from 'ava';
import { linkKind, testRequiring } from '../helpers/requirements.js';
import * as wire from '../packet/helpers/frame.js';
import {
  arp,
  BROADCAST,
  eth,
  ip4,
  ip6,
  linkLocal,
  PROTO,
  TYPE,
  udp,
} from '../packet/helpers/frame.js';
import * as nd from '../packet/helpers/nd.js';
import { advert, ICMP6, icmp6, icmp6Packet, macOption } from '../packet/helpers/nd.js';
import { type Attached, attach, join } from './helpers/attached-containers.js';
import { pings, tcpBothWays } from './helpers/conversation.js';
import { counters } from './helpers/counters.js';
import { type Lab, openLab } from './helpers/lab.js';
import { eventually } from './helpers/process.js';
import { capture, sendFrame } from './helpers/wire.js';

let lab: Lab;
let mallory: Attached;
let victim: Attached;
let friend: Attached;

test.before(async () => {
  lab = await openLab();
  mallory = await join(lab, 'm');
  victim = await join(lab, 'v');
  friend = await join(lab, 'f');
});
test.after.always(() => lab.close());

const NOBODY = '02:00:00:00:00:66';
const ALL_NODES = 'ff02::1';

/** Attempts of mallory: the frame, and the reason for which it is dropped. */
function spoofs(): [name: string, reason: string, frame: Uint8Array][] {
  const me = mallory.mac;
  const myLocal = linkLocal(me);
  const to = (type: number, ...payload: Uint8Array[]) => eth(victim.mac, me, type, ...payload);
  const toAll = (packet: Uint8Array) => eth(nd.groupMac(ALL_NODES), me, TYPE.ip6, packet);
  const poison = advert(
    friend.ip6,
    mallory.ip6,
    ALL_NODES,
    nd.ADVERT.override,
    macOption(nd.TARGET_MAC, me),
  );
  const solicitFor = (source: string) =>
    nd.solicit(victim.ip6, mallory.ip6, macOption(nd.SOURCE_MAC, source));
  const router = (...options: Uint8Array[]) =>
    icmp6Packet(
      { src: myLocal, dst: ALL_NODES },
      ICMP6.routerAdvert,
      [64, 0, 7, 8],
      new Uint8Array(8),
      ...options,
    );
  const behind = (next: number, header: Uint8Array) => {
    const message = icmp6(myLocal, ALL_NODES, ICMP6.routerAdvert, [64, 0, 7, 8], new Uint8Array(8));
    return ip6({ src: myLocal, dst: ALL_NODES, next, hops: 255 }, header, message);
  };
  const claim = {
    senderMac: me,
    sender: friend.ip4,
    target: victim.ip4,
    targetMac: victim.mac,
    op: 2,
  };
  const data = udp(1000, 2000);
  return [
    ['a MAC of nobody', 'source_mac', eth(victim.mac, NOBODY, TYPE.other, Buffer.alloc(50))],
    [
      'the MAC of a friend',
      'source_mac',
      eth(victim.mac, friend.mac, TYPE.other, Buffer.alloc(50)),
    ],
    ['a MAC of nobody, to all', 'source_mac', eth(BROADCAST, NOBODY, TYPE.other, Buffer.alloc(50))],
    [
      'a group as its MAC',
      'source_mac_invalid',
      eth(victim.mac, '03:00:00:00:00:01', TYPE.other, Buffer.alloc(50)),
    ],
    [
      'the IPv4 address of a friend',
      'source_ip4',
      to(TYPE.ip4, ip4({ src: friend.ip4, dst: victim.ip4 }, data)),
    ],
    [
      'an IPv4 address from outside',
      'source_ip4',
      to(TYPE.ip4, ip4({ src: '192.0.2.1', dst: victim.ip4 }, data)),
    ],
    [
      'no IPv4 address, and no DHCP',
      'source_ip4',
      to(TYPE.ip4, ip4({ src: '0.0.0.0', dst: victim.ip4 }, data)),
    ],
    [
      'the IPv4 address of a friend, in a VLAN',
      'source_ip4',
      eth(
        victim.mac,
        me,
        TYPE.vlan,
        wire.vlan(7, TYPE.ip4),
        ip4({ src: friend.ip4, dst: victim.ip4 }, data),
      ),
    ],
    [
      'the IPv6 address of a friend',
      'source_ip6',
      to(TYPE.ip6, ip6({ src: friend.ip6, dst: victim.ip6 }, data)),
    ],
    [
      'the link-local address of a friend',
      'source_ip6',
      to(TYPE.ip6, ip6({ src: linkLocal(friend.mac), dst: linkLocal(victim.mac) }, data)),
    ],
    ['ARP: the address of a friend is at my MAC', 'source_arp', to(TYPE.arp, arp(claim))],
    [
      'ARP: my address is at the MAC of a friend',
      'source_arp',
      to(TYPE.arp, arp({ ...claim, sender: mallory.ip4, senderMac: friend.mac })),
    ],
    [
      'ARP: an announcement of the address of a friend',
      'source_arp',
      eth(BROADCAST, me, TYPE.arp, arp({ ...claim, op: 1, target: friend.ip4 })),
    ],
    ['ND: the address of a friend is at my MAC', 'source_nd', toAll(poison)],
    [
      'ND: the same to the victim alone',
      'source_nd',
      to(TYPE.ip6, advert(friend.ip6, mallory.ip6, victim.ip6, 0x60, macOption(nd.TARGET_MAC, me))),
    ],
    [
      'ND: my address is at the MAC of a friend',
      'source_nd',
      toAll(
        advert(mallory.ip6, mallory.ip6, ALL_NODES, 0x20, macOption(nd.TARGET_MAC, friend.mac)),
      ),
    ],
    [
      'ND: a question that names the MAC of a friend',
      'source_nd',
      to(TYPE.ip6, solicitFor(friend.mac)),
    ],
    [
      'ND: the address of a friend is taken (duplicate address detection), said to the friend',
      'source_nd',
      eth(friend.mac, me, TYPE.ip6, nd.solicit(friend.ip6, '::')),
    ],
    ['ND: I am your router', 'source_nd', toAll(router(macOption(nd.SOURCE_MAC, me)))],
    [
      'ND: I am your router, behind a hop-by-hop header',
      'source_nd',
      toAll(behind(PROTO.hopByHop, wire.extension(PROTO.icmp6))),
    ],
    [
      'ND: I am your router, in a fragment',
      'source_nd',
      toAll(behind(PROTO.fragment, wire.fragment(PROTO.icmp6, 0, false))),
    ],
    [
      'ND: go by another router',
      'source_nd',
      to(
        TYPE.ip6,
        icmp6Packet(
          { src: myLocal, dst: victim.ip6 },
          ICMP6.redirect,
          new Uint8Array(4),
          wire.ip(myLocal),
          wire.ip(friend.ip6),
        ),
      ),
    ],
    [
      'a frame that stays on its link',
      'link_local_group',
      eth('01:80:c2:00:00:0e', me, TYPE.other, Buffer.alloc(50)),
    ],
  ];
}

test.serial('a spoofed frame is not received, and its reason is counted', async (t) => {
  const seen = await Promise.all(
    [victim, friend].map(({ ns }) => capture(t, ns, `not ether src ${victim.mac}`)),
  );
  const before = await counters(lab);
  let after = before;
  for (const [name, reason, frame] of spoofs()) {
    const earlier = after.reason(reason);
    await sendFrame(mallory.ns, frame);
    after = await counters(lab);
    t.is(after.reason(reason) - earlier, 1, name);
  }
  const dropped = (all: typeof after) => all.endpoint(mallory.ns, 'dropped').packets;
  t.is(dropped(after) - dropped(before), spoofs().length);

  // Valid frames of mallory still pass, which shows that the captures work.
  const honest = advert(
    mallory.ip6,
    mallory.ip6,
    ALL_NODES,
    0x20,
    macOption(nd.TARGET_MAC, mallory.mac),
  );
  const frames = [
    eth(
      BROADCAST,
      mallory.mac,
      TYPE.arp,
      arp({ senderMac: mallory.mac, sender: mallory.ip4, target: mallory.ip4 }),
    ),
    eth(nd.groupMac(ALL_NODES), mallory.mac, TYPE.ip6, honest),
    eth(BROADCAST, mallory.mac, TYPE.other, Buffer.from('the end'.padEnd(50))),
  ];
  for (const frame of frames) await sendFrame(mallory.ns, frame);
  const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const forged = new Set(spoofs().map(([, , frame]) => hexOf(frame)));
  for (const each of seen) {
    const arrived = () => each.frames().map(({ bytes }) => hexOf(bytes));
    t.true(await eventually(() => frames.every((frame) => arrived().includes(hexOf(frame)))));
    await each.stop();
    t.deepEqual(
      arrived().filter((frame) => forged.has(frame)),
      [],
    );
  }
});

test.serial("the victim's neighbour tables are not poisoned", async (t) => {
  t.true(await pings(victim.ns, friend.ip4));
  t.true(await pings(victim.ns, friend.ip6));
  for (const [, , frame] of spoofs()) await sendFrame(mallory.ns, frame);
  for (const address of [friend.ip4, friend.ip6]) {
    const neighbour = await lab.within(victim.ns, 'ip', 'neigh', 'show', address);
    t.regex(neighbour, new RegExp(`lladdr ${friend.mac} `));
  }
  const routes = await lab.within(victim.ns, 'ip', '-6', 'route', 'show', 'default');
  t.is(routes, '', 'no router was believed');
});

test.serial(
  'a router between two networks forwards what its prefixes allow, and nothing else',
  async (t) => {
    await lab.must('network', 'add', 'left', '--subnet', '10.61.0.0/24', '--subnet', 'fd61::/64');
    await lab.must('network', 'add', 'right', '--subnet', '10.62.0.0/24', '--subnet', 'fd62::/64');
    const left = await join(lab, 'l', '--network', 'left');
    const right = await join(lab, 'r', '--network', 'right');
    const router = await lab.container('rt');
    const onLeft = await attach(lab, router, '--network', 'left');
    const onRight = await attach(lab, router, '--network', 'right', '--ifname', 'eth1');
    for (const key of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) {
      await lab.within(router, 'sysctl', '-q', '-w', `${key}=1`);
    }
    for (const [host, away, by] of [
      [left, right, onLeft],
      [right, left, onRight],
    ] as const) {
      await lab.within(host.ns, 'ip', 'route', 'add', `${away.ip4}/32`, 'via', by.ip4);
      await lab.within(host.ns, 'ip', '-6', 'route', 'add', `${away.ip6}/128`, 'via', by.ip6);
    }
    const before = await counters(lab);
    t.false(await pings(left.ns, right.ip4));
    t.false(await pings(left.ns, right.ip6));
    const after = await counters(lab);
    t.is(after.reason('source_ip4') - before.reason('source_ip4'), 3);
    t.is(after.reason('source_ip6') - before.reason('source_ip6'), 3);

    const allow = (...prefixes: string[]) =>
      prefixes.flatMap((prefix) => ['--allow-prefix', prefix]);
    await lab.must('attach', router, '--network', 'left', ...allow('10.62.0.0/24', 'fd62::/64'));
    t.false(await pings(left.ns, right.ip4), 'the way there is still closed');
    const sides = ['--network', 'right', '--ifname', 'eth1'];
    await lab.must('attach', router, ...sides, ...allow('10.61.0.0/24', 'fd61::/64'));
    t.true(await pings(left.ns, right.ip4));
    t.true(await pings(left.ns, right.ip6));
    t.true(await tcpBothWays(t, left.ns, right.ns, right.ip4, 4 << 20));
    t.true(await tcpBothWays(t, right.ns, left.ns, left.ip6, 4 << 20));

    const strange = ip4({ src: '192.0.2.1', dst: left.ip4 }, udp(1000, 2000));
    const closed = await capture(t, left.ns, 'src host 192.0.2.1');
    await sendFrame(router, eth(left.mac, onLeft.mac, TYPE.ip4, strange));
    t.deepEqual(await closed.stop(), []);
  },
);

test.serial('a subnet nested behind an endpoint is reached through it', async (t) => {
  const host = await join(lab, 'h', '--allow-prefix', '192.168.77.0/24');
  const inner = await lab.container('hi');
  const veth = [
    'ip',
    'link',
    'add',
    'down0',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    inner,
  ];
  await lab.within(host.ns, ...veth);
  await lab.within(host.ns, 'ip', 'addr', 'add', '192.168.77.1/24', 'dev', 'down0');
  await lab.within(host.ns, 'ip', 'link', 'set', 'down0', 'up');
  await lab.within(host.ns, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  await lab.within(inner, 'ip', 'addr', 'add', '192.168.77.2/24', 'dev', 'eth0');
  await lab.within(inner, 'ip', 'link', 'set', 'eth0', 'up');
  await lab.within(inner, 'ip', 'route', 'add', 'default', 'via', '192.168.77.1');
  await lab.within(victim.ns, 'ip', 'route', 'add', '192.168.77.0/24', 'via', host.ip4);
  t.true(await pings(victim.ns, '192.168.77.2'));
  t.true(await tcpBothWays(t, victim.ns, inner, '192.168.77.2', 4 << 20));
  await lab.must('detach', host.ns);
  t.false(await pings(victim.ns, '192.168.77.2', '-c', '1'));
});

test.serial('an endpoint that forwards may announce itself as a router', async (t) => {
  const gate = await join(lab, 'g', '--allow-prefix', 'fd88::/64');
  const heard = await capture(t, victim.ns, 'icmp6 and ip6[40] == 134');
  const announcement = icmp6Packet(
    { src: linkLocal(gate.mac), dst: ALL_NODES },
    ICMP6.routerAdvert,
    [64, 0, 0, 0],
    new Uint8Array(8),
    macOption(nd.SOURCE_MAC, gate.mac),
  );
  await sendFrame(gate.ns, eth(nd.groupMac(ALL_NODES), gate.mac, TYPE.ip6, announcement));
  t.is((await heard.atLeast(1)).length, 1);
});

interface FdbRow {
  readonly mac: string;
  readonly ns: string;
  readonly state: string;
}

const withBridge = testRequiring(linkKind('bridge'));
withBridge.serial(
  'behind an endpoint without lock, a bridge connects further containers',
  async (t) => {
    const tree = await join(lab, 't', '--no-lock');
    await lab.within(tree.ns, 'ip', 'link', 'add', 'br0', 'type', 'bridge');
    await lab.within(tree.ns, 'ip', 'addr', 'flush', 'dev', 'eth0');
    await lab.within(tree.ns, 'ip', 'link', 'set', 'eth0', 'master', 'br0');
    await lab.within(tree.ns, 'ip', 'link', 'set', 'br0', 'up');
    const leaves: { ns: string; mac: string }[] = [];
    for (const n of [1, 2]) {
      const ns = await lab.container(`t${n}`);
      const mac = `02:00:00:00:07:0${n}`;
      leaves.push({ ns, mac });
      const peer = ['peer', 'name', 'eth0', 'address', mac, 'netns', ns];
      await lab.within(tree.ns, 'ip', 'link', 'add', `port${n}`, 'type', 'veth', ...peer);
      await lab.within(tree.ns, 'ip', 'link', 'set', `port${n}`, 'master', 'br0', 'up');
      await lab.within(ns, 'ip', 'addr', 'add', `10.201.7.${n}/16`, 'dev', 'eth0');
      await lab.within(ns, 'ip', 'link', 'set', 'eth0', 'up');
    }
    const [leaf, sibling] = leaves as [{ ns: string; mac: string }, { ns: string; mac: string }];
    t.true(await pings(victim.ns, '10.201.7.1'), 'asked from outside');
    t.true(await pings(sibling.ns, friend.ip4), 'asked from inside');
    t.true(await pings(leaf.ns, '10.201.7.2'), 'among themselves');
    t.true(await tcpBothWays(t, victim.ns, leaf.ns, '10.201.7.1', 4 << 20));
    const rows = await lab.json<FdbRow[]>(['dump', 'fdb']);
    const learned = rows.filter(({ state, ns }) => state === 'learned' && ns === tree.ns);
    const macs = learned.map(({ mac }) => mac);
    for (const { mac } of leaves) t.true(macs.includes(mac), `${mac} of ${macs}`);

    // Now that their places are known, others do not receive the traffic.
    const bystander = await capture(t, friend.ns, 'icmp');
    t.true(await pings(victim.ns, '10.201.7.1'));
    t.deepEqual(await bystander.stop(), []);
  },
);
