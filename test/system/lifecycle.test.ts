/** Events in an endpoint's life: deleted without dpctl, and repaired. */
import { rmSync } from 'node:fs';
import { join as path } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isArrayTable, type TableName } from '../../src/model/desired/table-entry.js';
import { BROADCAST, eth, TYPE } from '../packet/helpers/frame.js';
import { type Attached, attach, join } from './helpers/attached-containers.js';
import { pings } from './helpers/conversation.js';
import { counters } from './helpers/counters.js';
import { type Lab, openLab, run } from './helpers/lab.js';
import { entriesOf, learnedMacs, mapPath } from './helpers/tables.js';
import { sendFrame } from './helpers/wire.js';

interface Report {
  readonly healthy: boolean;
  readonly problems: readonly {
    readonly code: string;
    readonly subject: string;
    readonly message: string;
    readonly fix: string;
  }[];
}

let lab: Lab;
let peer: Attached;

test.before(async () => {
  lab = await openLab();
  peer = await join(lab, 'p');
});
test.after.always(() => lab.close());

/** The problems that status reports; its exit code must agree. */
async function problems(t: ExecutionContext): Promise<Report['problems']> {
  const { code, stdout, stderr } = await lab.dpctl(['status', '-o', 'json']);
  const report = JSON.parse(stdout || '{}') as Report;
  t.is(code, report.healthy ? 0 : 4, stderr);
  t.is(report.problems.length > 0, code === 4);
  return report.problems;
}

/** The endpoint is listed, and has connectivity in both families. */
async function works(t: ExecutionContext, it: Attached): Promise<void> {
  t.true(await pings(it.ns, peer.ip4), 'to the peer, IPv4');
  t.true(await pings(peer.ns, it.ip4), 'from the peer, IPv4');
  t.true(await pings(it.ns, peer.ip6), 'to the peer, IPv6');
  t.true(await pings(peer.ns, it.ip6), 'from the peer, IPv6');
}

async function rows(): Promise<Attached[]> {
  return lab.json<Attached[]>(['endpoints']);
}

test.serial("a deleted namespace's endpoint is removed, and its addresses are free", async (t) => {
  const doomed = await join(lab, 'd');
  await run(['ip', 'netns', 'del', doomed.ns]);
  const [problem, ...more] = await problems(t);
  t.like(problem, {
    code: 'NAMESPACE_GONE',
    subject: `${doomed.ns}/eth0`,
    fix: 'dpctl reconcile',
  });
  t.deepEqual(more, []);
  const { stderr } = await lab.must('reconcile');
  t.regex(stderr, new RegExp(`${doomed.ns} .*is gone with its namespace`));
  t.deepEqual(await problems(t), []);
  t.false((await rows()).some(({ ns }) => ns === doomed.ns));
  t.not((await lab.inside(lab.node, ['ip', 'link', 'show', doomed.host_ifname])).code, 0);

  const heir = await join(lab, 'e', '--ip', doomed.ip4, '--ip', doomed.ip6, '--mac', doomed.mac);
  await works(t, heir);
});

test.serial('a namespace of the same name is another one: it is attached again', async (t) => {
  const first = await join(lab, 'same');
  for (const repaired of [false, true]) {
    await run(['ip', 'netns', 'del', first.ns]);
    await run(['ip', 'netns', 'add', first.ns]);
    if (repaired) {
      await lab.must('reconcile');
      t.false(
        (await rows()).some(({ ns }) => ns === first.ns),
        'nobody asked for this one',
      );
    }
    const second = await attach(lab, first.ns);
    await works(t, second);
    t.is((await rows()).filter(({ ns }) => ns === first.ns).length, 1);
    t.deepEqual(await problems(t), []);
  }
});

test.serial(
  'a namespace of the same name inherits neither counters nor learned MACs',
  async (t) => {
    const MAC = '02:00:00:00:00:77';
    const first = await join(lab, 'heir', '--no-lock');
    await sendFrame(first.ns, eth(BROADCAST, MAC, TYPE.other, Buffer.alloc(50)));
    t.true(learnedMacs(lab).some(({ mac }) => mac === MAC));
    t.true(await pings(first.ns, peer.ip4));
    await run(['ip', 'netns', 'del', first.ns]);
    await run(['ip', 'netns', 'add', first.ns]);
    const second = await attach(lab, first.ns);
    t.false(
      learnedMacs(lab).some(({ mac }) => mac === MAC),
      'what was behind the first one leads nowhere',
    );
    const { packets } = (await counters(lab)).endpoint(second.ns, 'tx');
    t.true(packets < 4, `${packets} packets: only what a new interface says of itself`);
    await works(t, second);
    t.deepEqual(await problems(t), []);
  },
);

test.serial('a host end deleted by hand is recreated with the same addresses', async (t) => {
  const it = await join(lab, 'h');
  await lab.within(lab.node, 'ip', 'link', 'del', it.host_ifname);
  t.false(await pings(it.ns, peer.ip4, '-c', '1'));
  const found = await problems(t);
  t.true(
    found.some(({ subject }) => subject === it.host_ifname),
    JSON.stringify(found),
  );
  await lab.must('reconcile');
  t.deepEqual(await problems(t), []);
  const again = (await rows()).find(({ ns }) => ns === it.ns);
  t.like(again, { mac: it.mac, host_ifname: it.host_ifname });
  const link = await lab.within(it.ns, 'ip', 'addr', 'show', 'dev', 'eth0');
  for (const text of [it.mac, `${it.ip4}/16`, `${it.ip6}/64`]) t.true(link.includes(text), text);
  await works(t, it);
});

test.serial('attach repairs an endpoint too', async (t) => {
  const it = await join(lab, 'i');
  await lab.within(it.ns, 'ip', 'link', 'del', 'eth0');
  const { stderr } = await lab.must('attach', it.ns);
  t.regex(stderr, /^changed /);
  await works(t, it);
});

test.serial('a pinned link removed by hand is reported and restored', async (t) => {
  const it = await join(lab, 'l');
  const id = (await lab.json<(Attached & { id: number })[]>(['endpoints'])).find(
    ({ ns }) => ns === it.ns,
  )?.id;
  rmSync(path(lab.root, 'run/dpctl/bpf/links', `${id}`));
  const found = await problems(t);
  t.true(
    found.some(({ subject }) => subject.includes(`endpoint ${id}`)),
    JSON.stringify(found),
  );
  await lab.must('reconcile');
  await works(t, it);
  t.deepEqual(await problems(t), []);
});

test.serial('programs that are unpinned by hand do not stop traffic, and come back', async (t) => {
  const it = await join(lab, 'u');
  rmSync(path(lab.root, 'run/dpctl/bpf/programs'), { recursive: true });
  await works(t, it);
  await lab.must('reconcile');
  await works(t, it);
  t.deepEqual(await problems(t), []);
});

test.serial('a table entry deleted by hand is reported by status and restored', async (t) => {
  const it = await join(lab, 't', '--allow-prefix', '192.168.1.0/24');
  const names: Partial<Record<TableName, RegExp>> = {
    endpoint: new RegExp(`ifindex ${it.ifindex}\\b`),
    network: /vni 1\b/,
    fdb: new RegExp(it.mac),
    neigh: new RegExp(`${it.ip4}\\b|${it.ip6}\\b`),
    port: new RegExp(`ifindex ${it.ifindex}\\b`),
    prefix: /192\.168\.1\.0/,
  };
  for (const [table, name] of Object.entries(names) as [TableName, RegExp][]) {
    const before = entriesOf(lab, table);
    const ofIt = before.filter(({ key, value }) => belongsTo(it, table, key, value));
    t.true(ofIt.length > 0, table);
    for (const { key, value } of ofIt) await forget(table, key, value.length);
    t.is(entriesOf(lab, table).length, before.length - ofIt.length, table);
    const found = await problems(t);
    t.true(
      found.some(({ subject, message }) => subject === table && name.test(message)),
      JSON.stringify(found),
    );
    await lab.must('reconcile');
    const hex = (entries: typeof before) =>
      entries
        .map(({ key, value }) => `${hexOf(key)} ${table === 'fdb' ? '' : hexOf(value)}`)
        .sort();
    t.deepEqual(hex(entriesOf(lab, table)), hex(before), table);
    t.deepEqual(await problems(t), [], table);
  }
  await works(t, it);
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function belongsTo(it: Attached, table: TableName, key: Uint8Array, value: Uint8Array): boolean {
  if (table === 'network' || table === 'prefix') return true;
  const mac = it.mac.replaceAll(':', '');
  const ifindex = Buffer.alloc(4);
  ifindex.writeUInt32LE(it.ifindex);
  return [mac, ...(table === 'port' ? [hexOf(ifindex)] : [])].some((part) =>
    `${hexOf(key)} ${hexOf(value)}`.includes(part),
  );
}

/** By bpftool, as a person would. An array has no holes, so there zeros are written. */
async function forget(table: TableName, key: Uint8Array, size: number): Promise<void> {
  const bytes = (of: Uint8Array) => [
    'hex',
    ...[...of].map((byte) => byte.toString(16).padStart(2, '0')),
  ];
  const pinned = ['pinned', mapPath(lab, table), 'key', ...bytes(key)];
  const argv = isArrayTable(table)
    ? ['bpftool', 'map', 'update', ...pinned, 'value', ...bytes(new Uint8Array(size))]
    : ['bpftool', 'map', 'delete', ...pinned];
  const { code, stdout, stderr } = await run(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`);
}

test.serial('entries added to the tables by hand are removed by reconcile', async (t) => {
  const key = ['01', '00', '00', '00', '02', '00', '00', '00', '77', '77', '00', '00'];
  const value = ['02', '00', '00', '00', '01', '00', '00', '00', '01', '00', '00', '00'];
  const zeros = Array.from({ length: 28 }, () => '00');
  const argv = ['bpftool', 'map', 'update', 'pinned', mapPath(lab, 'fdb')];
  const { code, stderr } = await run([
    ...argv,
    'key',
    'hex',
    ...key,
    'value',
    'hex',
    ...value,
    ...zeros,
  ]);
  t.is(code, 0, stderr);
  t.true((await problems(t)).some(({ message }) => message.includes('02:00:00:00:77:77')));
  await lab.must('reconcile');
  t.deepEqual(await problems(t), []);
});
