/**
 * The whole state of a node and its namespaces as lines that can be compared: devices, addresses and routes
 * as iproute2 shows them, tables, pins, rules, sysctls, mounts and files. Values that change by themselves
 * (counters, timers, numbers from the kernel) are left out.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { linkInfo, openPinnedLink } from '../../loader/link/attach.js';
import { mapEntries } from '../../loader/map/batch.js';
import { closeMap, openPinnedMap } from '../../loader/map/info.js';
import { closeFd } from '../../loader/sys/files.js';
import { FDB_OFFSETS, MAPS } from '../../src/contract/generated.js';
import { run } from '../system/helpers/lab.js';

/** What to look at. */
export interface SnapshotTarget {
  /** Name of the node's namespace. */
  readonly node: string;
  readonly root: string;
}

/** Lines under headings: `links dt1x0n`, `table fdb`, `files` ... */
export type Snapshot = Readonly<Record<string, readonly string[]>>;

/**
 * Take a snapshot of a node.
 * @param namespaces the containers' namespaces; a missing one has no lines
 */
export async function takeSnapshot(
  target: SnapshotTarget,
  namespaces: readonly string[],
): Promise<Snapshot> {
  const parts = await Promise.all(
    [target.node, ...namespaces].map((ns) => namespaceLines(ns, ns === target.node)),
  );
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  return {
    ...Object.assign({}, ...parts),
    namespaces: names.filter((name) => [target.node, ...namespaces].includes(name)).sort(),
    ...tableLines(target.root),
    pins: pinLines(join(target.root, 'run/dpctl/bpf')),
    mounts: mountLines(target.root),
    files: fileLines(target.root),
  };
}

/** Lines that are only in the first (-) or only in the second (+), each with its heading. */
export function differences(before: Snapshot, after: Snapshot): string[] {
  const headings = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return headings.flatMap((heading) => {
    const [old, now] = [before[heading] ?? [], after[heading] ?? []];
    return [
      ...old.filter((line) => !now.includes(line)).map((line) => `- ${heading}: ${line}`),
      ...now.filter((line) => !old.includes(line)).map((line) => `+ ${heading}: ${line}`),
    ];
  });
}

type Row = Readonly<Record<string, unknown>>;

/** The first prints three lists, a line each. */
const QUERIES = [
  "printf 'link show\\naddr show\\nroute show table all\\n' | ip -j -d -batch -",
  'ip -j -6 route show table all',
  'tc -j qdisc show',
] as const;
const NODE_QUERIES = [
  'nft -s list ruleset',
  'cd /proc/sys/net && grep -rs . ipv4/ip_forward ipv4/conf/*/forwarding ipv6/conf/*/forwarding',
] as const;
const MARK = '@@';

/** One process for each namespace: a test takes hundreds of snapshots. */
async function namespaceLines(ns: string, isNode: boolean): Promise<Snapshot> {
  const queries = [...QUERIES, ...(isNode ? NODE_QUERIES : [])];
  const script = queries.map((query) => `(${query}); echo; echo ${MARK}`).join('\n');
  const { stdout } = await run(['ip', 'netns', 'exec', ns, 'sh', '-c', script]);
  const [lists, routes6, qdiscs, nft, sysctls] = stdout.split(MARK);
  const [links, addresses, routes4] = plainLines(lists);
  // The kernel gives the loopback 127.0.0.1 when it first comes up, and does not remove it.
  const real = (row: Row): boolean => row.dev !== 'lo' && row.ifname !== 'lo';
  return {
    [`links ${ns}`]: json(links).map((link) => linkLine(link, isNode)),
    [`addresses ${ns}`]: json(addresses).filter(real).flatMap(addressLines),
    [`routes ${ns}`]: [...json(routes4), ...json(routes6)].filter(real).flatMap(routeLines).sort(),
    // A device that was up once lists its noqueue.
    [`qdiscs ${ns}`]: json(qdiscs)
      .filter((row) => real(row) && row.kind !== 'noqueue')
      .map(({ kind, dev }) => `${kind} ${dev}`),
    ...(isNode && { nft: plainLines(nft), sysctls: plainLines(sysctls).sort() }),
  };
}

function json(text: string | undefined): Row[] {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? [] : (JSON.parse(trimmed) as Row[]);
}

function plainLines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line.trim() !== '');
}

/** The kernel gives host ends a random MAC and far ends a random number each time they are made. */
const HOST_END = /^dp[0-9a-f]{6}$|^dpp\d+$/;

function linkLine(link: Row, isNode: boolean): string {
  const flags = (link.flags as string[]).filter((flag) => !/CARRIER|LOWER_UP|M-DOWN/.test(flag));
  const kind = (link.linkinfo as Row | undefined)?.info_kind ?? 'device';
  const name = String(link.ifname);
  const facts = [
    name,
    kind,
    ...(isNode ? [`ifindex ${link.ifindex}`] : []),
    ...(isNode && HOST_END.test(name) ? [] : [`mac ${link.address}`]),
    `mtu ${link.mtu}`,
    flags.join(','),
    `alias ${link.ifalias ?? ''}`,
    ...['gso_max_size', 'gro_max_size', 'gso_ipv4_max_size', 'gro_ipv4_max_size']
      .filter((key) => link[key] !== undefined)
      .map((key) => `${key} ${link[key]}`),
    String(link.inet6_addr_gen_mode ?? ''),
  ];
  return facts.join(' ');
}

/** Without link-local addresses: they appear a second after a device is up. */
function addressLines(link: Row): string[] {
  return ((link.addr_info as Row[] | undefined) ?? [])
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefixlen, protocol }) =>
      [link.ifname, `${local}/${prefixlen}`, protocol ?? ''].join(' '),
    );
}

function routeLines(route: Row): string[] {
  const {
    type = 'unicast',
    dst,
    gateway = '',
    dev = '',
    protocol,
    metric = '',
    table = '',
  } = route;
  if (/^(fe80|ff00)/.test(String(dst)) || type === 'multicast' || type === 'anycast') return [];
  return [[type, dst, gateway, dev, protocol, metric, table].join(' ')];
}

/** Tables with configured entries, and the count of learned MACs. */
const TABLES = [
  'endpoint',
  'endpointx',
  'network',
  'port',
  'fdb',
  'neigh',
  'prefix',
  'nodeprefix',
  'learned',
  'underlay',
  'node',
  'vtep',
  'vni',
  'replica',
  'nodelearn',
] as const;

function tableLines(root: string): Snapshot {
  const lines: Record<string, readonly string[]> = {};
  for (const table of TABLES) {
    const path = join(root, 'run/dpctl/bpf/maps', MAPS[table].name);
    if (!existsSync(path)) continue;
    const map = openPinnedMap(path);
    try {
      lines[`table ${table}`] = [...mapEntries(map)]
        .filter(([, value]) => value.some((byte) => byte !== 0))
        // Number 0 counts all learned MACs: it follows from the others.
        .filter(([key]) => table !== 'learned' || key.some((byte) => byte !== 0))
        .map(
          ([key, value]) =>
            `${hex(key)} = ${hex(value, table === 'fdb' ? FDB_OFFSETS.lastSeen : undefined)}`,
        )
        .sort();
    } finally {
      closeMap(map);
    }
  }
  return lines;
}

function hex(bytes: Uint8Array, length?: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('hex');
}

function pinLines(dir: string): string[] {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return [];
  return (readdirSync(dir, { recursive: true }) as string[])
    .sort()
    .map((name) =>
      /^(links|overlay)\/./.test(name) ? `${name} on ${deviceOf(join(dir, name))}` : name,
    );
}

function deviceOf(path: string): string {
  const fd = openPinnedLink(path);
  try {
    return `ifindex ${linkInfo(fd).ifindex}`;
  } finally {
    closeFd(fd);
  }
}

function mountLines(root: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(root));
}

/** Files line by line. The lock's text names its last holder; a namespace is a new one each time. */
function fileLines(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(({ parentPath }) => !parentPath.startsWith(join(root, 'run/dpctl/bpf')))
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(root.length);
      if (!entry.isFile() || /\/(lock|netns)$/.test(path)) return [name];
      return (
        readFileSync(path, 'utf8')
          .split('\n')
          // A change that was undone has increased the revision too.
          .filter((line) => !/^ {2}"(check|revision)"/.test(line))
          .map((line) => line.replace(/"cookie":"\d+","created":true/, '"created":true'))
          // The order of fields only shows which command wrote them first.
          .map((line) => line.replace(/,"root":"[0-9a-f]+"/, ''))
          .map((line) => `${name} ${line}`)
      );
    })
    .sort();
}
