/**
 * What a measurement makes on the machine, and how it goes again: on the regular way out, on a
 * failure, on an interrupt, and, where a run was killed, at the start of the next one. Everything
 * carries the pid of its run. All of it is synchronous, because a process that ends cannot wait.
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

/** Where folders may live: in memory, as dpctl's own are, so that no disk is measured by accident. */
const FOLDERS = ['/run', '/dev/shm'] as const;
/** Superblock magic of a tmpfs (linux/magic.h). */
const TMPFS = 0x01021994;
const NAME = /^dpb(\d+)(-|$)/;

/** An open network namespace. */
export interface Namespace {
  readonly name: string;
  readonly fd: number;
}

/** A place for one part of a run. */
export interface Sandbox {
  /** Make a namespace; its loopback is up. */
  namespace(label: string): Namespace;
  /** Make a folder in memory. */
  folder(label: string): string;
  /** Mount a BPF file system. */
  bpffs(label: string): string;
  /** Have something undone; the last first. It must not fail for being done already. */
  defer(undo: () => void): void;
  /** Undo everything. Safe to repeat; goes on after a failure. */
  close(): void;
}

let sandboxes = 0;

/** Open a sandbox. It closes itself when the process ends. */
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

/** iproute2, and an error with what it said. */
export function ip(...args: readonly string[]): void {
  try {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: searchPath() } });
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new DpctlError('BENCH_SETUP', `ip ${args.join(' ')}: ${said}`, { cause });
  }
}

/**
 * Remove what runs left behind that are no more.
 * @returns what it was
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

/** Servers of a run that was killed go on waiting in its namespaces, which are ours by their names. */
function endProcesses(name: string): void {
  const options = { encoding: 'utf8', env: { PATH: searchPath() } } as const;
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], options);
  for (const pid of stdout.split('\n').map(Number).filter(Boolean)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
  }
}

/** A file system in memory; without one, the first, and disks are part of what is measured. */
function memoryFolder(): string {
  const isMemory = (dir: string): boolean => existsSync(dir) && statfsType(dir) === TMPFS;
  return FOLDERS.find(isMemory) ?? FOLDERS[0];
}

function removeNamespace(name: string): void {
  spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore', env: { PATH: searchPath() } });
}

/** A folder with what dpctl may have mounted in it: with its pins gone, the kernel frees the rest. */
function removeFolder(path: string): void {
  const mounts = [join(path, 'run/dpctl/bpf'), join(path, 'run/dpctl/netns'), path];
  for (const place of mounts) {
    while (isBpffs(place) || isNsfs(place)) umount(place, MNT_DETACH);
  }
  rmSync(path, { recursive: true, force: true });
}
