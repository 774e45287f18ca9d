/** Two hundred endpoints on one network. */
import test from 'ava';
import { attach } from './helpers/attached-containers.js';
import { counters } from './helpers/counters.js';
import { broadcastsIgnored, type Crowd, inParallel, newCrowd, quiet } from './helpers/crowd.js';
import { type Lab, openLab } from './helpers/lab.js';
import { eventually } from './helpers/process.js';

const SIZE = 200;

let lab: Lab;
let crowd: Crowd;

test.before(async () => {
  lab = await openLab();
  await lab.must('network', 'add', 'crowd', '--subnet', '10.80.0.0/16', '--subnet', 'fd80::/64');
  crowd = newCrowd(lab, 'crowd');
  await crowd.grow(SIZE - 1);
});
test.after.always(async () => {
  try {
    await crowd?.close();
  } finally {
    await lab?.close();
  }
});

const bare = (address = '') => address.split('/')[0] ?? '';

test.serial('two hundred endpoints are listed, each with addresses of its own', async (t) => {
  await attach(lab, await lab.container('last'), '--network', 'crowd');
  const rows = await lab.json<{ ip4: string; ip6: string; mac: string }[]>(['endpoints']);
  t.is(rows.length, SIZE);
  for (const key of ['ip4', 'ip6', 'mac'] as const)
    t.is(new Set(rows.map((row) => row[key])).size, SIZE);
  t.is((await lab.dpctl(['status'])).code, 0);
});

test.serial('each of them reaches one of a chosen few', async (t) => {
  const few = [crowd.members[0], crowd.members[100], crowd.members.at(-1)];
  const failed = await inParallel(crowd.members, async ({ ns }) => {
    const target = few[crowd.members.findIndex((each) => each.ns === ns) % few.length];
    if (ns === target?.ns) return [];
    const pings = [bare(target?.ip4), bare(target?.ip6)].map((ip) => `ping -c 1 -W 3 ${ip}`);
    // All namespaces of a machine share 1,024 neighbour entries (neigh gc_thresh3), so each deletes its
    // own.
    const argv = ['sh', '-c', [...pings, 'ip neigh flush dev eth0'].join(' && ')];
    return (await lab.inside(ns, argv)).code === 0 ? [] : [ns];
  });
  t.deepEqual(failed.flat(), []);
});

test.serial('a broadcast reaches each of the others exactly once', async (t) => {
  const [first, ...others] = crowd.members;
  await quiet(lab);
  const before = others.map(({ ns }) => broadcastsIgnored(ns));
  const lost = (await counters(lab)).reason('flood_copy');
  const send = ['socat', '-u', 'STDIN', 'UDP4-DATAGRAM:10.80.255.255:9999,broadcast'];
  const { code, stderr } = await lab.inside(first?.ns ?? '', send, { stdin: Buffer.from('all') });
  t.is(code, 0, stderr);
  const heard = () => others.map(({ ns }, index) => broadcastsIgnored(ns) - (before[index] ?? 0));
  await eventually(() => heard().every((count) => count > 0), 3000);
  t.deepEqual(
    heard(),
    others.map(() => 1),
  );
  t.is((await counters(lab)).reason('flood_copy'), lost, 'no copy was lost');
});

test.serial(
  'when all namespaces are deleted at once, one reconcile removes all endpoints',
  async (t) => {
    await crowd.close();
    const { stderr } = await lab.must('reconcile');
    t.regex(stderr, /is gone with its namespace/);
    const rows = await lab.json<{ ns: string }[]>(['endpoints']);
    t.is(rows.length, 1);
    t.is((await lab.json<unknown[]>(['dump', 'fdb'])).length, 1);
    t.is((await lab.dpctl(['status'])).code, 0);
  },
);
