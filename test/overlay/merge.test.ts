/** Simultaneous frames of two networks with the same addresses and ports must not be merged. */
import test from 'ava';
import { vtep4, vtep6 } from './helpers/address-plan.js';
import { makeFabric } from './helpers/fabric.js';
import { transfer } from './helpers/traffic.js';

const BULK = 16 << 20;

for (const decap of ['tc', 'tc-gro', 'xdp'] as const) {
  for (const family of [4, 6] as const) {
    test.serial(`the same flow in two networks, IPv${family}, ${decap}`, async (t) => {
      const fabric = makeFabric({ underlay: 'wire' });
      t.teardown(() => fabric.close());
      const vtep = family === 4 ? vtep4 : vtep6;
      const nodes = [fabric.node(1, { decap, family }), fabric.node(2, { decap, family })] as const;
      const pairs = [1, 2].map((network) =>
        nodes.map((node) => {
          const other = 3 - node.number;
          node.network(network, 100 + network, [other]);
          node.peer(other, vtep(other));
          return node.container(network, 1);
        }),
      );
      const ports = { from: 40_000, to: 40_001 };
      await t.notThrowsAsync(
        Promise.all(
          pairs.map(async ([a, b]) => {
            if (a === undefined || b === undefined) throw new Error('no containers');
            await transfer(a.ns, { ns: b.ns, address: b.ip4 }, BULK, 20_000, ports);
          }),
        ),
      );
    });
  }
}
