/** A real systemd, as process 1 of namespaces of its own, over a copy of this machine's root. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Ran, type RunOptions, run } from '../../system/helpers/lab.js';
import { eventually, type Running, start } from '../../system/helpers/process.js';

const ROOT = new URL('../../../..', import.meta.url).pathname;
const BOOT = join(ROOT, 'test/agent/helpers/boot-systemd.sh');

/** A machine that systemd runs. */
export interface Machine {
  /** Run a program in it; never throws. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same, and throw unless it exits 0; gives what it printed. */
  must(...argv: string[]): Promise<string>;
  /** Start a program that runs beside the test. */
  start(argv: readonly string[]): Running;
  /** A property of a unit. */
  property(unit: string, name: string): Promise<string>;
  /** Shut it down, and boot it again. */
  reboot(): Promise<void>;
}

/** Why systemd cannot run here; undefined if it can. */
export function noSystemd(): string | undefined {
  if (!existsSync('/usr/lib/systemd/systemd')) return 'systemd';
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-systemd-'));
  try {
    const { status } = spawnSync('bash', [BOOT, dir, ROOT, '--check'], { stdio: 'ignore' });
    return status === 0 ? undefined : 'a machine that allows an overlay of its root';
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Boot a machine, with a checkout of dpctl and nothing that is installed. It ends with the test. */
export async function bootMachine(t: ExecutionContext): Promise<Machine> {
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-systemd-'));
  let booted: Running;
  let init = 0;
  t.teardown(async () => {
    await booted?.stop();
    rmSync(dir, { recursive: true });
  });
  const enter = (): string[] => ['nsenter', '-t', `${init}`, '-a', '--'];
  const boot = async (): Promise<void> => {
    rmSync(join(dir, 'pid'), { force: true });
    booted = start(t, '', ['bash', BOOT, dir, ROOT]);
    const isUp = async () => {
      init = initOf(join(dir, 'pid'));
      if (init === 0) return false;
      const { stdout } = await run([...enter(), 'systemctl', 'is-system-running']);
      return /running|degraded/.test(stdout);
    };
    if (!(await eventually(isUp, 60_000, 100))) {
      throw new Error(`it does not boot: ${booted.output().stderr}`);
    }
  };
  await boot();
  const machine: Machine = {
    run: (argv, options) => run([...enter(), ...argv], options),
    // In the test's namespace of processes: nsenter would stay as its parent, and signals end there.
    start: (argv) => start(t, '', ['nsenter', '-t', `${init}`, '-m', '-n', '--', ...argv]),
    async must(...argv) {
      const { code, stdout, stderr } = await machine.run(argv);
      if (code !== 0) throw new Error(`${argv.join(' ')}: ${code}\n${stdout}${stderr}`);
      return stdout;
    },
    async property(unit, name) {
      return machine.must('systemctl', 'show', '--value', '-p', name, unit);
    },
    async reboot() {
      await machine.run(['systemctl', 'poweroff']);
      await booted.ended(60_000);
      await boot();
    },
  };
  return machine;
}

/** The first process of what `unshare` runs, whose own pid is in a file; 0 if it is not systemd yet. */
function initOf(file: string): number {
  try {
    const pid = readFileSync(file, 'utf8').trim();
    const init = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
    return readFileSync(`/proc/${init}/comm`, 'utf8').startsWith('systemd') ? init : 0;
  } catch {
    // It has just been started.
    return 0;
  }
}
