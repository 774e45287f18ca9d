import test from 'ava';
import { advice, advises, exec, REPEAT, run, withoutRepeat } from '../../loader/hint.js';
import { hintReader } from '../../src/cli/hints.js';
import { hintText, shellWord } from '../../src/model/hint.js';

test('a command is words: what is put in stays one of them, and a list is many', (t) => {
  t.deepEqual(run`attach ${'my ns'} --ip ${'10.1.0.2'}/${16}`, {
    run: ['attach', 'my ns', '--ip', '10.1.0.2/16'],
  });
  t.deepEqual(run`${['lab', 'up']} ${[]} --name=${'x y'}`, { run: ['lab', 'up', '--name=x y'] });
  t.deepEqual(exec`ip link set ${'eth0'} alias ${''}`, {
    exec: ['ip', 'link', 'set', 'eth0', 'alias', ''],
  });
  t.deepEqual(run``, { run: [] });
});

test('text quotes what a shell would split', (t) => {
  t.is(hintText(run`attach ${"it's"}`), `dpctl attach ${shellWord("it's")}`);
  t.is(hintText(exec`nft ${'add rule x'} ${''}`), "nft 'add rule x' ''");
  t.is(hintText('plain'), 'plain');
  t.is(hintText(undefined), '');
});

test('advice holds commands and further advice', (t) => {
  const inner = advice`free ${2} of them (${exec`ip link`})${REPEAT}`;
  const outer = advice`${inner}; or ${run`reset`}`;
  t.is(hintText(outer), 'free 2 of them (ip link), then repeat the command; or dpctl reset');
  t.is(hintText(withoutRepeat(inner)), 'free 2 of them (ip link)');
  t.true(advises(outer, 'reset'));
  t.false(advises(outer, 'reset', '--yes'));
  t.false(advises('dpctl reset', 'reset'));
});

test('the root of the command line goes into each command that has a node', (t) => {
  const hint = advice`sudo ${run`reconcile`}, ${run`bench -o json`} or ${run`--root=/b status`}; dpctl is told`;
  const read = hintReader({ root: '/a b', json: false, output: 'table', color: 'auto' }, {});
  t.is(
    read(hint),
    "sudo dpctl --root '/a b' reconcile, dpctl bench -o json or dpctl --root=/b status; dpctl is told",
  );
  const plain =
    'sudo dpctl reconcile, dpctl bench -o json or dpctl --root=/b status; dpctl is told';
  t.is(hintReader({}, {})(hint), plain);
  t.is(hintReader({ root: '/a' }, { DPCTL_ROOT: '/a' })(hint), plain);
});
