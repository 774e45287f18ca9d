/** Isolated endpoints, and networks with gateways, cannot reach each other on any path. */
import test, { type ExecutionContext } from 'ava';
import { sendFrame } from '../packet/helpers/containers.js';
import {
  BROADCAST,
  eth,
  fragment,
  ip4,
  ip6,
  ip16,
  join,
  ip as octets,
  PROTO,
  TYPE,
  udp,
  vlan,
} from '../packet/helpers/frame.js';
import { groupMac } from '../packet/helpers/nd.js';
import { type Attached, join as joined } from './helpers/attached-containers.js';
import { pings } from './helpers/conversation.js';
import { counters } from './helpers/counters.js';
import { type Lab, openLab } from './helpers/lab.js';
import { capture } from './helpers/wire.js';

/** A mark in every frame of the isolated sender. */
const SECRET = Buffer.from('a word that nobody else says');
/** Outer addresses of the host; its port 9999 is published for an endpoint. */
const OUTSIDE = { ip4: '198.51.100.1', ip6: '2001:db8:51::1' };
const PUBLISHED = 9999;
const BLUE = {
  net: ['10.41.0.0/24', 'fd41::/64'],
  ip4: '10.41.0.1',
  ip6: 'fd41::1',
  all: '10.41.0.255',
};
const RED = {
  net: ['10.42.0.0/24', 'fd42::/64'],
  ip4: '10.42.0.1',
  ip6: 'fd42::1',
  all: '10.42.0.255',
};

interface Station {
  readonly mac: string;
  readonly ip4: string;
  readonly ip6: string;
}

let lab: Lab;
let one: Attached;
let two: Attached;
let desk: Attached;
let far: Attached;
let gateway: string;

function network(name: string, { net }: typeof BLUE): string[] {
  const subnets = net.flatMap((subnet) => ['--subnet', subnet]);
  return ['network', 'add', name, ...subnets, '--gateway', '--masquerade'];
}

test.before(async () => {
  lab = await openLab();
  const pair = ['type', 'veth', 'peer', 'name', 'up1'];
  await lab.within(lab.node, 'ip', 'link', 'add', 'up0', ...pair);
  await lab.within(lab.node, 'ip', 'addr', 'add', `${OUTSIDE.ip4}/24`, 'dev', 'up0');
  await lab.within(lab.node, 'ip', 'addr', 'add', `${OUTSIDE.ip6}/64`, 'dev', 'up0', 'nodad');
  await lab.within(lab.node, 'ip', 'link', 'set', 'up0', 'up');
  await lab.must(...network('blue', BLUE));
  await lab.must(...network('red', RED));
  const blue = ['--network', 'blue'];
  one = await joined(lab, '1', ...blue, '--isolated');
  two = await joined(lab, '2', ...blue, '--isolated');
  desk = await joined(lab, '3', ...blue);
  far = await joined(lab, '4', '--network', 'red');
  gateway = (await lab.within(lab.node, 'cat', '/sys/class/net/dpg1/address')).trim();
});
test.after.always(() => lab.close());

/** Every path from `one` to another endpoint: by its MAC, through the host, by broadcast. */
function ways(to: Station, gate: typeof BLUE): Uint8Array[] {
  const from = { src: one.ip4 };
  const from6 = { src: one.ip6 };
  const data = udp(1000, 2000, SECRET);
  const published = udp(1000, PUBLISHED, SECRET);
  const four = ip4({ ...from, dst: to.ip4 }, data);
  const six = ip6({ ...from6, dst: to.ip6, next: PROTO.udp }, data);
  const by = (mac: string, packet: Uint8Array, type: number = TYPE.ip4) =>
    eth(mac, one.mac, type, packet);
  // Loose source routing (RFC 791), and a routing header (RFC 8200, 4.4; RFC 8754).
  const routed = [131, 7, 4, ...octets(to.ip4), 0];
  const routing = (kind: number) =>
    ip6(
      { ...from6, dst: gate.ip6, next: PROTO.routing },
      [PROTO.udp, 2, kind, 1, 0, 0, 0, 0],
      ip16(to.ip6),
      data,
    );
  const inside4 = ip4({ ...from, dst: gate.ip4, protocol: 4 }, four);
  const groups4 = ['255.255.255.255', gate.all, '224.0.0.1', '239.1.1.1'];
  const groups6 = ['ff02::1', 'ff05::1', 'ff0e::7'];
  const toGroup4 = (dst: string) => ip4({ ...from, dst }, data);
  const toGroup6 = (dst: string) => ip6({ ...from6, dst, next: PROTO.udp }, data);
  return [
    ...[to.mac, gateway, BROADCAST, groupMac('ff02::1')].flatMap((mac) => [
      by(mac, four),
      by(mac, six, TYPE.ip6),
    ]),
    ...groups4.flatMap((dst) => [by(BROADCAST, toGroup4(dst)), by(gateway, toGroup4(dst))]),
    ...groups6.flatMap((dst) => [
      by(groupMac(dst), toGroup6(dst), TYPE.ip6),
      by(gateway, toGroup6(dst), TYPE.ip6),
    ]),
    by(gateway, join(vlan(0, TYPE.ip4), four), TYPE.vlan),
    by(gateway, join(vlan(0, TYPE.ip6), six), TYPE.vlan),
    by(gateway, ip4({ ...from, dst: gate.ip4, options: routed }, data)),
    ...[0, 2, 4].map((kind) => by(gateway, routing(kind), TYPE.ip6)),
    by(gateway, inside4),
    by(gateway, ip6({ ...from6, dst: gate.ip6, next: 41 }, six), TYPE.ip6),
    // In fragments, each with the mark.
    ...[0x2000, 5].map((part) =>
      by(gateway, ip4({ ...from, dst: to.ip4, fragment: part }, udp(1000, 2000, PADDED))),
    ),
    ...[true, false].map((more) =>
      by(
        gateway,
        ip6(
          { ...from6, dst: to.ip6, next: PROTO.fragment },
          fragment(PROTO.udp, more ? 0 : 5, more),
          udp(1000, 2000, PADDED),
        ),
        TYPE.ip6,
      ),
    ),
    // The port that the host publishes for it.
    by(gateway, ip4({ ...from, dst: OUTSIDE.ip4 }, published)),
    by(gateway, ip6({ ...from6, dst: OUTSIDE.ip6, next: PROTO.udp }, published), TYPE.ip6),
    by(gateway, ip4({ ...from, dst: gate.ip4 }, published)),
    by(BROADCAST, SECRET, TYPE.other),
    by(to.mac, SECRET, TYPE.other),
  ];
}

/** A length that all fragments but the last need: a multiple of 8, including the UDP header. */
const PADDED = Buffer.concat([SECRET, Buffer.alloc(32 - SECRET.length)]);

/** Number of the frames that arrived in a container, by any path. */
async function heard(
  t: ExecutionContext,
  at: Attached,
  frames: readonly Uint8Array[],
): Promise<number> {
  const seen = await capture(t, at.ns, 'not arp');
  for (const frame of frames) sendFrame(one.ns, 'eth0', frame);
  const all = await seen.stop();
  return all.filter(({ bytes }) => bytes.includes(SECRET)).length;
}

/** A packet to the host's published port reaches its endpoint. */
async function publish(to: Station): Promise<void> {
  const rule = (family: string, address: string) =>
    `meta nfproto ${family === 'ip' ? 'ipv4' : 'ipv6'} udp dport ${PUBLISHED} dnat ${family} to ${address};`;
  const rules = `${rule('ip', to.ip4)} ${rule('ip6', to.ip6)}`;
  const table = `table inet published { chain p { type nat hook prerouting priority -100; ${rules} }; }`;
  await lab.inside(lab.node, ['nft', 'delete', 'table', 'inet', 'published']);
  const ran = await lab.inside(lab.node, ['nft', '-f', '-'], { stdin: Buffer.from(table) });
  if (ran.code !== 0) throw new Error(ran.stderr);
}

test.serial('two isolated endpoints cannot reach each other on any path', async (t) => {
  await publish(two);
  const before = await counters(lab);
  t.is(await heard(t, two, ways(two, BLUE)), 0);
  const after = await counters(lab);
  t.true(after.reason('isolated') - before.reason('isolated') >= 8, 'each refusal is counted');

  // They do not learn of each other either, by answers of the host or of others.
  for (const [address, gate] of [
    [two.ip4, BLUE.ip4],
    [two.ip6, BLUE.ip6],
  ] as const) {
    t.false(await pings(one.ns, address, '-c', '1'));
    t.notRegex(await lab.within(one.ns, 'ip', 'neigh', 'show', address), /lladdr/, address);
    await lab.within(one.ns, 'ip', 'route', 'add', address, 'via', gate, 'dev', 'eth0');
    t.false(await pings(one.ns, address, '-c', '1'), `${address} by the host`);
    await lab.within(one.ns, 'ip', 'route', 'del', address, 'via', gate, 'dev', 'eth0');
  }
});

test.serial('the same frames reach an endpoint that is not isolated', async (t) => {
  await publish(desk);
  t.true((await heard(t, desk, ways(desk, BLUE))) >= 16);
});

test.serial('two networks cannot reach each other on any path', async (t) => {
  await publish(far);
  const before = await counters(lab);
  for (const gate of [BLUE, RED]) t.is(await heard(t, far, ways(far, gate)), 0);
  const after = await counters(lab);
  t.true(after.reason('networks_apart') - before.reason('networks_apart') >= 8);
});

test.serial('two networks reach each other with --route-between', async (t) => {
  for (const [name, gate] of [
    ['blue', BLUE],
    ['red', RED],
  ] as const) {
    await lab.must(...network(name, gate), '--route-between');
  }
  t.true((await heard(t, far, ways(far, BLUE))) >= 6);
  await publish(two);
  t.is(await heard(t, two, ways(two, BLUE)), 0, 'which opens no way between isolated ones');
});
