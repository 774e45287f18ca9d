/** Containers of two nodes talk: by each decap mode, on each kind of underlay. */
import test, { type ExecutionContext } from 'ava';
import { bulk } from '../helpers/patience.js';
import { vtep4, vtep6 } from './helpers/address-plan.js';
import { type Fabric, makeFabric, type Underlay } from './helpers/fabric.js';
import { type Container, type Decap, OVERHEAD, type OverlayNode } from './helpers/node.js';
import { nstat, pings, transfer } from './helpers/traffic.js';

const BYTES = bulk(16 << 20);

interface Pair {
  readonly fabric: Fabric;
  readonly nodes: readonly [OverlayNode, OverlayNode];
  readonly containers: readonly [Container, Container];
}

function makePair(decap: Decap, underlay: Underlay, family: 4 | 6, mtu: number): Pair {
  const fabric = makeFabric({ underlay, mtu });
  try {
    const one = fabric.node(1, { decap, family });
    const two = fabric.node(2, { decap, family });
    for (const [node, other] of [
      [one, two],
      [two, one],
    ] as const) {
      node.network(1, 100, [other.number]);
      node.peer(other.number, family === 4 ? vtep4(other.number) : vtep6(other.number));
    }
    return {
      fabric,
      nodes: [one, two],
      containers: [one.container(1, 1), two.container(1, 1)],
    };
  } catch (error) {
    fabric.close();
    throw error;
  }
}

async function talk(t: ExecutionContext, { nodes, containers }: Pair, mtu: number, family: 4 | 6) {
  const [a, b] = containers;
  const inside = mtu - OVERHEAD[family];
  // Frames flooded before both containers existed.
  const early = nodes.map((node) => node.reasons());
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    t.true(pings(from.ns, to.ip4), 'IPv4');
    t.true(pings(from.ns, to.ip6), 'IPv6');
    t.true(pings(from.ns, to.ip4, inside - 28, '-M', 'do'), 'as long as the MTU');
    t.true(pings(from.ns, to.ip6, inside - 48, '-M', 'do'), 'as long as the MTU, IPv6');
    await t.notThrowsAsync(transfer(from.ns, { ns: to.ns, address: to.ip4 }, BYTES));
    await t.notThrowsAsync(transfer(from.ns, { ns: to.ns, address: to.ip6 }, BYTES));
  }
  for (const [index, node] of nodes.entries()) {
    t.deepEqual(node.reasons(), early[index], `node ${node.number}`);
    const counted = node.nodeStats(index === 0 ? 2 : 1);
    t.true(counted.txPackets > 0n && counted.rxPackets > 0n && counted.txDropped === 0n);
  }
  for (const { ns } of containers) {
    const { TcpInCsumErrors: sums, Icmp6InCsumErrors: sums6 } = nstat(ns);
    t.deepEqual([sums ?? 0, sums6 ?? 0], [0, 0], 'checksums');
  }
}

for (const family of [4, 6] as const) {
  for (const underlay of ['gso', 'wire'] as const) {
    for (const decap of ['tc', 'tc-gro', 'xdp'] as const) {
      const mtu = 1500;
      test.serial(`IPv${family} underlay, ${underlay}, ${decap}: bulk both ways`, async (t) => {
        const pair = makePair(decap, underlay, family, mtu);
        t.teardown(() => pair.fabric.close());
        await talk(t, pair, mtu, family);
      });
    }
  }
}

for (const decap of ['tc', 'xdp'] as const) {
  test.serial(`jumbo frames, ${decap}: bulk both ways`, async (t) => {
    const pair = makePair(decap, 'wire', 4, 9000);
    t.teardown(() => pair.fabric.close());
    await talk(t, pair, 9000, 4);
  });
}

test.serial('segments cross the underlay whole', async (t) => {
  const pair = makePair('tc', 'gso', 4, 1500);
  t.teardown(() => pair.fabric.close());
  const [a, b] = pair.containers;
  const before = pair.nodes[0].nodeStats(2);
  await transfer(a.ns, { ns: b.ns, address: b.ip4 }, BYTES);
  const after = pair.nodes[0].nodeStats(2);
  const size = Number(after.txBytes - before.txBytes) / Number(after.txPackets - before.txPackets);
  t.true(size > 8000, `${size.toFixed(0)} bytes a packet`);
});
