/** A world with real ports: each far end is in a namespace of its own, and the program is attached. */
import { execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { attachTcx } from '../../../loader/link/attach.js';
import { tcAttach } from '../../../loader/link/clsact.js';
import { loadObject, openObject } from '../../../loader/object/object.js';
import { hasFeature } from '../../../loader/probe.js';
import { closeFd } from '../../../loader/sys/files.js';
import { clockTickHz } from '../../../loader/sys/machine.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { objectFile } from '../../../src/datapath/objects.js';
import { linkSet } from '../../../src/linux/netlink/link.js';
import { linkAddVeth } from '../../../src/linux/netlink/pair.js';
import { withRtnl } from '../../../src/linux/netlink/socket.js';
import {
  closeNetns,
  createNetns,
  deleteNetns,
  type NetnsRef,
  openNetnsRef,
} from '../../../src/linux/netns.js';
import { PORTS, type PortName } from './ports.js';
import { resetWorld, type World } from './world.js';

/** A world with containers; the host's own end is in the namespace of the switch. */
export interface Containers extends World {
  /** Namespaces by port. */
  readonly home: Readonly<Record<string, string>>;
  /** Create a namespace that is removed with the rest. */
  readonly extra: (name: string) => Promise<{ readonly name: string; readonly ref: NetnsRef }>;
}

/** Device of each container's end; the host's is `gateway-far`. */
export const DEVICE = 'eth0';

/**
 * Create containers for these ports, with their addresses, and attach the program. The caller closes it.
 * @param file the object
 */
export async function makeContainers(
  ports: readonly PortName[],
  mtu = 1500,
  file = objectFile(),
): Promise<Containers> {
  const undo: (() => unknown)[] = [];
  const close = async () => {
    for (const action of undo.splice(0).reverse()) await action();
  };
  const extra = async (suffix: string) => {
    const name = `dpc${process.pid}-${suffix}`;
    await createNetns(name);
    undo.push(() => deleteNetns(name));
    const ref = openNetnsRef(name);
    undo.push(() => closeNetns(ref));
    return { name, ref };
  };
  try {
    const hub = await extra('hub');
    const object = openObject(file, {
      constants: { hz: clockTickHz() },
    });
    undo.push(() => object.close());
    loadObject(object);
    const program = object.programs.get('endpoint');
    if (program === undefined) throw new Error('the object has no program endpoint');

    const home: Record<string, string> = {};
    // Only of existing ports.
    const ifindex = {} as Record<PortName | 'bare', number>;
    for (const port of ports) {
      const inside = port === 'gateway' ? hub : await extra(port);
      home[port] = inside.name;
      ifindex[port] = addPort(hub.ref, inside.ref, port, mtu);
      setAddresses(inside.name, port);
    }
    const world = { ports, object, netns: hub.ref, ifindex, home, extra, close };
    resetWorld(world);
    for (const port of ports) {
      const link = inNetns(hub.ref.fd, () => attach(program.fd, ifindex[port]));
      if (link !== undefined) undo.push(() => closeFd(link));
    }
    return world;
  } catch (error) {
    await close();
    throw error;
  }
}

function attach(program: number, ifindex: number): number | undefined {
  if (hasFeature('tcx')) return attachTcx(program, ifindex, 'ingress');
  tcAttach(program, ifindex, 'ingress', { handle: 1, priority: 1 });
  return undefined;
}

function addPort(hub: NetnsRef, inside: NetnsRef, port: PortName, mtu: number): number {
  const device = port === 'gateway' ? 'gateway-far' : DEVICE;
  const link = withRtnl(hub.fd, (rtnl) =>
    linkAddVeth(rtnl, {
      name: port,
      mtu,
      up: true,
      peer: { name: device, mtu, mac: PORTS[port].mac, nsFd: inside.fd },
    }),
  );
  withRtnl(inside.fd, (rtnl) => linkSet(rtnl, link.peerIfindex ?? 0, { up: true }));
  return link.ifindex;
}

function setAddresses(netns: string, port: PortName): void {
  const device = port === 'gateway' ? 'gateway-far' : DEVICE;
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  const { ip4, ip6 } = PORTS[port];
  execFileSync('ip', ['-n', netns, 'addr', 'add', `${ip4}/24`, 'dev', device]);
  execFileSync('ip', ['-n', netns, 'addr', 'add', `${ip6}/64`, 'dev', device, 'nodad']);
}

/** Output of a program that runs in a namespace. @throws Error when it fails */
export function inside(netns: string, ...argv: string[]): string {
  return execFileSync('ip', ['netns', 'exec', netns, ...argv], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
}

/** Whether a program that runs in a namespace succeeds. */
export function succeeds(netns: string, ...argv: string[]): boolean {
  try {
    inside(netns, ...argv);
    return true;
  } catch {
    return false;
  }
}

/** Whether three pings of an address are answered. */
export function pings(netns: string, address: string): boolean {
  return succeeds(netns, 'ping', '-c', '3', '-i', '0.1', '-W', '1', '-n', address);
}

/** A program that runs in a namespace; the caller ends it. */
export function start(netns: string, argv: readonly string[], options: SpawnOptions = {}) {
  return spawn('ip', ['netns', 'exec', netns, ...argv], options);
}

/** The header of PACKET_VNET_HDR: no offload, and this many bytes of the frame in the linear part. */
function vnetHeader(linear: number): Uint8Array {
  const header = new Uint8Array(10);
  new DataView(header.buffer).setUint16(2, linear, true);
  return header;
}

/**
 * Send a frame unchanged out of a namespace's device.
 * @param linear for a frame longer than a page: how many bytes of it are not in page fragments
 */
export function sendFrame(netns: string, device: string, frame: Uint8Array, linear?: number): void {
  // SOL_PACKET 263, PACKET_VNET_HDR 15.
  const options = linear === undefined ? '' : ',setsockopt-int=263:15:1';
  const input = linear === undefined ? frame : Buffer.concat([vnetHeader(linear), frame]);
  execFileSync(
    'ip',
    [
      'netns',
      'exec',
      netns,
      'socat',
      '-u',
      '-b',
      '65536',
      'STDIN',
      `INTERFACE:${device}${options}`,
    ],
    { input, timeout: 10_000 },
  );
}
