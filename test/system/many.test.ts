/** Two thousand endpoints on one network: there is no wall at 1,023 ports. */
import test from 'ava';
import { attach } from './helpers/attached-containers.js';
import { pings } from './helpers/conversation.js';
import { counters } from './helpers/counters.js';
import {
  broadcastsIgnored,
  type Crowd,
  inParallel,
  newCrowd,
  quiet,
  silence,
} from './helpers/crowd.js';
import { type Lab, openLab } from './helpers/lab.js';
import { eventually, sleep } from './helpers/process.js';

const SIZE = 2000;
/** Attached by the command line; the others by one process. */
const BY_COMMAND = 2;
const STEP = (SIZE - BY_COMMAND) / 6;
/** Milliseconds that a command on thousands of endpoints may take on a busy machine. */
const LONG = 110_000;

let lab: Lab;
let crowd: Crowd;

test.before(async () => {
  lab = await openLab();
  await lab.must('network', 'add', 'many', '--subnet', '10.80.0.0/16', '--subnet', 'fd80::/64');
  crowd = newCrowd(lab, 'many');
});
test.after.always(async () => {
  try {
    await crowd?.close();
    await lab?.dpctl(['reset', '--yes'], { timeout: LONG });
  } finally {
    await lab?.close();
  }
});

const bare = (address = '') => address.split('/')[0] ?? '';
const mean = (times: readonly number[]) => times.reduce((a, b) => a + b, 0) / times.length;

// In parts, as the test runner aborts a test without output for minutes.
for (const part of [1, 2, 3, 4, 5, 6]) {
  test.serial(`endpoints ${(part - 1) * STEP + 1} to ${part * STEP} are attached`, async (t) => {
    await crowd.grow(STEP);
    const { times } = crowd;
    t.log(`attach: ${mean(times.slice(-50)).toFixed(0)} ms each for the last 50`);
    t.is(times.length, part * STEP);
  });
}

test.serial('one more is attached by the command line', async (t) => {
  const [first, last] = [mean(crowd.times.slice(0, 100)), mean(crowd.times.slice(-100))];
  t.log(`attach: ${first.toFixed(1)} ms each for the first 100, ${last.toFixed(1)} for the last`);
  const start = Date.now();
  for (const label of ['x', 'y']) {
    const ns = await lab.container(label);
    silence(ns);
    await attach(lab, ns, '--network', 'many');
  }
  t.log(`by the command line: ${(Date.now() - start) / 2} ms each`);
  t.is((await lab.json<unknown[]>(['endpoints'])).length, SIZE);
});

test.serial('endpoints reach each other on either side of number 1,023', async (t) => {
  const ends = [0, 1021, 1022, 1023, 1024, 1025, crowd.members.length - 1];
  const pairs = ends.flatMap((from) => ends.filter((to) => to !== from).map((to) => [from, to]));
  const failed = await inParallel(pairs, async ([from = 0, to = 0]) => {
    const [sender, receiver] = [crowd.members[from], crowd.members[to]];
    const targets = [bare(receiver?.ip4), bare(receiver?.ip6)];
    const results = await Promise.all(
      targets.map((target) => pings(sender?.ns ?? '', target, '-c', '1', '-W', '5')),
    );
    return targets.filter((_, index) => results[index] !== true);
  });
  t.deepEqual(failed.flat(), []);
});

test.serial('the lists have all of them, and nothing is wrong', async (t) => {
  const timed = async (...args: string[]) => {
    const start = Date.now();
    const ran = await lab.dpctl(args, { timeout: LONG });
    t.log(`dpctl ${args.join(' ')}: ${Date.now() - start} ms`);
    return ran;
  };
  for (const table of ['endpoints', 'fdb']) {
    t.is((JSON.parse((await timed('dump', table, '-j')).stdout) as unknown[]).length, SIZE, table);
  }
  t.is((JSON.parse((await timed('dump', 'neigh', '-j')).stdout) as unknown[]).length, 2 * SIZE);
  const status = await timed('status');
  t.is(status.code, 0, status.stdout);
});

test.serial('a broadcast is copied for each of the others; what was lost is counted', async (t) => {
  const [first, ...others] = crowd.members;
  await quiet(lab);
  const before = others.map(({ ns }) => broadcastsIgnored(ns));
  const lostBefore = (await counters(lab)).reason('flood_copy');
  const send = ['socat', '-u', 'STDIN', 'UDP4-DATAGRAM:10.80.255.255:9999,broadcast'];
  const { code, stderr } = await lab.inside(first?.ns ?? '', send, { stdin: Buffer.from('all') });
  t.is(code, 0, stderr);
  await sleep(1000);
  const heard = others.map(({ ns }, index) => broadcastsIgnored(ns) - (before[index] ?? 0));
  const arrived = heard.filter((count) => count === 1).length;
  const lost = (await counters(lab)).reason('flood_copy') - lostBefore;
  t.log(`${arrived} of ${others.length} copies arrived, ${lost} were counted as lost`);
  t.deepEqual(
    heard.filter((count) => count > 1),
    [],
    'nobody gets two',
  );
  // The two endpoints of the command line are not checked.
  t.true(Math.abs(SIZE - 1 - arrived - lost) <= BY_COMMAND, 'every copy arrived or was counted');
  t.true(arrived >= 900, "as many as a CPU's queue takes (netdev_max_backlog)");
});

test.serial('all of them are removed again', async (t) => {
  await crowd.close();
  // The kernel removes namespaces and their devices after their names are gone.
  const ends = async () =>
    (await lab.within(lab.node, 'ip', '-o', 'link', 'show', 'type', 'veth')).split('\n').length;
  await eventually(async () => (await ends()) === BY_COMMAND, LONG);
  const start = Date.now();
  const { code, stderr } = await lab.dpctl(['reconcile'], { timeout: LONG });
  t.log(`reconcile: ${Date.now() - start} ms`);
  t.is(code, 0, stderr.slice(-500));
  t.is((await lab.json<unknown[]>(['endpoints'])).length, BY_COMMAND);
  t.is((await lab.json<unknown[]>(['dump', 'fdb'])).length, BY_COMMAND);
  t.is((await lab.dpctl(['status'])).code, 0);
});
