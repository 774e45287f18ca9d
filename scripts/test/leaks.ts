/** What a test run may leave behind on a machine, and whether it did. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { heldElsewhere } from './holders.js';

/** Everything there is now: a line a thing, or a name and its value. */
export interface Snapshot {
  readonly things: ReadonlySet<string>;
  readonly sysctls: ReadonlyMap<string, string>;
}

/** `ip netns add` makes this on a machine's first use of it, and nothing ever removes it. */
const NETNS_DIR = '/run/netns';

/** The kernel frees programs, maps and namespaces a moment after their last user is gone. */
const GRACE_MS = 5000;

/** Take stock of this machine. */
export function snapshot(): Snapshot {
  const held = heldElsewhere();
  return {
    things: new Set([
      ...mounts(),
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
      ...bpf('prog', held),
      ...bpf('map', held),
      ...bpf('link', held),
    ]),
    sysctls: sysctls(),
  };
}

/**
 * What has come or changed since the earlier snapshot and does not go away by itself, a line each.
 * @param before the machine as it was
 * @param tag value of DPCTL_TEST_RUN: processes that carry it are listed, too
 */
export async function leaksSince(before: Snapshot, tag: string): Promise<string[]> {
  const deadline = Date.now() + GRACE_MS;
  for (;;) {
    const found = [...difference(before, snapshot()), ...processesOf(tag).map(processLine)];
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(200);
  }
}

/** What the later snapshot has that the earlier one had not, or has with another value. */
export function difference(before: Snapshot, after: Snapshot): string[] {
  const changed: string[] = [];
  for (const [key, value] of after.sysctls) {
    const old = before.sysctls.get(key);
    if (old !== undefined && old !== value) changed.push(`sysctl ${key}: ${old} -> ${value}`);
  }
  return [...[...after.things].filter((thing) => !before.things.has(thing)), ...changed];
}

/** Processes that were started under the tag and still run. */
export function processesOf(tag: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(`DPCTL_TEST_RUN=${tag}`));
}

function processLine(pid: number): string {
  return `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`;
}

/** Named namespaces, bpffs and whatever else is mounted, by place and kind. */
function mounts(): string[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [head = '', tail = ''] = line.split(' - ');
      return { place: head.split(' ')[4], kind: tail.split(' ')[0] };
    })
    .filter(({ place }) => place !== NETNS_DIR)
    .map(({ place, kind }) => `mount ${place} (${kind})`);
}

/** Folders in which dpctl or its tests keep things, with all that is pinned in a bpffs. */
function files(): string[] {
  const under = ['/run', '/var/lib', '/tmp', NETNS_DIR, '/etc/netns', '/sys/fs/bpf'];
  return under.flatMap((folder) =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => /^(dp|netns)/.test(name) || /netns|bpf$/.test(folder))
      // What bpftool shows in a bpffs by itself comes and goes.
      .filter((name) => !name.endsWith('.debug'))
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

/** Programs of services (systemd's are for cgroups) and of bpftool itself are not ours. */
function bpf(kind: 'prog' | 'map' | 'link', held: ReadonlySet<string>): string[] {
  return json('bpftool', ['-j', kind, 'show'])
    .filter((row) => !held.has(`${kind} ${text(row, 'id')}`))
    .filter((row) => !/^cgroup|^sysctl/.test(text(row, 'type')))
    .filter((row) => !/^(pid_iter|libbpf_|det_arg)/.test(text(row, 'name')))
    .map((row) => `bpf ${kind} ${text(row, 'id')} ${text(row, 'type')} ${text(row, 'name')}`);
}

/** Parameters of the network, but those that count something. */
function sysctls(): Map<string, string> {
  const found = new Map<string, string>();
  const volatile = /nf_conntrack_(count|buckets)|random|route\/(flush|gc)/;
  for (const root of ['/proc/sys/net']) {
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !volatile.test(path)) found.set(path.slice(10), read(path).trim());
    }
  }
  return found;
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
    // It is gone, or not for reading.
    return '';
  }
}
