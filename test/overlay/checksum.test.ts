/**
 * GRO of segments of one flow: only segments with a correct checksum of their own are merged, and the order
 * stays, whatever the outer headers contain.
 */
import test from 'ava';
import { EndpointFlags } from '../../src/contract/generated.js';
import { checksum, eth, ip4, ip6, ip16, join, u16, u32 } from '../packet/helpers/frame.js';
import { ip4Of, ip6Of, macOf, vtep4, vtep6 } from './helpers/address-plan.js';
import { type Fabric, makeFabric } from './helpers/fabric.js';
import { capture, sendBurst } from './helpers/frames.js';
import { CARDS } from './helpers/network-cards.js';
import type { Decap, OverlayNode } from './helpers/node.js';
import { bring } from './helpers/packet-metadata.js';
import { makePeer } from './helpers/peer.js';
import { sh } from './helpers/shell.js';
import { nstat } from './helpers/traffic.js';
import { type Outer, vxlan } from './helpers/vxlan.js';

const VNI = 100;
const FLOWS = 20;
const LENGTH = 100;
const GOOD = 0x47;
const BROKEN = 0x58;
const [FIN_ACK, ACK] = [0x11, 0x10];

interface Segment {
  readonly flow: number;
  readonly seq: number;
  readonly flags?: number;
  readonly broken?: boolean;
}

/** A TCP segment from container 1 of node 2 to container 1 of node 1. */
function segment(family: 4 | 6, it: Segment): Uint8Array {
  const [src, dst] = family === 4 ? [ip4Of(2, 1), ip4Of(1, 1)] : [ip6Of(2, 1), ip6Of(1, 1)];
  const make = (sum: number) =>
    join(
      u16(1500 + it.flow),
      u16(8000),
      u32(it.seq),
      u32(1),
      [0x50, it.flags ?? ACK],
      u16(65_535),
      u16(sum),
      u16(0),
      new Uint8Array(LENGTH).fill(it.broken ? BROKEN : GOOD),
    );
  const tcp = make(0);
  const pseudo = [
    ip16(src).subarray(family === 4 ? 12 : 0),
    ip16(dst).subarray(family === 4 ? 12 : 0),
  ];
  const right = checksum(join(...pseudo, u32(tcp.length), u32(6), tcp));
  const body = make(it.broken ? right ^ 0x0100 : right);
  const packet =
    family === 4
      ? ip4({ src, dst, protocol: 6, fragment: 0x4000 }, body)
      : ip6({ src, dst, next: 6 }, body);
  return eth(macOf(1, 1), macOf(2, 1), family === 4 ? 0x0800 : 0x86dd, packet);
}

/** Packets that arrive within 2 ms of each other are merged. */
function mergePatiently(node: OverlayNode): void {
  const set = 'echo 2000000 > gro_flush_timeout; echo 20 > napi_defer_hard_irqs';
  sh(node.ns, 'sh', '-c', `cd /sys/class/net/under0; ${set}`);
}

interface Arrived {
  readonly flow: number;
  readonly seq: number;
  readonly payload: Uint8Array;
}

/** The segments that arrive in a container during an action. */
async function arrivals(ns: string, family: 4 | 6, act: () => void): Promise<Arrived[]> {
  const seen = await capture(
    ns,
    family === 4 ? 'tcp dst port 8000' : 'ip6 proto 6 and dst port 8000',
  );
  act();
  const at = 14 + (family === 4 ? 20 : 40);
  return (await seen.stop()).map((frame) => {
    const view = new DataView(frame.buffer, frame.byteOffset + at);
    return {
      flow: view.getUint16(0) - 1500,
      seq: view.getUint32(4),
      payload: frame.subarray(at + 20),
    };
  });
}

/** Addresses of an outer header from host 2 to node 1. */
function outerOf(fabric: Fabric, family: 4 | 6): Outer {
  const macAt = (number: number) =>
    sh(fabric.nameOf(number), 'cat', '/sys/class/net/under0/address').trim();
  const vtep = family === 4 ? vtep4 : vtep6;
  return { toMac: macAt(1), fromMac: macAt(2), to: vtep(1), from: vtep(2), vni: VNI };
}

/** A node with a container, a host 2 that sends arbitrary packets, and a foreign kernel. */
function makeFixture(decap: Decap, family: 4 | 6, flags?: number) {
  const fabric = makeFabric({ underlay: 'wire' });
  try {
    const node = fabric.node(1, { decap, family });
    const vtep = family === 4 ? vtep4 : vtep6;
    node.network(1, VNI, [2, 3]);
    node.peer(2, vtep(2));
    node.peer(3, vtep(3));
    const container = node.container(1, 1, flags === undefined ? {} : { flags });
    fabric.host(2);
    mergePatiently(node);
    return { fabric, container, outer: outerOf(fabric, family) };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

const WAYS = (['tc-gro', 'xdp'] as const).flatMap((decap) => [
  [decap, 4] as const,
  [decap, 6] as const,
]);

for (const [decap, family] of WAYS) {
  test.serial(`no broken segment is merged with good ones, ${decap}, IPv${family}`, async (t) => {
    const { fabric, container, outer } = makeFixture(decap, family);
    t.teardown(() => fabric.close());
    const sender = fabric.nameOf(2);
    const segments = Array.from({ length: FLOWS }, (_, flow) => [
      segment(family, { flow, seq: 100 }),
      segment(family, { flow, seq: 100 + LENGTH }),
      segment(family, { flow, seq: 100 + 2 * LENGTH, broken: true }),
      segment(family, { flow, seq: 100 + 3 * LENGTH }),
    ]).flat();
    const wrapped = segments.map((it) => vxlan(outer, it));
    const summed = segments.map((it) => vxlan({ ...outer, checksum: 'right' }, it));
    const judge = async (who: string, act: () => void) => {
      const arrived = await arrivals(container.ns, family, act);
      const broken = arrived.filter(({ payload }) => payload.includes(BROKEN));
      t.true(
        broken.every(({ payload }) => payload.length === LENGTH),
        `${who}: a broken one is alone`,
      );
      t.is(broken.length, FLOWS, who);
      t.is(
        arrived.reduce((sum, { payload }) => sum + payload.length, 0),
        segments.length * LENGTH,
        who,
      );
      const merged = arrived.filter(({ payload }) => payload.length > LENGTH);
      t.true(merged.length > FLOWS / 4, `${who}: good ones are merged: ${merged.length}`);
    };
    await judge('no outer checksum', () => sendBurst(sender, 'under0', wrapped));
    await judge('an outer checksum', () => sendBurst(sender, 'under0', summed));
    // As many NICs report of the outer header. On real cards their wire has done so already.
    const end = CARDS.length > 0 ? undefined : bring('vouch', sender, 'under0');
    await judge("a driver's word, no outer checksum", () => sendBurst(sender, 'under0', wrapped));
    await judge("a driver's word, an outer checksum", () => sendBurst(sender, 'under0', summed));
    end?.();
    const wrong = segments.map((it) => vxlan({ ...outer, checksum: 'wrong' }, it));
    const taken = await arrivals(container.ns, family, () => sendBurst(sender, 'under0', wrong));
    t.deepEqual(taken, [], 'a wrong outer checksum is wrong for all that is inside');
    // The outer checksum is left to a device that does not compute it either.
    const words = family === 4 ? 'udpcsum' : 'noudp6zerocsumtx udp6zerocsumrx';
    const peer = makePeer(fabric, { number: 3, family, vni: VNI, nodes: [1], vxlan: words });
    const guest = peer.guest(1);
    await judge('a kernel', () => sendBurst(guest.ns, 'eth0', segments));
  });
}

for (const family of [4, 6] as const) {
  test.serial(
    `a word about the outer checksum is none about the inner one: IPv${family}`,
    async (t) => {
      const { fabric, container, outer } = makeFixture('tc', family);
      t.teardown(() => fabric.close());
      const sender = fabric.nameOf(2);
      const send = (broken: boolean) => {
        const segments = Array.from({ length: FLOWS }, (_, flow) =>
          vxlan({ ...outer, checksum: 'right' }, segment(family, { flow, seq: 100, broken })),
        );
        return arrivals(container.ns, family, () => sendBurst(sender, 'under0', segments));
      };
      const refused = () => nstat(container.ns).TcpInCsumErrors ?? 0;
      const end = CARDS.length > 0 ? undefined : bring('vouch', sender, 'under0');
      t.is((await send(false)).length, FLOWS);
      t.is(refused(), 0);
      t.is((await send(true)).length, FLOWS);
      end?.();
      t.is(refused(), FLOWS, "the container's own look finds them");
    },
  );
}

/** Outer fields that may differ within one flow. The kernel treats other bits of VXLAN as another flow. */
const DIFFERENT: readonly Partial<Outer>[] = [
  { tos: 2 },
  { tos: 0xb8 },
  { ttl: 9 },
  { fragment: 0 },
  { id: 77 },
];

for (const [decap, family] of WAYS) {
  test.serial(`one flow stays in order whatever is outside, ${decap}, IPv${family}`, async (t) => {
    // A container that may forward: its TCP goes through the kernel's device.
    const { fabric, container, outer } = makeFixture(decap, family, EndpointFlags.LEARN);
    t.teardown(() => fabric.close());
    const cases = DIFFERENT.filter((it) => family === 4 || it.fragment === undefined).flatMap(
      (it) => [{ checksum: 0, ...it } as const, { checksum: 'right', ...it } as const],
    );
    const packets = cases.flatMap((change, i) => {
      const same = { ...outer, checksum: change.checksum };
      return Array.from({ length: FLOWS }, (_, k) => i * FLOWS + k).flatMap((flow) => [
        vxlan(same, segment(family, { flow, seq: 100 })),
        vxlan({ ...same, ...change }, segment(family, { flow, seq: 100 + LENGTH })),
        vxlan(same, segment(family, { flow, seq: 100 + 2 * LENGTH, flags: FIN_ACK })),
      ]);
    });
    const arrived = await arrivals(container.ns, family, () =>
      sendBurst(fabric.nameOf(2), 'under0', packets),
    );
    cases.forEach((change, i) => {
      const own = arrived.filter(({ flow }) => Math.floor(flow / FLOWS) === i);
      const what = JSON.stringify(change);
      t.is(
        own.reduce((sum, { payload }) => sum + payload.length, 0),
        FLOWS * 3 * LENGTH,
        what,
      );
      const late = own.filter(({ flow, seq }, k) =>
        own.slice(0, k).some((it) => it.flow === flow && it.seq > seq),
      );
      t.is(late.length, 0, what);
    });
  });
}
