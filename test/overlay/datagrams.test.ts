/** UDP segments (UDP_SEGMENT), which the kernel may segment as late as those of TCP. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { vtep4, vtep6 } from './helpers/address-plan.js';
import { makeFabric, type Underlay } from './helpers/fabric.js';
import type { Decap } from './helpers/node.js';
import { sh, start, until } from './helpers/shell.js';
import { speakVlan } from './helpers/tagged.js';
import { pings } from './helpers/traffic.js';

const SEGMENT = 1000;
const SEGMENTS = 20;
/** SOL_UDP, UDP_SEGMENT. */
const OPTION = `setsockopt-int=17:103:${SEGMENT}`;

for (const family of [4, 6] as const) {
  for (const [underlay, decap] of [
    ['gso', 'tc-gro'],
    ['gso', 'xdp'],
    ['wire', 'tc'],
    ['wire', 'tc-gro'],
    ['wire', 'xdp'],
  ] as const) {
    test.serial(`segments of UDP, IPv${family}, ${underlay}, ${decap}`, (t) =>
      cross(t, { family, underlay, decap }, []),
    );
  }
}

// Without the kernel's newest flag, its device has to look behind the tags.
for (const tags of [[7], [7, 8]]) {
  test.serial(`segments of UDP with ${tags.length} tags`, (t) =>
    cross(t, { family: 4, underlay: 'gso', decap: 'tc-gro' }, tags),
  );
}

interface Way {
  readonly family: 4 | 6;
  readonly underlay: Underlay;
  readonly decap: Decap;
}

async function cross(
  t: ExecutionContext,
  { family, underlay, decap }: Way,
  [outer, inner]: readonly number[],
): Promise<void> {
  const fabric = makeFabric({ underlay });
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-datagrams-'));
  t.teardown(() => {
    fabric.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const vtep = family === 4 ? vtep4 : vtep6;
  const nodes = [1, 2].map((number) => fabric.node(number, { family, decap }));
  const [a, b] = nodes.map((node) => {
    node.network(1, 100, [3 - node.number]);
    node.peer(3 - node.number, vtep(3 - node.number));
    return node.container(1, 1);
  });
  if (a === undefined || b === undefined) throw new Error('no containers');
  if (outer !== undefined) {
    const ends = [a, b].map(({ ns }) => speakVlan(ns, outer, inner));
    t.teardown(() => ends.map((end) => end()));
  }
  t.true(pings(a.ns, b.ip4));
  t.true(pings(a.ns, b.ip6));
  for (const address of [b.ip4, b.ip6]) {
    const [sent, received] = [join(dir, 'sent'), join(dir, 'received')];
    const data = randomBytes(SEGMENT * SEGMENTS);
    writeFileSync(sent, data);
    writeFileSync(received, '');
    const six = address.includes(':');
    const listen = `UDP${six ? 6 : 4}-RECV:9000`;
    const server = start(b.ns, ['socat', '-u', '-b', '65536', listen, `OPEN:${received}`]);
    await until('it listens', () => sh(b.ns, 'ss', '-Hlun', 'sport = :9000').trim() !== '');
    const target = six ? `UDP6:[${address}]:9000` : `UDP4:${address}:9000`;
    const whole = `${SEGMENT * SEGMENTS}`;
    sh(a.ns, 'socat', '-u', '-b', whole, `OPEN:${sent},rdonly`, `${target},${OPTION}`);
    await until('all is there', () => readFileSync(received).length >= data.length, 1500).catch(
      () => {},
    );
    await server.stop();
    t.true(readFileSync(received).equals(data), address);
  }
  for (const node of nodes) t.is(node.reasons().encap_gso, undefined);
}

test.serial('segments of UDP that TC would spoil are refused by name', async (t) => {
  const fabric = makeFabric({ underlay: 'gso' });
  t.teardown(() => fabric.close());
  const nodes = [1, 2].map((number) => fabric.node(number));
  const [a, b] = nodes.map((node) => {
    node.network(1, 100, [3 - node.number]);
    node.peer(3 - node.number, vtep4(3 - node.number));
    return node.container(1, 1);
  });
  if (a === undefined || b === undefined) throw new Error('no containers');
  t.true(pings(a.ns, b.ip4));
  const argv = ['socat', '-u', '-b', '5000', 'STDIN', `UDP4:${b.ip4}:9000,${OPTION}`];
  await start(a.ns, argv, new Uint8Array(5000)).ended();
  await until('it is counted', () => (nodes[1]?.reasons().decap_gso ?? 0) === 1);
});
