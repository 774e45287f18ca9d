/** A stdout that is full or closed: every command reports it, and reports its change all the same. */
import test from 'ava';
import { DPCTL, type Lab, openLab, type Ran } from '../system/helpers/lab.js';

let lab: Lab;
let one: string;
test.before(async () => {
  lab = await openLab();
  one = await lab.container('a');
});
test.after.always(() => lab?.close());

/** Run dpctl with a shell redirection of its output. */
async function redirected(args: readonly string[], to: string): Promise<Ran> {
  const line = `"$@" ${to}`;
  const words = [process.execPath, DPCTL, '--root', lab.root, ...args];
  return lab.inside(lab.node, ['bash', '-c', line, 'bash', ...words], {
    env: { DPCTL_ROOT: lab.root },
  });
}

interface Report {
  readonly code: string;
  readonly msg: string;
  readonly details: { readonly errno: string; readonly done: readonly string[] };
}

const MAC = '02:00:00:00:00:77';

/** Changing commands, in an order in which each can run, and what each reports. */
const CHANGES = (ns: string): readonly (readonly [string, RegExp])[] => [
  ['network add lan --subnet 10.62.0.0/24', /network lan added/],
  ['node add peer --vtep 192.0.2.7', /node peer added/],
  [`attach ${ns} --network lan`, /attached .* 10\.62\.0\.\d+\/24/],
  [`fdb add ${MAC} ${ns} --network lan`, /fdb 02:00:00:00:00:77 added/],
  [`fdb del ${MAC} --network lan`, /./],
  ['fdb flush', /./],
  ['reconcile', /./],
  [`detach ${ns}`, /detached/],
  ['node del peer', /peer/],
  ['network del lan', /lan/],
];

const READS = [
  'status',
  'endpoints',
  'network list',
  'node list',
  'underlay show',
  'dump fdb',
  'version',
  'lab list',
  'attach --help',
];

test.serial('a change whose output fails is made, and reported on stderr', async (t) => {
  t.timeout(120_000);
  for (const [line, told] of CHANGES(one)) {
    const { code, stderr } = await redirected([...line.split(' '), '-j'], '> /dev/full');
    t.is(code, 2, `${line}: ${stderr}`);
    const report = JSON.parse(stderr) as Report;
    t.is(report.code, 'OUTPUT_LOST', line);
    t.is(report.details.errno, 'ENOSPC');
    t.regex(report.msg, /^stdout cannot be written: .*; it is done: /);
    t.regex(report.details.done.join(), told, line);
    if (line.startsWith('attach')) t.is((await lab.json<unknown[]>(['endpoints'])).length, 1);
  }
  t.deepEqual(await lab.json(['endpoints']), []);
});

test.serial('a reading command whose output fails reports that nothing was changed', async (t) => {
  t.timeout(120_000);
  for (const line of [...READS, `attach ${one} --dry-run`, 'reset --dry-run']) {
    // An empty table prints nothing, but JSON prints `[]`.
    const asJson = line.includes('help') ? [] : ['-j'];
    const { code, stderr } = await redirected([...line.split(' '), ...asJson], '> /dev/full');
    t.is(code, 2, `${line}: ${stderr}`);
    t.regex(stderr, /OUTPUT_LOST.*ENOSPC.*nothing was (changed|to be done)/, line);
  }
});

test.serial('a closed pipe is reported as such', async (t) => {
  const args = ['attach', one, '-j'];
  const words = [process.execPath, DPCTL, '--root', lab.root, ...args];
  // No write succeeds once `true` has ended.
  const line = '{ sleep 0.5; "$@"; echo "code $?" >&2; } | true';
  const { stderr } = await lab.inside(lab.node, ['bash', '-c', line, 'bash', ...words]);
  t.regex(stderr, /code 2$/);
  t.regex(stderr, /OUTPUT_LOST.*EPIPE \(its reader went away\); it is done: attached /);
  t.is((await lab.json<unknown[]>(['endpoints'])).length, 1);
});
