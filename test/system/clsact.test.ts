/** Kernels before 6.6 have no tcx: the same programs as clsact filters. */
import test from 'ava';
import { feature, testRequiring } from '../helpers/requirements.js';
import { BROADCAST, eth, ip4, TYPE, udp } from '../packet/helpers/frame.js';
import { type Attached, join } from './helpers/attached-containers.js';
import { pings, tcpBothWays } from './helpers/conversation.js';
import { counters } from './helpers/counters.js';
import { putForeign } from './helpers/foreign.js';
import { type Lab, openLab } from './helpers/lab.js';
import { capture, sendFrame } from './helpers/wire.js';

let lab: Lab;
let one: Attached;
let two: Attached;

test.before(async () => {
  lab = await openLab({ env: { DPCTL_TC: 'clsact' } });
  one = await join(lab, 'a');
  two = await join(lab, 'b', '--no-lock');
});
test.after.always(() => lab.close());

function filtersOf({ host_ifname }: Attached): Promise<string> {
  return lab.within(lab.node, 'tc', 'filter', 'show', 'dev', host_ifname, 'ingress');
}

test.serial('endpoints are attached by filters, and there is no link', async (t) => {
  const { stderr } = await lab.must('attach', await lab.container('c'));
  t.regex(stderr, /\(clsact, /);
  const again = await lab.json<{ changed: boolean; hook: string }>(['attach', one.ns]);
  t.like(again, { changed: false, hook: 'clsact' }, 'what was attached before is still told');
  t.regex(await filtersOf(one), /pref 50000 bpf .*endpoint.*direct-action/);
  const rows = await lab.json<{ owner: string; hook: string }[]>(['dump', 'progs']);
  t.deepEqual(
    new Set(rows.map(({ owner, hook }) => `${owner} ${hook}`)),
    new Set(['dpctl clsact']),
  );
  t.is((await lab.dpctl(['status'])).code, 0);
});

test.serial('everything is carried as with tcx', async (t) => {
  t.true(await pings(one.ns, two.ip4));
  t.true(await pings(one.ns, two.ip6));
  t.true(await pings(one.ns, two.ip4, '-s', '4000'));
  t.true(await tcpBothWays(t, one.ns, two.ns, two.ip4, 8 << 20));
  const heard = await capture(t, two.ns, 'ether proto 0x88b5');
  await sendFrame(one.ns, eth(BROADCAST, one.mac, TYPE.other, Buffer.alloc(50)));
  await heard.atLeast(1);
});

test.serial('sources are locked, and MACs learned and moved', async (t) => {
  const before = (await counters(lab)).reason('source_ip4');
  const spoofed = ip4({ src: two.ip4, dst: two.ip4 }, udp(1, 2));
  await sendFrame(one.ns, eth(two.mac, one.mac, TYPE.ip4, spoofed));
  t.is((await counters(lab)).reason('source_ip4') - before, 1);
  const mac = '02:00:00:00:00:42';
  await sendFrame(two.ns, eth(BROADCAST, mac, TYPE.other, Buffer.alloc(50)));
  const rows = await lab.json<{ mac: string; ns: string }[]>(['dump', 'fdb']);
  t.is(rows.find((row) => row.mac === mac)?.ns, two.ns);
});

test.serial(
  'a foreign filter with a lower preference runs first, with a higher one never',
  async (t) => {
    const before = putForeign(t, lab, one.ifindex, 'watch', { preference: 10 });
    const behind = putForeign(t, lab, one.ifindex, 'deny', { preference: 60_000 });
    t.true(await pings(one.ns, two.ip4));
    t.is(before.seen(), 3);
    t.is(behind.seen(), 0);
    await lab.within(
      lab.node,
      'tc',
      'filter',
      'del',
      'dev',
      one.host_ifname,
      'ingress',
      'pref',
      '60000',
    );
    const first = putForeign(t, lab, one.ifindex, 'deny', { preference: 20 });
    t.false(await pings(one.ns, two.ip4, '-c', '1'));
    t.is(first.seen(), 1);
    for (const pref of ['10', '20']) {
      await lab.within(
        lab.node,
        'tc',
        'filter',
        'del',
        'dev',
        one.host_ifname,
        'ingress',
        'pref',
        pref,
      );
    }
    t.true(await pings(one.ns, two.ip4));
  },
);

test.serial('a filter removed by hand is reported and restored', async (t) => {
  await lab.within(lab.node, 'tc', 'qdisc', 'del', 'dev', one.host_ifname, 'clsact');
  t.is((await lab.dpctl(['status'])).code, 4);
  t.false(await pings(one.ns, two.ip4, '-c', '1'));
  await lab.must('reconcile');
  t.true(await pings(one.ns, two.ip4));
  t.is((await lab.dpctl(['status'])).code, 0);
});

test.serial('detach takes the filter and the qdisc from an adopted device', async (t) => {
  const ns = await lab.container('v');
  const veth = ['own0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns];
  await lab.within(lab.node, 'ip', 'link', 'add', ...veth);
  await lab.must('attach', ns);
  const qdiscs = () => lab.within(lab.node, 'tc', 'qdisc', 'show', 'dev', 'own0');
  t.regex(await qdiscs(), /clsact/);
  t.true(await pings(ns, two.ip4));
  await lab.must('detach', ns);
  t.notRegex(await qdiscs(), /clsact/);
});

testRequiring(feature('tcx')).serial(
  'on a kernel that got tcx, reconcile changes over to it',
  async (t) => {
    const tcx = { env: { DPCTL_TC: '' } };
    t.is((await lab.dpctl(['status'], tcx)).code, 0, 'filters are good enough');
    await lab.within(lab.node, 'tc', 'filter', 'del', 'dev', one.host_ifname, 'ingress');
    const { code, stderr } = await lab.dpctl(['reconcile'], tcx);
    t.is(code, 0, stderr);
    t.is(await filtersOf(one), '');
    t.regex(await filtersOf(two), /pref 50000/);
    t.true(await pings(one.ns, two.ip4), 'both ways beside each other');
  },
);
