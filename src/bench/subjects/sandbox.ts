/**
 * Resources of a measurement, and their clean-up: at the regular end, after a failure, on a signal, and, if a
 * run was killed, at the start of the next run. All names contain the pid of the run. Clean-up is
 * synchronous, because an exiting process cannot wait.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DpctlError } from '../../../loader/errors.js';
import {
  closeFd,
  isBpffs,
  isNsfs,
  MNT_DETACH,
  mount,
  openFd,
  statfsType,
  umount,
} from '../../../loader/sys/files.js';
import { searchPath } from '../../linux/command.js';
import { NETNS_DIR } from '../../linux/netns.js';

/** Parents of folders: tmpfs, as for the files of dpctl, so that disks do not affect the results. */
const FOLDERS = ['/run', '/dev/shm'] as const;
/** Superblock magic of a tmpfs (linux/magic.h). */
const TMPFS = 0x01021994;
const NAME = /^dpb(\d+)(-|$)/;

/** An open network namespace. */
export interface Namespace {
  readonly name: string;
  readonly fd: number;
}

/** Resources of one part of a run. */
export interface Sandbox {
  /** Create a network namespace. Its loopback device is up. */
  namespace(label: string): Namespace;
  /** Create a folder on a tmpfs. */
  folder(label: string): string;
  /** Mount a BPF file system. */
  bpffs(label: string): string;
  /** Register a clean-up function. They run in reverse order, and must be idempotent. */
  defer(undo: () => void): void;
  /** Clean everything up. Idempotent; continues after a failure. */
  close(): void;
}

let sandboxes = 0;

/** Open a sandbox. It is closed when the process exits. */
export function openSandbox(): Sandbox {
  const tag = `dpb${process.pid}-${sandboxes++}`;
  const undos: (() => void)[] = [];
  const atExit = (): void => sandbox.close();
  const defer = (undo: () => void): void => {
    undos.push(undo);
  };
  process.on('exit', atExit);
  const sandbox: Sandbox = {
    defer,
    namespace(label) {
      const name = `${tag}${label}`;
      ip('netns', 'add', name);
      defer(() => removeNamespace(name));
      const fd = openFd(join(NETNS_DIR, name));
      defer(() => closeFd(fd));
      ip('-n', name, 'link', 'set', 'lo', 'up');
      return { name, fd };
    },
    folder(label) {
      const path = join(memoryFolder(), `${tag}${label}`);
      mkdirSync(path, { mode: 0o700 });
      defer(() => removeFolder(path));
      return path;
    },
    bpffs(label) {
      const path = sandbox.folder(label);
      mount('bpf', path, 'bpf', 0);
      return path;
    },
    close() {
      for (const undo of undos.splice(0).reverse()) {
        try {
          undo();
        } catch (error) {
          process.emitWarning(`bench: not cleaned up: ${String(error)}`);
        }
      }
      process.off('exit', atExit);
    },
  };
  return sandbox;
}

/** Run ip(8). Throws an error with its output if it fails. */
export function ip(...args: readonly string[]): void {
  try {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: searchPath() } });
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new DpctlError('BENCH_SETUP', `ip ${args.join(' ')}: ${said}`, { cause });
  }
}

/**
 * Remove resources of runs that were killed.
 * @returns their paths and names
 */
export function sweep(): string[] {
  const dead = (name: string): boolean => {
    const pid = NAME.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  };
  const within = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir).filter(dead) : []);
  const folders = FOLDERS.flatMap((dir) => within(dir).map((name) => join(dir, name)));
  const spaces = within(NETNS_DIR);
  for (const name of spaces) endProcesses(name);
  for (const path of folders) removeFolder(path);
  for (const name of spaces) removeNamespace(name);
  return [...folders, ...spaces];
}

/** Kill the servers of a killed run, which still run in its namespaces. The names show that they are ours. */
function endProcesses(name: string): void {
  const options = { encoding: 'utf8', env: { PATH: searchPath() } } as const;
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], options);
  for (const pid of stdout.split('\n').map(Number).filter(Boolean)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The process has already exited.
    }
  }
}

/** A folder on a tmpfs. If there is none, the first folder is used, and the disk affects the results. */
function memoryFolder(): string {
  const isMemory = (dir: string): boolean => existsSync(dir) && statfsType(dir) === TMPFS;
  return FOLDERS.find(isMemory) ?? FOLDERS[0];
}

function removeNamespace(name: string): void {
  spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore', env: { PATH: searchPath() } });
}

/** Delete a folder and the mounts of dpctl in it. Without its pins, the kernel frees all BPF objects. */
function removeFolder(path: string): void {
  const mounts = [join(path, 'run/dpctl/bpf'), join(path, 'run/dpctl/netns'), path];
  for (const place of mounts) {
    while (isBpffs(place) || isNsfs(place)) umount(place, MNT_DETACH);
  }
  rmSync(path, { recursive: true, force: true });
}
