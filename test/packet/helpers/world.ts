/**
 * The datapath loaded in a namespace of its own, with real veth pairs for its ports. Nothing is attached:
 * frames go to the program one by one (BPF_PROG_TEST_RUN).
 */

import { mapDelete, mapGet, mapKeys, mapPut } from '../../../loader/map/entry.js';
import type { BpfMap } from '../../../loader/map/info.js';
import { type BpfObject, loadObject, openObject } from '../../../loader/object/object.js';
import { clockTickHz } from '../../../loader/sys/machine.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { type TestRunResult, testRun } from '../../../loader/testrun.js';
import {
  type Control,
  ControlOp,
  controlCodec,
  type Endpoint,
  type Fdb,
  FdbFlags,
  MAPS,
  type Network,
  NetworkFlags,
} from '../../../src/contract/generated.js';
import { objectFile } from '../../../src/datapath/objects.js';
import { linkDump, linkSet } from '../../../src/linux/netlink/link.js';
import { linkAddVeth } from '../../../src/linux/netlink/pair.js';
import { withRtnl } from '../../../src/linux/netlink/socket.js';
import {
  closeNetns,
  createNetns,
  deleteNetns,
  type NetnsRef,
  openNetnsRef,
} from '../../../src/linux/netns.js';
import { contextFor } from './context.js';
import { ip16, mac } from './frame.js';
import { endpointOf, idOf, NETWORKS, PORT_NAMES, PORTS, type PortName, ROUTED } from './ports.js';

type Table = keyof typeof MAPS;

/** Size of the MAC table: small, so that a test can fill it. */
export const FDB_SIZE = 32;

/** Number of the ports' own MACs in the MAC table of a fresh world. */
export const OWN_MACS = PORT_NAMES.filter((name) => !('hidden' in PORTS[name])).length;

/** A loaded datapath and its ports. */
export interface World {
  /** Its ports. */
  readonly ports: readonly PortName[];
  readonly object: BpfObject;
  readonly netns: NetnsRef;
  /** Host ends by port; the one of `bare` has no endpoint. */
  readonly ifindex: Readonly<Record<PortName | 'bare', number>>;
  close(): Promise<void>;
}

/** Options of a world. */
export interface WorldOptions {
  readonly constants?: Readonly<Record<string, number | bigint>>;
  /** Directory of a bpffs for the maps. */
  readonly pinDir?: string;
  /** The object; by default the one for this kernel. */
  readonly file?: string;
}

let made = 0;

/** Load the datapath and create its ports. The caller closes it. */
export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const undo: (() => unknown)[] = [];
  const close = async () => {
    for (const action of undo.splice(0).reverse()) await action();
  };
  try {
    made += 1;
    const name = `dpp${process.pid}n${made}`;
    await createNetns(name);
    undo.push(() => deleteNetns(name));
    const netns = openNetnsRef(name);
    undo.push(() => closeNetns(netns));
    const object = openObject(options.file ?? objectFile(), {
      constants: { hz: clockTickHz(), ...options.constants },
      maxEntries: { [MAPS.fdb.name]: FDB_SIZE },
      ...(options.pinDir === undefined ? {} : { pinDir: options.pinDir }),
    });
    undo.push(() => object.close());
    loadObject(object);
    const world = { ports: PORT_NAMES, object, netns, ifindex: makePorts(netns), close };
    resetWorld(world);
    return world;
  } catch (error) {
    await close();
    throw error;
  }
}

function makePorts(netns: NetnsRef): World['ifindex'] {
  return withRtnl(netns.fd, (rtnl) => {
    const entries = (['bare', ...PORT_NAMES] as const).map((name) => {
      const spec: { readonly ifindex?: number } = name === 'bare' ? {} : PORTS[name];
      const link = linkAddVeth(rtnl, {
        name,
        ifindex: spec.ifindex,
        up: true,
        peer: { name: `${name}-far` },
      });
      if (link.peerIfindex !== undefined) linkSet(rtnl, link.peerIfindex, { up: true });
      return [name, link.ifindex] as const;
    });
    return Object.fromEntries(entries) as Record<PortName | 'bare', number>;
  });
}

/** A table's open map. */
export function mapOf(world: World, table: Table): BpfMap {
  const map = world.object.maps.get(MAPS[table].name);
  if (map === undefined) throw new Error(`the object has no table ${table}`);
  return map;
}

/** Restore the state of makeWorld, and zero every counter. */
export function resetWorld(world: World): void {
  for (const table of [
    'fdb',
    'neigh',
    'prefix',
    'port',
    'endpointx',
    'flow',
    'vtep',
    'nodeprefix',
  ] as const) {
    const map = mapOf(world, table);
    for (const key of [...mapKeys(map)]) mapDelete(map, key);
  }
  for (const table of ['reason', 'epstat', 'learned', 'config', 'bucket', 'underlay'] as const) {
    const map = mapOf(world, table);
    const used = table === 'epstat' || table === 'learned' ? PORT_NAMES.length + 1 : map.maxEntries;
    for (let index = 0; index < used; index++) {
      mapPut(map, MAPS[table].key.encode(index), new Uint8Array(map.bufferSize));
    }
  }
  for (const [index, network] of Object.entries(NETWORKS)) {
    const slots = world.ports.filter((name) => PORTS[name].network === Number(index)).length;
    putNetwork(world, Number(index), { ...network, slots });
  }
  const next = new Map<number, number>();
  for (const name of world.ports) {
    const { network } = PORTS[name];
    const slot = next.get(network) ?? 0;
    next.set(network, slot + 1);
    putEndpoint(world, name, endpointOf(name, slot));
    if ('hidden' in PORTS[name]) continue;
    putPort(world, network, slot, name);
    const flags = FdbFlags.ENDPOINT | (name === 'gateway' ? FdbFlags.GATEWAY : 0);
    putFdb(world, PORTS[name].mac, name, { flags });
  }
  if (!world.ports.includes('router')) return;
  for (const { prefix, length } of ROUTED) putPrefix(world, 'router', prefix, length);
}

/** Change a network's entry. */
export function putNetwork(world: World, index: number, value: Partial<Network>): void {
  const map = mapOf(world, 'network');
  const key = MAPS.network.key.encode(index);
  const bytes = mapGet(map, key) ?? new Uint8Array(MAPS.network.value.size);
  const old = MAPS.network.value.decode(new DataView(bytes.buffer));
  mapPut(map, key, MAPS.network.value.encode({ ...old, ...value }));
}

/** Put the host's own port on a network, whose subnets are 10.0.0.0/24 and fd00::/64. */
export function putSegment(world: World, index: number): void {
  const { flags } = NETWORKS[index as keyof typeof NETWORKS];
  putNetwork(world, index, { flags: flags | NetworkFlags.GATEWAY });
  const mask = (bits: number) =>
    Uint8Array.from({ length: 16 }, (_, at) => (at < bits / 8 ? 255 : 0));
  const segment = { ip4: ip16('10.0.0.0'), mask4: mask(120), ip6: ip16('fd00::'), mask6: mask(64) };
  mapPut(
    mapOf(world, 'segment'),
    MAPS.segment.key.encode(index),
    MAPS.segment.value.encode(segment),
  );
}

/** Change a port's endpoint. */
export function putEndpoint(world: World, name: PortName, value: Partial<Endpoint>): void {
  const ifindex = world.ifindex[name];
  const table = ifindex < MAPS.endpoint.maxEntries ? 'endpoint' : 'endpointx';
  const endpoint = { ...endpointOf(name, 0), ...value };
  mapPut(
    mapOf(world, table),
    MAPS.endpoint.key.encode(ifindex),
    MAPS.endpoint.value.encode(endpoint),
  );
}

/** Put a port, or an ifindex, into a slot of a network's flood list. */
export function putPort(
  world: World,
  network: number,
  slot: number,
  name: PortName,
  ifindex = world.ifindex[name],
): void {
  mapPut(
    mapOf(world, 'port'),
    MAPS.port.key.encode({ network, slot }),
    MAPS.port.value.encode({ ifindex, endpoint: idOf(name) }),
  );
}

/** Key of a MAC in the network of a port. */
export function fdbKey(address: string, of: PortName): Uint8Array {
  const { network } = PORTS[of];
  const vni = network in NETWORKS ? NETWORKS[network as keyof typeof NETWORKS].vni : 0;
  return MAPS.fdb.key.encode({ vni, mac: mac(address) });
}

/** Put a MAC behind a port: static unless the value says otherwise; counted if it is learned. */
export function putFdb(
  world: World,
  address: string,
  name: PortName,
  value: Partial<Fdb> = {},
): void {
  const entry = {
    ifindex: world.ifindex[name],
    endpoint: idOf(name),
    node: 0,
    flags: FdbFlags.STATIC,
    lastSeen: 0n,
    ...value,
  };
  mapPut(mapOf(world, 'fdb'), fdbKey(address, name), MAPS.fdb.value.encode(entry));
  if (entry.flags === 0 && entry.endpoint !== 0) {
    const count = MAPS.learned.value.encode({ count: 1 });
    mapPut(mapOf(world, 'learned'), MAPS.learned.key.encode(entry.endpoint), count);
  }
}

/** The entry of a MAC in the network of a port. */
export function getFdb(world: World, address: string, of: PortName): Fdb | undefined {
  const bytes = mapGet(mapOf(world, 'fdb'), fdbKey(address, of));
  return bytes && MAPS.fdb.value.decode(new DataView(bytes.buffer));
}

/** Add neighbour entries for a port's addresses, or for one address. */
export function putNeigh(
  world: World,
  name: PortName,
  flags = 0,
  only?: string,
  address: string = PORTS[name].mac,
  endpoint = idOf(name),
): void {
  const spec = PORTS[name];
  const vni = NETWORKS[spec.network as keyof typeof NETWORKS].vni;
  for (const own of only === undefined ? [spec.ip4, spec.ip6] : [only]) {
    mapPut(
      mapOf(world, 'neigh'),
      MAPS.neigh.key.encode({ vni, ip: ip16(own) }),
      MAPS.neigh.value.encode({ mac: mac(address), flags, endpoint }),
    );
  }
}

/** Allow a port the sources of a prefix, or deny them; its length is in bits of its own family. */
export function putPrefix(
  world: World,
  name: PortName,
  prefix: string,
  length: number,
  endpoint = idOf(name),
): void {
  const bits = 32 + length + (prefix.includes(':') ? 0 : 96);
  mapPut(
    mapOf(world, 'prefix'),
    MAPS.prefix.key.encode({ prefixlen: bits, endpoint: idOf(name), ip: ip16(prefix) }),
    MAPS.prefix.value.encode({ endpoint }),
  );
}

/** Give a node a prefix of the first network; its length in bits of its own family; 0: this node. */
export function putNodePrefix(world: World, prefix: string, length: number, node: number): void {
  const { vni, flags } = NETWORKS[1];
  putNetwork(world, 1, { flags: flags | NetworkFlags.PREFIXES });
  const prefixlen = 32 + length + (prefix.includes(':') ? 0 : 96);
  mapPut(
    mapOf(world, 'nodeprefix'),
    MAPS.nodeprefix.key.encode({ prefixlen, vni, ip: ip16(prefix) }),
    MAPS.nodeprefix.value.encode({ node }),
  );
}

/** Run the program on a frame as if it came from a port. */
export function run(
  world: World,
  from: PortName | 'bare',
  frame: Uint8Array,
  { repeat = 1, mark }: { readonly repeat?: number; readonly mark?: number | undefined } = {},
): TestRunResult {
  const ctx = contextFor(world.ifindex[from], { mark });
  const program = world.object.programs.get('endpoint');
  if (program === undefined) throw new Error('the object has no program endpoint');
  return inNetns(world.netns.fd, () => testRun(program.fd, { data: frame, ctx, repeat }));
}

/** Send a request to the control program. */
export function control(world: World, request: Partial<Control>): Control {
  const program = world.object.programs.get('control');
  if (program === undefined) throw new Error('the object has no program control');
  const fdb = { vni: 0, mac: new Uint8Array(6) };
  const data = controlCodec.encode({
    op: ControlOp.NOW,
    result: 0,
    now: 0n,
    fdb,
    endpoint: 0,
    node: 0,
    ...request,
  });
  const answer = testRun(program.fd, { data }).data;
  return controlCodec.decode(new DataView(answer.buffer, answer.byteOffset));
}

/** jiffies64 this many seconds from now. */
export function clock(world: World, seconds = 0): bigint {
  return control(world, { op: ControlOp.NOW }).now + BigInt(seconds * clockTickHz());
}

/** Frames that each port's host end has sent to its far end since it was created. */
export function sentFrames(world: World): Record<string, number> {
  const links = withRtnl(world.netns.fd, (rtnl) => linkDump(rtnl));
  return Object.fromEntries(
    links.map(({ name, statistics64 }) => {
      if (statistics64 === undefined) throw new Error(`the kernel tells no counters of ${name}`);
      return [name, statistics64.txPackets];
    }),
  );
}
