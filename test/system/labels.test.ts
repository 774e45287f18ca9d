/** Labels and owners of endpoints. */
import test from 'ava';
import type { EndpointRow } from '../../src/api/endpoint.js';
import { attach } from '../../src/control/endpoint/attach.js';
import { openLabNode } from '../helpers/node.js';
import { type Lab, openLab } from './helpers/lab.js';

let lab: Lab;
let ns: string;
test.before(async () => {
  lab = await openLab();
  ns = await lab.container('a');
});
test.after.always(() => lab.close());

type Row = Pick<EndpointRow, 'ns' | 'owner' | 'labels'>;

async function shown(): Promise<Row[][]> {
  const rows = [await lab.json<Row[]>(['endpoints']), await lab.json<Row[]>(['dump', 'endpoints'])];
  return rows.map((list) => list.map(({ ns, owner, labels }) => ({ ns, owner, labels })));
}

test.serial('labels are set and removed, and shown by endpoints and dump', async (t) => {
  await lab.must('attach', ns, '--label', 'tier=web', '--label', 'example.com/app=shop');
  const both = [{ ns, owner: 'person', labels: ['example.com/app=shop', 'tier=web'] }];
  t.deepEqual(await shown(), [both, both]);
  t.regex((await lab.must('attach', ns, '--label', 'tier=web')).stderr, /^unchanged /);
  t.regex((await lab.must('attach', ns, '--label', 'tier-')).stderr, /^changed /);
  const one = [{ ns, owner: 'person', labels: ['example.com/app=shop'] }];
  t.deepEqual(await shown(), [one, one]);
  t.is((await lab.dpctl(['status'])).code, 0);
});

test.serial('a malformed label is refused, and nothing changes', async (t) => {
  const before = await shown();
  const { code, stderr } = await lab.dpctl(['attach', ns, '--label', 'tier=-']);
  t.is(code, 1);
  t.regex(stderr, /^error\[LABEL_INVALID\]: label "tier=-": a value is/);
  t.regex(stderr, /^try: dpctl .*attach \S+ --label app=web/m);
  t.deepEqual(await shown(), before);
});

test.serial('a person may detach an endpoint of another owner', async (t) => {
  const theirs = await lab.container('b');
  const node = openLabNode(lab);
  try {
    const owner = { kind: 'cni', config: 'pods', container: '0123abcd', ifname: 'eth0' } as const;
    const { endpoints } = await attach(node, { ns: theirs, owner });
    t.is(endpoints[0]?.owner, 'cni/pods/0123abcd/eth0');
  } finally {
    node.close();
  }
  t.is((await shown())[0]?.find((row) => row.ns === theirs)?.owner, 'cni/pods/0123abcd/eth0');
  await lab.must('detach', theirs);
  t.deepEqual(
    (await shown())[1]?.map((row) => row.ns),
    [ns],
  );
});
