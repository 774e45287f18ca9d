import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { paintFor } from '../../src/cli/color.js';
import { holdStdout } from '../../src/cli/output.js';
import { command, testRequiring } from '../helpers/requirements.js';
import { DPCTL, dpctl } from './helpers/dpctl.js';

function withFile(use: (fd: number, read: () => string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), `dpctl-cli-${process.pid}-`));
  const path = join(dir, 'out');
  const fd = openSync(path, 'w');
  try {
    use(fd, () => readFileSync(path, 'utf8'));
  } finally {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  }
}

test('no output is written before the end', (t) => {
  withFile((fd, read) => {
    const sink = holdStdout(fd);
    for (let line = 0; line < 20_000; line++) sink.write(`line ${line}\n`);
    t.is(read(), '');
    sink.end();
    t.is(read().split('\n').length, 20_001);
  });
});

test('a large output is written as it comes, complete and in order', (t) => {
  withFile((fd, read) => {
    const sink = holdStdout(fd, 100_000);
    const lines = Array.from({ length: 50_000 }, (_, line) => `line ${line}\n`);
    for (const line of lines) sink.write(line);
    t.true(read().length > 100_000);
    sink.end();
    t.is(read(), lines.join(''));
  });
});

/** A line of bash in which "$0" "$1" is dpctl. */
function inBash(line: string) {
  return execa('bash', ['-c', line, process.execPath, DPCTL], { reject: false });
}

test('a reader of help that goes away ends the program quietly', async (t) => {
  const { stdout, stderr } = await inBash(
    '{ "$0" "$1" attach --help; echo "code $?" >&2; } | head -1',
  );
  t.is(stderr, 'code 0');
  t.is(stdout, 'dpctl attach: connect a network namespace to a network');
});

test('a reader that never reads help ends the program quietly', async (t) => {
  const { stdout, stderr } = await inBash(
    '{ sleep 0.3; "$0" "$1" --help; echo "code $?" >&2; } | true',
  );
  t.is(stdout, '');
  t.is(stderr, 'code 0');
});

test('an unwritable stdout is an error', async (t) => {
  const { exitCode, stderr } = await inBash('"$0" "$1" --help > /dev/full');
  t.is(exitCode, 2);
  t.regex(stderr, /^error\[OUTPUT_LOST\]: stdout cannot be written: ENOSPC /);
});

test('a closed stderr causes no other failure', async (t) => {
  t.is((await inBash('"$0" "$1" atach 2>&-')).exitCode, 1);
});

const RED = '\u001b[31m';

test('without a terminal nothing is coloured unless it is asked for', async (t) => {
  t.false((await dpctl(['atach'])).stderr.includes('\u001b'));
  t.true((await dpctl(['atach', '--color', 'always'])).stderr.includes(RED));
  t.true((await dpctl(['atach'], { env: { DPCTL_COLOR: 'always' } })).stderr.includes(RED));
  t.true((await dpctl(['dump', 'fbd', '--color=always'])).stderr.includes(RED));
});

test('--color beats NO_COLOR, NO_COLOR beats a terminal', async (t) => {
  const { stderr } = await dpctl(['atach', '--color=always'], { env: { NO_COLOR: '1' } });
  t.true(stderr.includes(RED));
  t.is((await paintFor(1, undefined, { NO_COLOR: '1' })).red('x'), 'x');
  t.is((await paintFor(1, 'auto', { TERM: 'dumb' })).red('x'), 'x');
  t.is((await paintFor(1, 'never', {})).red('x'), 'x');
});

testRequiring(command('script'))(
  'at a terminal errors are coloured, and not with NO_COLOR',
  async (t) => {
    const atTerminal = async (before: string, after: string): Promise<string> => {
      const line = `${before} '${process.execPath}' '${DPCTL}' atach ${after}`;
      const ran = await execa('script', ['-qec', line, '/dev/null'], {
        reject: false,
        stdin: 'ignore',
        env: { TERM: 'xterm' },
      });
      return ran.stdout;
    };
    t.true((await atTerminal('unset NO_COLOR;', '')).includes(RED));
    t.false((await atTerminal('NO_COLOR=1', '')).includes('\u001b'));
    t.false((await atTerminal('unset NO_COLOR;', '--color never')).includes('\u001b'));
  },
);
