import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { runCommand, searchPath, withAnonymousFile } from '../../src/linux/command.js';
import { hintText } from '../../src/model/hint.js';
import { rejection } from './helpers/namespaces.js';

test('a program that is not installed is named, also behind nsenter', async (t) => {
  const own = `--net=/proc/${process.pid}/ns/net`;
  const wrapped = ['nsenter', own, '--', 'dpk-none'] as const;
  for (const argv of [['dpk-none'] as const, wrapped]) {
    const error = await rejection(runCommand(argv));
    t.is(error.code, 'COMMAND_MISSING');
    t.is(error.exitCode, 2);
    t.is(error.message, 'the program "dpk-none" is not installed');
    t.is(hintText(error.hint), 'apt-get install dpk-none');
  }
});

test('a program that fails is quoted in one line, in English, with its status', async (t) => {
  const argv = ['nft', 'list', 'table', 'inet', 'dpk-none'] as const;
  const error = await rejection(runCommand(argv, { code: 'NFT_FAILED', hint: 'h' }));
  t.is(error.code, 'NFT_FAILED');
  t.false(error.message.includes('\n'));
  t.regex(error.message, /^nft list table inet dpk-none: Error: /);
  t.is(error.details.status, 1);
  t.is(hintText(error.hint), 'h');
});

test('a program ended by a signal counts as interrupted', async (t) => {
  for (const signal of ['INT', 'TERM', 'HUP']) {
    const argv = ['sh', '-c', `kill -${signal} $$`] as const;
    const error = await rejection(runCommand(argv, { code: 'NFT_FAILED', hint: 'h' }));
    t.is(error.code, 'INTERRUPTED');
    t.is(error.exitCode, 130);
    t.true(error.message.endsWith(`ended by SIG${signal}`), error.message);
  }
});

test("a package's program never stands in for the system's", (t) => {
  t.regex(searchPath(), /^\/usr\/local\/sbin:.*\/sbin:\/bin:/);
  t.true(searchPath().endsWith(process.env.PATH ?? ''));
});

test('a file without a name is readable by another program and leaves nothing behind', async (t) => {
  const text = await withAnonymousFile('add table\n', async (path) => {
    t.is(readFileSync(path, 'utf8'), 'add table\n');
    return runCommand(['cat', path]);
  });
  t.is(text, 'add table');
  const open = readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`));
  t.deepEqual(
    open.filter((path) => path.includes('dpctl-')),
    [],
  );
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
