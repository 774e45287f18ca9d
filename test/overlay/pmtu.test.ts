/** Packets too big for the path to a node: their senders get an ICMP error, and TCP adapts. */
import test from 'ava';
import { FdbFlags } from '../../src/contract/generated.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { sendFrame } from '../packet/helpers/containers.js';
import {
  checksum,
  eth,
  ip4,
  ip6,
  ip16,
  join,
  PROTO,
  u16,
  u32,
  udp,
} from '../packet/helpers/frame.js';
import { PORT, vtep4, vtep6 } from './helpers/address-plan.js';
import { type Fabric, makeFabric } from './helpers/fabric.js';
import { arriving, capture, EXPERIMENT, send, sendMany } from './helpers/frames.js';
import {
  type Container,
  type NodeOptions,
  OPEN,
  OVERHEAD,
  type OverlayNode,
} from './helpers/node.js';
import { reasonsDuring } from './helpers/segment.js';
import { batch, sh, until } from './helpers/shell.js';
import { speakVlan } from './helpers/tagged.js';
import { pings, transfer } from './helpers/traffic.js';

const BULK = 4 << 20;

interface Pair {
  readonly fabric: Fabric;
  readonly one: OverlayNode;
  readonly two: OverlayNode;
  readonly a: Container;
  readonly b: Container;
}

/** Two nodes whose containers have an MTU of 1500. */
function makePair(family: 4 | 6, options: Partial<NodeOptions> = {}): Pair {
  const fabric = makeFabric({ mtu: 1500 });
  try {
    const one = fabric.node(1, { family, ...options });
    const two = fabric.node(2, { family });
    const vtep = family === 4 ? vtep4 : vtep6;
    for (const [node, other] of [
      [one, 2],
      [two, 1],
    ] as const) {
      node.network(1, 100, [other]);
      node.peer(other, vtep(other));
    }
    const [a, b] = [one, two].map((node) => node.container(1, 1, { mtu: 1500 }));
    if (a === undefined || b === undefined) throw new Error('no containers');
    return { fabric, one, two, a, b };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

/** The output of ping for a packet of that many bytes that may not be fragmented. */
function pingTooBig(ns: string, to: string, bytes: number): string {
  const size = bytes - (to.includes(':') ? 48 : 28);
  const argv = ['ping', '-n', '-c', '2', '-i', '0.05', '-W', '0.2', '-M', 'do', '-s', `${size}`];
  try {
    return sh(ns, ...argv, to);
  } catch (error) {
    return `${(error as { stdout: string }).stdout}${(error as { stderr: string }).stderr}`;
  }
}

for (const family of [4, 6] as const) {
  test.serial(`IPv${family} underlay: the sender is told, and TCP goes on`, async (t) => {
    const { fabric, one, a, b } = makePair(family);
    t.teardown(() => fabric.close());
    const fits = 1500 - OVERHEAD[family];
    t.true(pings(a.ns, b.ip4));
    t.true(pings(a.ns, b.ip6));
    const counted = await reasonsDuring(one, () => {
      t.regex(pingTooBig(a.ns, b.ip4, fits), / 0% packet loss/);
      t.regex(pingTooBig(a.ns, b.ip4, fits + 1), new RegExp(`mtu ?= ?${fits}`));
      t.regex(pingTooBig(a.ns, b.ip6, fits), / 0% packet loss/);
      t.regex(pingTooBig(a.ns, b.ip6, fits + 1), new RegExp(`mtu[= ]+${fits}`));
    });
    t.deepEqual(Object.keys(counted), ['too_big']);
    t.true((counted.too_big ?? 0) >= 2);
    for (const ns of [a.ns, b.ns]) {
      sh(ns, 'ip', 'route', 'flush', 'cache');
      sh(ns, 'ip', '-6', 'route', 'flush', 'cache');
    }
    for (const to of [b.ip4, b.ip6]) {
      await t.notThrowsAsync(transfer(a.ns, { ns: b.ns, address: to }, BULK));
    }
    for (const to of [a.ip4, a.ip6]) {
      await t.notThrowsAsync(transfer(b.ns, { ns: a.ns, address: to }, BULK));
    }
    t.deepEqual(
      Object.keys(one.reasons()).filter((name) => name !== 'no_port'),
      ['too_big'],
    );
  });
}

test.serial('the errors are right to the last bit', async (t) => {
  const { fabric, a, b } = makePair(4);
  t.teardown(() => fabric.close());
  // The destination must be known: flooded packets cause no error.
  t.true(pings(a.ns, b.ip4));
  const body = udp(
    1000,
    2000,
    new Uint8Array(1440).map((_, i) => i),
  );
  const big4 = eth(b.mac, a.mac, 0x0800, ip4({ src: a.ip4, dst: b.ip4, fragment: 0x4000 }, body));
  const big6 = eth(b.mac, a.mac, 0x86dd, ip6({ src: a.ip6, dst: b.ip6 }, body));
  const [[four, six] = []] = await arriving([a], 'icmp or icmp6[0] == 2', () =>
    send(a, big4, big6),
  );

  t.is(four?.length, 14 + 20 + 8 + 128);
  t.deepEqual(
    four?.subarray(0, 14),
    Uint8Array.from([...big4.subarray(6, 12), ...big4.subarray(0, 6), 8, 0]),
  );
  t.is(checksum(four?.subarray(14, 34) ?? new Uint8Array()), 0, 'IPv4 checksum');
  t.deepEqual(four?.subarray(26, 30), big4.subarray(30, 34), 'in the name of the destination');
  t.deepEqual(four?.subarray(30, 34), big4.subarray(26, 30), 'to the source');
  t.deepEqual([...(four?.subarray(34, 36) ?? [])], [3, 4]);
  t.deepEqual([...(four?.subarray(40, 42) ?? [])], [1450 >> 8, 1450 & 0xff]);
  t.is(checksum(four?.subarray(34) ?? new Uint8Array()), 0, 'ICMP checksum');
  t.deepEqual(four?.subarray(42), big4.subarray(14, 14 + 128), 'what it is about');

  t.is(six?.length, 14 + 40 + 8 + 128);
  t.deepEqual(six?.subarray(22, 38), big6.subarray(38, 54), 'in the name of the destination');
  t.deepEqual(six?.subarray(38, 54), big6.subarray(22, 38), 'to the source');
  t.deepEqual([...(six?.subarray(54, 56) ?? [])], [2, 0]);
  t.deepEqual([...(six?.subarray(58, 62) ?? [])], [0, 0, 1450 >> 8, 1450 & 0xff]);
  const pseudo = join(ip16(b.ip6), ip16(a.ip6), u32(8 + 128), u32(58));
  t.is(checksum(join(pseudo, six?.subarray(54) ?? [])), 0, 'ICMPv6 checksum');
  t.deepEqual(six?.subarray(62), big6.subarray(14, 14 + 128), 'what it is about');
});

test.serial('behind a tag four bytes fewer fit, and the sender is told so', async (t) => {
  const { fabric, a, b } = makePair(4);
  t.teardown(() => fabric.close());
  const ends = [a, b].map(({ ns }) => speakVlan(ns, 7));
  t.teardown(() => ends.map((end) => end()));
  const fits = 1500 - OVERHEAD[4] - 4;
  for (const to of [b.ip4, b.ip6]) {
    t.true(pings(a.ns, to));
    t.regex(pingTooBig(a.ns, to, fits), / 0% packet loss/);
    t.regex(pingTooBig(a.ns, to, fits + 1), new RegExp(`mtu[= ]+${fits}`));
    sh(a.ns, 'ip', to === b.ip4 ? '-4' : '-6', 'route', 'flush', 'cache');
    await t.notThrowsAsync(transfer(a.ns, { ns: b.ns, address: to }, BULK));
  }
});

test.serial('a node that lets others fragment does it itself when it knows', async (t) => {
  const { fabric, one, a, b } = makePair(4);
  t.teardown(() => fabric.close());
  t.true(pings(a.ns, b.ip4));
  // 1500 bytes, and two fragments of which the first has as many.
  for (const size of [1472, 2000]) {
    sh(a.ns, 'ip', 'route', 'flush', 'cache');
    const counted = await reasonsDuring(one, () => {
      pings(a.ns, b.ip4, size, '-M', 'dont');
      t.true(pings(a.ns, b.ip4, size, '-M', 'dont'), `${size}`);
    });
    t.is(counted.too_big, 1, 'only the first was lost');
  }
});

test.serial('packets that must not be answered are not, and all of them are counted', async (t) => {
  const { fabric, one, a, b } = makePair(4);
  t.teardown(() => fabric.close());
  t.true(pings(a.ns, b.ip4));
  const big = new Uint8Array(1440);
  const about = (fragment: number, protocol: number, first = 0, length = 20 + big.length) => {
    const body = Uint8Array.from(big);
    body[0] = first;
    const header = { src: a.ip4, dst: b.ip4, protocol, fragment, length };
    return eth(b.mac, a.mac, 0x0800, ip4(header, body));
  };
  const v6 = eth(b.mac, a.mac, 0x86dd, ip6({ src: a.ip6, dst: b.ip6, next: 58 }, [1], big));
  const frames = [
    about(0x4001, 17), // not the first fragment
    about(1, 17), // nor this one, which may be fragmented again
    about(0x4000, 1, 3), // about an error
    v6, // the same in IPv6
    eth('33:33:00:00:00:99', a.mac, 0x86dd, ip6({ src: a.ip6, dst: 'ff02::99' }, udp(1, 2, big))),
    eth(b.mac, a.mac, EXPERIMENT, new Uint8Array(1480)),
    about(0x4000, 1, 8, 20), // ends before ICMP begins
    eth(b.mac, a.mac, 0x0800, ip4({ src: '224.0.0.9', dst: b.ip4 }, udp(1, 2, big))),
    eth(b.mac, a.mac, 0x86dd, ip6({ src: 'ff02::9', dst: b.ip6 }, udp(1, 2, big))),
    eth(b.mac, a.mac, 0x86dd, ip6({ src: '::', dst: b.ip6 }, udp(1, 2, big))),
  ];
  // Unlocked, as anti-spoofing would not let all of them pass.
  const endpoint = one.get('endpoint', a.ifindex);
  if (endpoint !== undefined) one.put('endpoint', a.ifindex, { ...endpoint, flags: OPEN });
  const counted = await reasonsDuring(one, async () => {
    const [errors = []] = await arriving([a], 'icmp or icmp6[0] == 2', () => send(a, ...frames));
    t.is(errors.length, 0);
  });
  t.is(counted.too_big, frames.length);
});

test.serial('the number of errors per second is limited', async (t) => {
  const { fabric, one, a, b } = makePair(4);
  t.teardown(() => fabric.close());
  t.true(pings(a.ns, b.ip4));
  const counted = await reasonsDuring(one, async () => {
    const seen = await capture(a.ns, 'icmp[0] == 3');
    const packet = ip4(
      { src: a.ip4, dst: b.ip4, fragment: 0x4000 },
      udp(1, 2, new Uint8Array(1440)),
    );
    sendMany(a, eth(b.mac, a.mac, 0x0800, packet), 3000);
    const told = (await seen.stop()).length;
    t.true(told >= 100 && told < 1500, `${told} were told`);
  });
  t.true((counted.icmp_limit ?? 0) > 1000);
  t.is(counted.too_big, 3000);
});

test.serial('a packet that the kernel refuses to shorten is counted with its reason', async (t) => {
  const { fabric, one, a, b } = makePair(4, {
    constants: { endpoint: { redirect_flags: 1 << 20 } },
  });
  t.teardown(() => fabric.close());
  // With such flags nothing is delivered, so the neighbour entry is set by hand.
  const key = { vni: 100, mac: macToBytes(b.mac) };
  one.put('fdb', key, { ifindex: 0, endpoint: 0, node: 2, flags: FdbFlags.STATIC, lastSeen: 0n });
  const counted = await reasonsDuring(one, () => {
    const packet = ip4(
      { src: a.ip4, dst: b.ip4, fragment: 0x4000 },
      udp(1, 2, new Uint8Array(1440)),
    );
    send(a, eth(b.mac, a.mac, 0x0800, packet));
  });
  t.like(counted, { too_big: 1, icmp_impossible: 1 });
});

test.serial(
  'a smaller MTU of the route is obeyed, and forgotten when it grows again',
  async (t) => {
    const { fabric, one, a, b } = makePair(4);
    t.teardown(() => fabric.close());
    t.true(pings(a.ns, b.ip4, 1450 - 28, '-M', 'do'));
    batch(one.ns, `route add ${vtep4(2)}/32 dev under0 mtu lock 1350`);
    t.regex(pingTooBig(a.ns, b.ip4, 1301), /mtu ?= ?1300/);
    t.true(pings(a.ns, b.ip4, 1300 - 28, '-M', 'do'));
    batch(one.ns, `route del ${vtep4(2)}/32 dev under0`);
    sh(a.ns, 'ip', 'route', 'flush', 'cache');
    t.true(pings(a.ns, b.ip4, 1450 - 28, '-M', 'do'));
  },
);

for (const family of [4, 6] as const) {
  test.serial(`a forged error leaves the way as wide as IPv6 needs: IPv${family}`, async (t) => {
    const { fabric, one, a, b } = makePair(family, { decap: 'tc', anchor: true });
    t.teardown(() => fabric.close());
    await until('there is a way', () => pings(a.ns, b.ip6));
    const vtep = family === 4 ? vtep4 : vtep6;
    const stranger = fabric.host(9);
    const macAt = (ns: string) => sh(ns, 'cat', '/sys/class/net/under0/address').trim();
    // The VXLAN header must name a network, or the kernel's device drops it.
    const quoted = udp(50_000, PORT, join([8], new Uint8Array(63)));
    const way = { src: vtep(1), dst: vtep(2) };
    const error =
      family === 4
        ? ip4(
            { src: vtep(9), dst: vtep(1), protocol: PROTO.icmp },
            summed(join([3, 4, 0, 0, 0, 0], u16(552), ip4({ ...way, fragment: 0x4000 }, quoted))),
          )
        : packetTooBig(vtep(9), vtep(1), join(u32(1280), ip6(way, quoted)));
    const type = family === 4 ? 0x0800 : 0x86dd;
    sendFrame(stranger, 'under0', eth(macAt(one.ns), macAt(stranger), type, error));
    const route = () => sh(one.ns, 'ip', 'route', 'get', vtep(2));
    await until('the kernel believes it', () => / mtu (552|1280) /.test(route()));
    t.true(pings(a.ns, b.ip6, 1280 - 48, '-M', 'do'));
    t.true(pings(a.ns, b.ip4, 1280 - 28, '-M', 'do'));
    t.regex(pingTooBig(a.ns, b.ip4, 1281), /mtu ?= ?1280/);
  });
}

/** An ICMP message with its checksum, which is 0 so far. */
function summed(message: Uint8Array): Uint8Array {
  const sum = checksum(message);
  return join(message.subarray(0, 2), u16(sum), message.subarray(4));
}

function packetTooBig(src: string, dst: string, body: Uint8Array): Uint8Array {
  const message = join([2, 0, 0, 0], body);
  const pseudo = join(ip16(src), ip16(dst), u32(message.length), u32(PROTO.icmp6));
  const sum = checksum(join(pseudo, message));
  return ip6({ src, dst, next: PROTO.icmp6 }, [2, 0], u16(sum), message.subarray(4));
}

for (const decap of ['tc', 'xdp'] as const) {
  for (const family of [4, 6] as const) {
    test.serial(
      `a router far away says what fits: IPv${family}, ${decap} with an anchor`,
      async (t) => {
        const { fabric, one, a, b } = makePair(family, { decap, anchor: true });
        t.teardown(() => fabric.close());
        const vtep = family === 4 ? vtep4 : vtep6;
        const router = fabric.host(8);
        const sysctls =
          family === 4
            ? ['ip_forward=1', 'conf.all.send_redirects=0', 'conf.under0.send_redirects=0']
            : ['conf.all.forwarding=1'];
        for (const setting of sysctls) sh(router, 'sysctl', '-qw', `net.ipv${family}.${setting}`);
        const length = family === 4 ? 32 : 128;
        batch(one.ns, `route add ${vtep(2)}/${length} via ${vtep(8)} dev under0`);
        batch(router, `route add ${vtep(2)}/${length} dev under0 mtu lock 1400`);
        await until('there is a way by the router', () => pings(a.ns, b.ip4));

        const fits = 1400 - OVERHEAD[family];
        // The first is lost, and the node learns the MTU; the second gets the error. ping does not always
        // print it.
        await until('the sender knows', () => {
          pingTooBig(a.ns, b.ip4, fits + 1);
          return sh(a.ns, 'ip', 'route', 'get', b.ip4).includes(' mtu ');
        });
        t.regex(sh(a.ns, 'ip', 'route', 'get', b.ip4), new RegExp(` mtu ${fits} `));
        t.true(pings(a.ns, b.ip4, fits - 28, '-M', 'do'));
      },
    );
  }
}
