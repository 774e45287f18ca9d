import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { candidates, type Sources } from '../../src/cli/completion/complete.js';
import { command, testRequiring } from '../helpers/requirements.js';
import { DPCTL, dpctl } from './helpers/dpctl.js';

const names = (...values: string[]) => values.map((value) => ({ value, text: `about ${value}` }));

/** Names with every character that is special in a shell. */
const SOURCES: Sources = {
  namespace: async () => names('ns1', 'ns2'),
  endpoint: async (root) => names(root === undefined ? 'ns1' : `in${root}`),
  network: async () => names('blue', 'default'),
  node: async () => names('rack2'),
  device: async () => names('eth1'),
};

async function values(...words: string[]): Promise<string[]> {
  return (await candidates(words, SOURCES)).map(({ value }) => value);
}

test('first words, second words, and what they mean', async (t) => {
  const first = await candidates([''], SOURCES);
  t.true(first.some(({ value, text }) => value === 'network' && text !== ''));
  t.false(first.some(({ value }) => value.startsWith('__')));
  t.deepEqual(await values('network', ''), ['add', 'del', 'list']);
  t.deepEqual(await values('-j', 'fdb', ''), ['add', 'del', 'flush']);
});

test('namespaces, endpoints, networks and tables where they belong', async (t) => {
  t.deepEqual(await values('attach', ''), ['ns1', 'ns2']);
  t.deepEqual(await values('attach', '--network', ''), ['blue', 'default']);
  t.deepEqual(await values('attach', '--network', 'blue', ''), ['ns1', 'ns2']);
  t.deepEqual(await values('detach', ''), ['ns1']);
  t.deepEqual(await values('network', 'del', ''), ['blue', 'default']);
  t.deepEqual(await values('fdb', 'add', '02:00:00:00:00:01', ''), ['ns1']);
  t.true((await values('dump', '')).includes('fdb'));
  t.deepEqual(await values('completion', ''), ['bash', 'zsh', 'fish']);
  t.deepEqual(await values('attach', 'ns1', ''), []);
});

test('completion uses the node of --root', async (t) => {
  t.deepEqual(await values('--root', '/x', 'detach', ''), ['in/x']);
  t.deepEqual(await values('detach', '--root=/y', ''), ['in/y']);
});

test('flags: those of the command and the global ones, each once unless it is a list', async (t) => {
  const flags = await values('attach', 'ns1', '--mtu', '1400', '--ip', '10.0.0.1', '-');
  t.true(flags.includes('--ip'));
  t.true(flags.includes('--no-lock'));
  t.true(flags.includes('--output'));
  t.true(flags.includes('--help'));
  t.false(flags.includes('--mtu'));
  t.false((await values('--')).includes('--mtu'));
});

test('values of flags, in two words, in one, and split by bash', async (t) => {
  t.deepEqual(await values('dump', '-o', ''), ['table', 'wide', 'json', 'yaml', 'name']);
  t.deepEqual(await values('dump', '--color='), [
    '--color=auto',
    '--color=always',
    '--color=never',
  ]);
  t.deepEqual(await values('attach', '--network', '=', ''), ['blue', 'default']);
  t.deepEqual(await values('attach', '--network', '='), ['blue', 'default']);
  t.deepEqual(await values('attach', '--network', '=', 'blue', ''), ['ns1', 'ns2']);
  t.deepEqual(await values('dump', '--root', ''), [':directory']);
  t.deepEqual(await values('dump', '--root', '=', '/e'), [':directory']);
  t.deepEqual(await values('dump', '--root=/e'), []);
  t.deepEqual(await values('attach', '--mtu', ''), ['auto']);
  t.deepEqual(await values('attach', '--mac', ''), []);
});

test('after -- no flags are completed', async (t) => {
  t.deepEqual(await values('attach', '--', '-'), ['ns1', 'ns2']);
});

test('the hidden command answers, and never fails', async (t) => {
  const root = mkdtempSync(join(tmpdir(), `dpctl-cli-${process.pid}-`));
  try {
    const { code, stdout, stderr } = await dpctl(['__complete', 'dump', '']);
    t.deepEqual([code, stderr], [0, '']);
    t.true(stdout.split('\n').includes('fdb'));
    const nothing = await dpctl(['__complete', '--root', root, 'detach', '']);
    t.deepEqual(nothing, { code: 0, stdout: '', stderr: '' });
    const user = await dpctl(['__complete', 'detach', ''], { uid: 65534, gid: 65534 });
    t.deepEqual(user, { code: 0, stdout: '', stderr: '' });
    t.is((await dpctl(['__complete'])).code, 0);
  } finally {
    rmSync(root, { recursive: true });
  }
});

/** A directory with `dpctl` and the script of a shell, removed after use. */
async function withShell<T>(
  shell: string,
  use: (dir: string, script: string) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), `dpctl-cli-${process.pid}-`));
  try {
    const script = join(dir, 'script');
    writeFileSync(script, (await dpctl(['completion', shell])).stdout);
    writeFileSync(join(dir, 'dpctl'), `#!/bin/sh\nexec '${process.execPath}' '${DPCTL}' "$@"\n`, {
      mode: 0o755,
    });
    return await use(dir, script);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const SHELLS = [
  ['bash', '-n'],
  ['zsh', '-n'],
  ['fish', '--no-execute'],
] as const;

for (const [shell, check] of SHELLS) {
  testRequiring(command(shell))(`${shell} reads its script without complaint`, async (t) => {
    const ran = await withShell(shell, (_, script) =>
      execa(shell, [check, script], { reject: false }),
    );
    t.deepEqual([ran.exitCode, ran.stderr], [0, '']);
  });
}

async function inBash(words: readonly string[]): Promise<string[]> {
  return withShell('bash', async (dir, script) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const line = `PATH='${dir}':$PATH; source '${script}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _dpctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await execa('bash', ['--norc', '-c', line]);
    if (stderr !== '') throw new Error(stderr);
    return stdout.split('\n').filter((value) => value !== '');
  });
}

test('bash completes', async (t) => {
  t.deepEqual(await inBash(['dpctl', 'at']), ['attach']);
  t.deepEqual(await inBash(['dpctl', 'dump', 'n']), ['neigh', 'nodes', 'networks']);
  t.deepEqual(await inBash(['dpctl', 'dump', '--color', '=', 'a']), ['auto', 'always']);
  t.deepEqual(await inBash(['dpctl', 'dump', '--color', '=']), ['auto', 'always', 'never']);
  t.deepEqual(await inBash(['dpctl', '--root', '/et']), ['/etc']);
});

testRequiring(command('fish'))('fish completes, with what the words mean', async (t) => {
  const out = await withShell('fish', async (dir, script) => {
    const line = `set -x PATH '${dir}' $PATH; source '${script}'; complete -C 'dpctl dump n'; complete -C 'dpctl netw'`;
    const home = { HOME: dir, XDG_CONFIG_HOME: dir, XDG_DATA_HOME: dir };
    return (await execa('fish', ['--private', '-c', line], { env: home })).stdout;
  });
  t.deepEqual(
    out
      .split('\n')
      .map((line) => line.split('\t')[0])
      .toSorted(),
    ['neigh', 'network', 'networks', 'nodes'],
  );
  t.true(out.includes('network\tmake, delete and list networks'));
});

testRequiring(command('zsh'))('zsh loads the script as a function and completes', async (t) => {
  const out = await withShell('zsh', async (dir, script) => {
    // compadd works only inside the line editor, so a stand-in prints its arguments.
    const line = [
      'compdef() { :; }',
      `source '${script}'`,
      'compadd() { print -l -- "$values[@]"; }',
      `words=('${dir}/dpctl' dump n); CURRENT=3; _dpctl`,
    ].join('; ');
    return (await execa('zsh', ['-f', '-c', line])).stdout;
  });
  t.true(out.split('\n').includes('neigh'));
});
