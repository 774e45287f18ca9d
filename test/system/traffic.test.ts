/** Any traffic between containers arrives, and only where it should. */
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { type Check, command, testRequiring } from '../helpers/requirements.js';
import { arp, BROADCAST, eth, ip4, mac, TYPE, udp, vlan } from '../packet/helpers/frame.js';
import { type Attached, join } from './helpers/attached-containers.js';
import { ping, pings, tcpBothWays, udpEcho } from './helpers/conversation.js';
import { counters } from './helpers/counters.js';
import { type Lab, openLab } from './helpers/lab.js';
import { eventually, start } from './helpers/process.js';
import { capture, sendFrame } from './helpers/wire.js';

let lab: Lab;
let one: Attached;
let two: Attached;
let three: Attached;

test.before(async () => {
  lab = await openLab();
  one = await join(lab, 'a');
  two = await join(lab, 'b');
  three = await join(lab, 'c');
});
test.after.always(() => lab.close());

/** Sizes around the MTU, where segmentation and fragmentation begin, and a few beyond. */
const SIZES = [1, 46, 1000, 1452, 1453, 1472, 1473, 1500, 2953, 8000, 65_000];

test.serial(
  'TCP in both directions at once carries every byte, in segments kept whole',
  async (t) => {
    for (const address of [two.ip4, two.ip6]) {
      const seen = await capture(t, two.ns, 'tcp dst port 5600');
      t.true(await tcpBothWays(t, one.ns, two.ns, address, 24 << 20), address);
      const large = (await seen.stop()).filter(({ length }) => length > 1514);
      t.true(large.length > 10, `${large.length} segments over the MTU reach ${address} whole`);
    }
    const { packets, bytes } = (await counters(lab)).endpoint(two.ns, 'rx');
    t.true(bytes / packets > 3000, `${Math.round(bytes / packets)} bytes a packet`);
  },
);

test.serial(
  'UDP datagrams of sizes around the MTU and far above come back unchanged',
  async (t) => {
    for (const address of [two.ip4, two.ip6]) {
      t.deepEqual(await udpEcho(t, one.ns, two.ns, address, SIZES), [], address);
    }
  },
);

test.serial('packets larger than the MTU arrive as IP fragments', async (t) => {
  const fragments = { [two.ip4]: 'ip[6:2] & 0x3fff != 0', [two.ip6]: 'ip6[6] == 44' };
  for (const [address, filter] of Object.entries(fragments)) {
    const seen = await capture(t, two.ns, filter);
    const { code, stdout } = await ping(one.ns, address, '-s', '4000');
    t.is(code, 0, stdout);
    t.is((await seen.stop()).length, 9, 'three fragments for each of three packets');
  }
});

test.serial('jumbo frames pass between endpoints with an MTU of 9000', async (t) => {
  const [big, bigger] = [
    await join(lab, 'j1', '--mtu', '9000'),
    await join(lab, 'j2', '--mtu', '9000'),
  ];
  t.true(await pings(big.ns, bigger.ip4, '-M', 'do', '-s', '8972'));
  t.true(await pings(big.ns, bigger.ip6, '-M', 'do', '-s', '8952'));
  t.false(await pings(big.ns, bigger.ip4, '-M', 'do', '-s', '8973'));
  t.true(await tcpBothWays(t, big.ns, bigger.ns, bigger.ip4, 8 << 20));
  t.true(await tcpBothWays(t, big.ns, two.ns, two.ip4, 4 << 20), 'TCP with an endpoint of 1500');
});

test.serial('ARP requests are answered without asking the neighbour', async (t) => {
  const before = (await counters(lab)).endpoint(one.ns, 'suppressed').packets;
  const asked = await Promise.all([two, three].map(({ ns }) => capture(t, ns, 'arp')));
  const { stdout } = await lab.inside(one.ns, ['arping', '-c', '2', '-I', 'eth0', '-b', two.ip4]);
  t.regex(stdout.toLowerCase(), new RegExp(`reply from ${two.ip4} \\[${two.mac}\\]`));
  for (const seen of asked) t.deepEqual(await seen.stop(), []);
  t.is((await counters(lab)).endpoint(one.ns, 'suppressed').packets - before, 2);
});

test.serial('neighbour solicitations are answered without asking the neighbour', async (t) => {
  await lab.within(one.ns, 'ip', '-6', 'neigh', 'flush', 'dev', 'eth0');
  const before = (await counters(lab)).endpoint(one.ns, 'suppressed').packets;
  const asked = await capture(t, two.ns, 'icmp6 and ip6[40] == 135 and ether multicast');
  t.true(await pings(one.ns, two.ip6));
  t.deepEqual(await asked.stop(), []);
  t.true((await counters(lab)).endpoint(one.ns, 'suppressed').packets > before);
  const neighbours = await lab.within(one.ns, 'ip', '-6', 'neigh', 'show', two.ip6);
  t.regex(neighbours, new RegExp(`lladdr ${two.mac} `));
});

test.serial('a request for an unused address is flooded, and stays unanswered', async (t) => {
  const asked = await Promise.all([two, three].map(({ ns }) => capture(t, ns, 'arp')));
  t.false(await pings(one.ns, '10.201.99.99', '-c', '1'));
  for (const seen of asked) t.true((await seen.stop()).length >= 1);
});

test.serial('multicast reaches those who joined the group, IPv4 and IPv6', async (t) => {
  const joined = [two, three].flatMap(({ ns, ip4: address }) => [
    start(t, ns, ['socat', '-u', `UDP4-RECV:5007,ip-add-membership=239.1.2.3:${address}`, '-']),
    start(t, ns, ['socat', '-u', 'UDP6-RECV:5008,ipv6-join-group=[ff15::7]:eth0', '-']),
  ]);
  for (const { ns } of [two, three]) {
    const areJoined = async (): Promise<boolean> =>
      /239\.1\.2\.3[\s\S]*ff15::7/.test(await lab.within(ns, 'ip', 'maddr', 'show', 'dev', 'eth0'));
    t.true(await eventually(areJoined), 'both groups are joined');
  }
  const send = (to: string) =>
    lab.inside(one.ns, ['socat', '-u', 'STDIN', to], { stdin: Buffer.from(`hello ${to}\n`) });
  await send(`UDP4-DATAGRAM:239.1.2.3:5007,ip-multicast-if=${one.ip4}`);
  await send('UDP6-SENDTO:[ff15::7]:5008');
  for (const [index, receiver] of joined.entries()) {
    await receiver.says(index % 2 === 0 ? /hello UDP4/ : /hello UDP6/);
  }
});

test.serial(
  'a broadcast from nobody in particular, as DHCP begins, reaches all others',
  async (t) => {
    const seen = await Promise.all(
      [two, three].map(({ ns }) => capture(t, ns, 'udp dst port 67 and src host 0.0.0.0')),
    );
    const request = Buffer.alloc(244);
    // A request of a DHCP client on Ethernet (RFC 2131, 2), from its own MAC: nothing else may pass.
    request.set([1, 1, 6]);
    request.set(mac(one.mac), 28);
    const discover = ip4({ src: '0.0.0.0', dst: '255.255.255.255' }, udp(68, 67, request));
    const back = await capture(t, one.ns, 'udp dst port 67');
    const frame = eth(BROADCAST, one.mac, TYPE.ip4, discover);
    await sendFrame(one.ns, frame);
    for (const each of seen) {
      await each.atLeast(1);
      const frames = await each.stop();
      t.deepEqual(
        frames.map(({ bytes }) => bytes.toString('hex')),
        [hex(frame)],
      );
    }
    t.deepEqual(await back.stop(), [], 'no frame returns to its sender');
  },
);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').slice(0, 512);
}

const withDhcp = testRequiring(command('dnsmasq'), command('udhcpc'));
withDhcp.serial('a DHCP client gets its address from a server on the network', async (t) => {
  const options = ['--network', 'dhcp'];
  await lab.must('network', 'add', 'dhcp');
  const server = await join(lab, 'ds', ...options, '--ip', '10.77.0.1/24');
  const client = await join(lab, 'dc', ...options, '--ip', '10.77.0.50/24');
  await lab.within(client.ns, 'ip', 'addr', 'flush', 'dev', 'eth0', 'scope', 'global');
  const dnsmasq = start(t, server.ns, [
    ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--log-dhcp'],
    ...['--interface=eth0', '--bind-interfaces', '--log-facility=-', '--user=root'],
    ...[`--pid-file=${lab.root}/dnsmasq.pid`, `--dhcp-leasefile=${lab.root}/leases`],
    ...['--dhcp-range=10.77.0.0,static', `--dhcp-host=${client.mac},10.77.0.50`],
  ]);
  await dnsmasq.says(/DHCP/);
  const script = '/bin/true';
  const asked = await lab.inside(client.ns, [
    'udhcpc',
    '-i',
    'eth0',
    '-f',
    '-q',
    '-n',
    '-s',
    script,
  ]);
  t.regex(asked.stderr + asked.stdout, /lease of 10\.77\.0\.50 obtained/);
});

test.serial('VLAN tags stay on the frames, one and two deep', async (t) => {
  const stacks = [
    [TYPE.vlan, vlan(7, TYPE.other)],
    [TYPE.qinq, [...vlan(8, TYPE.vlan), ...vlan(9, TYPE.other)]],
  ] as const;
  for (const to of [two.mac, BROADCAST]) {
    for (const [type, tags] of stacks) {
      const seen = await capture(t, two.ns, `ether[12:2] == ${type} or vlan`);
      const frame = eth(to, one.mac, type, tags, Buffer.from('tagged'.padEnd(60)));
      await sendFrame(one.ns, frame);
      await seen.atLeast(1);
      t.deepEqual(
        (await seen.stop()).map(({ bytes }) => bytes.toString('hex')),
        [hex(frame)],
      );
    }
  }
});

/** A kernel may be built without VLAN devices. */
const vlanDevices: Check = () => {
  const link =
    'ip link add vl0 type veth peer name vl1 && ip link add link vl0 name vl2 type vlan id 7';
  const { status, stderr } = spawnSync('unshare', ['-n', 'sh', '-c', link], { encoding: 'utf8' });
  return status === 0 ? undefined : `vlan devices, and the kernel says: ${stderr.trim()}`;
};
testRequiring(vlanDevices).serial(
  'VLAN interfaces of two containers talk, one and two deep',
  async (t) => {
    const prefixes = ['--allow-prefix', '192.168.50.0/23', '--allow-prefix', 'fd50::/16'];
    const pair = [await join(lab, 'v1', ...prefixes), await join(lab, 'v2', ...prefixes)];
    for (const [index, { ns }] of pair.entries()) {
      for (const [name, link, kind, id, subnet] of [
        ['eth0.7', 'eth0', '802.1Q', '7', '50'],
        ['eth0.8', 'eth0', '802.1ad', '8', ''],
        ['inner', 'eth0.8', '802.1Q', '9', '51'],
      ] as const) {
        const vlan = ['type', 'vlan', 'proto', kind, 'id', id];
        await lab.within(ns, 'ip', 'link', 'add', 'link', link, 'name', name, ...vlan);
        await lab.within(ns, 'ip', 'link', 'set', name, 'up');
        if (subnet === '') continue;
        await lab.within(ns, 'ip', 'addr', 'add', `192.168.${subnet}.${index + 1}/24`, 'dev', name);
        await lab.within(
          ns,
          'ip',
          'addr',
          'add',
          `fd50:${subnet}::${index + 1}/64`,
          'dev',
          name,
          'nodad',
        );
      }
    }
    const [left, right] = pair.map(({ ns }) => ns) as [string, string];
    const tagged = await capture(t, right, 'vlan 7 and icmp');
    t.true(await pings(left, '192.168.50.2'));
    t.is((await tagged.stop()).length, 3);
    t.true(await pings(left, 'fd50:50::2'));
    t.true(await tcpBothWays(t, left, right, '192.168.50.2', 4 << 20));
    t.true(await pings(left, '192.168.51.2', '-s', '1400'), 'a tag within a tag');
  },
);

test.serial('frames of an unknown EtherType arrive byte for byte', async (t) => {
  const payload = Buffer.from('neither IP nor ARP, and still a frame to be switched'.padEnd(100));
  for (const to of [two.mac, BROADCAST]) {
    const seen = await capture(t, two.ns, 'ether proto 0x88b5');
    const frame = eth(to, one.mac, TYPE.other, payload);
    await sendFrame(one.ns, frame);
    await seen.atLeast(1);
    t.deepEqual(
      (await seen.stop()).map(({ bytes }) => bytes.toString('hex')),
      [hex(frame)],
    );
  }
});

test.serial('a frame to a MAC that nobody has is flooded, one to a neighbour is not', async (t) => {
  const others = await Promise.all(
    [two, three].map(({ ns }) => capture(t, ns, 'ether proto 0x88b5')),
  );
  await sendFrame(one.ns, eth('02:00:00:00:99:99', one.mac, TYPE.other, Buffer.alloc(50)));
  for (const seen of others) await seen.atLeast(1);
  await sendFrame(one.ns, eth(two.mac, one.mac, TYPE.other, Buffer.alloc(50)));
  await others[0]?.atLeast(2);
  t.is((await others[1]?.stop())?.length, 1);
});

test.serial('networks with the same addresses and MACs are separate', async (t) => {
  await lab.must('network', 'add', 'red');
  await lab.must('network', 'add', 'blue');
  const make = (network: string, n: number) =>
    join(
      lab,
      `${network[0]}${n}`,
      '--network',
      network,
      '--ip',
      `10.9.0.${n}/24`,
      '--mac',
      `02:00:00:00:09:0${n}`,
    );
  const [red1, red2] = [await make('red', 1), await make('red', 2)];
  const [blue1, blue2] = [await make('blue', 1), await make('blue', 2)];
  for (const [from, right, wrong] of [
    [red1, red2, blue2],
    [blue1, blue2, red2],
  ] as const) {
    const arrives = await capture(t, right.ns, 'icmp');
    const strays = await capture(t, wrong.ns, 'icmp or arp or ether proto 0x88b5');
    t.true(await pings(from.ns, '10.9.0.2'));
    await sendFrame(from.ns, eth(BROADCAST, from.mac, TYPE.other, Buffer.alloc(50)));
    await sendFrame(
      from.ns,
      eth(
        BROADCAST,
        from.mac,
        TYPE.arp,
        arp({ senderMac: from.mac, sender: from.ip4, target: '10.9.0.9' }),
      ),
    );
    t.is((await arrives.stop()).length, 3);
    t.deepEqual(await strays.stop(), []);
  }
});

test.serial('isolated endpoints reach the others but not each other', async (t) => {
  await lab.must('network', 'add', 'hotel', '--subnet', '10.44.0.0/24');
  const network = ['--network', 'hotel'];
  const [guest, other] = [
    await join(lab, 'g1', ...network, '--isolated'),
    await join(lab, 'g2', ...network, '--isolated'),
  ];
  const desk = await join(lab, 'g3', ...network);
  t.true(await pings(guest.ns, desk.ip4));
  t.true(await pings(desk.ns, other.ip4));
  t.false(await pings(guest.ns, other.ip4, '-c', '1'));

  const heard = await Promise.all(
    [desk, other].map(({ ns }) => capture(t, ns, 'ether proto 0x88b5')),
  );
  await sendFrame(guest.ns, eth(BROADCAST, guest.mac, TYPE.other, Buffer.alloc(50)));
  await heard[0]?.atLeast(1);
  t.deepEqual(await heard[1]?.stop(), []);

  // Even a sender that knows the other's MAC does not get through, and it is counted.
  const knows = ['ip', 'neigh', 'replace', other.ip4, 'lladdr', other.mac, 'dev', 'eth0'];
  await lab.within(guest.ns, ...knows);
  const before = (await counters(lab)).reason('isolated');
  t.false(await pings(guest.ns, other.ip4));
  t.is((await counters(lab)).reason('isolated') - before, 3);

  await lab.must('attach', other.ns, ...network, '--no-isolated');
  t.true(await pings(guest.ns, other.ip4), 'until one of the two is no longer isolated');
});
