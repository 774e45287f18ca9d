/**
 * Nodes that own prefixes of a network. Nothing is learned from nodes and nothing flooded: what is
 * attached on a node can be reached from the others because of its address alone.
 */
import test from 'ava';
import { EndpointFlags, FdbFlags, NetworkFlags } from '../../src/contract/generated.js';
import { ipToBytes16 } from '../../src/model/address/ip.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { sendFrame } from '../packet/helpers/containers.js';
import { eth } from '../packet/helpers/frame.js';
import { ip4Of, macOf, vtep4 } from './helpers/address-plan.js';
import { type Fabric, makeFabric } from './helpers/fabric.js';
import { arriving, EXPERIMENT, send } from './helpers/frames.js';
import { type Container, OPEN, type OverlayNode } from './helpers/node.js';
import { reasonsDuring } from './helpers/segment.js';
import { batch, ok, sh } from './helpers/shell.js';
import { pings } from './helpers/traffic.js';
import { vxlan } from './helpers/vxlan.js';

const VNI = 100;
const { PREFIXES, NO_FLOOD_UNKNOWN, NO_LEARN_NODES } = NetworkFlags;
const APART = PREFIXES | NO_FLOOD_UNKNOWN | NO_LEARN_NODES;
/** Nodes 1 and 2 are ours, 3 is only known; host 9 forges VXLAN of node 2. */
const NODES = [1, 2, 3] as const;

/** The IPv6 address of a container that ends in its IPv4 address. */
const derived6 = (node: number, k: number) =>
  `fd80:0:0:0:${node}::a50:${((node << 8) | k).toString(16)}`;

interface Stage {
  readonly fabric: Fabric;
  readonly one: OverlayNode;
  readonly two: OverlayNode;
}

function own(node: OverlayNode): void {
  const put = (prefix: string, bits: number, owner: number) => {
    const key = { prefixlen: 32 + bits, vni: VNI, ip: ipToBytes16(prefix) };
    node.put('nodeprefix', key, { node: owner === node.number ? 0 : owner });
  };
  for (const owner of NODES) {
    put(ip4Of(owner, 0), 96 + 24, owner);
    put(`fd80:0:0:0:${owner}::`, 80, owner);
    if (owner !== node.number) node.peer(owner, vtep4(owner));
  }
}

function makeStage(flags = APART): Stage {
  const fabric = makeFabric();
  try {
    const [one, two] = [fabric.node(1), fabric.node(2)];
    for (const node of [one, two]) {
      // No node is in the other's list for floods.
      node.network(1, VNI, [], flags);
      own(node);
    }
    return { fabric, one, two };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

/** A container with the IPv6 address that others derive its MAC from. */
function container(node: OverlayNode, k: number): Container {
  const it = node.container(1, k, { flags: OPEN | EndpointFlags.IP4, learnMax: 8 });
  batch(it.ns, `addr add ${derived6(node.number, k)}/64 dev eth0 nodad`);
  return it;
}

test.serial('a new container is reached at once: no event, no learning, no flooding', async (t) => {
  const { fabric, one, two } = makeStage();
  t.teardown(() => fabric.close());
  const here = container(one, 1);
  const counted = await reasonsDuring(one, () => {
    t.false(ok(here.ns, 'ping', '-c', '1', '-W', '1', ip4Of(2, 1)), 'nobody is there yet');
  });
  t.is(counted.unknown_unicast, undefined, 'node 1 has sent it');
  t.true((two.reasons().prefix_unused ?? 0) >= 1, 'node 2 says why it was dropped');
  const there = container(two, 1);
  t.true(pings(here.ns, there.ip4), 'IPv4');
  t.true(pings(here.ns, derived6(2, 1)), 'IPv6');
  t.true(pings(there.ns, here.ip4));
  t.is(one.fdb(VNI, there.mac), undefined, 'and nothing of it is known here');
  t.regex(sh(here.ns, 'ip', 'neigh', 'show', there.ip4), new RegExp(there.mac));
  t.regex(sh(here.ns, 'ip', 'neigh', 'show', derived6(2, 1)), new RegExp(there.mac));

  // An address of node 2 that has moved to this one, where its entry comes first.
  const entry = { ifindex: here.ifindex, endpoint: here.id, node: 0, lastSeen: 0n };
  const moved = macOf(2, 1);
  one.put('fdb', { vni: VNI, mac: macToBytes(moved) }, { ...entry, flags: FdbFlags.STATIC });
  const other = container(one, 2);
  const frame = eth(moved, other.mac, EXPERIMENT, new Uint8Array(60));
  const [mine = [], theirs = []] = await arriving([here, there], `ether proto ${EXPERIMENT}`, () =>
    send(other, frame),
  );
  t.deepEqual([mine.length, theirs.length], [1, 0]);
});

test.serial('a node speaks for its own prefix, and for that of no other', async (t) => {
  const { fabric, one } = makeStage(PREFIXES);
  t.teardown(() => fabric.close());
  const here = container(one, 1);
  // Node 2 may have no MAC learned: for its prefix it needs no room.
  one.peer(2, vtep4(2), 0);
  const sender = fabric.host(9);
  const macAt = (ns: string) => sh(ns, 'cat', '/sys/class/net/under0/address').trim();
  const outer = {
    toMac: macAt(one.ns),
    fromMac: macAt(sender),
    to: vtep4(1),
    from: vtep4(2),
    vni: VNI,
  };
  const arrives = (to: string, from: string) =>
    reasonsDuring(one, () =>
      sendFrame(sender, 'under0', vxlan(outer, eth(to, from, EXPERIMENT, new Uint8Array(60)))),
    );
  const stranger = '02:00:00:00:00:77';
  t.deepEqual(await arrives(here.mac, stranger), { node_learn_limit: 1 });
  t.deepEqual(await arrives(here.mac, macOf(2, 5)), {}, 'its own prefix, without room');
  t.is(one.fdb(VNI, macOf(2, 5)), undefined);
  one.peer(2, vtep4(2), 8);
  t.deepEqual(await arrives(here.mac, macOf(2, 5)), {});
  t.like(one.fdb(VNI, macOf(2, 5)), { node: 2, flags: 0 }, 'with room it is learned');

  t.deepEqual(await arrives(here.mac, macOf(3, 5)), { prefix_mac: 1 }, "node 3's prefix");
  t.is(one.fdb(VNI, macOf(3, 5)), undefined);
  t.deepEqual(await arrives(here.mac, macOf(1, 99)), { prefix_mac: 1 }, "this node's prefix");
  t.deepEqual(await arrives(here.mac, here.mac), { node_mac: 1 });
  // What node 3 has said itself does not move to node 2.
  const key = { vni: VNI, mac: macToBytes(macOf(3, 6)) };
  one.put('fdb', key, { ifindex: 0, endpoint: 0, node: 3, flags: 0, lastSeen: 1n << 40n });
  t.deepEqual(await arrives(here.mac, macOf(3, 6)), { prefix_mac: 1 });
  t.like(one.fdb(VNI, macOf(3, 6)), { node: 3 });

  t.deepEqual(await arrives(macOf(3, 5), macOf(2, 5)), { split_horizon: 1 }, 'no way round');
  t.deepEqual(await arrives(macOf(1, 99), macOf(2, 5)), { prefix_unused: 1 });
});
