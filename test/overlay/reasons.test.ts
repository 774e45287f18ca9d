/** Every drop reason of the overlay is tested; here those that no other file of this folder covers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openRingbuf } from '../../loader/ringbuf/reader.js';
import { closeFd, openFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import { testRun } from '../../loader/testrun.js';
import {
  ConfigFlags,
  EventType,
  FdbFlags,
  type FrameEvent,
  frameEventCodec,
  nameOfReason,
  Reason,
  UnderlayDecap,
  viewOf,
} from '../../src/contract/generated.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { sendFrame } from '../packet/helpers/containers.js';
import { contextFor } from '../packet/helpers/context.js';
import { BROADCAST, join as bytes, eth, ip4, udp } from '../packet/helpers/frame.js';
import { macOf, vtep4 } from './helpers/address-plan.js';
import { type Fabric, makeFabric } from './helpers/fabric.js';
import { arriving, EXPERIMENT, send } from './helpers/frames.js';
import { type Container, type NodeOptions, OPEN, type OverlayNode } from './helpers/node.js';
import { reasonsDuring } from './helpers/segment.js';
import { batch, sh, until } from './helpers/shell.js';
import { vxlan } from './helpers/vxlan.js';

const VNI = 100;
/** A node that has learned the MAC of its container. */
const FAR = 2;
/** Flags that no helper accepts. */
const UNKNOWN = 1 << 20;

interface Fixture {
  readonly fabric: Fabric;
  readonly node: OverlayNode;
  readonly container: Container;
}

function makeFixture(options: Partial<NodeOptions> = {}): Fixture {
  const fabric = makeFabric();
  try {
    const node = fabric.node(1, options);
    node.network(1, VNI, [FAR]);
    node.peer(FAR, vtep4(FAR));
    const key = { vni: VNI, mac: macToBytes(macOf(FAR, 1)) };
    const value = { ifindex: 0, endpoint: 0, node: FAR, flags: FdbFlags.STATIC, lastSeen: 0n };
    node.put('fdb', key, value);
    return { fabric, node, container: node.container(1, 1, { flags: OPEN, silent: true }) };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

const away = (from: Container) =>
  eth(macOf(FAR, 1), from.mac, 0x0800, ip4({ src: from.ip4, dst: '10.80.2.1' }, udp(1, 2)));

test.serial('no underlay, no route, no device to copy through', async (t) => {
  const { fabric, node, container } = makeFixture();
  t.teardown(() => fabric.close());
  batch(node.ns, `route add blackhole ${vtep4(FAR)}/32`);
  t.deepEqual(await reasonsDuring(node, () => send(container, away(container))), { no_route: 1 });
  batch(node.ns, `route del blackhole ${vtep4(FAR)}/32`);

  const underlay = node.get('underlay', 0);
  if (underlay === undefined) throw new Error('no underlay');
  node.network(1, VNI, [FAR, 3]);
  node.peer(3, vtep4(3));
  node.put('underlay', 0, { ...underlay, replicator: 999_999 });
  const all = eth(BROADCAST, container.mac, EXPERIMENT, new Uint8Array(50));
  t.deepEqual(await reasonsDuring(node, () => send(container, all)), { flood_copy: 1 });

  node.put('underlay', 0, { ...underlay, ifindex: 0 });
  t.deepEqual(await reasonsDuring(node, () => send(container, away(container))), {
    no_underlay: 1,
  });
  const { txDropped } = node.nodeStats(FAR);
  t.is(txDropped, 2n, 'counted at the node that it was for');
});

test.serial('a refusal of the kernel is counted with its error', async (t) => {
  const { fabric, node, container } = makeFixture({
    constants: { endpoint: { redirect_flags: UNKNOWN }, underlay: { redirect_flags: UNKNOWN } },
  });
  t.teardown(() => fabric.close());
  const strange = eth(macOf(FAR, 1), container.mac, EXPERIMENT, new Uint8Array(50));
  t.like(await reasonsDuring(node, () => send(container, strange)), { encap: 1 });
  const refused = await reasonsDuring(node, () => send(container, away(container)));
  t.true((refused.redirect ?? 0) >= 1);

  const sender = fabric.host(9);
  const macAt = (ns: string) => sh(ns, 'cat', '/sys/class/net/under0/address').trim();
  const outer = {
    toMac: macAt(node.ns),
    fromMac: macAt(sender),
    to: vtep4(1),
    from: vtep4(FAR),
    vni: VNI,
  };
  const packet = vxlan(outer, eth(container.mac, macOf(FAR, 1), EXPERIMENT, new Uint8Array(50)));
  const arrives = (what: Uint8Array) =>
    reasonsDuring(node, () => sendFrame(sender, 'under0', what));
  // The padding would have to be removed, which is refused.
  t.like(await arrives(bytes(packet, [0, 0, 0])), { decap: 1 });
  t.true(((await arrives(packet)).redirect ?? 0) >= 1);
});

test.serial('segments of SCTP, which no tunnel takes whole, are refused by name', async (t) => {
  const { fabric, node, container } = makeFixture();
  t.teardown(() => fabric.close());
  // GSO_BY_FRAGS instead of a length: so the kernel needs no SCTP.
  const ctx = contextFor(container.ifindex, { gsoSize: 0xffff });
  const packet = ip4({ src: container.ip4, dst: '10.80.2.1', protocol: 132 }, new Uint8Array(100));
  const frame = eth(macOf(FAR, 1), container.mac, 0x0800, packet);
  const netns = openFd(`/run/netns/${node.ns}`);
  t.teardown(() => closeFd(netns));
  const counted = await reasonsDuring(node, () =>
    inNetns(netns, () => testRun(node.program('endpoint'), { data: frame, ctx })),
  );
  t.deepEqual(counted, { encap_gso: 1 });
});

test.serial('a driver that keeps no metadata leaves packets to TC', async (t) => {
  // A size that is no multiple of four is refused, as by a driver without metadata.
  const { fabric, node, container } = makeFixture({
    decap: 'xdp',
    // A driver whose checksum result is trusted.
    xdp: UnderlayDecap.XDP,
    constants: { decap: { redirect_flags: 1 } },
  });
  t.teardown(() => fabric.close());
  const sender = fabric.host(9);
  const macAt = (ns: string) => sh(ns, 'cat', '/sys/class/net/under0/address').trim();
  const outer = {
    toMac: macAt(node.ns),
    fromMac: macAt(sender),
    to: vtep4(1),
    from: vtep4(FAR),
    vni: VNI,
  };
  const frame = eth(container.mac, macOf(FAR, 1), EXPERIMENT, new Uint8Array(50));
  const [seen = []] = await arriving([container], `ether proto ${EXPERIMENT}`, async () => {
    const counted = await reasonsDuring(node, async () => {
      sendFrame(sender, 'under0', vxlan(outer, frame));
      await until('it is counted', () => (node.reasons().no_meta ?? 0) > 0);
    });
    t.deepEqual(counted, { no_meta: 1 });
  });
  t.deepEqual(seen, [frame]);
});

test.serial('an event names the node, the network and the error', async (t) => {
  const { fabric, node, container } = makeFixture();
  t.teardown(() => fabric.close());
  node.put('config', 0, { flags: ConfigFlags.EVENTS, eventRate: 1000 });
  const events: FrameEvent[] = [];
  const reader = openRingbuf(node.map('event'), (data) => {
    events.push(frameEventCodec.decode(viewOf(data)));
  });
  t.teardown(() => reader.close());
  const named = (name: string) => events.find((it) => nameOfReason(it.reason) === name);

  batch(node.ns, `route add prohibit ${vtep4(FAR)}/32`);
  send(container, away(container));
  await until('an event', () => named('no_route') !== undefined);
  // BPF_FIB_LKUP_RET_PROHIBIT.
  t.like(named('no_route'), { error: 3, node: FAR, vni: VNI, endpoint: container.id });

  const sender = fabric.host(9);
  const macAt = (ns: string) => sh(ns, 'cat', '/sys/class/net/under0/address').trim();
  const outer = {
    toMac: macAt(node.ns),
    fromMac: macAt(sender),
    to: vtep4(1),
    from: vtep4(FAR),
    vni: VNI,
  };
  sendFrame(sender, 'under0', vxlan({ ...outer, ipLength: 5 }, new Uint8Array(60)));
  await until('an event', () => named('outer_malformed') !== undefined);
  t.like(named('outer_malformed'), {
    node: FAR,
    vni: VNI,
    endpoint: 0,
    header: { type: EventType.DROP, ifindex: node.ifindex },
  });
});

test('every reason of the overlay is asserted in this folder', (t) => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.js'));
  const text = files.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')).join();
  const ours = Object.entries(Reason).filter(
    ([, number]) =>
      (number >= Reason.NO_UNDERLAY && number <= Reason.ANCHOR_STRAY) ||
      (number >= Reason.OUTER_CHECKSUM && number <= Reason.OUTER_VLAN) ||
      (number >= Reason.VNI_UNKNOWN && number <= Reason.NO_META) ||
      number === Reason.NODE_MAC ||
      number === Reason.NODE_NEIGHBOUR,
  );
  t.true(ours.length >= 18);
  const missing = ours.map(([name]) => name.toLowerCase()).filter((name) => !text.includes(name));
  t.deepEqual(missing, []);
});
