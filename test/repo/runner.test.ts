import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runInLanes } from '../../scripts/test/lanes.js';
import { difference, leaksSince, processesOf, snapshot } from '../../scripts/test/leaks.js';
import { suites } from '../../scripts/test/suites.js';
import {
  closingLine,
  count,
  NOTHING,
  parseTapLine,
  type TapResult,
} from '../../scripts/test/tap.js';

test('the closing line is what CI reads', (t) => {
  t.is(closingLine({ passed: 3, failed: 0, skipped: 2 }), '3 passed, 0 failed, 2 skipped');
});

const LINES: readonly (readonly [string, TapResult['outcome'] | undefined])[] = [
  ['ok 1 - a › adds', 'passed'],
  ['ok 2 - a › bridge [needs tcpdump] # SKIP', 'skipped'],
  ['not ok 3 - a › breaks', 'failed'],
  ['not ok 4 - a › later # TO'.concat('DO'), 'failed'],
  ['not ok 5 - No tests found in dist/test/a.test.js', 'failed'],
  ['ok 6 - a › a title with # in it', 'passed'],
  ['#   a logged line', undefined],
  ["    message: 'ok 1 - not a result'", undefined],
  ['1..6', undefined],
];
test('each line of TAP counts as what it is', (t) => {
  for (const [line, outcome] of LINES) t.is(parseTapLine(line)?.outcome, outcome, line);
});

test('counts add up', (t) => {
  const results = LINES.flatMap(([line]) => parseTapLine(line) ?? []);
  t.deepEqual(results.reduce(count, NOTHING), { passed: 2, failed: 3, skipped: 1 });
});

test('suites are folders of test/, the listed first, both backends of the loader apart', (t) => {
  const root = mkdtempSync(join(tmpdir(), `dp${process.pid}-suites-`));
  try {
    for (const folder of ['zebra', 'system', 'loader', 'helpers', 'model']) {
      mkdirSync(join(root, 'test', folder, 'deep'), { recursive: true });
    }
    writeFileSync(join(root, 'test/model/deep/b.test.ts'), '');
    writeFileSync(join(root, 'test/model/a.test.ts'), '');
    writeFileSync(join(root, 'test/model/helper.ts'), '');
    const found = suites(root, []);
    t.deepEqual(
      found.map(({ name }) => name),
      ['loader', 'loader-ffi-napi', 'model', 'system', 'zebra'],
    );
    t.deepEqual(found[2]?.files, ['dist/test/model/a.test.js', 'dist/test/model/deep/b.test.js']);
    t.is(found[0]?.env.DPCTL_FFI, 'koffi');
    t.regex(found[1]?.skip ?? '', /ffi-napi is not installed/);
    t.deepEqual(
      suites(root, ['model']).map(({ name }) => name),
      ['model'],
    );
    t.throws(() => suites(root, ['modle']), { message: /no suite modle, only loader/ });
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('output of parallel jobs is not interleaved, and timing jobs run alone', async (t) => {
  const lines: string[] = [];
  let busy = 0;
  const job = (name: string, steps: number, quiet = false) => ({
    quiet,
    async run(print: (line: string) => void): Promise<string> {
      busy++;
      if (quiet) t.is(busy, 1, `${name} is alone`);
      for (let i = 0; i < steps; i++) {
        print(`${name}${i}`);
        await new Promise(setImmediate);
      }
      busy--;
      return name;
    },
  });
  const jobs = [job('q', 2, true), job('a', 9), job('b', 2), job('c', 3), job('r', 1, true)];
  const results = await runInLanes(jobs, 2, (line) => lines.push(line));
  t.deepEqual(results, ['q', 'a', 'b', 'c', 'r'], 'in the order that was asked for');
  t.is(lines.map((line) => line.charAt(0)).join(''), 'aaaaaaaaabbcccqqr');
});

test('what runs beside the lanes holds nobody up, and ends before what wants quiet', async (t) => {
  const lines: string[] = [];
  let release: () => void = () => {};
  const others = new Promise<void>((resolve) => {
    release = resolve;
  });
  const job = (name: string, act: () => unknown, when: { quiet?: boolean; beside?: boolean }) => ({
    quiet: false,
    ...when,
    async run(print: (line: string) => void): Promise<string> {
      print(`${name}1`);
      await act();
      print(`${name}2`);
      return name;
    },
  });
  let left = 3;
  const count = () => {
    if (--left === 0) release();
  };
  const jobs = [
    job('a', count, {}),
    job('q', () => t.deepEqual(lines.slice(-2), ['g2', 'q1']), { quiet: true }),
    job('g', () => others, { beside: true }),
    job('b', count, {}),
    job('c', count, {}),
  ];
  const results = await runInLanes(jobs, 2, (line) => lines.push(line));
  t.deepEqual(results, ['a', 'q', 'g', 'b', 'c']);
  t.deepEqual(lines, ['a1', 'a2', 'b1', 'b2', 'c1', 'c2', 'g1', 'g2', 'q1', 'q2']);
  lines.length = 0;
  await runInLanes(
    [jobs[2], jobs[0]].flatMap((it) => it ?? []),
    1,
    (line) => lines.push(line),
  );
  t.deepEqual(lines, ['g1', 'g2', 'a1', 'a2'], 'with one lane in its turn');
});

test('a namespace, a link, a folder and a sysctl left behind are each named', (t) => {
  const name = `dp${process.pid}leak`;
  const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' });
  const before = snapshot();
  let left: string[];
  try {
    t.is(ip('netns', 'add', name).status, 0);
    t.is(
      ip('link', 'add', `d${process.pid}l`, 'type', 'veth', 'peer', 'name', 'e0', 'netns', name)
        .status,
      0,
    );
    mkdirSync(join(tmpdir(), name));
    const after = snapshot();
    const sysctls = new Map(after.sysctls).set('net/ipv4/ip_forward', 'changed');
    left = difference(before, { ...after, sysctls });
  } finally {
    ip('netns', 'del', name);
    ip('link', 'del', `d${process.pid}l`);
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
  const found = (pattern: RegExp) => left.some((line) => pattern.test(line));
  t.true(found(new RegExp(`^mount /run/netns/${name} \\(nsfs\\)$`)), left.join('\n'));
  t.true(found(new RegExp(`^link d${process.pid}l \\(veth`)), left.join('\n'));
  t.true(found(new RegExp(`^file /tmp/${name}$`)), left.join('\n'));
  t.true(found(/^sysctl net\/ipv4\/ip_forward: \d -> changed$/), left.join('\n'));
});

test('a process left behind is found by the tag that it inherited', async (t) => {
  const tag = `${process.pid}-left`;
  const child = spawn('sleep', ['60'], {
    env: { ...process.env, DPCTL_TEST_RUN: tag },
    stdio: 'ignore',
    detached: true,
  });
  await once(child, 'spawn');
  t.deepEqual(processesOf(tag), [child.pid]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.deepEqual(processesOf(tag), []);
});

test('what goes away within the grace is no leak', async (t) => {
  const tag = `${process.pid}-brief`;
  const child = spawn('sleep', ['0.5'], {
    env: { ...process.env, DPCTL_TEST_RUN: tag },
    stdio: 'ignore',
  });
  await once(child, 'spawn');
  const leaks = await leaksSince(snapshot(), () => processesOf(tag));
  t.deepEqual(
    leaks.filter((line) => line.startsWith('process')),
    [],
  );
});
