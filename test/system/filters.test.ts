/** Filters of other programs on the host end of an endpoint: what they see, and what users are told. */
import test from 'ava';
import { feature, testRequiring } from '../helpers/requirements.js';
import { type Attached, join } from './helpers/attached-containers.js';
import { pings } from './helpers/conversation.js';
import { putForeign } from './helpers/foreign.js';
import { type Lab, openLab } from './helpers/lab.js';
import { capture } from './helpers/wire.js';

const withTcx = testRequiring(feature('tcx'));

let lab: Lab;
let peer: Attached;

test.before(async () => {
  lab = await openLab();
  peer = await join(lab, 'peer');
});
test.after.always(() => lab.close());

/** A user's own veth between the node and a new container. @returns its host end's number */
async function ownVeth(ns: string, name: string): Promise<number> {
  await lab.within(
    lab.node,
    'ip',
    'link',
    'add',
    name,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    ns,
  );
  const [link] = JSON.parse(await lab.within(lab.node, 'ip', '-j', 'link', 'show', name)) as [
    { ifindex: number },
  ];
  return link.ifindex;
}

interface ProgramRow {
  readonly ns: string;
  readonly owner: string;
  readonly name: string;
  readonly hook: string;
}

withTcx.serial('an earlier tcx program sees every frame first and may drop it', async (t) => {
  const ns = await lab.container('tcx');
  const ifindex = await ownVeth(ns, 'own0');
  const deny = putForeign(t, lab, ifindex, 'deny', 'last');
  const { stderr } = await lab.must('attach', ns);
  t.regex(
    stderr,
    /own0 has a filter of another program \(deny, tcx ingress\): it runs beside dpctl/,
  );
  const arrived = await capture(t, peer.ns, 'icmp');
  t.false(await pings(ns, peer.ip4));
  t.is(deny.seen(), 3);
  t.deepEqual(await arrived.stop(), []);
  t.true(await pings(ns, peer.ip6), 'what it lets pass is forwarded');
  deny.remove();
  t.true(await pings(ns, peer.ip4));
});

withTcx.serial(
  'a passing tcx program before dpctl sees all frames, one behind it none',
  async (t) => {
    const it = await join(lab, 'two');
    const first = putForeign(t, lab, it.ifindex, 'watch', 'first');
    const last = putForeign(t, lab, it.ifindex, 'deny', 'last');
    t.true(await pings(it.ns, peer.ip4));
    t.is(first.seen(), 3);
    t.is(last.seen(), 0, 'what is forwarded is not left to the next one');
    const rows = (await lab.json<ProgramRow[]>(['dump', 'progs'])).filter(({ ns }) => ns === it.ns);
    t.deepEqual(rows.map(({ owner, name, hook }) => `${owner} ${name} ${hook}`).sort(), [
      'dpctl endpoint tcx',
      'other deny tcx ingress',
      'other watch tcx ingress',
    ]);
    t.is((await lab.dpctl(['status'])).code, 0, 'others are no problem');
    await lab.must('reconcile');
    t.true(await pings(it.ns, peer.ip4));
    t.is(first.seen(), 6, 'and are left alone');
  },
);

withTcx.serial(
  'a clsact filter does not see frames that dpctl forwards, and attach reports it',
  async (t) => {
    const ns = await lab.container('cls');
    const ifindex = await ownVeth(ns, 'own1');
    const deny = putForeign(t, lab, ifindex, 'deny', { preference: 10 });
    const { stderr } = await lab.must('attach', ns);
    t.regex(
      stderr,
      /own1 has a filter of another program \(bpf pref 10, clsact ingress\): it does not see frames that dpctl forwards/,
    );
    t.true(await pings(ns, peer.ip4));
    t.is(deny.seen(), 0);
    await lab.must('detach', ns);
    const filters = await lab.within(lab.node, 'tc', 'filter', 'show', 'dev', 'own1', 'ingress');
    t.regex(filters, /pref 10 bpf/, 'it is still there');
    t.notRegex(filters, /pref 50000/);
  },
);

test.serial("an adopted device keeps its owner's qdisc, even if no filter is in it", async (t) => {
  const ns = await lab.container('qd');
  await ownVeth(ns, 'own2');
  await lab.within(lab.node, 'tc', 'qdisc', 'add', 'dev', 'own2', 'clsact');
  await lab.must('attach', ns);
  await lab.must('detach', ns);
  t.regex(await lab.within(lab.node, 'tc', 'qdisc', 'show', 'dev', 'own2'), /clsact/);
});
