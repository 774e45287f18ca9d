/**
 * Detects what a test run leaves behind. On a shared machine only if the run has private namespaces: a
 * difference outside of them may have other causes.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attached, mounts, pinned } from './live-bpf.js';
import { isPrivate } from './private-namespaces.js';

/** The present state: a line for each object, or a name and its value. */
export interface Snapshot {
  readonly things: ReadonlySet<string>;
  readonly sysctls: ReadonlyMap<string, string>;
}

/** `ip netns add` makes this on its first use on a machine, and nothing ever removes it. */
const NETNS_DIR = '/run/netns';

/** The kernel frees namespaces and devices a moment after their last user has ended. */
const GRACE_MS = 5000;

/** Take a snapshot of this machine. */
export function snapshot(): Snapshot {
  const mounted = mounts();
  return {
    things: new Set([
      ...mounted
        .filter(({ place }) => place !== NETNS_DIR)
        .map(({ place, kind }) => `mount ${place} (${kind})`),
      ...files(),
      ...json('ip', ['-j', '-d', 'link', 'show']).map(linkLine),
      ...json('ip', ['-j', 'addr', 'show']).flatMap(addressLines),
      ...lines('ip', ['-o', 'route', 'show', 'table', 'all'], 'route'),
      ...lines('ip', ['-o', 'rule', 'show'], 'rule'),
      ...lines('ip', ['-o', '-6', 'rule', 'show'], 'rule6'),
      ...json('tc', ['-j', 'qdisc', 'show']).map(
        (q) => `qdisc ${text(q, 'kind')} ${text(q, 'dev')}`,
      ),
      ...lines('nft', ['list', 'tables'], 'nft'),
      // Those of others, if there can be any.
      ...pinned(mounted.filter(({ place }) => isPrivate() || place === '/sys/fs/bpf')),
      ...attached(isPrivate() ? mounted : []),
    ]),
    sysctls: sysctls(),
  };
}

/**
 * Everything that has appeared or changed since the earlier snapshot and does not go away by itself, a line
 * each.
 * @param before the earlier snapshot
 * @param processes also list processes that should have ended
 */
export async function leaksSince(
  before: Snapshot,
  processes: () => readonly number[],
): Promise<string[]> {
  const deadline = Date.now() + GRACE_MS;
  for (;;) {
    const found = [...difference(before, snapshot()), ...processes().map(processLine)];
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(200);
  }
}

/** Entries of the later snapshot that are new or have another value. */
export function difference(before: Snapshot, after: Snapshot): string[] {
  const changed: string[] = [];
  for (const [key, value] of after.sysctls) {
    const old = before.sysctls.get(key);
    if (old !== undefined && old !== value) changed.push(`sysctl ${key}: ${old} -> ${value}`);
  }
  return [...[...after.things].filter((thing) => !before.things.has(thing)), ...changed];
}

/** Running processes that were started with the tag. */
export function processesOf(tag: string): number[] {
  return pids().filter((pid) =>
    read(`/proc/${pid}/environ`).split('\0').includes(`DPCTL_TEST_RUN=${tag}`),
  );
}

/** All processes here except for this one and its parents. */
export function processesBeside(): number[] {
  const own = new Set<number>();
  for (let pid = process.pid; pid > 0; pid = statusOf(pid).parent) own.add(pid);
  return pids().filter((pid) => !own.has(pid) && statusOf(pid).runs);
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number);
}

function statusOf(pid: number): { readonly parent: number; readonly runs: boolean } {
  const status = read(`/proc/${pid}/status`);
  return {
    parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0),
    // A zombie is listed until its parent reads its exit code.
    runs: /^State:\s+[^ZX]/m.test(status),
  };
}

function processLine(pid: number): string {
  return `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`;
}

/** Folders in which dpctl or its tests store files. */
function files(): string[] {
  const under = ['/run', '/var/lib', '/tmp', '/dev/shm', NETNS_DIR];
  return under.flatMap((folder) =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => /^(dp|netns)/.test(name) || folder === NETNS_DIR)
      .map((name) => join(folder, name))
      .filter((path) => path !== NETNS_DIR)
      .map((path) => `file ${path}`),
  );
}

function linkLine(link: Row): string {
  const kind = (link.linkinfo as Row | undefined)?.info_kind ?? 'device';
  return `link ${text(link, 'ifname')} (${kind}, mtu ${text(link, 'mtu')})`;
}

function addressLines(link: Row): string[] {
  const infos = (link.addr_info as Row[] | undefined) ?? [];
  return infos.map(
    (info) => `address ${text(info, 'local')}/${text(info, 'prefixlen')} ${text(link, 'ifname')}`,
  );
}

/**
 * Network parameters, except for counters and read-only ones: where a run has a network namespace of its
 * own, those belong to the whole machine.
 */
function sysctls(): Map<string, string> {
  const found = new Map<string, string>();
  const volatile = /nf_conntrack_(count|buckets)|random|route\/(flush|gc)/;
  for (const root of ['/proc/sys/net']) {
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || volatile.test(path) || !isWritable(path)) continue;
      found.set(path.slice(10), read(path).trim());
    }
  }
  return found;
}

function isWritable(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o200) !== 0;
}

type Row = Readonly<Record<string, unknown>>;

function text(row: Row, key: string): string {
  return String(row[key] ?? '');
}

function json(command: string, args: readonly string[]): Row[] {
  const output = run(command, args);
  return output.trim() === '' ? [] : (JSON.parse(output) as Row[]);
}

/** Words that count down or change by themselves are left out. */
function lines(command: string, args: readonly string[], what: string): string[] {
  return run(command, args)
    .split('\n')
    .map((line) => line.replace(/ expires \d+sec/, '').trim())
    .filter((line) => line !== '')
    .map((line) => `${what} ${line}`);
}

function run(command: string, args: readonly string[]): string {
  const { error, stdout } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) throw new Error(`${command}: ${error.message}`, { cause: error });
  return stdout;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It is gone, or not readable.
    return '';
  }
}
