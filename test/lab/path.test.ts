/**
 * A router between two nodes whose next link has a smaller MTU than the underlay: senders get the ICMP
 * error.
 */
import test from 'ava';
import { pings, tcpBothWays } from '../system/helpers/conversation.js';
import { run } from '../system/helpers/lab.js';
import { eventually } from '../system/helpers/process.js';
import { type Nodes, onNodes } from './helpers/nodes.js';

type Family = 'ip4' | 'ip6';
const NARROW = 1400;
const OVERHEAD = { ip4: 50, ip6: 70 } as const;
const ADDRESS = {
  ip4: (node: number, end: number) => `10.55.${node}.${end}/24`,
  ip6: (node: number, end: number) => `fd55:${node}::${end}/64`,
} as const;
const bare = (text: string): string => text.split('/')[0] ?? '';

/** Each node gets a device `far0` to a router of its own; the link between the two routers is narrow. */
async function addRouters(nodes: Nodes, family: Family): Promise<void> {
  const ip = async (ns: string, line: string) => {
    const ran = await run(['ip', '-n', ns, ...line.split(' ')]);
    if (ran.code !== 0) throw new Error(`${line}: ${ran.stderr}`);
  };
  const nodad = family === 'ip6' ? ' nodad' : '';
  const address = ADDRESS[family];
  const routers = [await nodes.container('n8'), await nodes.container('n9')] as const;
  const between = `link add mid type veth peer name mid netns ${routers[1]}`;
  await ip(routers[0], between);
  for (const number of [1, 2] as const) {
    const [ns, router] = [nodes.ns(`n${number}`), routers[number - 1] ?? ''];
    const far = address(3 - number, 0);
    for (const key of ['ipv4.ip_forward', 'ipv6.conf.all.forwarding']) {
      await nodes.within(`n${7 + number}`, 'sysctl', '-qw', `net.${key}=1`);
    }
    await ip(ns, `link add far0 type veth peer name near netns ${router}`);
    await ip(ns, `addr add ${address(number, 1)} dev far0${nodad}`);
    await ip(ns, 'link set far0 up');
    await ip(router, `addr add ${address(number, 2)} dev near${nodad}`);
    await ip(router, `addr add ${address(3, number)} dev mid${nodad}`);
    await ip(router, 'link set near up');
    await ip(router, `link set mid mtu ${NARROW} up`);
    await ip(ns, `route add ${far} via ${bare(address(number, 2))}`);
    await ip(router, `route add ${far} via ${bare(address(3, 3 - number))}`);
    await nodes.within(`n${number}`, 'ethtool', '-K', 'far0', 'gro', 'on');
    await nodes.must(`n${number}`, 'node', 'del', `n${3 - number}`);
  }
}

async function moveTo(nodes: Nodes, family: Family, decap: string): Promise<void> {
  for (const number of [1, 2]) {
    const vtep = bare(ADDRESS[family](number, 1));
    const how = ['--vtep', vtep, '--decap', decap];
    await nodes.must(`n${number}`, 'underlay', 'set', 'far0', ...how);
  }
  for (const number of [1, 2]) {
    const vtep = bare(ADDRESS[family](3 - number, 1));
    await nodes.must(`n${number}`, 'node', 'add', `n${3 - number}`, '--vtep', vtep);
  }
}

/** Make a node forget the path MTU. */
async function forget(nodes: Nodes): Promise<void> {
  for (const where of ['n1', 'n1e1', 'n2', 'n2e1']) {
    await nodes.within(where, 'ip', 'route', 'flush', 'cache');
    await nodes.within(where, 'ip', '-6', 'route', 'flush', 'cache');
  }
}

for (const family of ['ip4', 'ip6'] as const) {
  test.serial(`what a router says of the size of a packet reaches the endpoint: ${family}`, (t) =>
    onNodes(['--endpoints', '1'], async (nodes) => {
      const [from, to] = [nodes.ns('n1e1'), nodes.ns('n2e1')];
      const target = '10.210.2.1';
      const fits = NARROW - OVERHEAD[family];
      const size = (bytes: number) => ['-M', 'do', '-s', `${bytes - 28}`];
      await addRouters(nodes, family);
      for (const decap of ['auto', 'tc-gro', 'xdp']) {
        await moveTo(nodes, family, decap);
        await forget(nodes);
        // Routers and nodes first resolve each other's addresses.
        const comes = () => pings(from, target, ...size(fits));
        t.true(await eventually(comes), `${decap}: what fits`);
        const told = async () =>
          /mtu = ?(\d+)/.exec(
            (
              await run([
                'ip',
                'netns',
                'exec',
                from,
                'ping',
                '-c',
                '2',
                '-i',
                '0.2',
                '-W',
                '1',
                ...size(fits + 1),
                target,
              ])
            ).stdout.replaceAll('mtu=', 'mtu = '),
          )?.[1] === `${fits}`;
        t.true(await eventually(told, 3000), `${decap}: told of ${fits}`);
        await forget(nodes);
        t.true(await tcpBothWays(t, from, to, target, 1 << 20), `${decap}: TCP finds its size`);
        const status = (await nodes.must('n1', 'status')).stdout;
        t.regex(status, /^path MTU +routers' path MTU errors are processed$/m);
      }
      await moveTo(nodes, family, 'tc');
      const status = (await nodes.must('n1', 'status')).stdout;
      t.regex(status, /^path MTU +routers' path MTU errors are ignored$/m);
      t.is((await nodes.within('n1', 'ip', '-br', 'link', 'show', 'type', 'vxlan')).trim(), '');
    }),
  );
}
