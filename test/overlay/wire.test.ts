/** A node's packets on the wire are valid for tshark, and equal those of the kernel's own vxlan. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { UnderlayFlags } from '../../src/contract/generated.js';
import { command, testRequiring } from '../helpers/requirements.js';
import { BROADCAST, eth, ip4, ip6, TYPE, udp } from '../packet/helpers/frame.js';
import { eventually } from '../system/helpers/process.js';
import { macOf, vtep4, vtep6 } from './helpers/address-plan.js';
import { makeFabric } from './helpers/fabric.js';
import { capture, EXPERIMENT, send, sendMany } from './helpers/frames.js';
import { OPEN } from './helpers/node.js';
import { makePeer } from './helpers/peer.js';
import { makeSegment } from './helpers/segment.js';
import { ok, sh } from './helpers/shell.js';
import { pings, transfer } from './helpers/traffic.js';

const maybe = testRequiring(command('tshark'));

/** A classic pcap file of Ethernet frames. */
function pcap(frames: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0xffff, 16);
  head.writeUInt32LE(1, 20);
  const parts = frames.map((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return Buffer.concat([record, frame]);
  });
  return Buffer.concat([head, ...parts]);
}

/** Fields of each packet as tshark shows them, with checksums verified. */
function dissect(frames: readonly Uint8Array[], ...fields: string[]): string[][] {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-wire-'));
  const file = join(dir, 'wire.pcap');
  try {
    writeFileSync(file, pcap(frames));
    const checks = ['ip', 'udp', 'tcp'].flatMap((it) => ['-o', `${it}.check_checksum:TRUE`]);
    const wanted = fields.flatMap((field) => ['-e', field]);
    const text = sh('', 'tshark', '-r', file, ...checks, '-T', 'fields', ...wanted);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Checksum status: 0 bad, 1 good, 2 not verified, 3 none there. */
const BAD = /(^|,)0(,|$)/;

for (const family of [4, 6] as const) {
  for (const checksums of ['by the container', 'by the device'] as const) {
    maybe.serial(`tshark finds nothing wrong: IPv${family}, checksums ${checksums}`, async (t) => {
      const segment = makeSegment({ family }, { underlay: 'wire' });
      t.teardown(() => segment.close());
      const { one, two } = segment;
      const [a, b] = [one.container(1, 1), two.container(1, 1)];
      t.true(pings(a.ns, b.ip4));
      // In either case no device behind the capture fills one in.
      if (checksums === 'by the container') sh(a.ns, 'ethtool', '-K', 'eth0', 'tx', 'off');
      else sh(one.ns, 'ethtool', '-K', 'under0', 'tx', 'off');
      const vtep = family === 4 ? vtep4(1) : vtep6(1);
      const seen = await capture(two.ns, `udp dst port 4789 and src host ${vtep}`, 'under0');
      t.true(pings(a.ns, b.ip6));
      ok(a.ns, 'arping', '-c', '1', '-I', 'eth0', b.ip4);
      await transfer(a.ns, { ns: b.ns, address: b.ip4 }, 200_000);
      await transfer(a.ns, { ns: b.ns, address: b.ip6 }, 200_000);
      const frames = (await seen.stop()).filter((it) => it.length <= 1514);
      t.true(frames.length > 200, `${frames.length} frames`);
      const packets = dissect(
        frames,
        'vxlan.vni',
        'vxlan.flags',
        'ip.checksum.status',
        'tcp.checksum.status',
        'icmpv6.checksum.status',
        '_ws.malformed',
        'frame.protocols',
        'udp.srcport',
      );
      t.is(packets.length, frames.length);
      t.true(packets.filter(([, , , tcp]) => tcp === '1').length > 100, 'verified at all');
      for (const [vni, flags, ip, tcp, icmp6, malformed, protocols, port] of packets) {
        t.is(vni, '100');
        t.is(flags, '0x0800');
        t.notRegex(ip ?? '', BAD, 'IPv4 checksums');
        t.notRegex(tcp ?? '', BAD, 'TCP checksums');
        t.notRegex(icmp6 ?? '', BAD, 'ICMPv6 checksums');
        t.is(malformed, '');
        t.regex(protocols ?? '', /:udp:vxlan:eth/);
        const source = Number((port ?? '').split(',')[0]);
        t.true(source >= 49_152, `source port ${source}`);
      }
    });
  }
}

for (const family of [4, 6] as const) {
  test.serial(`the same bytes as from the kernel's vxlan: IPv${family}`, async (t) => {
    const vtep = family === 4 ? vtep4 : vtep6;
    const fabric = makeFabric();
    t.teardown(() => fabric.close());
    // First, because a failed look-up is only repeated after a second.
    const far = fabric.host(5);
    const node = fabric.node(1, { family });
    const vxlan = family === 4 ? 'df set noudpcsum' : '';
    const peer = makePeer(fabric, { number: 3, family, vni: 100, nodes: [5], vxlan });
    node.network(1, 100, [5]);
    node.peer(5, vtep(5));
    const ours = node.container(1, 1, { flags: OPEN });
    const theirs = peer.guest(1);

    const to = macOf(5, 1);
    const body = udp(1000, 2000, new Uint8Array(64).fill(9));
    const v4 = { src: '10.80.1.1', dst: '10.80.5.1' };
    const frames = (from: string) => [
      eth(to, from, TYPE.ip4, ip4(v4, body)),
      eth(to, from, TYPE.ip6, ip6({ src: 'fd80::1:1', dst: 'fd80::5:1' }, body)),
      eth(BROADCAST, from, EXPERIMENT, new Uint8Array(46)),
      eth(to, from, TYPE.vlan, [0, 7, 0x08, 0x00], ip4(v4, body)),
    ];
    // Unused, so that no stack sends more in its name.
    const source = '0a:58:00:00:12:34';
    const seen = await capture(far, 'udp dst port 4789', 'under0');
    send(ours, ...frames(source));
    send(theirs, ...frames(source));
    const packets = (await seen.stop()).filter(
      (it) => inner(it, family).slice(6, 12).join() === bytesOf(source),
    );
    const [first, second] = [packets.slice(0, 4), packets.slice(4)];
    t.is(first?.length, 4);
    t.deepEqual(
      first?.map((it) => normal(it, family)),
      second?.map((it) => normal(it, family)),
    );
  });
}

const bytesOf = (text: string) =>
  text
    .split(':')
    .map((byte) => Number.parseInt(byte, 16))
    .join();

const inner = (packet: Uint8Array, family: 4 | 6) => [...packet.subarray(family === 4 ? 50 : 70)];

/** A packet without the fields that may differ: outer MACs, IPv4 id and checksum, addresses, source port. */
function normal(packet: Uint8Array, family: 4 | 6): string {
  const copy = Uint8Array.from(packet);
  const zero = (from: number, to: number) => copy.fill(0, from, to);
  zero(0, 12);
  if (family === 4) {
    zero(18, 20);
    zero(24, 34);
    zero(34, 36);
  } else {
    zero(22, 56);
  }
  return Buffer.from(copy).toString('hex');
}

for (const family of [4, 6] as const) {
  test.serial(`fragments of a datagram leave by one source port: IPv${family}`, async (t) => {
    const fabric = makeFabric();
    t.teardown(() => fabric.close());
    const far = fabric.host(5);
    const node = fabric.node(1);
    node.network(1, 100, [5]);
    node.peer(5, vtep4(5));
    const container = node.container(1, 1, { flags: OPEN });
    const wrap = (offset: number, more: boolean, body: Uint8Array) => {
      const header = [17, 0, 0, (offset << 3) | Number(more), 0, 0, 0, 7];
      const packet =
        family === 4
          ? ip4(
              { src: '10.80.1.1', dst: '10.80.5.1', fragment: offset | (more ? 0x2000 : 0) },
              body,
            )
          : ip6({ src: 'fd80::1:1', dst: 'fd80::5:1', next: 44 }, header, body);
      return eth(macOf(5, 1), container.mac, family === 4 ? TYPE.ip4 : TYPE.ip6, packet);
    };
    const PORTS = 8;
    const frames = Array.from({ length: PORTS }, (_, i) => [
      wrap(0, true, udp(1000 + i, 2000, new Uint8Array(56))),
      wrap(8, false, new Uint8Array(40)),
    ]).flat();
    const seen = await capture(far, 'udp dst port 4789', 'under0');
    send(container, ...frames);
    const isFragment = (packet: Uint8Array): boolean => {
      const frame = packet.subarray(50);
      return family === 4 ? (((frame[20] ?? 0) & 0x20) | (frame[21] ?? 0)) !== 0 : frame[20] === 44;
    };
    const fragments = (await seen.stop()).filter(isFragment);
    t.is(fragments.length, 2 * PORTS);
    const ports = new Set(fragments.map((it) => it.subarray(34, 36).join('.')));
    t.is(ports.size, 1, 'whatever ports the first of them names');
  });
}

test.serial('both ends count the same bytes of a frame, without the outer headers', async (t) => {
  const segment = makeSegment({ family: 6 });
  t.teardown(() => segment.close());
  const { one, two } = segment;
  const [a, b] = [one.container(1, 1), two.container(1, 1)];
  t.true(pings(a.ns, b.ip6));
  const [sent, received] = [one.nodeStats(2), two.nodeStats(1)];
  const [COUNT, LENGTH] = [200, 1000];
  const frame = eth(b.mac, a.mac, EXPERIMENT, new Uint8Array(LENGTH - 14));
  sendMany(a, frame, COUNT);
  const counts = () => {
    const [tx, rx] = [one.nodeStats(2), two.nodeStats(1)];
    return {
      sent: [tx.txPackets - sent.txPackets, tx.txBytes - sent.txBytes],
      received: [rx.rxPackets - received.rxPackets, rx.rxBytes - received.rxBytes],
    };
  };
  const isWhole = () => counts().received[0] === counts().sent[0];
  t.true(await eventually(async () => isWhole()));
  const now = counts();
  t.deepEqual(now.received, now.sent);
  const others = Number(now.sent[1]) - COUNT * LENGTH;
  t.true(others >= 0 && others < COUNT * 20, `${others} bytes of what the containers say unasked`);
});

test.serial('where routers may fragment, each packet has an id of its own', async (t) => {
  const fabric = makeFabric();
  t.teardown(() => fabric.close());
  const far = fabric.host(5);
  const node = fabric.node(1, { flags: UnderlayFlags.FRAGMENT });
  node.network(1, 100, [5]);
  node.peer(5, vtep4(5));
  const container = node.container(1, 1);
  const frame = eth(BROADCAST, container.mac, EXPERIMENT, new Uint8Array(46));
  const seen = await capture(far, 'udp dst port 4789', 'under0');
  sendMany(container, frame, 50);
  const packets = (await seen.stop()).filter((it) => it.length === 50 + frame.length);
  t.true(packets.length >= 50);
  t.true(
    packets.every((it) => it[20] === 0 && it[21] === 0),
    'DF is not set',
  );
  const ids = new Set(packets.map((it) => it.subarray(18, 20).join('.')));
  t.true(ids.size > 45, `${ids.size} ids`);
});
