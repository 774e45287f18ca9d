/** Endpoints with netkit pairs, next to veths; and the messages on kernels without netkit. */
import { appendFileSync, cpSync } from 'node:fs';
import { join as path } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { refused } from '../errors/helpers/refusal.js';
import { linkKind, testRequiring } from '../helpers/requirements.js';
import { differences, takeSnapshot } from '../helpers/snapshot.js';
import { onNodes } from '../lab/helpers/nodes.js';
import { type Attached, attach, join } from './helpers/attached-containers.js';
import { ping, pings, tcpBothWays, udpEcho } from './helpers/conversation.js';
import { type Lab, openLab } from './helpers/lab.js';
import { sleep, start } from './helpers/process.js';
import { capture } from './helpers/wire.js';

const WITHOUT = { env: { DPCTL_PROBE_DISABLE: 'netkit' } };
const BUILT = fileURLToPath(new URL('../../bpf', import.meta.url));
const SIZES = [1, 1000, 1472, 1473, 8000, 65_000];

const netkit = linkKind('netkit');
const withNetkit = testRequiring(netkit);

interface Row extends Attached {
  readonly driver: string;
  readonly state: string;
}

interface LinkRow {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly address: string;
  readonly linkinfo?: { readonly info_kind: string };
}

async function onLab(use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await openLab();
  try {
    await use(lab);
  } finally {
    await lab.close();
  }
}

async function deviceKindOf(lab: Lab, ns: string): Promise<string | undefined> {
  return (await lab.json<Row[]>(['endpoints'])).find((row) => row.ns === ns)?.driver;
}

/** iproute2 prints the kind of a device, even one that it does not know. */
async function linkOf(lab: Lab, ns: string, ifname: string): Promise<LinkRow | undefined> {
  const rows = JSON.parse(await lab.within(ns, 'ip', '-j', '-d', 'link', 'show')) as LinkRow[];
  return rows.find((row) => row.ifname === ifname);
}

async function everything(t: ExecutionContext, from: Attached, to: Attached): Promise<void> {
  for (const address of [to.ip4, to.ip6]) {
    t.true(await pings(from.ns, address), address);
    t.true(await pings(from.ns, address, '-s', '4000'), `${address}, fragments`);
    t.true(await tcpBothWays(t, from.ns, to.ns, address, 8 << 20), `${address}, TCP`);
    t.deepEqual(await udpEcho(t, from.ns, to.ns, address, SIZES), [], `${address}, UDP`);
  }
}

test.serial('without netkit in the kernel it is refused, and nothing changes', (t) =>
  onLab(async (lab) => {
    const ns = await lab.container('a');
    // A kernel may really lack it: then this test requires nothing else.
    const expected = {
      code: 'NETKIT_MISSING',
      exit: 2,
      message: /this kernel has no netkit/,
      hint: /--driver veth/,
    };
    await refused(t, lab, [ns], ['attach', ns, '--driver', 'netkit'], expected, WITHOUT);
    await lab.must('attach', ns);
    await refused(t, lab, [ns], ['attach', ns, '--driver', 'netkit'], expected, WITHOUT);
  }),
);

test.serial('auto is a veth there, and says so', (t) =>
  onLab(async (lab) => {
    const ns = await lab.container('a');
    const made = await lab.dpctl(['attach', ns, '--driver', 'auto'], WITHOUT);
    t.is(made.code, 0, made.stderr);
    t.regex(made.stderr, /it is a veth: this kernel has no netkit/);
    t.is(await deviceKindOf(lab, ns), 'veth');
    const again = await lab.dpctl(['attach', ns, '--driver', 'auto'], WITHOUT);
    t.regex(again.stderr, /^unchanged /);
    t.is((await lab.dpctl(['status'])).code, 0);
  }),
);

test.serial('status names the feature as the kernel has it', (t) =>
  onLab(async (lab) => {
    const rows = async (options = {}) => {
      const { stdout } = await lab.dpctl(['status', '--features', '-j'], options);
      return JSON.parse(stdout) as { feature: string; here: boolean; required: boolean }[];
    };
    const row = (await rows()).find(({ feature }) => feature === 'netkit');
    t.like(row, { here: netkit() === undefined, required: false });
    const hidden = (await rows(WITHOUT)).find(({ feature }) => feature === 'netkit');
    t.like(hidden, { here: false });
  }),
);

test.serial('a veth is the default, and stays one', (t) =>
  onLab(async (lab) => {
    const one = await join(lab, 'a');
    t.is(await deviceKindOf(lab, one.ns), 'veth');
    await attach(lab, one.ns, '--driver', 'veth');
    await attach(lab, one.ns, '--driver', 'auto');
    t.is(await deviceKindOf(lab, one.ns), 'veth');
  }),
);

withNetkit.serial('netkit endpoints are made as requested, and repeated nothing changes', (t) =>
  onLab(async (lab) => {
    const [ns, other] = [await lab.container('a'), await lab.container('b')];
    const plan = await lab.must('attach', ns, '--driver', 'netkit', '--dry-run');
    t.regex(plan.stdout, /pair\.create +dp000001 +netkit peer/);
    const made = await lab.must('attach', ns, '--driver', 'netkit', '--mtu', '1400');
    t.regex(made.stderr, /^attached .* mtu 1400 \(netkit, tcx, /);
    await lab.must('attach', other, '--driver', 'auto');
    const rows = await lab.json<Row[]>(['endpoints']);
    t.deepEqual(
      rows.map(({ driver }) => driver),
      ['netkit', 'netkit'],
    );
    for (const { ns: inside, mac, host_ifname } of rows) {
      const [near, far] = [
        await linkOf(lab, lab.node, host_ifname),
        await linkOf(lab, inside, 'eth0'),
      ];
      t.is(far?.address, mac);
      for (const link of [near, far]) {
        t.is(link?.linkinfo?.info_kind, 'netkit');
        t.false(link?.flags.includes('NOARP'));
      }
    }
    for (const driver of ['netkit', 'auto']) {
      t.regex((await lab.must('attach', ns, '--driver', driver)).stderr, /^unchanged /);
    }
    t.regex((await lab.must('attach', ns)).stderr, /^unchanged /);
    t.regex((await lab.must('attach', ns, '--mtu', '1300')).stderr, /^changed .* mtu 1300 /);
    const mac = '02:00:00:00:00:77';
    t.regex((await lab.must('attach', ns, '--mac', mac)).stderr, /^changed /);
    t.is((await linkOf(lab, ns, 'eth0'))?.address, mac);
    t.true(await pings(other, rows[0]?.ip4.split('/')[0] ?? ''));
    t.regex((await lab.must('status')).stdout, /^endpoints +2 \(2 netkit\)$/m);
    await refused(t, lab, [ns], ['attach', ns, '--driver', 'veth'], {
      code: 'DRIVER_DIFFERS',
      exit: 1,
      message: /is a netkit, and cannot change its driver/,
      hint: /dpctl detach .*, then dpctl attach .* --driver veth/,
    });
  }),
);

withNetkit.serial('netkit and veth endpoints of one network have everything in common', (t) =>
  onLab(async (lab) => {
    const one = await join(lab, 'a', '--driver', 'netkit');
    const two = await join(lab, 'b', '--driver', 'netkit');
    const veth = await join(lab, 'c');
    for (const [from, to] of [
      [one, two],
      [one, veth],
      [veth, one],
    ] as const) {
      await everything(t, from, to);
    }
    const seen = await capture(t, two.ns, 'tcp dst port 5600');
    t.true(await tcpBothWays(t, veth.ns, two.ns, two.ip4, 8 << 20));
    const large = (await seen.stop()).filter(({ length }) => length > 1514);
    t.true(large.length > 10, `${large.length} segments over the MTU arrive whole`);

    // A flood reaches both kinds, from both kinds: IPv6's all-nodes group.
    for (const [from, others] of [
      [veth, [one, two]],
      [one, [two, veth]],
    ] as const) {
      const answers = await ping(from.ns, 'ff02::1%eth0');
      for (const { ns } of others) {
        const link = await lab.within(ns, 'ip', '-6', '-o', 'addr', 'show', 'scope', 'link');
        const own = /inet6 (\S+)\//.exec(link)?.[1] ?? 'none';
        t.true(answers.stdout.includes(`from ${own}%eth0`), `${own} answers ${answers.stdout}`);
      }
    }

    await lab.within(one.ns, 'ip', 'addr', 'add', '10.201.99.1/16', 'dev', 'eth0');
    t.false(await pings(one.ns, veth.ip4, '-I', '10.201.99.1'), 'the source is locked');
    t.true(await pings(one.ns, veth.ip4));
    t.is((await lab.dpctl(['status'])).code, 0);
  }),
);

withNetkit.serial('the host reaches netkit endpoints through its gateway', (t) =>
  onLab(async (lab) => {
    await lab.must('network', 'add', 'lan', '--subnet', '10.70.0.0/24', '--gateway');
    const one = await join(lab, 'a', '--network', 'lan', '--driver', 'netkit');
    t.true(await pings(lab.node, one.ip4));
    t.true(await pings(one.ns, '10.70.0.1', '-s', '4000'));
    t.true(await tcpBothWays(t, lab.node, one.ns, one.ip4, 8 << 20));
    t.true(await tcpBothWays(t, one.ns, lab.node, '10.70.0.1', 8 << 20));
  }),
);

withNetkit.serial('another build takes over under a flood, and not a packet is lost', (t) =>
  onLab(async (lab) => {
    const one = await join(lab, 'a', '--driver', 'netkit');
    const two = await join(lab, 'b', '--driver', 'netkit');
    const dir = path(lab.root, 'other');
    cpSync(BUILT, dir, { recursive: true });
    // Bytes behind the end of an ELF file mean nothing.
    appendFileSync(path(dir, 'endpoint.bpf.o'), 'other');
    const flood = start(t, one.ns, ['ping', '-f', '-w', '8', two.ip4]);
    await sleep(500);
    const { stderr } = await lab.dpctl(['reconcile'], { env: { DPCTL_BPF_DIR: dir } });
    t.regex(stderr, /tc\.attach/);
    const { stdout } = await flood.ended(60_000);
    t.regex(stdout, / 0% packet loss/);
    t.log(stdout.split('\n').at(-3));
  }),
);

withNetkit.serial('a pair that is deleted by hand is made again, as netkit', (t) =>
  onLab(async (lab) => {
    const one = await join(lab, 'a', '--driver', 'netkit');
    const two = await join(lab, 'b');
    for (const [ns, ifname] of [
      [lab.node, one.host_ifname],
      [one.ns, 'eth0'],
    ] as const) {
      await lab.within(ns, 'ip', 'link', 'del', ifname);
      t.is((await lab.dpctl(['status'])).code, 4);
      await lab.must('reconcile');
      t.is((await lab.dpctl(['status'])).code, 0);
      t.is((await linkOf(lab, one.ns, 'eth0'))?.linkinfo?.info_kind, 'netkit');
      await everything(t, two, one);
    }
  }),
);

withNetkit.serial('detach, a namespace that goes, and reset leave nothing', (t) =>
  onLab(async (lab) => {
    const [a, b, c] = [
      await lab.container('a'),
      await lab.container('b'),
      await lab.container('c'),
    ];
    const before = await takeSnapshot(lab, [a, b]);
    for (const ns of [a, b, c]) await lab.must('attach', ns, '--driver', 'netkit');
    await lab.must('detach', a);
    t.is(await linkOf(lab, a, 'eth0'), undefined);
    t.regex((await lab.must('detach', a)).stderr, /unchanged/);
    await lab.within(lab.node, 'ip', 'netns', 'del', c);
    await lab.must('reconcile');
    t.deepEqual(
      (await lab.json<Row[]>(['endpoints'])).map(({ ns }) => ns),
      [b],
    );
    await lab.must('reset', '--yes');
    t.deepEqual(differences(before, await takeSnapshot(lab, [a, b])), []);
  }),
);

withNetkit.serial('a foreign netkit is not adopted', (t) =>
  onLab(async (lab) => {
    const ns = await lab.container('a');
    await lab.within(ns, 'ip', 'link', 'add', 'eth0', 'type', 'netkit');
    await refused(t, lab, [ns], ['attach', ns], {
      code: 'INTERFACE_EXISTS',
      exit: 1,
      message: /it is not a veth \(netkit\)/,
      hint: /--ifname eth/,
    });
  }),
);

for (const [underlay, decap] of [
  ['gso', 'tc'],
  ['wire', 'tc-gro'],
  ['wire', 'xdp'],
] as const) {
  withNetkit.serial(`netkit endpoints of two nodes: ${underlay}, ${decap}`, (t) =>
    onNodes(['--endpoints', '1', '--underlay', underlay, '--decap', decap], async (nodes) => {
      const attached: Attached[] = [];
      for (const node of ['n1', 'n2']) {
        const ns = await nodes.container(`${node}e9`);
        const options = ['--network', 'net1', '--driver', 'netkit'];
        const row = await nodes.json<Attached>(node, 'attach', ns, ...options);
        attached.push({
          ...row,
          ip4: row.ip4.split('/')[0] ?? '',
          ip6: row.ip6.split('/')[0] ?? '',
        });
      }
      const [one, two] = attached as [Attached, Attached];
      await everything(t, one, two);
      t.true(await pings(one.ns, '10.210.2.1'), 'a veth of the other node');
      t.true(await tcpBothWays(t, nodes.ns('n2e1'), one.ns, one.ip4, 8 << 20));
      for (const node of ['n1', 'n2']) await nodes.must(node, 'status');
    }),
  );
}
