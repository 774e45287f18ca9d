/** Nodes are added, deleted, moved, and numerous, while containers talk. */
import test from 'ava';
import { FdbFlags } from '../../src/contract/generated.js';
import { ipToBytes16 } from '../../src/model/address/ip.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { BROADCAST, eth } from '../packet/helpers/frame.js';
import { vtep4, vtep6 } from './helpers/address-plan.js';
import { makeFabric } from './helpers/fabric.js';
import { capture, EXPERIMENT, send } from './helpers/frames.js';
import { OPEN } from './helpers/node.js';
import { makeSegment, reasonsDuring, VNI } from './helpers/segment.js';
import { batch, ok, sh, start, until } from './helpers/shell.js';
import { pings } from './helpers/traffic.js';

const MANY = 1000;

test.serial('a flood reaches a thousand nodes, once each', async (t) => {
  const fabric = makeFabric();
  t.teardown(() => fabric.close());
  const far = fabric.host(5);
  const node = fabric.node(1);
  const address = (i: number) => `10.77.${i >> 8}.${i & 255}`;
  for (let i = 1; i <= MANY; i++) node.peer(i, address(i));
  node.network(
    1,
    VNI,
    Array.from({ length: MANY }, (_, i) => i + 1),
  );
  batch(node.ns, `route add 10.77.0.0/16 via ${vtep4(5)} dev under0`);
  const container = node.container(1, 1);
  t.true(ok(node.ns, 'ping', '-c', '1', '-W', '1', vtep4(5)));

  const seen = await capture(far, 'udp dst port 4789 and net 10.77.0.0/16', 'under0');
  const frame = eth(BROADCAST, container.mac, EXPERIMENT, new Uint8Array(50));
  const reasons = await reasonsDuring(node, () => send(container, frame));
  const packets = (await seen.stop()).filter((it) => Buffer.compare(it.subarray(50), frame) === 0);
  const destinations = new Set(packets.map((it) => it.subarray(30, 34).join('.')));
  t.is(packets.length, MANY);
  t.is(destinations.size, MANY);
  t.deepEqual(reasons, {});
  t.true(node.nodeStats(1).txPackets >= 1n && node.nodeStats(MANY).txPackets >= 1n);
});

test.serial('a node changes its address while containers talk', async (t) => {
  const segment = makeSegment();
  t.teardown(() => segment.close());
  const { one, two } = segment;
  const [a, b] = [one.container(1, 1), two.container(1, 1)];
  t.true(pings(a.ns, b.ip4));
  const talk = start(a.ns, ['ping', '-n', '-i', '0.01', '-c', '250', '-W', '1', b.ip4]);
  const moved = '192.168.90.102';
  batch(two.ns, `addr add ${moved}/24 dev under0`);
  const underlay = two.get('underlay', 0);
  if (underlay === undefined) throw new Error('no underlay');
  // Both ends at about the same time, as a control plane would.
  await until('they talk', () => one.nodeStats(2).rxPackets > 20n);
  two.put('underlay', 0, { ...underlay, local: ipToBytes16(moved) });
  one.peer(2, moved);
  await talk.ended();
  const lost = Number(/(\d+)% packet loss/.exec(`${talk.output()}`)?.[1] ?? 100);
  t.true(lost <= 10, `${lost} % lost`);
  t.true(pings(b.ns, a.ip4));
  t.is(
    one.get('vtep', { ip: ipToBytes16(vtep4(2)) }),
    undefined,
    'the old address is nobody any more',
  );
});

test.serial('packets of a deleted node are dropped until it is added again', async (t) => {
  const segment = makeSegment();
  t.teardown(() => segment.close());
  const { one, two } = segment;
  const [a, b] = [one.container(1, 1), two.container(1, 1)];
  t.true(pings(a.ns, b.ip4));
  one.drop('vtep', { ip: ipToBytes16(vtep4(2)) });
  const counted = await reasonsDuring(one, () => {
    t.false(ok(b.ns, 'ping', '-c', '1', '-W', '1', a.ip4));
  });
  t.true((counted.vtep_unknown ?? 0) >= 1);
  one.peer(2, vtep4(2));
  t.true(pings(b.ns, a.ip4));
});

test.serial('a container that moves to another node is found again within a second', async (t) => {
  const segment = makeSegment();
  t.teardown(() => segment.close());
  const { one, two, peer } = segment;
  const a = one.container(1, 1);
  const mover = two.container(1, 7, { flags: OPEN });
  t.true(pings(a.ns, mover.ip4));
  const talk = start(a.ns, ['ping', '-n', '-i', '0.02', '-c', '150', '-W', '1', mover.ip4]);
  await until('they talk', () => one.nodeStats(2).rxPackets > 20n);
  // It moves from the second node to the peer, with its addresses.
  batch(mover.ns, 'link set eth0 down');
  two.drop('fdb', { vni: VNI, mac: macToBytes(mover.mac) });
  two.drop('port', { network: 1, slot: 0 });
  const guest = peer.guest(9);
  batch(
    guest.ns,
    'addr flush dev eth0',
    'link set eth0 down',
    `link set eth0 address ${mover.mac}`,
    'link set eth0 up',
    `addr add ${mover.ip4}/16 dev eth0`,
  );
  ok(guest.ns, 'arping', '-c', '2', '-i', '0.1', '-U', '-I', 'eth0', mover.ip4);
  const began = performance.now();
  await until('it is found', () => one.fdb(VNI, mover.mac)?.node === 3, 3000);
  t.true(pings(a.ns, mover.ip4));
  t.true(performance.now() - began < 1000);
  await talk.stop();
});

test.serial('nodes of one network are not those of another', async (t) => {
  const segment = makeSegment();
  t.teardown(() => segment.close());
  const { one, two } = segment;
  one.container(1, 1);
  const other = one.container(2, 1);
  const far = two.container(2, 1);
  t.true(pings(other.ns, far.ip4));
  const before = one.nodeStats(3).txPackets;
  const underlay = await capture(segment.peer.ns, 'udp dst port 4789', 'under0');
  const frame = eth(BROADCAST, other.mac, EXPERIMENT, new Uint8Array(50));
  send(other, frame);
  const strays = (await underlay.stop()).filter(
    (it) => Buffer.compare(it.subarray(50), frame) === 0,
  );
  t.deepEqual(strays, [], 'the peer does not have the second network');
  t.true(one.nodeStats(3).txPackets - before < 5n);
});

test.serial('a node may be reached by another family than its address seems to say', async (t) => {
  const fabric = makeFabric();
  t.teardown(() => fabric.close());
  const [one, two] = [fabric.node(1), fabric.node(2)];
  for (const [node, other] of [
    [one, 2],
    [two, 1],
  ] as const) {
    node.network(1, VNI, [other]);
    node.peer(other, vtep4(other));
    // An IPv4 route with an IPv6 next hop (RFC 8950).
    batch(node.ns, `route add ${vtep4(other)}/32 via inet6 ${vtep6(other)} dev under0`);
  }
  const [a, b] = [one.container(1, 1), two.container(1, 1)];
  t.true(pings(a.ns, b.ip4));
  t.regex(sh(one.ns, 'ip', '-6', 'neigh', 'show', vtep6(2)), /lladdr/);
  t.deepEqual(
    one.get('fdb', { vni: VNI, mac: macToBytes(a.mac) })?.flags,
    FdbFlags.STATIC | FdbFlags.ENDPOINT,
  );
});

test.serial('without forwarding on loopback the kernel finds the way itself', async (t) => {
  for (const family of [4, 6] as const) {
    const fabric = makeFabric();
    t.teardown(() => fabric.close());
    const vtep = family === 4 ? vtep4 : vtep6;
    const [one, two] = [fabric.node(1, { family }), fabric.node(2, { family })];
    for (const [node, other] of [
      [one, 2],
      [two, 1],
    ] as const) {
      node.network(1, VNI, [other]);
      node.peer(other, vtep(other));
    }
    sh(one.ns, 'sysctl', '-qw', `net.ipv${family}.conf.lo.forwarding=0`);
    const [a, b] = [one.container(1, 1), two.container(1, 1)];
    t.true(pings(a.ns, b.ip4));
    t.true(pings(a.ns, b.ip6, 1500));
    fabric.close();
  }
});
