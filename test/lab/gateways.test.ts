/** Hosts on a segment of several nodes: the same address on each, or another. */
import test from 'ava';
import { nstat } from '../overlay/helpers/traffic.js';
import { vxlan } from '../overlay/helpers/vxlan.js';
import { sendFrame } from '../packet/helpers/containers.js';
import { BROADCAST, eth, ip4, udp } from '../packet/helpers/frame.js';
import { pings } from '../system/helpers/conversation.js';
import { eventually } from '../system/helpers/process.js';
import { address6Of, addressOf, onNodes } from './helpers/nodes.js';

test.serial('the same gateway on each node: endpoints reach the one of their own node', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    for (const node of ['n1', 'n2']) {
      await nodes.must(node, 'network', 'add', 'net1', '--gateway', '10.210.0.1,fd00:210::1');
    }
    const macs = new Set<string>();
    for (const number of [1, 2]) {
      const [node, endpoint] = [`n${number}`, `n${number}e1`];
      t.true(await pings(nodes.ns(endpoint), '10.210.0.1'), endpoint);
      t.true(await pings(nodes.ns(endpoint), 'fd00:210::1'), `${endpoint}, IPv6`);
      t.true(await pings(nodes.ns(node), addressOf(number, 1)), `${node} to its own endpoint`);
      const neigh = await nodes.within(endpoint, 'ip', 'neigh', 'show', '10.210.0.1');
      macs.add(/lladdr (\S+)/.exec(neigh)?.[1] ?? neigh);
    }
    t.is(macs.size, 1, 'and keep their neighbour entry when they move');
    t.true(await pings(nodes.ns('n1e1'), addressOf(2, 1)), 'endpoints reach each other as before');
    for (const node of ['n1', 'n2']) await nodes.must(node, 'status');
  }),
);

test.serial('another gateway on each node: every host reaches every endpoint', (t) =>
  onNodes(['--endpoints', '1'], async (nodes) => {
    for (const number of [1, 2]) {
      const gateway = `10.210.${number}.200,fd00:210::${number}:200`;
      await nodes.must(`n${number}`, 'network', 'add', 'net1', '--gateway', gateway);
    }
    for (const [from, to] of [
      [1, 2],
      [2, 1],
    ] as const) {
      t.true(await pings(nodes.ns(`n${from}`), addressOf(to, 1)), `host ${from} to ${to}`);
      t.true(
        await pings(nodes.ns(`n${from}e1`), `10.210.${to}.200`),
        `endpoint ${from} to host ${to}`,
      );
      t.true(await pings(nodes.ns(`n${from}`), `10.210.${to}.200`), 'hosts to each other');
      t.true(await pings(nodes.ns(`n${from}e1`), `10.210.${from}.200`), 'and their own');
    }
    for (const node of ['n1', 'n2']) await nodes.must(node, 'status');
  }),
);

test.serial(
  'a container that sends VXLAN to its gateway, or to all, gets nothing into the host',
  (t) =>
    onNodes(['--endpoints', '1', '--underlay', 'wire'], async (nodes) => {
      const gateway = '10.210.1.200';
      await nodes.must('n1', 'network', 'add', 'net1', '--gateway', gateway);
      t.true(await pings(nodes.ns('n1e1'), gateway));
      const anchor = (await nodes.within('n1', 'cat', '/sys/class/net/dpx0/address')).trim();
      const toMac = (await nodes.within('n1', 'cat', '/sys/class/net/dpg1/address')).trim();
      const fromMac = (await nodes.within('n1e1', 'cat', '/sys/class/net/eth0/address')).trim();
      const [network] = await nodes.json<{ vni: number }[]>('n1', 'network', 'list');
      // Forged as another node, to a socket that the host does not have.
      const inner = ip4({ src: addressOf(2, 1), dst: gateway }, udp(1000, 9));
      const frame = eth(anchor, '02:00:00:00:00:01', 0x0800, inner);
      const unheard = () => nstat(nodes.ns('n1')).UdpNoPorts ?? 0;
      const drops = async () => {
        const all = await nodes.json<{ name: string; packets: number }[]>('n1', 'dump', 'stats');
        const of = (name: string) => all.find((each) => each.name === name)?.packets ?? 0;
        return [of('forged_vxlan'), of('anchor_stray'), of('vtep_unknown')];
      };
      const before = unheard();
      for (const to of [gateway, '172.31.210.1']) {
        for (const vni of [network?.vni ?? 0, 0xabcdef]) {
          const outer = { toMac, fromMac, to, from: addressOf(1, 1), vni };
          sendFrame(nodes.ns('n1e1'), 'eth0', vxlan(outer, frame));
        }
      }
      t.true(await eventually(async () => (await drops()).join() === '4,0,0', 5000));
      // The kernel delivers packets to a multicast group to every socket of the port, including the
      // anchor's. Others in the segment may want them, so they are flooded; the host's rules and then the
      // anchor drop them.
      const groups = [
        ['01:00:5e:00:00:01', '224.0.0.1', addressOf(1, 1)],
        [BROADCAST, '255.255.255.255', addressOf(1, 1)],
        ['33:33:00:00:00:01', 'ff02::1', address6Of(1, 1)],
        [BROADCAST, '10.210.255.255', addressOf(1, 1)],
        [BROADCAST, gateway, addressOf(1, 1)],
      ] as const;
      const sendToAll = () => {
        for (const [group, to, from] of groups) {
          const outer = { toMac: group, fromMac, to, from, vni: network?.vni ?? 0 };
          sendFrame(nodes.ns('n1e1'), 'eth0', vxlan({ ...outer, checksum: 'right' }, frame));
        }
      };
      sendToAll();
      t.true(await eventually(async () => (await drops()).join() === '6,0,0', 5000));
      t.is(unheard(), before);
      await nodes.within('n1', 'nft', 'flush', 'ruleset');
      sendToAll();
      t.true(await eventually(async () => (await drops()).join() === '8,3,0', 5000));
      t.is(unheard(), before);
    }),
);
