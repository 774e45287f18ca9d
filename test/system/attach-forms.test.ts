/** All forms of naming, creating and connecting a namespace, and contexts from which dpctl may run. */
import { existsSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { type Attached, attach, join } from './helpers/attached-containers.js';
import { ping, pings } from './helpers/conversation.js';
import { DPCTL, type Lab, openLab, type Ran, run } from './helpers/lab.js';
import { eventually, start } from './helpers/process.js';

let lab: Lab;
let peer: Attached;

test.before(async () => {
  lab = await openLab();
  peer = await join(lab, 'peer');
});
test.after.always(() => lab.close());

const ownNetns = readlinkSync('/proc/self/ns/net');

/** Run dpctl in the tests' namespace: outside of the node's, on the same root. */
function outside(...args: string[]): Promise<Ran> {
  return run([process.execPath, DPCTL, '--root', lab.root, ...args]);
}

async function namespaces(): Promise<string[]> {
  return (await lab.json<Attached[]>(['endpoints'])).map(({ ns }) => ns);
}

test.serial('a namespace may be named by its path', async (t) => {
  const ns = await lab.container('path');
  const it = await attach(lab, `/run/netns/${ns}`);
  t.true(await pings(ns, peer.ip4));
  t.true(await pings(peer.ns, it.ip6));
  t.regex((await lab.must('attach', ns)).stderr, /^unchanged /, 'it is the same by its name');
  await lab.must('detach', ns);
  t.deepEqual(await namespaces(), [peer.ns]);
});

test.serial(
  'a namespace may be named by a process that lives in it, and ends with it',
  async (t) => {
    const sleeper = start(t, '', ['unshare', '-n', 'sleep', '60']);
    const netns = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`);
    t.true(await eventually(() => netns(sleeper.pid) !== netns('self')));
    const it = await attach(lab, String(sleeper.pid));
    t.true(await pings(peer.ns, it.ip4));
    t.deepEqual(await namespaces(), [peer.ns, String(sleeper.pid)]);
    t.regex((await lab.must('attach', `/proc/${sleeper.pid}/ns/net`)).stderr, /^unchanged /);
    await sleeper.stop();
    t.true(await eventually(async () => (await lab.dpctl(['status'])).code === 4));
    await lab.must('reconcile');
    t.deepEqual(await namespaces(), [peer.ns]);
  },
);

test.serial('a namespace that outlives its process can be named again', async (t) => {
  const first = start(t, '', ['unshare', '-n', 'sleep', '60']);
  const netns = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`);
  t.true(await eventually(() => netns(first.pid) !== netns('self')));
  const inside = `--net=/proc/${first.pid}/ns/net`;
  const second = start(t, '', ['nsenter', inside, 'sleep', '60']);
  t.true(await eventually(() => netns(second.pid) === netns(first.pid)));
  const subnet = ['--subnet', '10.77.0.0/24'];
  await lab.must('network', 'add', 'kept', ...subnet);
  const it = await attach(lab, String(first.pid), '--network', 'kept');
  await first.stop();
  t.true(await eventually(() => !existsSync(`/proc/${first.pid}`)));

  const gateway = ['network', 'add', 'kept', ...subnet, '--gateway', '10.77.0.1'];
  const partial = await lab.dpctl(gateway);
  t.is(partial.code, 2, partial.stderr);
  t.regex(partial.stderr, /^error\[ENDPOINTS_FAILED\]: .* cannot change eth0 of endpoint \d+/);
  t.regex(partial.stderr, /try: dpctl attach REF, .* or dpctl detach \d+$/m);

  const again = [String(second.pid), '--network', 'kept', '--ip', '10.77.0.50'];
  await lab.must('attach', ...again);
  const addresses = ['nsenter', `--net=/proc/${second.pid}/ns/net`, 'ip', '-4', 'addr', 'show'];
  const { stdout } = await run([...addresses, 'eth0']);
  t.regex(stdout, /inet 10\.77\.0\.50\/24/);
  t.false(stdout.includes(`${it.ip4}/`), 'the old address is gone');
  t.true((await namespaces()).includes(String(second.pid)));
  t.regex((await lab.must('attach', ...again)).stderr, /^unchanged /);
  await lab.must(...gateway);
  t.is((await lab.dpctl(['status'])).code, 0);
  await lab.must('detach', String(second.pid));
  await lab.must('network', 'del', 'kept');
});

test.serial('a path is the same one from every directory', async (t) => {
  const ns = await lab.container('rel');
  const shell = 'cd /run/netns && exec "$@"';
  const command = [process.execPath, DPCTL, '--root', lab.root, 'attach', `./${ns}`];
  const { code, stderr } = await run(['sh', '-c', shell, 'sh', ...command]);
  t.is(code, 0, stderr);
  await lab.must('attach', ns, '--ip', '10.201.0.77');
  t.regex(await lab.within(ns, 'ip', 'addr', 'show', 'eth0'), /10\.201\.0\.77/);
  await lab.must('detach', ns);
});

test.serial('--create makes the namespace, and detach deletes it', async (t) => {
  const ns = `${lab.node}made`;
  t.teardown(() => run(['ip', 'netns', 'del', ns]));
  const it = await attach(lab, ns, '--create');
  t.true(await pings(ns, peer.ip4));
  t.true(await pings(peer.ns, it.ip4));
  t.regex(await lab.within(ns, 'ip', 'link', 'show', 'lo'), /UP/);
  t.regex((await lab.must('attach', ns, '--create')).stderr, /^unchanged /);
  const { stderr } = await lab.must('detach', ns);
  t.regex(stderr, new RegExp(`^detached ${ns}: .*\\nnamespace ${ns} deleted$`));
  t.not((await run(['ip', 'netns', 'exec', ns, 'true'])).code, 0);

  const own = await lab.container('own');
  await attach(lab, own, '--create');
  await lab.must('detach', own);
  t.is((await lab.inside(own, ['true'])).code, 0, 'one that was there stays');
});

test.serial('a namespace made by --create stays while another process uses it', async (t) => {
  const ns = `${lab.node}used`;
  t.teardown(() => run(['ip', 'netns', 'del', ns]));
  await attach(lab, ns, '--create');
  const sleeper = start(t, ns, ['sleep', '60']);
  t.true(await eventually(() => readlinkSync(`/proc/${sleeper.pid}/ns/net`) !== ownNetns));
  const withProcess = await lab.must('detach', ns);
  t.regex(withProcess.stderr, /\nnote: namespace \S+ is kept, for process \d+ \(sleep\) is in it/);
  await sleeper.stop();
  await run(['ip', 'netns', 'del', ns]);

  await attach(lab, ns, '--create');
  await lab.within(ns, 'ip', 'link', 'add', 'theirs', 'type', 'veth', 'peer', 'name', 'theirs2');
  const withDevice = await lab.dpctl(['detach', ns, '-j']);
  t.like(JSON.parse(withDevice.stdout), [{ ns, namespace_deleted: false }]);
  t.regex(withDevice.stderr, /^note: namespace \S+ is kept, for interface theirs2? is in it/);
  t.is((await lab.inside(ns, ['ip', 'link', 'show', 'theirs'])).code, 0);
});

test.serial('MAC, MTU, interface and addresses are as requested', async (t) => {
  const mac = '02:11:22:33:44:55';
  const options = ['--mac', mac, '--mtu', '1400', '--ifname', 'net7'];
  const it = await join(lab, 'own1', ...options, '--ip', '10.201.7.7', '--ip', 'fd00:c9::7:7');
  t.like(it, { mac, ifname: 'net7', ip4: '10.201.7.7', ip6: 'fd00:c9::7:7' });
  const link = await lab.within(it.ns, 'ip', 'addr', 'show', 'dev', 'net7');
  for (const text of [mac, 'mtu 1400', '10.201.7.7/16', 'fd00:c9::7:7/64'])
    t.true(link.includes(text), text);
  const host = await lab.within(lab.node, 'ip', 'link', 'show', 'dev', it.host_ifname);
  t.regex(host, /mtu 1400/);
  t.true(await pings(peer.ns, '10.201.7.7'));
  t.true(await pings(peer.ns, 'fd00:c9::7:7'));

  await lab.must('attach', it.ns, '--ifname', 'net7', '--mtu', '1300', '--ip', '10.201.7.8');
  const after = await lab.within(it.ns, 'ip', 'addr', 'show', 'dev', 'net7');
  for (const text of [mac, 'mtu 1300', '10.201.7.8/16', 'fd00:c9::7:7/64'])
    t.true(after.includes(text), text);
  t.false(after.includes('10.201.7.7/'), 'the former address is gone');
  t.true(await pings(peer.ns, '10.201.7.8'));
  t.false(await pings(peer.ns, '10.201.7.7', '-c', '1'));
});

test.serial('a second endpoint on one network says how its addresses come to answer', async (t) => {
  const ns = await lab.container('twice');
  await attach(lab, ns);
  const { stderr } = await lab.must('attach', ns, '--ifname', 'eth1');
  const rows = await lab.json<{ ns: string; ifname: string; ip4: string; ip6: string }[]>([
    'endpoints',
  ]);
  const second = rows.find((row) => row.ns === ns && row.ifname === 'eth1');
  const addresses = [second?.ip4, second?.ip6].map((address = '') => address.split('/')[0] ?? '');
  t.false(await pings(peer.ns, addresses[0] ?? '', '-c', '1', '-W', '1'));
  const commands = new RegExp(`^note: ${ns} has eth0 on default too: .*, in ${ns}: (.*)$`, 'm');
  const [, told = ''] = commands.exec(stderr) ?? [];
  t.is(told.split('; ').length, 4, stderr);
  for (const command of told.split('; ')) await lab.within(ns, ...command.split(' '));
  for (const address of addresses) t.true(await pings(peer.ns, address), address);
  await lab.must('detach', ns);
});

test.serial('a namespace may have several endpoints, and lose one of them', async (t) => {
  await lab.must('network', 'add', 'second', '--subnet', '10.33.0.0/24');
  const both = await join(lab, 'both');
  const second = await attach(lab, both.ns, '--network', 'second', '--ifname', 'eth1');
  const there = await join(lab, 'there', '--network', 'second');
  t.true(await pings(both.ns, peer.ip4));
  t.true(await pings(there.ns, second.ip4));
  await lab.must('detach', both.ns, '--ifname', 'eth0');
  t.false(await pings(peer.ns, both.ip4, '-c', '1'));
  t.true(await pings(there.ns, second.ip4), 'the other one stays');
  t.regex(await lab.within(both.ns, 'ip', '-o', 'link'), /eth1/);
  await lab.must('attach', both.ns);
  await lab.must('detach', both.ns);
  t.false((await namespaces()).includes(both.ns), 'without --ifname, all of them go');
  t.notRegex(await lab.within(both.ns, 'ip', '-o', 'link'), /eth/);
});

test.serial('an existing veth is adopted, and restored by detach', async (t) => {
  const ns = await lab.container('adopt');
  const veth = ['veth0', 'mtu', '1420', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns];
  await lab.within(lab.node, 'ip', 'link', 'add', ...veth);
  await lab.within(lab.node, 'ip', 'link', 'set', 'veth0', 'alias', 'mine', 'up');
  await lab.within(ns, 'ip', 'link', 'set', 'eth0', 'mtu', '1420', 'up');
  await lab.within(ns, 'ip', 'addr', 'add', '10.201.60.1/16', 'dev', 'eth0');
  await lab.within(ns, 'ip', 'addr', 'add', '172.20.0.1/24', 'dev', 'eth0');
  await lab.within(ns, 'ip', 'route', 'add', '198.51.100.0/24', 'via', '10.201.60.9');
  const look = async () => [
    await lab.within(ns, 'ip', '-j', 'addr', 'show', 'dev', 'eth0'),
    await lab.within(ns, 'ip', 'route'),
    await lab.within(ns, 'ip', '-d', 'link', 'show', 'eth0'),
    await lab.within(lab.node, 'ip', '-d', 'link', 'show', 'veth0'),
    await lab.within(lab.node, 'tc', 'qdisc', 'show', 'dev', 'veth0'),
  ];
  // A link-local address appears a moment after the link is up.
  t.true(await eventually(async () => !/tentative/.test((await look())[0] ?? '')));
  const before = await look();
  const { stderr } = await lab.must('attach', ns);
  t.regex(stderr, /eth0 10\.201\.60\.1\/16/);
  t.true(await pings(peer.ns, '10.201.60.1'));
  const [row] = (await lab.json<(Attached & { flags: string[] })[]>(['endpoints'])).filter(
    (each) => each.ns === ns,
  );
  t.like(row, { host_ifname: 'veth0' });
  t.true(row?.flags.includes('adopted'));
  await lab.must('detach', ns);
  const strip = (text: string) => text.replaceAll(/"(valid|preferred)_life_time":\d+/g, '');
  t.deepEqual((await look()).map(strip), before.map(strip));
});

test.serial(
  'it is one node from inside its namespace, from a container and from outside',
  async (t) => {
    const [a, b] = [await lab.container('in'), await lab.container('out')];
    t.is((await lab.dpctl(['attach', a])).code, 0);
    const made = await outside('attach', b);
    t.is(made.code, 0, made.stderr);
    const addresses = await lab.json<Attached[]>(['endpoints']);
    const ip4 = (ns: string) => addresses.find((each) => each.ns === ns)?.ip4.split('/')[0] ?? '';
    t.true(await pings(a, ip4(b)));
    const views = [
      await lab.dpctl(['dump', 'fdb', '-j']),
      await outside('dump', 'fdb', '-j'),
      await run([
        'ip',
        'netns',
        'exec',
        a,
        process.execPath,
        DPCTL,
        '--root',
        lab.root,
        'dump',
        'fdb',
        '-j',
      ]),
    ];
    const macs = views.map(({ stdout }) =>
      (JSON.parse(stdout) as { mac: string }[]).map(({ mac }) => mac).sort(),
    );
    t.deepEqual(macs[1], macs[0]);
    t.deepEqual(macs[2], macs[0]);
    const links = await lab.within(lab.node, 'ip', '-o', 'link', 'show', 'type', 'veth');
    t.true(
      links.includes(addresses.find((each) => each.ns === b)?.host_ifname ?? '?'),
      'made in the node',
    );
    const gone = await outside('detach', a);
    t.is(gone.code, 0, gone.stderr);
    t.regex((await lab.must('attach', b)).stderr, /^unchanged/);
    await lab.must('detach', b);
  },
);

test.serial('twenty commands at once all succeed, and no two get the same', async (t) => {
  const labels = Array.from({ length: 20 }, (_, n) => `m${n}`);
  const crowd = await Promise.all(labels.map((label) => lab.container(label)));
  const env = { DPCTL_LOCK_TIMEOUT: '60000' };
  const argv = [process.execPath, DPCTL, '--root', lab.root];
  const done = await Promise.all(
    crowd.map((ns, n) =>
      n % 2 === 0
        ? lab.dpctl(['attach', ns], { env, timeout: 60_000 })
        : run([...argv, 'attach', ns], { env, timeout: 60_000 }),
    ),
  );
  for (const { code, stderr } of done) t.is(code, 0, stderr);
  const rows = (await lab.json<(Attached & { id: number })[]>(['endpoints'])).filter(({ ns }) =>
    crowd.includes(ns),
  );
  t.is(rows.length, 20);
  for (const key of ['id', 'ip4', 'ip6', 'mac', 'ifindex', 'host_ifname'] as const) {
    t.is(new Set(rows.map((row) => row[key])).size, 20, key);
  }
  const [first] = rows;
  for (const row of rows.slice(1)) {
    const { code, stdout } = await ping(first?.ns ?? '', row.ip4.split('/')[0] ?? '', '-c', '1');
    t.is(code, 0, stdout);
  }
  t.is((await lab.dpctl(['status'])).code, 0);
  const left = await Promise.all(
    crowd.map((ns) => lab.dpctl(['detach', ns], { env, timeout: 60_000 })),
  );
  for (const { code, stderr } of left) t.is(code, 0, stderr);
  t.is((await lab.dpctl(['status'])).code, 0);
});
