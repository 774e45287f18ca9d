import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const ROOT = new URL('../../..', import.meta.url).pathname;

/** In tenths: what systemd calls `OK` begins below 50. */
const EXPOSURE = 50;

function run(command: string, args: readonly string[], cwd = ROOT) {
  return spawnSync(command, args, { cwd, encoding: 'utf8' });
}

test('a set-up that has nothing to do is quick and silent', (t) => {
  const started = performance.now();
  const setup = run(join(ROOT, 'scripts/setup.sh'), []);
  t.is(setup.status, 0);
  t.is(setup.stdout + setup.stderr, '');
  // By itself it takes a fraction of a second; any needless work takes longer than this.
  t.true(performance.now() - started < 10_000);
});

test('the help names every target that a person may want, with a word on each', (t) => {
  const help = run('make', ['help']).stdout;
  for (const target of [
    'setup',
    'build',
    'test',
    'check',
    'lint',
    'format',
    'demo',
    'bench',
    'install',
  ]) {
    t.regex(help, new RegExp(`^ {2}make ${target} +\\w`, 'm'));
  }
});

test('what is installed runs by itself from anywhere, and is removed without a trace', (t) => {
  const dest = mkdtempSync(join(tmpdir(), `dp${process.pid}-install-`));
  try {
    const prefix = join(dest, 'opt/dp');
    const install = run('scripts/install.sh', ['', prefix]);
    t.is(install.status, 0, install.stderr);
    const bin = join(prefix, 'bin/dpctl');
    t.true((statSync(bin).mode & 0o111) !== 0);
    const version = run(bin, ['version'], '/');
    t.is(version.status, 0, version.error?.message ?? version.stderr);
    t.regex(version.stdout, /libbpf +\d/);
    const units = join(prefix, 'lib/systemd/system');
    for (const name of ['dpctl-agent.service', 'dpctl-restore.service']) {
      const unit = join(units, name);
      // It exits with 0 even if it does not understand a line.
      const verify = run('systemd-analyze', ['verify', '--man=no', unit]);
      t.is(verify.status, 0, verify.stderr);
      t.is(verify.stdout + verify.stderr, '');
      const security = run('systemd-analyze', [
        ...['security', '--no-pager', '--offline=true', `--threshold=${EXPOSURE}`],
        unit,
      ]);
      t.is(security.status, 0, security.stdout + security.stderr);
      t.log(/Overall exposure.*/.exec(security.stdout)?.[0] ?? '');
      // Each of these gives the service a mount namespace, and commands would not use the agent.
      t.notRegex(readFileSync(unit, 'utf8'), /^(Protect(System|Home|Kernel)|Private)\w*=/m);
    }
    // A package is made of the files below DESTDIR; here it is installed in the same place, and replaced.
    t.is(run('scripts/install.sh', [dest, '/opt/dp']).status, 0, 'again, over itself');

    t.is(run('scripts/install.sh', ['--uninstall', dest, '/opt/dp']).status, 0);
    const left = readdirSync(dest, { recursive: true, withFileTypes: true });
    t.deepEqual(
      left.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
      [],
    );
  } finally {
    rmSync(dest, { recursive: true });
  }
});

test('the bundle is what the bin of package.json names, and can be run', (t) => {
  const bin = join(ROOT, 'node_modules/.bin/dpctl');
  const version = run(bin, ['version']);
  t.is(version.status, 0, version.stderr);
});
