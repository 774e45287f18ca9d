/**
 * A foreign node in the segment: the kernel's own VXLAN device in a Linux bridge. dpctl's nodes are set up
 * by its commands alone.
 */
import { spawnSync } from 'node:child_process';
import { linkKind, once, testRequiring } from '../helpers/requirements.js';
import { pings, tcpBothWays } from '../system/helpers/conversation.js';
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
  VNI,
  VTEP,
} from './helpers/foreign-node.js';
import { type Nodes, onNodes } from './helpers/nodes.js';

/** Connect a bridge with a vxlan device to the lab's switch, and an endpoint to the bridge. */
async function addStranger(nodes: Nodes, family: Family, mtu: number): Promise<Guest> {
  const { node, guest } = await plugIn(nodes, family, mtu);
  const inside = mtu - OVERHEAD[family];
  for (const each of ['ip4', 'ip6'] as const) {
    const nodad = each === 'ip6' ? ' nodad' : '';
    await ip(node, `addr add ${VTEP[each]}/${PREFIX[each]} dev under0${nodad}`);
  }
  const it = await addGuest(node, guest, inside);
  for (const line of [
    'link add br0 type bridge',
    `link add vx0 type vxlan id ${VNI} local ${VTEP[family]} dstport 4789${
      family === 'ip6' ? ' udp6zerocsumtx udp6zerocsumrx' : ''
    }`,
    `link set vx0 mtu ${inside} master br0 up`,
    `link set br0 mtu ${inside} up`,
    'link set g1 master br0 up',
  ]) {
    await ip(node, line);
  }
  for (const address of OTHERS[family]) {
    const fdb = ['00:00:00:00:00:00', 'dev', 'vx0', 'dst', address];
    await nodes.within(HOST, 'bridge', 'fdb', 'append', ...fdb);
  }
  return it;
}

const vxlan = once('link vxlan', () => {
  const words = ['-n', 'ip', 'link', 'add', 'dpneed0', 'type', 'vxlan', 'id', '1', 'dstport', '0'];
  const made = spawnSync('unshare', words, { encoding: 'utf8' });
  return made.status === 0
    ? undefined
    : `vxlan devices, and the kernel says: ${made.stderr.trim()}`;
});
const maybe = testRequiring(vxlan, linkKind('bridge'));
for (const [family, underlay, mtu] of [
  ['ip4', 'gso', 1500],
  ['ip4', 'wire', 1500],
  ['ip6', 'gso', 9000],
] as const) {
  maybe.serial(
    `a kernel's VXLAN in a bridge is a node like others: ${family}, ${underlay}, ${mtu}`,
    (t) =>
      onNodes(
        ['--endpoints', '1', '--family', family, '--underlay', underlay, '--mtu', `${mtu}`],
        async (nodes) => {
          const guest = await addStranger(nodes, family, mtu);
          await everythingBothWays(t, nodes, guest, mtu - OVERHEAD[family]);
        },
      ),
  );
}

maybe.serial('each way of decapsulating VXLAN is chosen under traffic', (t) =>
  onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
    const guest = await addStranger(nodes, 'ip4', 1500);
    for (const decap of ['xdp', 'tc', 'auto', 'tc', 'tc-gro']) {
      const set = await nodes.must('n1', 'underlay', 'set', 'under0', '--decap', decap);
      const why =
        decap === 'auto'
          ? 'tc-gro: the kernel merges packets of the tunnel'
          : `${decap}: as requested`;
      t.true(set.stderr.includes(why), set.stderr);
      t.regex((await nodes.must('n1', 'status')).stdout, new RegExp(`^decap +${why}`, 'm'));
      t.true(await pings(nodes.ns(guest.where), '10.210.1.1'), decap);
      const [from, to] = [nodes.ns(guest.where), nodes.ns('n1e1')];
      t.true(await tcpBothWays(t, from, to, '10.210.1.1', 1 << 22), decap);
      const links = await nodes.within('n1', 'ip', '-d', 'link', 'show', 'under0');
      t.is(/prog\/xdp/.test(links), decap === 'xdp', links);
      const anchors = await nodes.within('n1', 'ip', '-br', 'link', 'show', 'type', 'vxlan');
      t.is(/^dpx0 /m.test(anchors), decap !== 'tc', anchors);
    }
  }),
);
