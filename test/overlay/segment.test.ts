/** One segment over several nodes: who receives, where MACs are learned, and who gets nothing. */
import test from 'ava';
import { FdbFlags, NetworkFlags } from '../../src/contract/generated.js';
import { ipToBytes16 } from '../../src/model/address/ip.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { BROADCAST, eth, ip4, udp } from '../packet/helpers/frame.js';
import { macOf } from './helpers/address-plan.js';
import { arriving, capture, EXPERIMENT, send } from './helpers/frames.js';
import { type Container, OPEN } from './helpers/node.js';
import type { Guest } from './helpers/peer.js';
import { makeSegment, OTHER_VNI, reasonsDuring, type Segment, VNI } from './helpers/segment.js';
import { batch, ok, sh, until } from './helpers/shell.js';
import { speakVlan } from './helpers/tagged.js';
import { pings, transfer } from './helpers/traffic.js';

let segment: Segment;
/** 1-1, 1-2 on the first node, 2-1 on the second, 3-1 on the peer; the second network's have the same addresses. */
let c11: Container;
let c12: Container;
let c21: Container;
let other11: Container;
let other21: Container;
let g31: Guest;

test.before(() => {
  segment = makeSegment();
  const { one, two, peer } = segment;
  c11 = one.container(1, 1, { flags: OPEN, learnMax: 8 });
  c12 = one.container(1, 2);
  c21 = two.container(1, 1, { flags: OPEN, learnMax: 8 });
  other11 = one.container(2, 1);
  other21 = two.container(2, 1);
  g31 = peer.guest(1);
});
test.after.always(() => segment?.close());

const FILTER = `ether proto ${EXPERIMENT}`;
/** A frame of an unused protocol; long enough not to be padded. */
const strange = (to: string, from: string, mark = 1) =>
  eth(to, from, EXPERIMENT, new Uint8Array(60).fill(mark));

test.serial('all endpoints of a segment reach each other, and none of the other network', (t) => {
  const all = [c11, c12, c21, g31];
  for (const from of all) {
    for (const to of all) {
      if (from === to) continue;
      t.true(pings(from.ns, to.ip4), `${from.ip4} to ${to.ip4}`);
      t.true(pings(from.ns, to.ip6), `${from.ip6} to ${to.ip6}`);
    }
  }
  t.true(pings(other11.ns, other21.ip4));
  t.true(pings(other21.ns, other11.ip6));
  t.false(ok(other11.ns, 'ping', '-c', '1', '-W', '1', c12.ip4), 'no such address there');
  t.false(ok(other11.ns, 'ping', '-c', '1', '-W', '1', g31.ip4), 'no such address there');
});

test.serial(
  'a broadcast reaches every other endpoint once, and none of another network',
  async (t) => {
    const receivers = [c12, c21, g31, other11, other21, c11];
    const frame = strange(BROADCAST, c11.mac);
    const seen = await arriving(receivers, FILTER, () => send(c11, frame));
    t.deepEqual(
      seen.map((frames) => frames.length),
      [1, 1, 1, 0, 0, 0],
    );
    for (const frames of seen.slice(0, 3)) t.deepEqual(frames[0], frame);
  },
);

test.serial(
  'a broadcast from another node is flooded here and not sent to other nodes',
  async (t) => {
    const receivers = [c11, c12, c21];
    const frame = strange(BROADCAST, g31.mac);
    const underlay = await capture(segment.one.ns, 'udp dst port 4789', 'under0', 'out');
    const seen = await arriving(receivers, FILTER, () => send(g31, frame));
    t.deepEqual(
      seen.map((frames) => frames.length),
      [1, 1, 1],
    );
    const inside = (await underlay.stop()).map((outer) => outer.subarray(50));
    t.deepEqual(
      inside.filter((it) => Buffer.compare(it, frame) === 0),
      [],
    );
  },
);

test.serial(
  'multicast and unknown unicast are flooded as well, if the network allows',
  async (t) => {
    const receivers = [c12, c21, g31];
    for (const to of ['33:33:00:00:00:fb', '0a:58:00:00:77:77']) {
      const seen = await arriving(receivers, FILTER, () => send(c11, strange(to, c11.mac)));
      t.deepEqual(
        seen.map((frames) => frames.length),
        [1, 1, 1],
        to,
      );
    }
    segment.two.network(1, VNI, [1, 3], NetworkFlags.NO_FLOOD_UNKNOWN);
    const counted = await reasonsDuring(segment.two, async () => {
      const seen = await arriving([c21], FILTER, () =>
        send(c11, strange('0a:58:00:00:77:78', c11.mac)),
      );
      t.is(seen[0]?.length, 0);
    });
    t.is(counted.unknown_unicast, 1);
    segment.two.network(1, VNI, [1, 3]);
  },
);

test.serial('MACs behind other nodes are learned, counted and used', async (t) => {
  t.true(pings(g31.ns, c11.ip4));
  const entry = segment.one.fdb(VNI, g31.mac);
  t.like(entry, { ifindex: 0, endpoint: 0, node: 3, flags: 0 });
  const count = segment.one.get('nodelearn', 3)?.count ?? 0;
  t.true(count >= 1);
  const [, strangers = []] = await arriving([c11, c12], FILTER, () =>
    send(g31, strange(c11.mac, g31.mac)),
  );
  t.is(strangers.length, 0, 'what is known is not flooded');
  const [mine = []] = await arriving([g31, c21], FILTER, () =>
    send(c11, strange(g31.mac, c11.mac)),
  );
  t.is(mine.length, 1);
});

test.serial('a MAC is found again where it went: between nodes, here and away', async (t) => {
  const wanderer = '0a:58:00:00:00:aa';
  const says = (from: { readonly ns: string }) => send(from, strange(BROADCAST, wanderer));
  const { one } = segment;
  const learned = () => [
    one.get('nodelearn', 2),
    one.get('nodelearn', 3),
    one.get('learned', c11.id),
  ];
  const [at2 = 0, at3 = 0, here = 0] = learned().map((it) => it?.count ?? 0);
  const counts = () => learned().map((it) => it?.count ?? 0);

  says(c21);
  await until('at node 2', () => one.fdb(VNI, wanderer)?.node === 2);
  t.deepEqual(counts(), [at2 + 1, at3, here]);
  says(g31);
  await until('at node 3', () => one.fdb(VNI, wanderer)?.node === 3);
  t.deepEqual(counts(), [at2, at3 + 1, here]);
  says(c11);
  await until('here', () => one.fdb(VNI, wanderer)?.ifindex === c11.ifindex);
  t.like(one.fdb(VNI, wanderer), { node: 0, endpoint: c11.id });
  t.deepEqual(counts(), [at2, at3, here + 1]);
  says(c21);
  await until('away', () => one.fdb(VNI, wanderer)?.node === 2);
  t.like(one.fdb(VNI, wanderer), { ifindex: 0, endpoint: 0 });
  t.deepEqual(counts(), [at2 + 1, at3, here]);
  const [, arrived = []] = await arriving([g31, c21], FILTER, () =>
    send(c12, strange(wanderer, c12.mac)),
  );
  t.is(arrived.length, 1, 'and what is sent to it goes there');
});

test.serial('a static entry beats what is learned, on either side', async (t) => {
  const { one } = segment;
  const fixed = '0a:58:00:00:00:bb';
  const key = { vni: VNI, mac: macToBytes(fixed) };
  one.put('fdb', key, { ifindex: 0, endpoint: 0, node: 2, flags: FdbFlags.STATIC, lastSeen: 0n });
  const elsewhere = await reasonsDuring(one, () => send(g31, strange(BROADCAST, fixed)));
  t.is(elsewhere.static_mac, 1);
  const here = await reasonsDuring(one, () => send(c11, strange(BROADCAST, fixed)));
  t.is(here.static_mac, 1);
  t.is(one.fdb(VNI, fixed)?.node, 2);
  const right = await reasonsDuring(one, () => send(c21, strange(BROADCAST, fixed)));
  t.is(right.static_mac, undefined, 'it is where it is said to be');
  one.drop('fdb', key);
  // An endpoint's own MAC is reserved: no node can send as an endpoint of this node.
  const claimed = await reasonsDuring(one, () => send(g31, strange(BROADCAST, c11.mac)));
  t.is(claimed.node_mac, 1);
  t.is(one.fdb(VNI, c11.mac)?.ifindex, c11.ifindex);
});

test.serial('no more MACs are learned behind a node than it may have', async (t) => {
  const { one } = segment;
  const known = one.get('nodelearn', 3)?.count ?? 0;
  one.peer(3, '192.168.90.3', known + 2);
  const counted = await reasonsDuring(one, () => {
    for (let i = 1; i <= 5; i++) send(g31, strange(BROADCAST, `0a:58:00:00:03:0${i}`));
  });
  t.is(counted.node_learn_limit, 3);
  t.is(one.get('nodelearn', 3)?.count, known + 2);
  const wanderer = '0a:58:00:00:02:77';
  send(c21, strange(BROADCAST, wanderer));
  t.is(one.fdb(VNI, wanderer)?.node, 2);
  const moved = await reasonsDuring(one, () => send(g31, strange(BROADCAST, wanderer)));
  t.is(moved.node_learn_limit, undefined, 'one that moves there is no new one');
  t.is(one.fdb(VNI, wanderer)?.node, 3);
  one.peer(3, '192.168.90.3', 1024);
});

test.serial('a network may use configured MACs only and learn nothing', async (t) => {
  const { one } = segment;
  one.network(1, VNI, [2, 3], NetworkFlags.NO_LEARN_NODES);
  const [seen = []] = await arriving([c12], FILTER, () =>
    send(g31, strange(BROADCAST, '0a:58:00:00:00:cc')),
  );
  t.is(seen.length, 1);
  t.is(one.fdb(VNI, '0a:58:00:00:00:cc'), undefined);
  one.network(1, VNI, [2, 3]);
});

test.serial('a silent MAC behind a node ages, as on this node', async (t) => {
  const { one } = segment;
  const network = one.get('network', 1);
  if (network === undefined) throw new Error('no network');
  one.put('network', 1, { ...network, ageing: 1 });
  const silent = '0a:58:00:00:00:dd';
  const known = () => one.get('nodelearn', 3)?.count ?? 0;
  send(g31, strange(BROADCAST, silent));
  await until('it is learned', () => one.fdb(VNI, silent)?.node === 3);
  const before = known();
  await until('it is forgotten', () => one.fdb(VNI, silent) === undefined);
  t.true(known() < before);
  one.put('network', 1, network);
});

test.serial('a frame from a node goes to no other node', async (t) => {
  const { one } = segment;
  // The peer assumes that node 2's container is on node 1, which knows better.
  sh(segment.peer.ns, 'bridge', 'fdb', 'replace', c21.mac, 'dev', 'vx0', 'dst', '192.168.90.1');
  const key = { vni: VNI, mac: macToBytes(c21.mac) };
  one.put('fdb', key, { ifindex: 0, endpoint: 0, node: 2, flags: FdbFlags.STATIC, lastSeen: 0n });
  const before = one.nodeStats(3).rxDropped;
  const counted = await reasonsDuring(one, async () => {
    const [seen = []] = await arriving([c21], FILTER, () => send(g31, strange(c21.mac, g31.mac)));
    t.is(seen.length, 0);
  });
  t.is(counted.split_horizon, 1);
  t.is(one.nodeStats(3).rxDropped - before, 1n);
  sh(segment.peer.ns, 'bridge', 'fdb', 'del', c21.mac, 'dev', 'vx0', 'dst', '192.168.90.1');
  one.drop('fdb', key);
});

test.serial('neighbours behind other nodes are answered for here', async (t) => {
  const { one } = segment;
  for (const ip of [c21.ip4, c21.ip6]) {
    const mapped = ipToBytes16(ip);
    one.put('neigh', { vni: VNI, ip: mapped }, { mac: macToBytes(c21.mac), flags: 0, endpoint: 0 });
  }
  sh(c12.ns, 'ip', 'neigh', 'flush', 'dev', 'eth0');
  const asked = 'arp or (icmp6 and ip6[40] == 135)';
  const before = one.endpointStats(c12.id).suppressed;
  const [seen = []] = await arriving([c21], `(${asked}) and ether src ${c12.mac}`, () => {
    t.true(pings(c12.ns, c21.ip4));
    t.true(pings(c12.ns, c21.ip6));
  });
  t.deepEqual(
    seen.filter((frame) => ((frame[0] ?? 0) & 1) === 1),
    [],
    'nobody was asked',
  );
  t.true(one.endpointStats(c12.id).suppressed - before >= 2n);
});

test.serial('an unreachable node is counted by name, and used again when it is back', async (t) => {
  const { one } = segment;
  t.true(pings(c11.ns, c21.ip4));
  one.put('node', 2, { vtep: new Uint8Array(16), flags: 0, learnMax: 0 });
  const counted = await reasonsDuring(one, () => {
    t.false(ok(c11.ns, 'ping', '-c', '1', '-W', '1', c21.ip4));
  });
  t.true((counted.no_node ?? 0) >= 1);
  one.peer(2, '192.168.90.2');
  t.true(pings(c11.ns, c21.ip4));
});

test.serial('tagged frames cross with their tags, in bulk as well', async (t) => {
  for (const [outer, inner] of [
    [7, 0],
    [7, 8],
  ] as const) {
    const ends = [c11, c21, g31].map(({ ns }) => speakVlan(ns, outer, inner));
    // Room for the tags; on the peer the second one is a part of the packet.
    for (const { ns } of [c11, c21, g31]) batch(ns, 'link set eth0 mtu 1442');
    try {
      for (const to of [c21, g31]) {
        for (const [ns, address] of [
          [to.ns, to.ip4],
          [to.ns, to.ip6],
        ] as const) {
          t.true(pings(c11.ns, address), address);
          await t.notThrowsAsync(transfer(c11.ns, { ns, address }, 4 << 20), address);
        }
        await t.notThrowsAsync(transfer(to.ns, { ns: c11.ns, address: c11.ip4 }, 4 << 20), 'back');
      }
    } finally {
      for (const end of ends) end();
      for (const { ns } of [c11, c21, g31]) batch(ns, 'link set eth0 mtu 1450');
    }
  }
  const inner = ip4({ src: '10.1.1.1', dst: '10.1.1.2' }, udp(1, 2, new Uint8Array(40)));
  const tags = (...ids: number[]) => ids.flatMap((id) => [0x81, 0x00, 0, id]);
  const tagged = (...ids: number[]) =>
    Uint8Array.from([
      ...macToBytes(c21.mac),
      ...macToBytes(c11.mac),
      ...tags(...ids),
      0x08,
      0x00,
      ...inner,
    ]);
  const [seen = []] = await arriving([c21], 'vlan', () => send(c11, tagged(5), tagged(5, 6)));
  t.deepEqual(seen, [tagged(5), tagged(5, 6)]);
  const counted = await reasonsDuring(segment.one, () => send(c11, tagged(5, 6, 9)));
  t.deepEqual(counted, { encap_vlan: 1 });
});

test.serial('frames that are no IP, or claim to be, arrive as they were', async (t) => {
  const to = macToBytes(c21.mac);
  const from = macToBytes(c11.mac);
  const frames = [
    // LLC: a length instead of a type; a spanning tree's would have a link-local group as destination.
    [0x00, 0x2e, 0xaa, 0xaa, 0x03, ...new Uint8Array(43)],
    // A unicast solicitation, and types that promise more bytes than follow.
    [
      0x08,
      0x06,
      0,
      1,
      8,
      0,
      6,
      4,
      0,
      1,
      ...from,
      10,
      80,
      1,
      1,
      ...to,
      10,
      80,
      2,
      1,
      ...new Uint8Array(18),
    ],
    [0x08, 0x00, 0x45, ...new Uint8Array(45)],
    [0x86, 0xdd, 0x60, ...new Uint8Array(45)],
    [0x88, 0xb5, ...new Uint8Array(1400).fill(7)],
    [0x88, 0xb5, 1],
    [0x08, 0x00, 1, 2, 3],
  ].map((rest) => Uint8Array.from([...to, ...from, ...rest]));
  for (const receiver of [c21]) {
    const [seen = []] = await arriving(
      [receiver],
      `ether src ${c11.mac} and not (icmp6 and ip6[4:2] > 0)`,
      () => send(c11, ...frames),
    );
    t.is(seen.length, frames.length);
    frames.forEach((frame, i) => {
      // The shortest ones come with zeros, as every Ethernet device would add.
      const got = seen[i] ?? new Uint8Array();
      t.deepEqual(got.subarray(0, frame.length), frame, `frame ${i}`);
      t.true(
        got.subarray(frame.length).every((byte) => byte === 0),
        `frame ${i}`,
      );
    });
  }
});

test.serial('nothing crosses from one network to the other with the same addresses', async (t) => {
  const [there = [], here = []] = await arriving([other21, c21], FILTER, () =>
    send(c11, strange(macOf(2, 1), c11.mac), strange(BROADCAST, c11.mac)),
  );
  t.deepEqual([there.length, here.length], [0, 2]);
  t.is(segment.two.fdb(OTHER_VNI, g31.mac), undefined);
});
