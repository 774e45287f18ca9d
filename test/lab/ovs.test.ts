/**
 * Open vSwitch as a node of the segment, with its userspace datapath and with the kernel's. It is
 * configured as its manual says; dpctl's nodes are set up by its commands alone.
 */
import type { ExecutionContext } from 'ava';
import { testRequiring } from '../helpers/requirements.js';
import { pings } from '../system/helpers/conversation.js';
import { run } from '../system/helpers/lab.js';
import { eventually } from '../system/helpers/process.js';
import {
  addGuest,
  everythingBothWays,
  type Family,
  type Guest,
  HOST,
  ip,
  OTHERS,
  OVERHEAD,
  PREFIX,
  plugIn,
  STRANGER,
  VNI,
  VTEP,
} from './helpers/foreign-node.js';
import { type Nodes, onNodes } from './helpers/nodes.js';
import {
  type Datapath,
  kernelDatapath,
  type OpenVswitch,
  openvswitch,
  startSwitch,
  tun,
} from './helpers/ovs.js';

const MTU = 1500;

/** The switch of the endpoint, with a tunnel to each of the others. */
async function addBridge(ovs: OpenVswitch, datapath: Datapath, family: Family): Promise<void> {
  const tunnels = OTHERS[family].flatMap((remote, i) => [
    ...['--', 'add-port', 'br0', `vx${i}`],
    ...['--', 'set', 'interface', `vx${i}`, 'type=vxlan', `options:key=${VNI}`],
    `options:remote_ip="${remote}"`,
    `options:local_ip="${VTEP[family]}"`,
    // Split horizon: a frame from one tunnel goes into no other.
    ...['--', 'set', 'port', `vx${i}`, 'protected=true'],
  ]);
  await ovs.vsctl(
    ...['add-br', 'br0', '--', 'set', 'bridge', 'br0', `datapath_type=${datapath}`],
    ...['--', 'add-port', 'br0', 'g1', ...tunnels],
  );
}

/** With its own datapath the switch owns the underlay's device, and a bridge has the address. */
async function ownDatapath(nodes: Nodes, ovs: OpenVswitch, family: Family): Promise<void> {
  const node = nodes.ns(HOST);
  // It computes no checksum and segments nothing, so neither can be left to a device behind it.
  await ethtoolOff(nodes.ns('sw'), `p${STRANGER}`);
  await ethtoolOff(nodes.ns(`${HOST}e1`), 'eth0');
  // The kernel sees the same frames, and would answer with port unreachable.
  for (const device of ['under0', 'g1']) {
    await nodes.within(HOST, 'sysctl', '-qw', `net.ipv6.conf.${device}.disable_ipv6=1`);
  }
  const drop =
    'table inet t { chain c { type filter hook prerouting priority raw; iifname { under0, g1 } drop; }; }';
  await nodes.within(HOST, 'nft', drop);
  await ovs.vsctl(
    ...['add-br', 'br-under', '--', 'set', 'bridge', 'br-under', 'datapath_type=netdev'],
    ...['--', 'add-port', 'br-under', 'under0'],
  );
  const nodad = family === 'ip6' ? ' nodad' : '';
  await ip(node, `addr add ${VTEP[family]}/${PREFIX[family]} dev br-under${nodad}`);
  await ip(node, 'link set br-under up');
  await addBridge(ovs, 'netdev', family);
}

async function kernelsDatapath(nodes: Nodes, ovs: OpenVswitch, family: Family): Promise<void> {
  const nodad = family === 'ip6' ? ' nodad' : '';
  const address = `addr add ${VTEP[family]}/${PREFIX[family]} dev under0${nodad}`;
  await ip(nodes.ns(HOST), address);
  await addBridge(ovs, 'system', family);
}

async function ethtoolOff(ns: string, device: string): Promise<void> {
  const ran = await run(['ip', 'netns', 'exec', ns, 'ethtool', '-K', device, 'tx', 'off']);
  if (ran.code !== 0) throw new Error(ran.stderr);
}

/** Both nodes and a guest behind the switch: all traffic both ways. */
async function meet(
  t: ExecutionContext,
  nodes: Nodes,
  { datapath, family, bytes }: { datapath: Datapath; family: Family; bytes: number },
): Promise<void> {
  const inside = MTU - OVERHEAD[family];
  const names = await plugIn(nodes, family, MTU);
  const guest: Guest = await addGuest(names.node, names.guest, inside);
  await ip(names.node, 'link set g1 up');
  const ovs = await startSwitch(t, names.node, datapath);
  try {
    await (datapath === 'netdev' ? ownDatapath : kernelsDatapath)(nodes, ovs, family);
    // A new switch first resolves the other node's address, and drops the packet that it resolves for.
    t.true(await eventually(() => pings(names.guest, '10.210.1.1'), 10_000), 'at all');
    t.true(await eventually(() => pings(names.guest, '10.210.2.1'), 10_000), 'at all');
    await everythingBothWays(t, nodes, guest, inside, bytes);
  } finally {
    await ovs.close();
  }
}

for (const [family, underlay] of [
  ['ip4', 'gso'],
  ['ip6', 'wire'],
] as const) {
  testRequiring(openvswitch, tun).serial(
    `Open vSwitch is a node like others: its own datapath, ${family}, ${underlay}`,
    (t) =>
      onNodes(['--endpoints', '1', '--family', family, '--underlay', underlay], (nodes) =>
        meet(t, nodes, { datapath: 'netdev', family, bytes: 1 << 22 }),
      ),
  );
}

for (const family of ['ip4', 'ip6'] as const) {
  testRequiring(openvswitch, kernelDatapath).serial(
    `Open vSwitch is a node like others: the kernel's datapath, ${family}`,
    (t) =>
      onNodes(['--endpoints', '1', '--family', family], (nodes) =>
        meet(t, nodes, { datapath: 'system', family, bytes: 1 << 20 }),
      ),
  );
}
