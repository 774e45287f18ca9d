/** VXLAN packets of every kind at the underlay: accepted, dropped with a reason, or left to the host. */
import test, { type ExecutionContext } from 'ava';
import { sendFrame } from '../packet/helpers/containers.js';
import { checksum, eth, ip4, ip6, ip16, join, u16, u32, udp } from '../packet/helpers/frame.js';
import { ip4Of, macOf, vtep4, vtep6 } from './helpers/address-plan.js';
import { type Fabric, makeFabric } from './helpers/fabric.js';
import { capture, EXPERIMENT } from './helpers/frames.js';
import { type Container, type Decap, OVERHEAD, type OverlayNode } from './helpers/node.js';
import { bring } from './helpers/packet-metadata.js';
import { reasonsDuring } from './helpers/segment.js';
import { sh } from './helpers/shell.js';
import { speakVlan } from './helpers/tagged.js';
import { nstat } from './helpers/traffic.js';
import { type Outer, vxlan } from './helpers/vxlan.js';

const VNI = 0xabcdef;
/** Node 2 is known, 7 is not. Host 9 sends in their names. */
const KNOWN = 2;
const STRANGER = 7;
const SENDER = 9;

interface Fixture {
  readonly fabric: Fabric;
  readonly node: OverlayNode;
  readonly container: Container;
  readonly sender: string;
  outer(change?: Partial<Outer>): Outer;
}

function makeFixture(family: 4 | 6, decap: Decap): Fixture {
  const fabric = makeFabric({ underlay: 'wire' });
  try {
    const node = fabric.node(1, { family, decap });
    const vtep = family === 4 ? vtep4 : vtep6;
    node.network(1, VNI, [KNOWN]);
    node.peer(KNOWN, vtep(KNOWN));
    const sender = fabric.host(SENDER);
    const toMac = sh(node.ns, 'cat', '/sys/class/net/under0/address').trim();
    const fromMac = sh(sender, 'cat', '/sys/class/net/under0/address').trim();
    return {
      fabric,
      node,
      container: node.container(1, 1),
      sender,
      outer: (change) => ({
        toMac,
        fromMac,
        to: vtep(1),
        from: vtep(KNOWN),
        vni: VNI,
        ...change,
      }),
    };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

let standing: (Fixture & { readonly of: string }) | undefined;

/** A fixture that several tests share; each must leave it as it was. Closes the one before. */
function fixtureOf(family: 4 | 6, decap: Decap): Fixture {
  const of = `${family} ${decap}`;
  if (standing?.of === of) return standing;
  closeFixture();
  standing = { ...makeFixture(family, decap), of };
  return standing;
}

function closeFixture(): void {
  standing?.fabric.close();
  standing = undefined;
}
test.after.always(closeFixture);

/** What arrives in the container, and what is counted, when a packet is sent to the node. */
async function arrival(fixture: Fixture, packet: Uint8Array) {
  const seen = await capture(fixture.container.ns, `ether src ${macOf(KNOWN, 1)}`);
  let frames: Uint8Array[] = [];
  const reasons = await reasonsDuring(fixture.node, async () => {
    sendFrame(fixture.sender, 'under0', packet);
    frames = await seen.stop();
  });
  return { frames, reasons };
}

/** Let the device receive packets for others, or not. */
function hearOthers({ node }: Fixture, promisc: 'on' | 'off'): void {
  sh(node.ns, 'ip', 'link', 'set', 'under0', 'promisc', promisc);
}

/** A TCP segment with a correct checksum, from a container of node 2. */
function tcpTo({ mac, ip4: to }: Container): Uint8Array {
  const from = ip4Of(KNOWN, 1);
  const tcp = (sum: number) =>
    join(u16(7), u16(8), u32(1), u32(1), [0x50, 0x10], u16(9000), u16(sum), u16(0), payload);
  const pseudo = [ip16(from).subarray(12), ip16(to).subarray(12), u32(6), u32(20 + payload.length)];
  const sum = checksum(join(...pseudo, tcp(0)));
  return eth(mac, macOf(KNOWN, 1), 0x0800, ip4({ src: from, dst: to, protocol: 6 }, tcp(sum)));
}

const payload = new Uint8Array(100).map((_, i) => i);
const frameTo = (to: string, from = macOf(KNOWN, 1)) => eth(to, from, EXPERIMENT, payload);

async function judge(
  t: ExecutionContext,
  fixture: Fixture,
  what: string,
  packet: Uint8Array,
  frames: readonly Uint8Array[],
  reasons: Record<string, number>,
) {
  const got = await arrival(fixture, packet);
  t.deepEqual(got.frames, frames, what);
  t.deepEqual(got.reasons, reasons, what);
}

for (const family of [4, 6] as const) {
  for (const decap of ['tc', 'tc-gro', 'xdp'] as const) {
    test.serial(`IPv${family}, ${decap}: who may send what`, async (t) => {
      const fixture = fixtureOf(family, decap);
      const { outer, container } = fixture;
      const vtep = family === 4 ? vtep4 : vtep6;
      const frame = frameTo(container.mac);
      const claimed = () => fixture.node.nodeStats(KNOWN).rxDropped;
      const claimedBefore = claimed();
      const check = (
        what: string,
        change: Partial<Outer>,
        inner: Uint8Array,
        frames: readonly Uint8Array[],
        reasons: Record<string, number> = {},
      ) => judge(t, fixture, what, vxlan(outer(change), inner), frames, reasons);

      await check('a known node', {}, frame, [frame]);
      await check('reserved bits are ignored (RFC 7348, 5)', { flags: 0xff }, frame, [frame]);
      await judge(
        t,
        fixture,
        'what is behind the packet is not a part of the frame',
        join(vxlan(outer(), frame), new Uint8Array(7).fill(0xee)),
        [frame],
        {},
      );
      await check('an unknown node', { from: vtep(STRANGER) }, frame, [], { vtep_unknown: 1 });
      await check('fragments', { fragment: family === 4 ? 0x2000 : 1 }, frame, [], {
        outer_fragment: 1,
      });
      await check('IP longer than the packet', { ipLength: 9 }, frame, [], { outer_malformed: 1 });
      await check('UDP longer than IP', { udpLength: 9 }, frame, [], { outer_malformed: 1 });
      await check('UDP shorter than IP', { udpLength: -9 }, frame, [], { outer_malformed: 1 });
      await check('no frame inside', {}, frame.subarray(0, 13), [], { inner_malformed: 1 });
      await check('nothing inside', {}, new Uint8Array(), [], { inner_malformed: 1 });
      await check('a right UDP checksum', { checksum: 'right' }, frame, [frame]);
      await check('a wrong UDP checksum', { checksum: 'wrong' }, frame, [], { outer_checksum: 1 });
      const ipDropped = family === 4 ? 1n : 0n;
      if (family === 4) {
        const [change, reasons] = [{ ipChecksum: 0x10 }, { outer_checksum: 1 }];
        await check('a wrong IPv4 checksum', change, frame, [], reasons);
      }
      hearOthers(fixture, 'on');
      t.teardown(() => hearOthers(fixture, 'off'));
      await check("another host's MAC", { toMac: '0a:58:00:00:00:99' }, frame, []);
      const group = frameTo(container.mac, '01:00:5e:00:00:01');
      await check('a group as source', {}, group, [], { source_mac_invalid: 1 });
      const bpdu = frameTo('01:80:c2:00:00:0e');
      await check('what stays on its link', {}, bpdu, [], { link_local_group: 1 });
      const tree = frameTo('01:80:c2:00:00:00');
      await check('spanning tree of a bridge inside a container', {}, tree, [tree]);
      t.is(
        claimed() - claimedBefore,
        9n + ipDropped,
        'counted at the node that it claims to be from',
      );
    });

    test.serial(`IPv${family}, ${decap}: what came along is not believed`, async (t) => {
      const fixture = fixtureOf(family, decap);
      const { fabric, node, outer, container, sender } = fixture;
      const frame = frameTo(container.mac);
      // Of a kind that the XDP program accepts.
      const stream = tcpTo(container);
      await judge(t, fixture, 'TCP', vxlan(outer(), stream), [stream], {});

      // A device that gets the tag outside the data, as from a NIC, and has no VLAN.
      const untag = speakVlan(sender, 5, 0, 'under0');
      const hidden = decap === 'xdp' ? { outer_vlan: 1 } : {};
      await judge(t, fixture, 'a VLAN outside', vxlan(outer(), stream), [], hidden);
      await judge(t, fixture, 'a VLAN outside', vxlan(outer(), frame), [], {});
      untag();

      // Somebody on the way writes the metadata of the XDP program.
      t.teardown(bring('forge', fabric.switch, `p${SENDER}`));
      const before = node.nodeStats(KNOWN).rxPackets;
      await judge(t, fixture, 'no VXLAN, but metadata', frame, [], {});
      t.is(node.nodeStats(KNOWN).rxPackets, before, 'nothing came from the node');
      await judge(t, fixture, 'both', vxlan(outer(), stream), [stream], {});
      await judge(t, fixture, 'both', vxlan(outer(), frame), [frame], {});
    });

    test.serial(`IPv${family}, ${decap}: what is not ours goes to the host`, async (t) => {
      // The kernel's device has its socket there, so it counts some of them.
      const anchored = decap !== 'tc';
      const stray = anchored ? { anchor_stray: 1 } : {};
      const fixture = fixtureOf(family, decap);
      const { outer, container, node } = fixture;
      const frame = frameTo(container.mac);
      // For IPv6 the kernel rejects a missing checksum before it looks for a socket.
      const refused = family === 4 ? 'UdpNoPorts' : 'Udp6InErrors';
      const unheard = () => nstat(node.ns)[refused] ?? 0;
      for (const [what, change, reasons] of [
        ['an unknown network', { vni: VNI + 1 }, { vni_unknown: 1, ...stray }],
        ['another port', { port: 4790 }, {}],
        ['no network at all', { flags: 0 }, {}],
      ] as const) {
        const heard = anchored && what !== 'another port';
        const before = unheard();
        await judge(t, fixture, what, vxlan(outer(change), frame), [], reasons);
        t.is(
          unheard() - before,
          heard ? 0 : 1,
          `${what}: got by the host, if it has no such socket`,
        );
      }
      // An address that the host has in addition to its VTEP.
      const other = family === 4 ? '192.168.90.77' : 'fd90::77';
      sh(node.ns, 'ip', 'addr', 'add', other, 'dev', 'under0', ...(family === 6 ? ['nodad'] : []));
      const before = unheard();
      await judge(t, fixture, 'another address', vxlan(outer({ to: other }), frame), [], stray);
      t.is(unheard() - before, anchored ? 0 : 1);
    });

    test.serial(`IPv${family}, ${decap}: congestion marks come out (RFC 6040)`, async (t) => {
      const fixture = fixtureOf(family, decap);
      const { outer, container } = fixture;
      // Not-ECT, ECT(1), ECT(0), CE, by outer and inner mark; null: dropped.
      const table = [
        [0, 1, 2, 3],
        [0, 1, 1, 3],
        [0, 1, 2, 3],
        [null, 3, 3, 3],
      ] as const;
      const expected: Uint8Array[] = [];
      const seen = await capture(container.ns, `ether src ${macOf(KNOWN, 1)}`);
      const reasons = await reasonsDuring(fixture.node, () => {
        for (const [outside, row] of table.entries()) {
          for (const [inside, mark] of row.entries()) {
            for (const [six, ...tags] of [[4], [6], [4, 5], [6, 5], [4, 5, 6], [6, 5, 6]]) {
              const make = (ecn: number) => tagged(marked(container, six === 6, 0xb8 | ecn), tags);
              const packet = vxlan(outer({ tos: 0x28 | outside }), make(inside));
              sendFrame(fixture.sender, 'under0', packet);
              if (mark !== null) expected.push(make(mark));
            }
          }
        }
      });
      t.deepEqual(await seen.stop(), expected);
      t.deepEqual(reasons, { ecn: 6 });
    });
  }
}

for (const family of [4, 6] as const) {
  test.serial(
    `IPv${family}: what the kernel's device hears and is not ours ends there`,
    async (t) => {
      const fixture = makeFixture(family, 'tc-gro');
      t.teardown(() => fixture.fabric.close());
      const { outer, node } = fixture;
      for (const name of ['all', 'anchor0']) {
        sh(node.ns, 'sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`);
      }
      const other = family === 4 ? '192.168.90.77' : 'fd90::77';
      sh(node.ns, 'ip', 'addr', 'add', other, 'dev', 'under0', ...(family === 6 ? ['nodad'] : []));
      const [mine, theirs] = family === 4 ? [vtep4, vtep6] : [vtep6, vtep4];
      // The host would take it for a neighbour's, and answer with port unreachable.
      const mac = sh(node.ns, 'cat', '/sys/class/net/anchor0/address').trim();
      const packet = ip4({ src: '10.99.0.1', dst: vtep4(1) }, udp(1000, 9));
      const inner = eth(mac, macOf(KNOWN, 1), 0x0800, packet);
      const unheard = () => nstat(node.ns).UdpNoPorts ?? 0;
      const before = unheard();
      for (const [what, change, reasons] of [
        ['an unknown network', { vni: VNI + 1 }, { vni_unknown: 1, anchor_stray: 1 }],
        ['another address', { to: other }, { anchor_stray: 1 }],
        ['a stranger, too', { to: other, from: mine(STRANGER) }, { anchor_stray: 1 }],
        ['the other family', { to: theirs(1), from: theirs(KNOWN) }, { anchor_stray: 1 }],
      ] as const) {
        await judge(t, fixture, what, vxlan(outer(change), inner), [], reasons);
      }
      t.is(unheard(), before, 'the host got none of it');
    },
  );
}

/** The same frame with VLAN tags, the outermost first. */
function tagged(frame: Uint8Array, ids: readonly number[]): Uint8Array {
  const tags = ids.flatMap((id) => [0x81, 0, 0, id]);
  return join(frame.subarray(0, 12), tags, frame.subarray(12));
}

/** A UDP packet with a traffic class. */
function marked(to: Container, six: boolean, tos: number): Uint8Array {
  const body = udp(1000, 2000, payload);
  if (six) {
    const packet = ip6({ src: 'fd80::2:1', dst: to.ip6 }, body);
    packet[0] = 0x60 | (tos >> 4);
    packet[1] = (tos << 4) & 0xf0;
    return eth(to.mac, macOf(KNOWN, 1), 0x86dd, packet);
  }
  const packet = ip4({ src: '10.80.2.1', dst: to.ip4 }, body);
  // The checksum decreases by as much as the class increases: nothing else was there.
  const sum = ((packet[10] ?? 0) << 8) | (packet[11] ?? 0);
  const changed = sum - tos < 0 ? sum - tos - 1 + 0x10000 : sum - tos;
  packet[1] = tos;
  packet[10] = changed >> 8;
  packet[11] = changed & 0xff;
  return eth(to.mac, macOf(KNOWN, 1), 0x0800, packet);
}

test.serial('congestion marks go out, and a DSCP if wanted', async (t) => {
  for (const { flags, dscp, expected } of [
    { flags: 0, dscp: 0, expected: (tos: number) => tos & 3 },
    { flags: 0, dscp: 46, expected: (tos: number) => (46 << 2) | (tos & 3) },
    { flags: 1 << 2, dscp: 0, expected: (tos: number) => tos },
  ]) {
    const fabric = makeFabric();
    t.teardown(() => fabric.close());
    const node = fabric.node(1, { flags, dscp });
    node.network(1, VNI, [KNOWN]);
    node.peer(KNOWN, vtep4(KNOWN));
    fabric.host(KNOWN);
    const container = node.container(1, 1);
    const seen = await capture(fabric.nameOf(KNOWN), 'udp port 4789', 'under0');
    const classes = [0xb8, 0xb9, 0xba, 0xbb];
    for (const tos of classes) {
      const options = ['-c', '1', '-W', '0.1', '-Q', `${tos}`];
      // Nobody answers: the address is a static neighbour entry.
      sh(
        container.ns,
        'ip',
        'neigh',
        'replace',
        '10.80.2.1',
        'lladdr',
        macOf(KNOWN, 1),
        'dev',
        'eth0',
      );
      try {
        sh(container.ns, 'ping', ...options, '10.80.2.1');
      } catch {
        // As expected.
      }
    }
    const packets = (await seen.stop()).filter((it) => it[50 + 12] === 8 && it[50 + 13] === 0);
    t.deepEqual(
      packets.map((it) => it[15]),
      classes.map((tos) => expected(tos)),
    );
    t.deepEqual(
      packets.map((it) => it[50 + 15]),
      classes,
      'inside nothing has changed',
    );
    fabric.close();
  }
  t.is(OVERHEAD[4], 50);
});
