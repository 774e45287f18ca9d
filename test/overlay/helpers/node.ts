/**
 * A node of the overlay without a control plane: a namespace with the datapath's programs, whose tables the
 * test fills itself.
 */
import { attachTcx, attachXdp } from '../../../loader/link/attach.js';
import { tcAttach } from '../../../loader/link/clsact.js';
import { mapEntries } from '../../../loader/map/batch.js';
import { mapDelete, mapGet, mapPut } from '../../../loader/map/entry.js';
import type { BpfMap } from '../../../loader/map/info.js';
import { type BpfObject, loadObject, openObject } from '../../../loader/object/object.js';
import { hasFeature } from '../../../loader/probe.js';
import { closeFd, openFd } from '../../../loader/sys/files.js';
import { clockTickHz, possibleCpus } from '../../../loader/sys/machine.js';
import { inNetns } from '../../../loader/sys/netns.js';
import {
  EndpointFlags,
  type Fdb,
  FdbFlags,
  MAPS,
  NetworkFlags,
  nameOfReason,
  UnderlayDecap,
  UnderlayFlags,
  viewOf,
} from '../../../src/contract/generated.js';
import { type ObjectName, objectFile } from '../../../src/datapath/objects.js';
import { ip4ToNumber, ipToBytes16 } from '../../../src/model/address/ip.js';
import { macToBytes } from '../../../src/model/address/mac.js';
import { ip4Of, ip6Of, macOf, PORT, vtep4, vtep6 } from './address-plan.js';
import { awaitUp, batch, sh } from './shell.js';

export type Table = keyof typeof MAPS;
type Key<N extends Table> = ReturnType<(typeof MAPS)[N]['key']['decode']>;
type Value<N extends Table> = ReturnType<(typeof MAPS)[N]['value']['decode']>;
type Codec<T> = { encode(value: T): Uint8Array; decode(view: DataView, offset?: number): T };

/** Decap modes: at TC, at TC with the kernel's tunnel GRO, in the driver. */
export type Decap = 'tc' | 'tc-gro' | 'xdp';

export interface NodeOptions {
  readonly number: number;
  /** Namespace and device of the underlay, which already has its addresses. */
  readonly ns: string;
  readonly device: string;
  readonly family: 4 | 6;
  readonly decap: Decap;
  /** Whether the kernel's device exists; by default not with tc. */
  readonly anchor?: boolean;
  /** Flags of the device for the XDP program; by default those of a veth. */
  readonly xdp?: number;
  /** Directory in a private bpffs. */
  readonly pins: string;
  /** MTU of the underlay. */
  readonly mtu: number;
  readonly flags?: number;
  readonly dscp?: number;
  /** Load-time constants by the object's name. */
  readonly constants?: Readonly<Record<string, Readonly<Record<string, number | bigint>>>>;
}

export interface Container {
  readonly ns: string;
  readonly id: number;
  readonly ifindex: number;
  readonly hostEnd: string;
  readonly mac: string;
  readonly ip4: string;
  readonly ip6: string;
}

export interface OverlayNode {
  readonly number: number;
  readonly ns: string;
  readonly device: string;
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly mtu: number;
  map(table: Table): BpfMap;
  program(name: string): number;
  put<N extends Table>(table: N, key: Key<N>, value: Value<N>): void;
  get<N extends Table>(table: N, key: Key<N>): Value<N> | undefined;
  drop<N extends Table>(table: N, key: Key<N>): boolean;
  /** Counters other than 0, by the reason's name. */
  reasons(): Record<string, number>;
  /** Counters of a node or an endpoint, summed over all CPUs. */
  nodeStats(node: number): Value<'nodestat'>;
  endpointStats(id: number): Value<'epstat'>;
  /** A network, with the nodes that its floods go to. */
  network(index: number, vni: number, peers: readonly number[], flags?: number): void;
  /** Another node's VTEP. */
  peer(number: number, vtep: string, learnMax?: number): void;
  container(network: number, k: number, options?: Partial<ContainerOptions>): Container;
  fdb(vni: number, mac: string): Fdb | undefined;
  close(): void;
}

export interface ContainerOptions {
  readonly mtu: number;
  readonly flags: number;
  readonly learnMax: number;
  /** IPv6 is off inside: only a test's packets leave it. */
  readonly silent: boolean;
}

const { LOCK, LEARN, IP4, IP6 } = EndpointFlags;
const XDP_ON_VETH = UnderlayDecap.XDP | UnderlayDecap.VERIFY | UnderlayDecap.VETH;
/** BPF_FIB_LOOKUP_SKIP_NEIGH. */
const SKIP_NEIGH = 4;
/** BPF_F_ADJ_ROOM_DECAP_L3_IPV4 and _IPV6. */
const DECAP_L3 = 0x180n;

/** A container sends its first packets now, and later nothing that a test has not requested. */
const QUIET = [
  'accept_dad=0',
  'router_solicitations=0',
  'mldv2_unsolicited_report_interval=10',
].map((setting) => `net.ipv6.conf.default.${setting}`);

/** Bytes that the outer headers add, by family of the underlay. */
export const OVERHEAD = { 4: 50, 6: 70 } as const;

/** Create a node in a namespace. */
export function makeNode(options: NodeOptions): OverlayNode {
  const { ns, number, family, mtu } = options;
  const netns = openFd(`/run/netns/${ns}`);
  const objects: BpfObject[] = [];
  const links: number[] = [];
  const slots = new Map<number, number>();
  const networks = new Map<number, { vni: number; replicas: number; flags: number }>();
  const anchored = options.anchor ?? options.decap !== 'tc';
  let endpoints = 0;

  const close = () => {
    for (const link of links) closeFd(link);
    for (const object of objects) object.close();
    closeFd(netns);
  };
  const load = (name: ObjectName, constants: Record<string, number | bigint>): BpfObject => {
    const object = openObject(objectFile(name), {
      pinDir: options.pins,
      constants: { ...constants, ...options.constants?.[name] },
    });
    loadObject(object);
    objects.push(object);
    return object;
  };
  const attach = (program: string, ifindex: number, where: 'ingress' | 'egress') => {
    inNetns(netns, () => {
      if (hasFeature('tcx')) links.push(attachTcx(node.program(program), ifindex, where));
      else tcAttach(node.program(program), ifindex, where, { handle: 1, priority: 1 });
    });
  };

  const node: OverlayNode = {
    number,
    ns,
    device: options.device,
    ifindex: ifindexOf(ns, options.device),
    family,
    mtu,
    map(table) {
      const map = objects[0]?.maps.get(MAPS[table].name);
      if (map === undefined) throw new Error(`no table ${table}`);
      return map;
    },
    program(name) {
      for (const object of objects) {
        const program = object.programs.get(name);
        if (program !== undefined) return program.fd;
      }
      throw new Error(`no program ${name}`);
    },
    put(table, key, value) {
      mapPut(node.map(table), keyCodec(table).encode(key), valueCodec(table).encode(value));
    },
    get(table, key) {
      const bytes = mapGet(node.map(table), keyCodec(table).encode(key));
      return bytes && valueCodec(table).decode(viewOf(bytes));
    },
    drop: (table, key) => mapDelete(node.map(table), keyCodec(table).encode(key)),
    reasons() {
      const counted: Record<string, number> = {};
      for (const [key, bytes] of mapEntries(node.map('reason'))) {
        const { packets } = sumOf('reason', bytes);
        const reason = nameOfReason(MAPS.reason.key.decode(viewOf(key)));
        if (packets > 0n) counted[reason ?? '?'] = Number(packets);
      }
      return counted;
    },
    nodeStats: (peer) => sumOf('nodestat', perCpu('nodestat', peer)),
    endpointStats: (id) => sumOf('epstat', perCpu('epstat', id)),
    network(index, vni, peers, flags = 0) {
      networks.set(index, { vni, replicas: peers.length, flags });
      peers.forEach((peer, slot) => {
        node.put('replica', { network: index, slot }, { node: peer });
      });
      putNetwork(index);
      node.put('vni', vni, { network: index });
    },
    peer(peer, vtep, learnMax = 1024) {
      const old = node.get('node', peer);
      if (old?.vtep.some((byte) => byte !== 0)) node.drop('vtep', { ip: old.vtep });
      node.put('node', peer, { vtep: ipToBytes16(vtep), flags: 0, learnMax });
      node.put('vtep', { ip: ipToBytes16(vtep) }, { node: peer });
    },
    container(network, k, wanted = {}) {
      const id = ++endpoints;
      const slot = slots.get(network) ?? 0;
      slots.set(network, slot + 1);
      const inside = mtu - OVERHEAD[family];
      const {
        mtu: size = inside,
        flags = LOCK | IP4 | IP6,
        learnMax = 64,
        silent = false,
      } = wanted;
      const name = `${ns}w${network}k${k}`;
      const hostEnd = `h${network}k${k}`;
      const it = { mac: macOf(number, k), ip4: ip4Of(number, k), ip6: ip6Of(number, k) };
      sh('', 'ip', 'netns', 'add', name);
      const off = silent ? ['net.ipv6.conf.default.disable_ipv6=1'] : [];
      sh(name, 'sysctl', '-qw', ...QUIET, ...off);
      batch(
        ns,
        `link add ${hostEnd} mtu ${size} type veth peer name eth0 address ${it.mac} mtu ${size} netns ${name}`,
        `link set ${hostEnd} addrgenmode none`,
        `link set ${hostEnd} up`,
      );
      batch(
        name,
        'link set lo up',
        'link set eth0 up',
        `addr add ${it.ip4}/16 dev eth0`,
        ...(silent ? [] : [`addr add ${it.ip6}/64 dev eth0 nodad`]),
      );
      awaitUp(ns, hostEnd);
      awaitUp(name, 'eth0');
      const ifindex = ifindexOf(ns, hostEnd);
      const vni = networks.get(network)?.vni ?? 0;
      node.put('endpoint', ifindex, {
        id,
        network,
        flags,
        learnMax,
        mac: macToBytes(it.mac),
        mtu: size,
        ip4: ip4ToNumber(it.ip4),
        slot,
        ip6: ipToBytes16(it.ip6),
      });
      attach('endpoint', ifindex, 'ingress');
      node.put(
        'fdb',
        { vni, mac: macToBytes(it.mac) },
        {
          ifindex,
          endpoint: id,
          node: 0,
          flags: FdbFlags.STATIC | FdbFlags.ENDPOINT,
          lastSeen: 0n,
        },
      );
      node.put('port', { network, slot }, { ifindex, endpoint: id });
      putNetwork(network);
      return { ns: name, id, ifindex, hostEnd, ...it };
    },
    fdb: (vni, mac) => node.get('fdb', { vni, mac: macToBytes(mac) }),
    close,
  };

  function putNetwork(index: number): void {
    const { vni = 0, replicas = 0, flags = 0 } = networks.get(index) ?? {};
    node.put('network', index, {
      vni,
      ageing: 300,
      flags,
      groupForward: 0,
      slots: slots.get(index) ?? 0,
      replicas,
    });
  }

  function perCpu<N extends Table>(table: N, index: number): Uint8Array {
    const key = keyCodec(table).encode(index as Key<N>);
    return mapGet(node.map(table), key) ?? new Uint8Array(node.map(table).bufferSize);
  }

  try {
    const hz = { hz: clockTickHz() };
    const encap = { fib_flags: hasFeature('fib_skip_neigh') ? SKIP_NEIGH : 0 };
    const retype = hasFeature('adjust_room_decap_l3') ? DECAP_L3 : 0n;
    load('endpoint', { ...hz, ...encap });
    load('replicate', encap);
    load('underlay', { ...hz, decap_flags: retype });
    if (options.decap === 'xdp') load('decap', {});
    if (anchored) load('anchor', hz);
    const local = family === 4 ? vtep4(number) : vtep6(number);
    batch(ns, 'link add repl0 type veth peer name repl1', 'link set repl0 up', 'link set repl1 up');
    awaitUp(ns, 'repl0', options.device);
    for (const key of ['ipv4', 'ipv6']) sh(ns, 'sysctl', '-qw', `net.${key}.conf.lo.forwarding=1`);
    node.put('underlay', 0, {
      ifindex: node.ifindex,
      flags:
        (family === 6 ? UnderlayFlags.IP6 : 0) |
        (anchored ? UnderlayFlags.ANCHOR : 0) |
        (options.flags ?? 0),
      mtu,
      replicator: ifindexOf(ns, 'repl0'),
      local: ipToBytes16(local),
      port: PORT,
      ttl: 64,
      dscp: options.dscp ?? 0,
      mac: macToBytes(sh(ns, 'cat', `/sys/class/net/${options.device}/address`).trim()),
      decap: options.decap === 'xdp' ? (options.xdp ?? XDP_ON_VETH) : 0,
    });
    attach('replicate', ifindexOf(ns, 'repl0'), 'egress');
    attach('underlay', node.ifindex, 'ingress');
    if (options.decap === 'xdp') {
      links.push(inNetns(netns, () => attachXdp(node.program('decap'), node.ifindex)));
    }
    if (anchored) {
      batch(ns, `link add anchor0 type vxlan external dstport ${PORT} udp6zerocsumrx`);
      attach('anchor', ifindexOf(ns, 'anchor0'), 'ingress');
      sh(ns, 'ethtool', '-K', 'anchor0', 'gro', 'off');
      batch(ns, 'link set anchor0 up');
    }
  } catch (error) {
    close();
    throw error;
  }
  return node;
}

/** Number of a device. */
export function ifindexOf(ns: string, device: string): number {
  return Number(sh(ns, 'cat', `/sys/class/net/${device}/ifindex`));
}

function keyCodec<N extends Table>(table: N): Codec<Key<N>> {
  return MAPS[table].key as unknown as Codec<Key<N>>;
}

function valueCodec<N extends Table>(table: N): Codec<Value<N>> {
  return MAPS[table].value as unknown as Codec<Value<N>>;
}

/** The counters of a per-CPU value, summed. */
function sumOf<N extends Table>(table: N, bytes: Uint8Array): Value<N> {
  const view = viewOf(bytes);
  const stride = bytes.byteLength / possibleCpus();
  const sum: Record<string, bigint> = {};
  for (let cpu = 0; cpu < possibleCpus(); cpu++) {
    const value = valueCodec(table).decode(view, cpu * stride) as Record<string, bigint>;
    for (const [name, count] of Object.entries(value)) sum[name] = (sum[name] ?? 0n) + count;
  }
  return sum as Value<N>;
}

/** Flags of a container that may use any source: it has a bridge or forwards. */
export const OPEN = LEARN | IP4 | IP6;
export { NetworkFlags };
