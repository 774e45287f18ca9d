import test from 'ava';
import { hintText } from '../../src/model/hint.js';
import { dpctl } from './helpers/dpctl.js';

/** Invalid command lines, with the code, message and hint that each must give. */
const WRONG: readonly (readonly [words: string, code: string, message: RegExp, hint: string])[] = [
  ['', 'USAGE', /^dpctl needs one of: attach, detach, /, 'dpctl --help'],
  ['network', 'USAGE', /^dpctl network needs one of: add, del, list$/, 'dpctl network --help'],
  ['atach ns1', 'USAGE', /no command "dpctl atach"; did you mean "attach"\?/, 'dpctl attach'],
  ['frobnicate', 'USAGE', /^there is no command "dpctl frobnicate"$/, 'dpctl --help'],
  ['network ad x', 'USAGE', /"dpctl network ad"; did you mean "add"/, 'dpctl network add'],
  ['help atach', 'USAGE', /no command "dpctl atach"; did you mean "attach"/, 'dpctl attach'],
  ['help network ad', 'USAGE', /"dpctl network ad"; did you mean "add"/, 'dpctl network add'],
  ['attach', 'USAGE', /^dpctl attach needs NS$/, 'dpctl attach NS [FLAGS]'],
  ['attach a b', 'USAGE', /does not know what to do with "b"$/, 'dpctl attach NS [FLAGS]'],
  ['attach a --ipp 1', 'USAGE', /has no flag --ipp; did you mean "--ip"/, 'dpctl attach --ip'],
  ['attach a --net=x', 'USAGE', /^dpctl attach has no flag --net$/, 'dpctl attach --help'],
  ['attach a --no-lok', 'USAGE', /did you mean "--no-lock"/, 'dpctl attach --no-lock'],
  ['--rot x dump', 'USAGE', /^dpctl has no flag --rot; did you mean "--root"/, 'dpctl --root'],
  ['attach a --mtu', 'USAGE', /^--mtu needs a value$/, '--mtu BYTES'],
  ['dump --output', 'USAGE', /^--output needs a value$/, '--output FORM'],
  [
    'network add --gateway blue',
    'USAGE',
    /^dpctl network add needs NAME$/,
    'dpctl network add NAME [FLAGS]',
  ],
  [
    'attach a --mtu big',
    'BAD_VALUE',
    /^--mtu: "big" is not a whole number$/,
    'digits only, such as 1450, or auto',
  ],
  [
    'attach a --mtu -5',
    'BAD_VALUE',
    /^--mtu: "-5" is not a whole number$/,
    'digits only, such as 1450, or auto',
  ],
  [
    'attach a --ip 10.0.0.1,,',
    'BAD_VALUE',
    /^--ip: an empty value$/,
    'no --ip at all, or one with a value',
  ],
  [
    'network add x --ageing soon',
    'BAD_VALUE',
    /^--ageing: "soon" is not a time$/,
    '300, 300s, 5m or 2h',
  ],
  ['dump fbd', 'BAD_VALUE', /^TABLE: "fbd" is not one of fdb, neigh, /, 'dpctl dump fdb'],
  ['dump -o jsn', 'BAD_VALUE', /^--output: "jsn" is not one of table, wide, /, '--output json'],
  [
    'completion tcsh',
    'BAD_VALUE',
    /^SHELL: "tcsh" is not one of bash, zsh, fish$/,
    'one of bash, zsh, fish',
  ],
  ['dump -j -o yaml', 'USAGE', /^-j and -o yaml contradict each other$/, 'use only one of the two'],
];

for (const [line, code, message, hint] of WRONG) {
  const words = line.split(' ').filter((word) => word !== '');
  test(`"dpctl ${line}" is refused with code, cause and next step`, async (t) => {
    const { code: exit, stdout, stderr } = await dpctl(words);
    t.is(exit, 1);
    t.is(stdout, '');
    if (words.includes('-j')) {
      const error = JSON.parse(stderr);
      t.is(error.code, code);
      t.regex(error.msg, message);
      t.is(hintText(error.hint), hint);
      return;
    }
    const [first = '', second, ...rest] = stderr.trimEnd().split('\n');
    t.true(first.startsWith(`error[${code}]: `), stderr);
    t.regex(first.slice(`error[${code}]: `.length), message);
    t.is(second, `try: ${hint}`);
    t.deepEqual(rest, []);
  });
}

test('a usage error is JSON on stderr where JSON was asked for, by flag or variable', async (t) => {
  const asked = [
    await dpctl(['-j', 'atach']),
    await dpctl(['atach', '-o', 'json']),
    await dpctl(['atach', '--output=json']),
    await dpctl(['atach'], { env: { DPCTL_OUTPUT: 'json' } }),
  ];
  for (const { code, stdout, stderr } of asked) {
    t.is(code, 1);
    t.is(stdout, '');
    const error = JSON.parse(stderr);
    t.deepEqual(Object.keys(error), ['code', 'msg', 'details', 'hint']);
    t.is(hintText(error.hint), 'dpctl attach');
  }
  const { stderr } = await dpctl(['atach', '-o', 'table'], { env: { DPCTL_OUTPUT: 'json' } });
  t.regex(stderr, /^error\[USAGE\]: /);
});

test('commands and flags are never abbreviated', async (t) => {
  for (const words of [
    ['att', 'x'],
    ['dump', '--js'],
    ['net', 'list'],
    ['attach', 'x', '--net', 'y'],
  ]) {
    t.is((await dpctl(words)).code, 1, words.join(' '));
  }
});

test('help and version are data: stdout and exit 0', async (t) => {
  const lines = [
    '--help',
    '-h',
    'help',
    'attach --help',
    'network --help',
    'help network add',
    'network add -h',
  ];
  for (const line of lines) {
    const { code, stdout, stderr } = await dpctl(line.split(' '));
    t.is(code, 0, line);
    t.is(stderr, '', line);
    t.regex(stdout, /^dpctl/, line);
    t.regex(stdout, /\nExamples:\n {2}dpctl /, line);
  }
  t.regex((await dpctl(['--version'])).stdout, /^dpctl [0-9]+\.[0-9]+\.[0-9]+\n$/);
});

test('help shows examples before everything else, then common flags before the others', async (t) => {
  const { stdout } = await dpctl(['attach', '--help']);
  const places = [
    'Examples:',
    'Usage:',
    'Arguments:',
    'Common flags:',
    '\nFlags:',
    'Flags of every command:',
  ];
  const found = places.map((place) => stdout.indexOf(place));
  t.false(found.includes(-1), stdout);
  t.deepEqual(
    found,
    found.toSorted((a, b) => a - b),
  );
  t.true(
    stdout.split('\n').every((line) => line.length <= 80),
    'wider than 80 columns',
  );
});

test('a user without privileges is told what to do', async (t) => {
  const { code, stdout, stderr } = await dpctl(['endpoints'], { uid: 65534, gid: 65534 });
  t.is(code, 2, stderr);
  t.is(stdout, '');
  t.regex(stderr, /^error\[NOT_ROOT\]: .*\ntry: sudo dpctl endpoints\n$/);
});

test('version names all libraries, and works without libbpf', async (t) => {
  const { stdout } = await dpctl(['version', '-j']);
  const versions = JSON.parse(stdout);
  t.deepEqual(Object.keys(versions), ['dpctl', 'libbpf', 'ffi', 'kernel', 'node']);
  t.regex(versions.libbpf, /^[0-9]+\.[0-9]+/);
  t.is(versions.ffi, 'koffi');
  t.is(versions.node, process.versions.node);
  const broken = await dpctl(['version', '-j'], { env: { DPCTL_LIBBPF: '/nonexistent.so' } });
  t.is(broken.code, 0);
  t.is(JSON.parse(broken.stdout).libbpf, 'none (LIBRARY_MISSING)');
});
