/** Hosts on a segment of several nodes: the same address on each, or another. */
import test from 'ava';
import { pings } from '../system/helpers/talk.js';
import { addressOf, onNodes } from './helpers/nodes.js';

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
