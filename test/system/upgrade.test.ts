/** Another build of the datapath takes over while traffic is running. */
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join as path } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { feature, testRequiring } from '../helpers/requirements.js';
import { BROADCAST, eth, TYPE } from '../packet/helpers/frame.js';
import { type Attached, attach, join } from './helpers/attached-containers.js';
import { pings } from './helpers/conversation.js';
import { type Lab, openLab, run } from './helpers/lab.js';
import { eventually, sleep, start } from './helpers/process.js';
import { learnedMacs } from './helpers/tables.js';
import { sendFrame } from './helpers/wire.js';

const BUILT = fileURLToPath(new URL('../../bpf', import.meta.url));

const withTcx = testRequiring(feature('tcx'));

let lab: Lab;
let one: Attached;
let two: Attached;

test.before(async () => {
  lab = await openLab();
  one = await join(lab, 'a');
  two = await join(lab, 'b');
});
test.after.always(() => lab.close());

/** The same programs in a different file: bytes behind the end of an ELF file mean nothing. */
function otherBuild(name: string): { env: { DPCTL_BPF_DIR: string } } {
  const dir = path(lab.root, name);
  if (!existsSync(dir)) {
    mkdirSync(dir);
    cpSync(BUILT, dir, { recursive: true });
    appendFileSync(path(dir, 'endpoint.bpf.o'), name);
  }
  return { env: { DPCTL_BPF_DIR: dir } };
}

interface ProgramRow {
  readonly ns: string;
  readonly id: number;
  readonly hook: string;
}

/** The number of the program on each endpoint. */
async function programs(): Promise<Map<string, number>> {
  const rows = await lab.json<ProgramRow[]>(['dump', 'progs']);
  return new Map(rows.map(({ ns, id }) => [ns, id]));
}

function builds(): string[] {
  return readdirSync(path(lab.root, 'run/dpctl/bpf/programs'));
}

withTcx.serial(
  'reconcile moves all endpoints to the other build, and not a packet is lost',
  async (t) => {
    const before = await programs();
    const [oldBuild] = builds();
    const flood = start(t, one.ns, ['ping', '-f', '-w', '4', two.ip4]);
    const stream = start(t, two.ns, ['ping', '-i', '0.002', '-w', '4', '-q', one.ip6]);
    await sleep(500);
    for (const name of ['second', 'third', 'second']) {
      const { code, stderr } = await lab.dpctl(['reconcile'], otherBuild(name));
      t.is(code, 0, stderr);
      t.regex(stderr, /tc\.attach/);
    }
    for (const each of [flood, stream]) {
      const { stdout } = await each.ended();
      t.regex(stdout, / 0% packet loss/);
      const sent = Number(/(\d+) packets transmitted/.exec(stdout)?.[1]);
      t.true(sent > 300, `${sent} packets`);
    }
    const after = await programs();
    for (const { ns } of [one, two]) t.not(after.get(ns), before.get(ns));
    t.is(builds().length, 1, 'the programs of other builds are unpinned');
    t.notDeepEqual(builds(), [oldBuild]);
    const old = String(before.get(one.ns));
    const isGone = async () => (await run(['bpftool', 'prog', 'show', 'id', old])).code !== 0;
    t.true(await eventually(isGone), 'and gone from the kernel');
    t.is((await lab.dpctl(['status'], otherBuild('second'))).code, 0);
  },
);

withTcx.serial(
  'a command of the other build changes its own endpoint, the others stay as they are',
  async (t) => {
    await lab.must('reconcile');
    const before = await programs();
    const late = await lab.container('late');
    const { code, stderr } = await lab.dpctl(['attach', late], otherBuild('fourth'));
    t.is(code, 0, stderr);
    const after = await programs();
    for (const { ns } of [one, two]) t.is(after.get(ns), before.get(ns));
    t.not(after.get(late), before.get(one.ns));
    t.true(await pings(late, one.ip4), 'two builds work on the same tables');
    t.is((await lab.dpctl(['status'])).code, 4, 'and status of either names the difference');
    await lab.must('detach', late);
    await lab.must('reconcile');
    t.is((await lab.dpctl(['status'])).code, 0);
    t.true(await pings(one.ns, two.ip4));
  },
);

test.serial(
  'after dpctl was replaced, everything can be read before anything is changed',
  async (t) => {
    const other = otherBuild('newer');
    for (const table of ['fdb', 'neigh', 'endpoints', 'networks', 'stats', 'progs']) {
      const { code, stderr } = await lab.dpctl(['dump', table], other);
      t.is(code, 0, stderr);
    }
    t.is((await lab.dpctl(['fdb', 'flush'], other)).code, 0);
  },
);

test.serial('what was learned before is known and forgotten after', async (t) => {
  const open = await join(lab, 'o', '--no-lock');
  const mac = '02:00:00:00:00:31';
  const known = () => learnedMacs(lab).some((each) => each.mac === mac);
  await sendFrame(open.ns, eth(BROADCAST, mac, TYPE.other, Buffer.alloc(50)));
  await lab.dpctl(['reconcile'], otherBuild('fifth'));
  t.true(known());
  await sendFrame(open.ns, eth(BROADCAST, mac, TYPE.other, Buffer.alloc(50)));
  await lab.dpctl(['network', 'add', 'default', '--ageing', '1'], otherBuild('fifth'));
  await sleep(1500);
  const macs = (await lab.json<{ mac: string }[]>(['dump', 'fdb'])).map((row) => row.mac);
  t.false(macs.includes(mac));
  await lab.must('network', 'add', 'default', '--ageing', '300');
});

withTcx.serial('a build for a kernel that got tcx replaces the clsact filter', async (t) => {
  const older = await openLab({ env: { DPCTL_TC: 'clsact' } });
  t.teardown(() => older.close());
  const [left, right] = [await join(older, 'l'), await join(older, 'r')];
  const talk = start(t, left.ns, ['ping', '-i', '0.005', '-w', '3', '-q', right.ip4]);
  await sleep(300);
  const { env } = otherBuild('sixth');
  const { code, stderr } = await older.dpctl(['reconcile'], { env: { ...env, DPCTL_TC: '' } });
  t.is(code, 0, stderr);
  t.regex((await talk.ended()).stdout, / 0% packet loss/);
  for (const { host_ifname } of [left, right]) {
    t.is(await older.within(older.node, 'tc', 'filter', 'show', 'dev', host_ifname, 'ingress'), '');
    t.notRegex(await older.within(older.node, 'tc', 'qdisc', 'show', 'dev', host_ifname), /clsact/);
  }
  const rows = await older.json<ProgramRow[]>(['dump', 'progs']);
  t.deepEqual(
    rows.map(({ hook }) => hook),
    ['tcx', 'tcx'],
  );
  await attach(older, left.ns);
  t.true(await pings(left.ns, right.ip6));
});
