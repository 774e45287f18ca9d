/** The output of each command, with a node in the kernel behind it. */
import test from 'ava';
import { execa } from 'execa';
import { DUMP_TABLES } from '../../src/api/dump.js';
import { allSchemas } from '../../src/cli/schemas/index.js';
import { jsonKey } from '../../src/cli/schemas/schema.js';
import { command, testRequiring } from '../helpers/requirements.js';
import { DPCTL, type Lab, openLab, type Ran } from '../system/helpers/lab.js';

type Row = Record<string, unknown>;

/** Runs a test with a node of its own and removes the node afterwards. */
async function withLab(use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await openLab();
  try {
    await use(lab);
  } finally {
    await lab.close();
  }
}

/** Keys that a schema documents. */
function documented(name: string): string[] {
  const schema = allSchemas().get(name);
  if (schema === undefined) throw new Error(`no schema ${name}`);
  return schema.columns.map(jsonKey).toSorted();
}

const keys = (row: Row | undefined): string[] => Object.keys(row ?? {}).toSorted();

const quiet = ({ code, stdout }: Ran) => ({ code, stdout });
const DONE = { code: 0, stdout: '' };

test.serial('attach reports on stderr, and prints data on stdout only on request', (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    const first = await lab.dpctl(['attach', ns]);
    t.deepEqual(quiet(first), DONE);
    t.regex(
      first.stderr,
      new RegExp(
        `^attached ${ns}: eth0 10\\.201\\.0\\.2/16 fd00:c9::2/64 mac 0a:58:0a:c9:00:02 ifindex [0-9]+ mtu 1500 \\((tcx|clsact), [0-9]+ ms\\)$`,
      ),
    );
    const again = await lab.dpctl(['attach', ns]);
    t.deepEqual(quiet(again), DONE);
    t.regex(again.stderr, new RegExp(`^unchanged ${ns}: eth0 10\\.201\\.0\\.2/16 `));
    const asked = await lab.dpctl(['attach', ns, '-j']);
    t.is(asked.stderr, '');
    const row: Row = JSON.parse(asked.stdout);
    t.deepEqual(keys(row), documented('attached'));
    t.is(row.changed, false);
    t.is((await lab.dpctl(['attach', ns, '-o', 'name'])).stdout, ns);

    const gone = await lab.dpctl(['detach', ns]);
    t.deepEqual(quiet(gone), DONE);
    t.regex(
      gone.stderr,
      new RegExp(`^detached ${ns}: eth0 10\\.201\\.0\\.2/16 .* \\([0-9]+ ms\\)$`),
    );
    const none = await lab.dpctl(['detach', ns]);
    t.deepEqual(none, { ...DONE, stderr: `unchanged: ${ns} is not attached` });
    t.is((await lab.dpctl(['detach', ns, '-j'])).stdout, '[]');
    await lab.must('attach', ns);
    const [removed] = await lab.json<Row[]>(['detach', ns]);
    t.deepEqual(keys(removed), documented('detached'));
    t.is(removed?.namespace_deleted, false);
  }),
);

test.serial('a dry run prints the plan and changes nothing', (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    const plan = await lab.dpctl(['attach', ns, '--dry-run']);
    t.is(plan.code, 0, plan.stderr);
    t.regex(plan.stdout, /^STEP +SUBJECT +DETAIL\n/);
    t.regex(plan.stdout, /\npair\.create /);
    const rows = await lab.json<Row[]>(['attach', ns, '--dry-run']);
    t.deepEqual(keys(rows[0]), documented('plan'));
    t.deepEqual(await lab.json(['endpoints']), []);
    t.is((await lab.dpctl(['network', 'list', '-o', 'name'])).stdout, '');
    await lab.must('attach', ns);
    const nothing = await lab.dpctl(['attach', ns, '--dry-run', '-j']);
    t.is(nothing.stdout, '[]');
  }),
);

test.serial('a failure leaves stdout empty and names code, cause and next step', (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    await lab.must('attach', ns, '--ip', '10.201.0.9');
    const other = await lab.container('b');
    const taken = await lab.dpctl(['attach', other, '--ip', '10.201.0.9']);
    t.deepEqual(quiet(taken), { code: 1, stdout: '' });
    t.regex(taken.stderr, /^error\[ADDRESS_IN_USE\]: .*10\.201\.0\.9.*\ntry: dpctl attach /);
    const json = await lab.dpctl(['attach', other, '--ip', '10.201.0.9', '-j']);
    t.deepEqual(quiet(json), { code: 1, stdout: '' });
    const error: Row = JSON.parse(json.stderr);
    t.deepEqual(Object.keys(error), ['code', 'msg', 'details', 'hint']);
    t.is(error.code, 'ADDRESS_IN_USE');
    const unknown = await lab.dpctl(['attach', `${ns}-no-such`]);
    t.deepEqual(quiet(unknown), { code: 3, stdout: '' });
    t.regex(unknown.stderr, /^error\[NETNS_NOT_FOUND\]: /);
  }),
);

test.serial("hints contain the command line's root", (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    const asFlag = { env: { DPCTL_ROOT: '' } };
    await lab.must('attach', ns);
    const clash = await lab.dpctl(['attach', ns, '--network', 'blue'], asFlag);
    t.is(clash.code, 1);
    const again = `dpctl --root ${lab.root} attach ${ns} --network blue --ifname NAME`;
    t.true(
      clash.stderr.includes(`\ntry: dpctl --root ${lab.root} detach ${ns}, or ${again} for`),
      clash.stderr,
    );
    const [row] = await lab.json<Row[]>(['endpoints']);
    await lab.within(lab.node, 'ip', 'link', 'del', String(row?.host_ifname));
    const ill = await lab.dpctl(['status'], asFlag);
    t.regex(ill.stdout, new RegExp(`\\ntry: dpctl --root ${lab.root} reconcile\\n`));
    const shorter = await lab.dpctl(['status']);
    t.regex(shorter.stdout, /\ntry: dpctl reconcile\n/, 'the environment gives the root');
  }),
);

test.serial('lists in each output format', (t) =>
  withLab(async (lab) => {
    const empty = await lab.dpctl(['endpoints']);
    t.regex(empty.stdout, /^NS +IFNAME +NETWORK /);
    t.regex(empty.stderr, /^no endpoints; `dpctl attach NS`/);
    t.deepEqual(await lab.json(['endpoints']), []);
    const ns = await lab.container('a');
    await lab.must('attach', ns, '--isolated');
    const [row] = await lab.json<Row[]>(['endpoints']);
    t.deepEqual(keys(row), documented('endpoint'));
    t.deepEqual(row?.flags, ['lock', 'isolated']);
    t.is((await lab.dpctl(['endpoints', '-o', 'name'])).stdout, ns);
    t.regex((await lab.dpctl(['endpoints', '-o', 'yaml'])).stdout, new RegExp(`^- ns: ${ns}\n`));
    const wide = (await lab.dpctl(['endpoints', '-o', 'wide'])).stdout.split('\n');
    t.is(wide.length, 2);
    t.regex(wide[0] ?? '', / HOST-IFNAME +IFINDEX /);
    const [network] = await lab.json<Row[]>(['network', 'list']);
    t.deepEqual(keys(network), documented('network'));
  }),
);

test.serial('networks are added, changed, deleted, and each is reported', (t) =>
  withLab(async (lab) => {
    const add = ['network', 'add', 'blue', '--subnet', '10.77.0.0/24', '--ageing', '2m'];
    const added = await lab.dpctl(add);
    t.deepEqual(added, { ...DONE, stderr: 'network blue added: vni 1 10.77.0.0/24 ageing 120 s' });
    t.regex((await lab.dpctl(add)).stderr, /^network blue unchanged: /);
    const row = await lab.json<Row>(['network', 'add', 'blue', '--vni', '9']);
    t.deepEqual(keys(row), documented('network added'));
    t.like(row, { vni: 9, ageing: 120, changed: true });
    const changed = await lab.dpctl(['network', 'add', 'blue', '--ageing', '0']);
    t.is(changed.stderr, 'network blue changed: vni 9 10.77.0.0/24 ageing 0 s');
    t.deepEqual(await lab.dpctl(['network', 'del', 'blue']), {
      ...DONE,
      stderr: 'network blue deleted',
    });
    t.deepEqual(await lab.dpctl(['network', 'del', 'blue']), {
      ...DONE,
      stderr: 'unchanged: there is no network blue',
    });
  }),
);

test.serial('the rows of every table have the documented keys', (t) =>
  withLab(async (lab) => {
    for (const label of ['a', 'b']) await lab.must('attach', await lab.container(label));
    const [a] = await lab.json<{ readonly ns: string }[]>(['endpoints']);
    await lab.inside(a?.ns ?? '', ['ping', '-c1', '-W1', '10.201.0.3']);
    for (const table of DUMP_TABLES) {
      const rows = await lab.json<Row[]>(['dump', table]);
      // There is no other node.
      if (table !== 'nodes' && table !== 'prefixes') t.true(rows.length > 0, table);
      for (const row of rows) t.deepEqual(keys(row), documented(`dump ${table}`), table);
      const text = (await lab.dpctl(['dump', table, '-o', 'wide'])).stdout.split('\n');
      t.is(text.length, rows.length + 1, table);
    }
    t.deepEqual(await lab.json(['dump']), await lab.json(['dump', 'fdb']));
  }),
);

test.serial('static MACs are added and deleted', (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    await lab.must('attach', ns);
    const mac = '02:00:00:00:00:07';
    const added = await lab.dpctl(['fdb', 'add', mac, ns]);
    t.deepEqual(added, { ...DONE, stderr: `fdb ${mac} added: behind ${ns} on default` });
    const again = await lab.json<Row>(['fdb', 'add', mac, ns]);
    t.deepEqual(keys(again), documented('fdb added'));
    t.like(again, { mac, ns, state: 'static', changed: false });
    const flushed = await lab.dpctl(['fdb', 'flush']);
    t.deepEqual(flushed, { ...DONE, stderr: 'unchanged: nothing was learned' });
    const gone = await lab.json<Row[]>(['fdb', 'del', mac]);
    t.deepEqual(
      gone.map((row) => row.mac),
      [mac],
    );
    t.deepEqual(keys(gone[0]), documented('dump fdb'));
    t.deepEqual(await lab.dpctl(['fdb', 'del', mac]), {
      ...DONE,
      stderr: `unchanged: there is no fdb ${mac}`,
    });
  }),
);

test.serial('status finds a manual deletion, exits with 4, and its fix repairs it', (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    await lab.must('attach', ns);
    const well = await lab.dpctl(['status']);
    t.is(well.code, 0, well.stdout);
    t.regex(well.stdout, /\nhealthy$/);
    const [row] = await lab.json<Row[]>(['endpoints']);
    await lab.within(lab.node, 'ip', 'link', 'del', String(row?.host_ifname));
    const ill = await lab.dpctl(['status']);
    t.is(ill.code, 4);
    t.is(ill.stderr, '');
    t.regex(ill.stdout, /\nproblem\[[A-Z_]+\]: .*\ntry: dpctl reconcile\n/);
    const json = await lab.dpctl(['status', '-j']);
    t.is(json.code, 4);
    const report = JSON.parse(json.stdout);
    t.is(report.healthy, false);
    t.deepEqual(keys(report.problems[0]), documented('problem'));
    t.deepEqual(keys(report), ['facts', 'healthy', 'problems']);
    t.deepEqual(keys(report.facts[0]), documented('fact'));
    t.is(
      (await lab.dpctl(['status', '-o', 'name'])).stdout.split('\n')[0],
      report.problems[0].code,
    );
    const repaired = await lab.dpctl(['reconcile']);
    t.deepEqual(quiet(repaired), DONE);
    t.regex(repaired.stderr, /\nreconciled: [0-9]+ steps? \([0-9]+ ms\)$/);
    t.is((await lab.dpctl(['status'])).code, 0);
    t.deepEqual(await lab.dpctl(['reconcile']), { ...DONE, stderr: 'unchanged' });
  }),
);

test.serial('reset shows its list first and wants --yes without a terminal', (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    await lab.must('attach', ns);
    const refused = await lab.dpctl(['reset']);
    t.deepEqual(quiet(refused), { code: 1, stdout: '' });
    t.regex(refused.stderr, new RegExp(`^to be removed:\n(.*\n)*.*${ns}`));
    t.regex(refused.stderr, /\nerror\[CONFIRM\]: .*\ntry: dpctl reset --yes$/);
    const plan = await lab.json<Row[]>(['reset', '--dry-run']);
    t.deepEqual(keys(plan[0]), documented('plan'));
    t.is((await lab.json<Row[]>(['endpoints'])).length, 1);
    const done = await lab.dpctl(['reset', '--yes']);
    t.deepEqual(quiet(done), DONE);
    t.regex(done.stderr, new RegExp(`\nremoved ${plan.length} things$`));
    t.deepEqual(await lab.dpctl(['reset', '--yes']), { ...DONE, stderr: 'unchanged' });
  }),
);

testRequiring(command('script')).serial('reset asks at a terminal: no, ^C, ^D, yes', (t) =>
  withLab(async (lab) => {
    await lab.must('attach', await lab.container('a'));
    const answer = async (input: string) => {
      const line = `ip netns exec ${lab.node} '${process.execPath}' '${DPCTL}' --root '${lab.root}' reset`;
      const script = execa('script', ['-qec', line, '/dev/null'], {
        reject: false,
        timeout: 20_000,
      });
      // Type only after the question: before it, the terminal handles ^C and ^D itself.
      let shown = '';
      script.stdout.on('data', (text) => {
        const asked = shown.includes('[y/N]');
        shown += text;
        if (!asked && shown.includes('[y/N]')) script.stdin.write(input);
      });
      const ran = await script;
      return { code: ran.timedOut ? 'time-out' : ran.exitCode, text: ran.stdout };
    };
    const no = await answer('n\r');
    t.is(no.code, 1, no.text);
    t.regex(no.text, /remove [0-9]+ things\? \[y\/N\]/);
    t.regex(no.text, /error\[CANCELLED\].*: nothing was removed/);
    t.is((await answer('\u0003')).code, 130);
    t.is((await answer('\u0004')).code, 1);
    t.is((await lab.json<Row[]>(['endpoints'])).length, 1);
    const yes = await answer('y\r');
    t.is(yes.code, 0, yes.text);
    t.regex(yes.text, /removed [0-9]+ things/);
    t.deepEqual(await lab.json(['endpoints']), []);
  }),
);

test.serial('completion offers the names of this node', (t) =>
  withLab(async (lab) => {
    const ns = await lab.container('a');
    await lab.must('attach', ns);
    await lab.must('network', 'add', 'blue', '--subnet', '10.77.0.0/24');
    const complete = async (...words: string[]) => {
      const argv = [process.execPath, DPCTL, '__complete', '--root', lab.root, ...words];
      const { stdout } = await lab.inside(lab.node, argv);
      return stdout.split('\n');
    };
    t.deepEqual(await complete('detach', ''), [`${ns}\tdefault 10.201.0.2/16 fd00:c9::2/64`]);
    t.true((await complete('attach', '')).some((line) => line.startsWith(`${ns}\t`)));
    t.deepEqual(await complete('network', 'del', ''), [
      'blue\t10.77.0.0/24',
      'default\t10.201.0.0/16 fd00:c9::/64',
    ]);
  }),
);
