/** A thousand nodes, each with a prefix: one entry a node finds all of its addresses. */
import test from 'ava';
import { mapGet } from '../../loader/map/entry.js';
import { MAPS } from '../../src/contract/generated.js';
import { other } from './cases/common.js';
import { PORTS } from './helpers/ports.js';
import { makeWorld, mapOf, putNodePrefix, run } from './helpers/world.js';

const NODES = 1000;

test('the first, the middle and the last of a thousand prefixes, and the longest of two', async (t) => {
  const world = await makeWorld();
  t.teardown(() => world.close());
  for (let node = 1; node <= NODES; node++) {
    putNodePrefix(world, `10.${100 + (node >> 8)}.${node & 255}.0`, 24, node);
  }
  putNodePrefix(world, '10.101.4.64', 26, NODES + 1);
  putNodePrefix(world, '10.0.0.0', 8, NODES + 2);
  const dropped = (node: number): number => {
    const map = mapOf(world, 'nodestat');
    const bytes = mapGet(map, MAPS.nodestat.key.encode(node)) ?? new Uint8Array(map.bufferSize);
    let sum = 0;
    for (let at = 0; at < bytes.length; at += map.valueSize) {
      sum += Number(MAPS.nodestat.value.decode(new DataView(bytes.buffer), at).txDropped);
    }
    return sum;
  };
  const cases = [
    ['10.100.1.0', 1],
    ['10.100.1.255', 1],
    ['10.101.244.9', 500],
    ['10.103.232.110', NODES],
    ['10.101.4.63', 260],
    ['10.101.4.64', NODES + 1],
    ['10.101.4.128', 260],
    ['10.99.0.1', NODES + 2],
  ] as const;
  for (const [address, node] of cases) {
    const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
    const frame = other(PORTS.a.mac, ['0a', '58', ...bytes].join(':'));
    // Without an underlay the frame is dropped, and counted at the node that it was for.
    const before = dropped(node);
    run(world, 'a', frame);
    t.is(dropped(node) - before, 1, `${address} is behind node ${node}`);
  }
});
