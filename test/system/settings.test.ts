/** What was asked of networks and endpoints: kept where nothing is said, and taken back where asked. */
import test from 'ava';
import { join } from './helpers/join.js';
import { type Lab, openLab } from './helpers/lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after.always(() => lab.close());

async function healthy(): Promise<boolean> {
  return (await lab.dpctl(['status'])).code === 0;
}

test.serial('an endpoint stays on its network where none is named', async (t) => {
  await lab.must('network', 'add', 'blue', '--subnet', '10.9.0.0/24');
  const it = await join(lab, 'a', '--network', 'blue');
  const again = await lab.must('attach', it.ns);
  t.regex(again.stderr, /^unchanged /);
  t.is((await lab.dpctl(['network', 'list', '-o', 'name'])).stdout, 'blue', 'no other one is made');
  t.true(await healthy());
});
