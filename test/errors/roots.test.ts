/** Root directories: unsuitable ones are refused, and any other works from the first command to the last. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Lab, openLab } from '../system/helpers/lab.js';

let lab: Lab;
let dir: string;
test.before(async () => {
  lab = await openLab();
  dir = mkdtempSync(join(tmpdir(), 'dpctl-roots-'));
});
test.after.always(async () => {
  await lab.close();
  rmSync(dir, { recursive: true });
});

const withRoot = (root: string, ...args: string[]) =>
  lab.dpctl(['--root', root, ...args], { cwd: dir });

test.serial('an unsuitable root is refused with the reason, and nothing is created', async (t) => {
  writeFileSync(join(dir, 'file'), '');
  symlinkSync('circle', join(dir, 'circle'));
  const before = readdirSync(dir, { recursive: true });
  for (const [root, code, message] of [
    ['', 'BAD_VALUE', /--root: an empty path/],
    ['file', 'ROOT_INVALID', /file" cannot be a root: it is a file/],
    ['file/x', 'ROOT_INVALID', /a part of it is a file/],
    ['circle', 'ROOT_INVALID', /links form a loop/],
    ['x'.repeat(256), 'ROOT_INVALID', /a name in it 255/],
  ] as const) {
    for (const args of [
      ['network', 'add', 'blue'],
      ['network', 'list'],
      ['reset', '--yes'],
    ]) {
      const { code: exit, stdout, stderr } = await withRoot(root, ...args);
      t.is(exit, 1, stderr);
      t.is(stdout, '');
      t.true(stderr.startsWith(`error[${code}]: `), stderr);
      t.regex(stderr, message);
      t.is(stderr.match(/^try: /gm)?.length, 1, stderr);
    }
  }
  t.deepEqual(readdirSync(dir, { recursive: true }), before);
});

test.serial('a root of any other name works, and reset leaves nothing in it', async (t) => {
  mkdirSync(join(dir, 'up/down'), { recursive: true });
  for (const root of [
    'a b',
    'über\n%s$(id)',
    '-',
    'up/down/..',
    './x/../y',
    `${dir}/${'x'.repeat(255)}`,
  ]) {
    const added = await withRoot(root, 'network', 'add', 'blue', '--subnet', '10.9.0.0/24');
    t.is(added.code, 0, added.stderr);
    const seen = await withRoot(root, 'network', 'list', '-j');
    t.is((JSON.parse(seen.stdout) as unknown[]).length, 1, root);
    const removed = await withRoot(root, 'reset', '--yes');
    t.is(removed.code, 0, removed.stderr);
    const left = readdirSync(join(dir, root.replace(`${dir}/`, '')));
    t.deepEqual(
      left.filter((name) => name !== 'down'),
      [],
      root,
    );
  }
});
