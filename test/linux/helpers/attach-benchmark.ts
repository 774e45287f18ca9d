/**
 * Run as a separate program, as root: the cost of one endpoint (veth, both ends up, two addresses, two
 * default routes) by netlink, by two `ip -batch`, and by one ip(8) for each command. Prints the medians in
 * milliseconds as JSON.
 */

import { execFileSync } from 'node:child_process';
import { addrAdd } from '../../../src/linux/netlink/address.js';
import { linkDelete, linkSet } from '../../../src/linux/netlink/link.js';
import { linkAddVeth } from '../../../src/linux/netlink/pair.js';
import { routeAdd } from '../../../src/linux/netlink/route.js';
import { openRtnl, withRtnl } from '../../../src/linux/netlink/socket.js';
import { type TestNetns, withNamespaces } from './namespaces.js';

const ROUNDS = 30;

const HOST_COMMANDS = (target: TestNetns): string[] => [
  `link add h0 mtu 1450 type veth peer name eth0 address 0a:58:0a:c9:00:02 mtu 1450 netns ${target.name}`,
  'link set h0 addrgenmode none alias endpoint up',
];
const TARGET_COMMANDS = [
  'link set eth0 up',
  'addr add 10.201.0.2/16 dev eth0',
  'addr add fd00::2/64 dev eth0 nodad',
  'route add default via 10.201.0.1 dev eth0',
  'route add default via fd00::1 dev eth0',
];

function byMessages(host: TestNetns, target: TestNetns): void {
  const near = openRtnl(host.fd);
  const far = openRtnl(target.fd);
  const { peerIfindex: ifindex = 0 } = linkAddVeth(near, {
    name: 'h0',
    alias: 'endpoint',
    mtu: 1450,
    up: true,
    peer: { name: 'eth0', nsFd: target.fd, mac: '0a:58:0a:c9:00:02', mtu: 1450 },
  });
  linkSet(far, ifindex, { up: true });
  addrAdd(far, ifindex, { address: '10.201.0.2', prefixLength: 16 });
  addrAdd(far, ifindex, { address: 'fd00::2', prefixLength: 64, nodad: true });
  routeAdd(far, { dst: 'default', gateway: '10.201.0.1', ifindex });
  routeAdd(far, { dst: 'default', gateway: 'fd00::1', ifindex });
  near.close();
  far.close();
}

function byBatch(host: TestNetns, target: TestNetns): void {
  for (const [ns, lines] of [
    [host, HOST_COMMANDS(target)],
    [target, TARGET_COMMANDS],
  ] as const) {
    execFileSync('ip', ['-n', ns.name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }
}

function byCommands(host: TestNetns, target: TestNetns): void {
  for (const [ns, lines] of [
    [host, HOST_COMMANDS(target)],
    [target, TARGET_COMMANDS],
  ] as const) {
    for (const line of lines) execFileSync('ip', ['-n', ns.name, ...line.split(' ')]);
  }
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[sorted.length >> 1] ?? 0).toFixed(2));
}

await withNamespaces(2, (host, target) => {
  const ways = { messages: byMessages, batch: byBatch, commands: byCommands };
  const times: Record<string, number[]> = {};
  // In turns, so that noise affects all of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const start = performance.now();
      way(host, target);
      const list = times[name] ?? [];
      times[name] = list;
      list.push(performance.now() - start);
      withRtnl(host.fd, (rtnl) => linkDelete(rtnl, { name: 'h0' }));
    }
  }
  const medians = Object.entries(times).map(([name, list]) => [name, median(list)] as const);
  console.log(JSON.stringify(Object.fromEntries(medians)));
});
