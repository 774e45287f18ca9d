/** A compromised or forged node cannot speak for endpoints of this node. */
import test from 'ava';
import { EndpointFlags, FdbFlags } from '../../src/contract/generated.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { sendFrame } from '../packet/helpers/containers.js';
import {
  arp,
  BROADCAST,
  eth,
  extension,
  fragment,
  ip4,
  ip6,
  ip16,
  join,
  linkLocal,
  mac,
  PROTO,
  TYPE,
  udp,
} from '../packet/helpers/frame.js';
import { macOf, PORT, vtep4, vtep6 } from './helpers/address-plan.js';
import { type Fabric, makeFabric } from './helpers/fabric.js';
import { capture } from './helpers/frames.js';
import { type Container, type Decap, OPEN, type OverlayNode } from './helpers/node.js';
import { reasonsDuring } from './helpers/segment.js';
import { sh } from './helpers/shell.js';
import { vxlan } from './helpers/vxlan.js';

const VNI = 100;
const KNOWN = 2;
const THEIRS = macOf(KNOWN, 1);
const GATEWAY = '0a:58:0a:50:00:01';
const GATEWAY_IP = '10.80.0.1';
const GATEWAY_IP6 = 'fd80::1';

interface Fixture {
  readonly fabric: Fabric;
  readonly node: OverlayNode;
  readonly here: Container;
  readonly other: Container;
  /** Send a frame as node 2. */
  send(inner: Uint8Array): void;
}

function makeFixture(family: 4 | 6, decap: Decap): Fixture {
  const fabric = makeFabric({ underlay: 'wire' });
  try {
    const node = fabric.node(1, { family, decap });
    const vtep = family === 4 ? vtep4 : vtep6;
    node.network(1, VNI, [KNOWN]);
    node.peer(KNOWN, vtep(KNOWN));
    const [here, other] = [1, 2].map((k) => node.container(1, k));
    if (here === undefined || other === undefined) throw new Error('no containers');
    for (const ip of [here.ip4, here.ip6]) putNeigh(node, ip, here.mac, here.id);
    const sender = fabric.host(9);
    const macAt = (ns: string) => sh(ns, 'cat', '/sys/class/net/under0/address').trim();
    const outer = {
      toMac: macAt(node.ns),
      fromMac: macAt(sender),
      to: vtep(1),
      from: vtep(KNOWN),
      vni: VNI,
    };
    const send = (inner: Uint8Array) => sendFrame(sender, 'under0', vxlan(outer, inner));
    return { fabric, node, here, other, send };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

function putNeigh(node: OverlayNode, ip: string, address: string, endpoint: number): void {
  node.put('neigh', { vni: VNI, ip: ip16(ip) }, { mac: macToBytes(address), flags: 0, endpoint });
}

/** A host's gateway with its own addresses; a container stands in for it. */
function makeGateway({ node, other }: Fixture): void {
  const { ifindex, id } = other;
  const endpoint = node.get('endpoint', ifindex);
  if (endpoint === undefined) throw new Error('no endpoint');
  node.put('endpoint', ifindex, { ...endpoint, flags: EndpointFlags.GATEWAY });
  node.put(
    'fdb',
    { vni: VNI, mac: macToBytes(GATEWAY) },
    { ifindex, endpoint: id, node: 0, flags: FdbFlags.STATIC | FdbFlags.GATEWAY, lastSeen: 0n },
  );
  for (const ip of [GATEWAY_IP, GATEWAY_IP6]) putNeigh(node, ip, GATEWAY, id);
}

const nd = (type: number, target: string, ...options: readonly (Uint8Array | number[])[]) =>
  join([type, 0, 0, 0, 0, 0, 0, 0], ip16(target), ...options);
const option = (type: number, address: string) => join([type, 1], mac(address));
const advert = (target: string, address: string) => nd(136, target, option(2, address));
const frame6 = (src: string, next: number, ...body: readonly (Uint8Array | number[])[]) =>
  eth(
    '33:33:00:00:00:01',
    THEIRS,
    TYPE.ip6,
    ip6({ src, dst: 'ff02::1', next, hops: 255 }, ...body),
  );

for (const [family, decap] of [
  [4, 'tc'],
  [6, 'xdp'],
] as const) {
  test.serial(
    `IPv${family}, ${decap}: a node does not speak as an endpoint or gateway of this one`,
    async (t) => {
      const fixture = makeFixture(family, decap);
      t.teardown(() => fixture.fabric.close());
      makeGateway(fixture);
      const { node, here, send } = fixture;
      const claim = (sender: string, senderMac = THEIRS, op = 2) =>
        arp({ op, senderMac, sender, target: sender });
      const say = (body: Uint8Array, ...tags: readonly number[]) =>
        join(mac(BROADCAST), mac(THEIRS), tags, [8, 6], body);
      const lies: Readonly<Record<string, readonly [Uint8Array, string]>> = {
        'an endpoint, by MAC': [
          eth(here.mac, here.mac, TYPE.other, new Uint8Array(46)),
          'node_mac',
        ],
        'the gateway, by MAC': [eth(here.mac, GATEWAY, TYPE.other, new Uint8Array(46)), 'node_mac'],
        'an ARP reply': [say(claim(here.ip4)), 'node_neighbour'],
        'an ARP request': [say(claim(here.ip4, THEIRS, 1)), 'node_neighbour'],
        'ARP of the gateway': [say(claim(GATEWAY_IP)), 'node_neighbour'],
        'ARP with the MAC of an endpoint': [say(claim('10.80.77.7', here.mac)), 'node_neighbour'],
        'ARP in VLAN 0': [say(claim(here.ip4), 0x81, 0, 0, 0), 'node_neighbour'],
        'ARP behind many tags': [
          say(claim(here.ip4), ...Array.from({ length: 4 }, () => [0x81, 0, 0, 0]).flat()),
          'header_chain',
        ],
        'an advertisement': [
          frame6('fe80::7', PROTO.icmp6, advert(here.ip6, THEIRS)),
          'node_neighbour',
        ],
        'an advertisement of a link-local address': [
          frame6('fe80::7', PROTO.icmp6, advert(linkLocal(here.mac), THEIRS)),
          'node_neighbour',
        ],
        'an advertisement behind an extension header': [
          frame6('fe80::7', PROTO.destination, extension(PROTO.icmp6), advert(here.ip6, THEIRS)),
          'node_neighbour',
        ],
        'an advertisement in a fragment': [
          frame6(
            'fe80::7',
            PROTO.fragment,
            fragment(PROTO.icmp6, 0, true),
            advert('fd80::77', THEIRS),
          ),
          'node_neighbour',
        ],
        'an option with the MAC of an endpoint': [
          frame6('fe80::7', PROTO.icmp6, advert('fd80::77', here.mac)),
          'node_neighbour',
        ],
        'a solicitation from an endpoint': [
          frame6(here.ip6, PROTO.icmp6, nd(135, 'fd80::77', option(1, THEIRS))),
          'node_neighbour',
        ],
        'a router advertisement of the gateway': [
          frame6(linkLocal(GATEWAY), PROTO.icmp6, [
            134,
            0,
            0,
            0,
            64,
            0,
            7,
            8,
            ...new Uint8Array(8),
          ]),
          'node_neighbour',
        ],
      };
      const seen = await capture(here.ns, `ether src ${THEIRS} or ether src ${GATEWAY}`);
      for (const [what, [inner, reason]] of Object.entries(lies)) {
        t.deepEqual(await reasonsDuring(node, () => send(inner)), { [reason]: 1 }, what);
      }
      const truths = [
        // A solicitation for an endpoint, duplicate address detection, and its own traffic are allowed.
        say(arp({ senderMac: THEIRS, sender: '0.0.0.0', target: here.ip4 })),
        say(claim('10.80.2.1')),
        frame6('::', PROTO.icmp6, nd(135, here.ip6)),
        frame6('fe80::7', PROTO.icmp6, advert('fd80::2:1', THEIRS)),
        eth(here.mac, THEIRS, TYPE.ip4, ip4({ src: '10.80.2.1', dst: here.ip4 }, udp(1, 2))),
        // Bytes behind the end of a packet are padding, whatever they contain.
        join(frame6('fe80::7', PROTO.icmp6, nd(136, 'fd80::2:1')), option(2, here.mac)),
        join(frame6('fe80::7', PROTO.icmp6), advert(here.ip6, THEIRS)),
      ];
      t.deepEqual(await reasonsDuring(node, () => truths.map(send)), {});
      t.is((await seen.stop()).length, truths.length);
      t.is(node.fdb(VNI, here.mac)?.ifindex, here.ifindex);
    },
  );
}

test.serial('it cannot send VXLAN, or errors about nodes, through the gateway', async (t) => {
  const fixture = makeFixture(4, 'tc');
  t.teardown(() => fixture.fabric.close());
  makeGateway(fixture);
  const { node, send } = fixture;
  const forged = ip4({ src: '10.80.2.1', dst: vtep4(KNOWN) }, udp(1, PORT));
  const quote = ip4({ src: vtep4(1), dst: vtep4(KNOWN) }, udp(1, PORT));
  const error = ip4(
    { src: '10.80.2.1', dst: vtep4(1), protocol: PROTO.icmp },
    join([3, 4, 0, 0, 0, 0, 2, 40], quote),
  );
  for (const [packet, reason] of [
    [forged, 'forged_vxlan'],
    [error, 'forged_error'],
  ] as const) {
    const inner = eth(GATEWAY, THEIRS, TYPE.ip4, packet);
    t.deepEqual(await reasonsDuring(node, () => send(inner)), { [reason]: 1 });
  }
});

test.serial('a node in whose name many MACs are forged leaves room for others', async (t) => {
  const fabric = makeFabric({ underlay: 'wire' });
  t.teardown(() => fabric.close());
  const node = fabric.node(1, {
    family: 4,
    decap: 'tc',
    constants: { underlay: { learned_max: 12, node_learn_share: 2 } },
  });
  node.network(1, VNI, [KNOWN, 3]);
  for (const number of [KNOWN, 3]) node.peer(number, vtep4(number));
  const bridge = node.container(1, 1, { flags: OPEN });
  const sender = fabric.host(9);
  const macAt = (ns: string) => sh(ns, 'cat', '/sys/class/net/under0/address').trim();
  const from = (number: number, address: string) => {
    const ends = { toMac: macAt(node.ns), fromMac: macAt(sender), to: vtep4(1), vni: VNI };
    const inner = eth(bridge.mac, address, TYPE.other, new Uint8Array(46));
    sendFrame(sender, 'under0', vxlan({ ...ends, from: vtep4(number) }, inner));
  };
  const flood = await reasonsDuring(node, () => {
    for (let i = 0; i < 12; i++) from(KNOWN, `02:00:00:00:02:${i.toString(16).padStart(2, '0')}`);
  });
  t.deepEqual(flood, { learn_room: 4 });
  from(3, macOf(3, 1));
  t.is(node.fdb(VNI, macOf(3, 1))?.node, 3);
});
