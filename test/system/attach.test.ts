import test from 'ava';
import { type Lab, openLab } from './helpers/lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after.always(() => lab.close());

test.serial(
  'attach is the first command on a machine, and its endpoints reach each other',
  async (t) => {
    const [one, two] = [await lab.container('a'), await lab.container('b')];
    const first = await lab.dpctl(['attach', one]);
    t.is(first.code, 0, first.stderr);
    t.regex(first.stderr, /attached .*: eth0 10\.201\.0\.2\/16 .* mac 0a:58:0a:c9:00:02/);
    await lab.must('attach', two);
    for (const address of ['10.201.0.3', 'fd00:c9::3']) {
      const ping = await lab.inside(one, ['ping', '-c', '2', '-i', '0.2', '-W', '1', address]);
      t.is(ping.code, 0, ping.stdout);
    }
    const bridges = await lab.inside(lab.node, ['ip', 'link', 'show', 'type', 'bridge']);
    t.is(bridges.stdout, '');
  },
);

test.serial('attach repeated is unchanged', async (t) => {
  const { stderr, code } = await lab.dpctl([
    'attach',
    (await lab.json<{ ns: string }[]>(['endpoints']))[0]?.ns ?? '',
  ]);
  t.is(code, 0);
  t.regex(stderr, /^unchanged /);
});

test.serial('detach leaves nothing of the endpoint, and repeated is no error', async (t) => {
  const [endpoint] = await lab.json<{ ns: string; host_ifname: string }[]>(['endpoints']);
  t.truthy(endpoint);
  await lab.must('detach', endpoint?.ns ?? '');
  const link = await lab.inside(lab.node, ['ip', 'link', 'show', endpoint?.host_ifname ?? '']);
  t.not(link.code, 0);
  const again = await lab.dpctl(['detach', endpoint?.ns ?? '']);
  t.is(again.code, 0);
  t.regex(again.stderr, /unchanged/);
});
