/** Mistakes on the command line: one message each, and nothing is changed. */
import test from 'ava';
import { type Snapshot, takeSnapshot } from '../helpers/snapshot.js';
import { type Lab, openLab } from '../system/helpers/lab.js';
import { type Refusal, refused } from './helpers/refusal.js';

let lab: Lab;
let taken: string;
let free: string;
/** Attached by another node. */
let elsewhere: string;
/** With an eth0 that dpctl cannot adopt. */
let occupied: string;
let other: Lab;
/** What no command may change. */
let before: Snapshot;
const looked = () => [taken, free, occupied, elsewhere];

test.before(async () => {
  lab = await openLab();
  other = await openLab();
  taken = await lab.container('t');
  free = await lab.container('f');
  occupied = await lab.container('d');
  elsewhere = await other.container('e');
  await lab.must('network', 'add', 'tiny', '--subnet', '10.9.0.0/30');
  await lab.must('network', 'add', 'gate', '--subnet', '10.8.0.0/24', '--gateway');
  await lab.must('attach', taken, '--ip', '10.201.0.5', '--mac', '02:00:00:00:00:05');
  await lab.must('attach', taken, '--network', 'tiny', '--ifname', 'eth1', '--ip', '10.9.0.1');
  await lab.must('attach', taken, '--network', 'tiny', '--ifname', 'eth2', '--ip', '10.9.0.2');
  await other.must('attach', elsewhere);
  await lab.within(occupied, 'ip', 'link', 'add', 'eth0', 'type', 'bridge');
  before = await takeSnapshot(lab, looked());
});
test.after.always(async () => {
  await lab?.close();
  await other?.close();
});

interface Case extends Refusal {
  readonly title: string;
  readonly args: () => readonly string[];
}

const attach =
  (...flags: readonly string[]) =>
  (): readonly string[] => ['attach', free, ...flags];

const CASES: readonly Case[] = [
  {
    title: 'a namespace that is not there',
    args: () => ['attach', 'dtnosuch'],
    code: 'NETNS_NOT_FOUND',
    exit: 3,
    message: /there is no network namespace "dtnosuch"/,
    hint: /ip netns add dtnosuch, or dpctl attach dtnosuch --create/,
  },
  {
    title: 'a slip in the name of a namespace',
    args: () => ['attach', `${free.slice(0, -1)}g`],
    code: 'NETNS_NOT_FOUND',
    exit: 3,
    message: /there is no network namespace/,
    hint: /did you mean "/,
  },
  {
    title: 'a path that is no namespace',
    args: () => ['attach', '/etc/hostname'],
    code: 'NETNS_NOT_A_NETNS',
    exit: 1,
    message: /\/etc\/hostname exists but is not a network namespace/,
    hint: /ip netns list/,
  },
  {
    title: 'a path to another kind of namespace',
    args: () => ['attach', '/proc/self/ns/mnt'],
    code: 'NETNS_NOT_A_NETNS',
    exit: 1,
    message: /is not a network namespace/,
    hint: /ip netns list/,
  },
  {
    title: 'a pid without a process',
    args: () => ['attach', '4194305'],
    code: 'NETNS_NOT_FOUND',
    exit: 3,
    message: /neither a network namespace nor a process "4194305"/,
    hint: /ip netns add/,
  },
  {
    title: 'a name with a slash',
    args: () => ['attach', 'a/b', '--create'],
    code: 'NETNS_BAD_NAME',
    exit: 1,
    message: /"a\/b" cannot name a namespace: it contains a slash/,
    hint: /give a name from `ip netns list`/,
  },
  {
    title: 'a name that is too long',
    args: () => ['attach', 'x'.repeat(256), '--create'],
    code: 'NETNS_BAD_NAME',
    exit: 1,
    message: /more than 255 bytes/,
    hint: /give a name from/,
  },
  {
    title: 'the namespace of the node itself',
    args: () => ['attach', lab.node],
    code: 'NETNS_IS_NODE',
    exit: 1,
    message: /is the network namespace of the node itself/,
    hint: /network add NAME --gateway/,
  },
  {
    title: 'a namespace that another node has attached',
    args: () => ['attach', elsewhere],
    code: 'INTERFACE_EXISTS',
    exit: 1,
    message:
      /already has an interface eth0, and its other end is not in the namespace of this node/,
    hint: /--ifname eth1/,
  },
  {
    title: 'an interface that is no veth',
    args: () => ['attach', occupied],
    code: 'INTERFACE_EXISTS',
    exit: 1,
    message: /already has an interface eth0, and it is not a veth \(bridge\)/,
    hint: /--ifname eth1/,
  },
  {
    title: 'an interface name with a slash',
    args: attach('--ifname', 'a/b'),
    code: 'IFNAME_INVALID',
    exit: 1,
    message: /interface name "a\/b" has a '\/'/,
    hint: /such as eth0/,
  },
  {
    title: 'an interface name that is too long',
    args: attach('--ifname', 'abcdefghijklmnop'),
    code: 'IFNAME_INVALID',
    exit: 1,
    message: /has 16 bytes, more than 15/,
    hint: /1 to 15 bytes/,
  },
  {
    title: 'a network that is not there',
    args: attach('--network', 'nosuch'),
    code: 'NETWORK_NOT_FOUND',
    exit: 3,
    message: /no network nosuch: there is/,
    hint: /dpctl network add nosuch/,
  },
  {
    title: 'an address that is taken',
    args: attach('--ip', '10.201.0.5'),
    code: 'ADDRESS_IN_USE',
    exit: 1,
    message: /10\.201\.0\.5 belongs to endpoint dt/,
    hint: /dpctl attach \S+ --ip 10\.201\.0\.2/,
  },
  {
    title: "the gateway's address",
    args: attach('--network', 'gate', '--ip', '10.8.0.1'),
    code: 'ADDRESS_IN_USE',
    exit: 1,
    message: /10\.8\.0\.1 belongs to the gateway of network gate/,
    hint: /--ip 10\.8\.0\.2/,
  },
  {
    title: 'an address of another subnet',
    args: attach('--ip', '192.0.2.1'),
    code: 'ADDRESS_OUTSIDE_SUBNET',
    exit: 1,
    message: /192\.0\.2\.1 is outside 10\.201\.0\.0\/16/,
    hint: /--ip 10\.201\.0\.2/,
  },
  {
    title: 'an address that is none',
    args: attach('--ip', '10.201.0'),
    code: 'ADDRESS_INVALID',
    exit: 1,
    message: /10\.201\.0/,
    hint: /./,
  },
  {
    title: 'a broadcast address',
    args: attach('--ip', '10.201.255.255'),
    code: 'ADDRESS_INVALID',
    exit: 1,
    message: /the broadcast address in 10\.201\.0\.0\/16/,
    hint: /--ip 10\.201\.0\.2/,
  },
  {
    title: 'two IPv4 addresses',
    args: attach('--ip', '10.201.0.7', '--ip', '10.201.0.8'),
    code: 'ADDRESS_INVALID',
    exit: 1,
    message: /at most one IPv4 address/,
    hint: /--allow-prefix/,
  },
  {
    title: 'a MAC that is taken',
    args: attach('--mac', '02:00:00:00:00:05'),
    code: 'MAC_IN_USE',
    exit: 1,
    message: /02:00:00:00:00:05 belongs to endpoint dt/,
    hint: /--mac /,
  },
  {
    title: 'a multicast MAC',
    args: attach('--mac', '01:00:5e:00:00:01'),
    code: 'MAC_MULTICAST',
    exit: 1,
    message: /01:00:5e:00:00:01/,
    hint: /./,
  },
  {
    title: 'a MAC that is none',
    args: attach('--mac', '02:00:00'),
    code: 'MAC_INVALID',
    exit: 1,
    message: /02:00:00/,
    hint: /./,
  },
  {
    title: 'a full subnet',
    args: attach('--network', 'tiny'),
    code: 'SUBNET_FULL',
    exit: 1,
    message: /10\.9\.0\.0\/30/,
    hint: /./,
  },
  {
    title: 'an MTU below that of IPv6',
    args: attach('--mtu', '600'),
    code: 'MTU_OUT_OF_RANGE',
    exit: 1,
    message: /MTU 600 bytes: must be from 1280 to 65535/,
    hint: /--mtu 1280/,
  },
  {
    title: 'an MTU that no interface can have',
    args: attach('--mtu', '70000'),
    code: 'MTU_OUT_OF_RANGE',
    exit: 1,
    message: /MTU 70000 bytes: must be from 1280 to 65535/,
    hint: /--mtu/,
  },
  {
    title: 'an allowed prefix that is none',
    args: attach('--allow-prefix', '10.0.0.0/33'),
    code: 'PREFIX_INVALID',
    exit: 1,
    message: /10\.0\.0\.0\/33/,
    hint: /./,
  },
  {
    title: 'the network of an endpoint that is attached',
    args: () => ['attach', taken, '--network', 'gate'],
    code: 'ENDPOINT_EXISTS',
    exit: 1,
    message: /is already on network default/,
    hint: /dpctl detach/,
  },
  {
    title: 'a subnet that overlaps another',
    args: () => ['network', 'add', 'new', '--subnet', '10.8.0.0/16', '--gateway'],
    code: 'SUBNET_OVERLAP',
    exit: 1,
    message: /10\.8\.0\.0\/16 overlaps 10\.8\.0\.0\/24 of network gate/,
    hint: /dpctl network add new/,
  },
  {
    title: 'a subnet with host bits',
    args: () => ['network', 'add', 'new', '--subnet', '10.1.2.3/16'],
    code: 'PREFIX_HOST_BITS',
    exit: 1,
    message: /10\.1\.2\.3\/16/,
    hint: /10\.1\.0\.0\/16/,
  },
  {
    title: 'a VNI that is taken',
    args: () => ['network', 'add', 'new', '--vni', '1'],
    code: 'VNI_IN_USE',
    exit: 1,
    message: /VNI 1 belongs to network/,
    hint: /--vni \d/,
  },
  {
    title: 'a VNI out of range',
    args: () => ['network', 'add', 'new', '--vni', '16777216'],
    code: 'VNI_OUT_OF_RANGE',
    exit: 1,
    message: /from 1 to 16777215/,
    hint: /--vni/,
  },
  {
    title: 'a network name that garbles',
    args: () => ['network', 'add', '-x'.repeat(20).slice(1)],
    code: 'NETWORK_NAME_INVALID',
    exit: 1,
    message: /is not 1 to 32/,
    hint: /such as blue/,
  },
  {
    title: 'masquerading without a gateway',
    args: () => ['network', 'add', 'new', '--subnet', '10.7.0.0/24', '--masquerade'],
    code: 'MASQUERADE_NEEDS_GATEWAY',
    exit: 1,
    message: /has no gateway/,
    hint: /--gateway --masquerade/,
  },
  {
    title: 'a network with endpoints, to be deleted',
    args: () => ['network', 'del', 'tiny'],
    code: 'NETWORK_IN_USE',
    exit: 1,
    message: /network tiny is in use by dt/,
    hint: /dpctl detach dt/,
  },
  {
    title: "another endpoint's own MAC as a static one",
    args: () => ['fdb', 'add', '02:00:00:00:00:05', taken, '--ifname', 'eth0'],
    code: 'MAC_IN_USE',
    exit: 1,
    message: /is the MAC of/,
    hint: /dpctl dump fdb/,
  },
  {
    title: 'a static MAC behind nobody',
    args: () => ['fdb', 'add', '02:00:00:00:00:06', free],
    code: 'ENDPOINT_NOT_FOUND',
    exit: 3,
    message: /is not attached/,
    hint: /dpctl attach/,
  },
  {
    title: 'what is learned behind nobody',
    args: () => ['fdb', 'flush', '--ns', free],
    code: 'ENDPOINT_NOT_FOUND',
    exit: 3,
    message: /is not attached/,
    hint: /dpctl endpoints/,
  },
  {
    title: 'a lock time-out that is no number',
    args: () => ['attach', free],
    code: 'LOCK_TIMEOUT_INVALID',
    exit: 1,
    message: /DPCTL_LOCK_TIMEOUT is "soon"/,
    hint: /DPCTL_LOCK_TIMEOUT=10000/,
  },
];

for (const { title, args, ...expected } of CASES) {
  test.serial(title, async (t) => {
    const env = title.startsWith('a lock time-out') ? { DPCTL_LOCK_TIMEOUT: 'soon' } : {};
    await refused(t, lab, looked(), args(), expected, { env, before });
  });
}

test.serial('reset without a terminal needs --yes, and lists what it would remove', async (t) => {
  const { stderr, stdout, code } = await lab.dpctl(['reset']);
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /remove endpoint dt/);
  t.regex(stderr, /error\[/);
  t.regex(stderr, /^try: dpctl reset --yes/m);
  t.is((await lab.json<unknown[]>(['endpoints'])).length, 3);
});

test.serial('a first command that is refused makes nothing for it', async (t) => {
  const virgin = await openLab();
  try {
    const ns = await virgin.container('v');
    await refused(t, virgin, [ns], ['attach', 'dtnosuch'], {
      code: 'NETNS_NOT_FOUND',
      exit: 3,
      message: /no network namespace/,
      hint: /--create/,
    });
    await refused(t, virgin, [ns], ['attach', ns, '--mac', '01:00:5e:00:00:01'], {
      code: 'MAC_MULTICAST',
      exit: 1,
      message: /is a group address/,
      hint: /./,
    });
  } finally {
    await virgin.close();
  }
});
