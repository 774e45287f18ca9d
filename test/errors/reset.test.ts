/** reset removes every trace, whatever the state of the node. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { differences, type Snapshot, takeSnapshot } from '../helpers/snapshot.js';
import { DPCTL, type Lab, openLab, run } from '../system/helpers/lab.js';

/** A node that has one of everything, and the state of its machine before. */
interface Used {
  readonly lab: Lab;
  /** Namespaces: attached; with an existing veth; to be created by dpctl. */
  readonly plain: string;
  readonly adopted: string;
  readonly made: string;
  readonly before: Snapshot;
  look(): Promise<Snapshot>;
}

async function onUsed(t: ExecutionContext, use: (used: Used) => Promise<void>): Promise<void> {
  t.timeout(120_000);
  const lab = await openLab();
  const made = `${lab.node}m`;
  try {
    const [plain, adopted] = [await lab.container('p'), await lab.container('d')];
    await lab.within(lab.node, 'sysctl', '-qw', 'net.ipv6.conf.all.forwarding=0');
    await giveVeth(lab, adopted);
    // Forwarding is already on for this device, and only for this one.
    for (const family of ['ipv4', 'ipv6']) {
      await lab.within(lab.node, 'sysctl', '-qw', `net.${family}.conf.vh0.forwarding=1`);
    }
    await lab.within(lab.node, 'nft', 'add', 'table', 'inet', 'somebody');
    const look = (): Promise<Snapshot> => takeSnapshot(lab, [plain, adopted, made]);
    const before = await look();
    const subnets = ['--subnet', '10.66.0.0/24', '--subnet', 'fd66::/64'];
    await lab.must('network', 'add', 'blue', ...subnets, '--gateway', '--masquerade', '--big-tcp');
    await lab.must('attach', plain, '--network', 'blue', '--no-lock');
    await lab.must('attach', adopted, '--network', 'blue');
    await lab.must('attach', made, '--create');
    await lab.must('attach', plain, '--ifname', 'eth1');
    await lab.must('fdb', 'add', '02:00:00:00:11:11', plain, '--network', 'blue');
    await lab.within(plain, 'ping', '-c', '1', '-W', '1', '10.66.0.1');
    await use({ lab, plain, adopted, made, before, look });
  } finally {
    await lab.close();
    await run(['ip', 'netns', 'del', made]);
  }
}

async function giveVeth(lab: Lab, ns: string): Promise<void> {
  const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', ns];
  await lab.within(lab.node, 'ip', 'link', 'add', 'vh0', ...peer);
  await lab.within(lab.node, 'ip', 'link', 'set', 'vh0', 'alias', 'of somebody');
  await lab.within(ns, 'ip', 'addr', 'add', '10.66.0.99/24', 'dev', 'eth0');
  await lab.within(ns, 'ip', 'link', 'set', 'eth0', 'up');
}

async function resetLeavesNothing(t: ExecutionContext, used: Used, when: string): Promise<void> {
  const { code, stderr } = await used.lab.dpctl(['reset', '--yes']);
  t.is(code, 0, stderr);
  t.deepEqual(differences(used.before, await used.look()), [], when);
}

test.serial('of a node that has one of everything nothing is left', (t) =>
  onUsed(t, async (used) => {
    await resetLeavesNothing(t, used, 'reset');
    const again = await used.lab.dpctl(['reset', '--yes']);
    t.is(again.code, 0, again.stderr);
    t.deepEqual(differences(used.before, await used.look()), [], 'reset again');
    await used.lab.must('attach', used.plain);
    await resetLeavesNothing(t, used, 'used again, reset again');
  }),
);

test.serial('a node that was never used is left alone', async (t) => {
  const lab = await openLab();
  try {
    const before = await takeSnapshot(lab, []);
    const { code, stdout } = await lab.dpctl(['reset', '--yes']);
    t.is(code, 0);
    t.is(stdout, '');
    t.deepEqual(differences(before, await takeSnapshot(lab, [])), []);
    t.is((await lab.dpctl(['reset', '--dry-run', '-o', 'json'])).stdout.trim(), '[]');
  } finally {
    await lab.close();
  }
});

test.serial('a dry run lists the removals and removes nothing', (t) =>
  onUsed(t, async ({ lab, made, look }) => {
    const before = await look();
    const rows = await lab.json<{ step: string; subject: string }[]>(['reset', '--dry-run']);
    t.deepEqual(differences(before, await look()), []);
    const lines = rows.map(({ step, subject }) => `${step} ${subject}`);
    t.true(lines.includes(`remove namespace ${made}`));
    t.true(lines.includes('remove gateway blue'));
    t.true(lines.includes('remove sysctl net.ipv4.ip_forward'));
  }),
);

test.serial('from another place than the node', (t) =>
  onUsed(t, async (used) => {
    const { lab } = used;
    const command = [process.execPath, DPCTL, '--root', lab.root, 'reset', '--yes'];
    const ran = await run(command);
    t.is(ran.code, 0, ran.stderr);
    t.deepEqual(differences(used.before, await used.look()), []);
  }),
);

test.serial('endpoints whose namespaces are gone', (t) =>
  onUsed(t, async (used) => {
    const { lab, plain, made } = used;
    await run(['ip', 'netns', 'del', plain]);
    await run(['ip', 'netns', 'del', made]);
    await lab.must('reset', '--yes');
    await lab.container('p');
    t.deepEqual(differences(used.before, await used.look()), []);
  }),
);

test.serial('a host end and a pinned link removed by hand', (t) =>
  onUsed(t, async (used) => {
    const { lab } = used;
    await lab.within(lab.node, 'ip', 'link', 'del', 'dp000002');
    rmSync(join(lab.root, 'run/dpctl/bpf/links/3'));
    await resetLeavesNothing(t, used, 'reset');
  }),
);

test.serial('a store with a bad field: everything that it still records is restored', (t) =>
  onUsed(t, async (used) => {
    const path = join(used.lab.root, 'run/dpctl/endpoints.json');
    damage(path, (text) => text.replace('"mtu":1500', '"mtu":"many"'));
    t.is((await used.lab.dpctl(['endpoints'])).code, 5);
    const { code, stderr } = await used.lab.dpctl(['reset', '--yes']);
    t.is(code, 0, stderr);
    const left = differences(used.before, await used.look());
    // The node whose record cannot be read keeps the changes inside its namespace.
    t.deepEqual(
      left.filter((line) => !line.includes(used.adopted)),
      [],
    );
  }),
);

test.serial('an unreadable store', (t) =>
  onUsed(t, async (used) => {
    const { lab, made, adopted } = used;
    for (const file of ['run/dpctl/endpoints.json', 'var/lib/dpctl/state.json']) {
      damage(join(lab.root, file), (text) => text.slice(0, 20));
    }
    const { code, stderr } = await lab.dpctl(['reset', '--yes']);
    t.is(code, 0, stderr);
    // Nothing shows any more which namespace dpctl made, how an adopted veth was set, whether a loopback
    // was up, and the former value of a sysctl. Everything that the kernel itself shows is removed.
    const untold = new RegExp(`${made}|${adopted}| sysctls: |: vh0 |: lo `);
    const left = differences(used.before, await used.look());
    t.deepEqual(
      left.filter((line) => !untold.test(line)),
      [],
    );
    t.false(
      left.some((line) => line.includes('dpctl')),
      left.join('\n'),
    );
    await run(['ip', 'netns', 'del', made]);
  }),
);

test.serial('a build without its objects', (t) =>
  onUsed(t, async (used) => {
    const { lab } = used;
    const env = { DPCTL_BPF_DIR: join(lab.root, 'nowhere') };
    const { code, stderr } = await lab.dpctl(['reset', '--yes'], { env });
    t.is(code, 0, stderr);
    t.deepEqual(differences(used.before, await used.look()), []);
  }),
);

test.serial('an obstacle is reported, and everything else is removed', (t) =>
  onUsed(t, async (used) => {
    const { lab, look, before } = used;
    // A mount point in the directory stays while something is mounted on it.
    const obstacle = join(lab.root, 'var/lib/dpctl/mnt');
    await run(['mkdir', obstacle]);
    await run(['mount', '-t', 'tmpfs', 'none', obstacle]);
    try {
      const { code, stdout, stderr } = await lab.dpctl(['reset', '--yes']);
      t.is(code, 2);
      t.is(stdout, '');
      t.regex(stderr, /error\[RESET_INCOMPLETE\]: some things could not be removed: .*EBUSY/);
      t.regex(stderr, /^try: remove what prevents it, then: dpctl reset --yes/m);
    } finally {
      await run(['umount', obstacle]);
    }
    await lab.must('reset', '--yes');
    t.deepEqual(differences(before, await look()), []);
  }),
);

test.serial('a directory at the path of the lock', (t) =>
  onUsed(t, async (used) => {
    const { lab } = used;
    const lock = join(lab.root, 'run/dpctl/lock');
    rmSync(lock);
    mkdirSync(join(lock, 'deep'), { recursive: true });
    writeFileSync(join(lock, 'deep', 'file'), 'theirs');
    const { code, stderr } = await lab.dpctl(['reconcile']);
    t.is(code, 5, stderr);
    t.regex(stderr, /^error\[STORE_UNAVAILABLE\]: cannot lock .*run\/dpctl\/lock: EISDIR/);
    t.regex(stderr, /^try: remove that directory, or all that dpctl has made: dpctl reset$/m);
    await resetLeavesNothing(t, used, 'reset');
  }),
);

test.serial('files that others put there, and links that lead elsewhere, do no harm', (t) =>
  onUsed(t, async (used) => {
    const { lab } = used;
    const outside = join(lab.root, 'precious');
    writeFileSync(outside, 'do not touch');
    symlinkSync(outside, join(lab.root, 'run/dpctl/link'));
    await lab.must('reset', '--yes');
    const left = differences(used.before, await used.look());
    t.deepEqual(left, ['+ files: /precious do not touch']);
  }),
);

function damage(path: string, change: (text: string) => string): void {
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}
