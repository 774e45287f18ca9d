/**
 * Random packets at the underlay of a node. The node survives, and accounts for every packet: decapsulated
 * and delivered, dropped with a reason, or left to the host.
 */
import type { ExecutionContext } from 'ava';
import { Reason } from '../../src/contract/generated.js';
import { makeRandom } from '../helpers/random.js';
import { feature, testRequiring } from '../helpers/requirements.js';
import { ip4Of, ip6Of, macOf, vtep4, vtep6 } from '../overlay/helpers/address-plan.js';
import { type Fabric, makeFabric } from '../overlay/helpers/fabric.js';
import type { Container, Decap, OverlayNode } from '../overlay/helpers/node.js';
import { sh, until } from '../overlay/helpers/shell.js';
import { pings } from '../overlay/helpers/traffic.js';
import { corpus } from './helpers/corpus.js';
import { packetFor, type Target } from './helpers/packets.js';
import { deviceCount, sendAll, settled } from './helpers/send.js';
import { makeTally, type Tally } from './helpers/tally.js';

/** Packets for each decap mode and family: only a part in every run of the tests. */
const FRAMES = Number(process.env.DPCTL_FUZZ_FRAMES ?? 6000);
const SEED = Number(process.env.DPCTL_FUZZ_SEED ?? Date.now() % 1_000_000);
/** Packets in one batch. */
const CHUNK = 10_000;

const VNI = 100;
/** A network without an endpoint, and one that the node does not have. */
const [EMPTY, UNKNOWN] = [200, 300];
/** Known nodes; only 2 is real. */
const KNOWN = [2, 3];
const STRANGER = 7;

interface Fixture {
  readonly fabric: Fabric;
  readonly node: OverlayNode;
  readonly container: Container;
  readonly other: Container;
  readonly tally: Tally;
  readonly target: Target;
}

function makeFixture(decap: Decap, family: 4 | 6): Fixture {
  const fabric = makeFabric({ underlay: 'wire' });
  const tally = makeTally();
  try {
    const vtep = family === 4 ? vtep4 : vtep6;
    const [one, two] = [1, 2].map((number) => {
      const node = fabric.node(number, { decap, family });
      for (const other of number === 1 ? KNOWN : [1]) node.peer(other, vtep(other));
      node.network(1, VNI, number === 1 ? [2] : [1]);
      node.network(2, EMPTY, []);
      return node;
    }) as [OverlayNode, OverlayNode];
    const [container, other] = [one.container(1, 1), two.container(1, 1)];
    tally.at('arrived', one.ns, 'under0');
    tally.at('passed', one.ns, 'under0');
    if (decap !== 'tc') tally.at('anchored', one.ns, 'anchor0');
    // Packets that other hosts send by themselves would be counted too.
    sh(fabric.switch, 'ip', 'link', 'set', 'p2', 'down');
    const party = (node: number, k: number) => ({
      mac: macOf(node, k),
      ip4: ip4Of(node, k),
      ip6: ip6Of(node, k),
    });
    const toMac = sh(one.ns, 'cat', '/sys/class/net/under0/address').trim();
    const target: Target = {
      family,
      mtu: fabric.mtu,
      outer: { toMac, fromMac: '0a:58:00:00:00:01', to: vtep(1), from: vtep(2), vni: VNI },
      sources: [...KNOWN.map(vtep), vtep(STRANGER), vtep(1), family === 4 ? '0.0.0.0' : '::'],
      destinations: [vtep(9), family === 4 ? '255.255.255.255' : 'ff02::1'],
      vnis: [EMPTY, UNKNOWN],
      inside: [
        ...corpus(party(2, 1), container, party(3, 1)),
        ...corpus(party(3, 2), container, party(2, 1)),
        // Forged as an endpoint of this node.
        ...corpus(container, party(2, 1), party(3, 1)),
      ],
    };
    return { fabric, node: one, container, other, tally, target };
  } catch (error) {
    tally.close();
    fabric.close();
    throw error;
  }
}

/** All counters. */
function read({ fabric, node, container, tally }: Fixture) {
  const nodes = [0, ...KNOWN].map((number) => node.nodeStats(number));
  const reasons = node.reasons();
  const drops = Object.entries(Reason).filter(([, number]) => number < Reason.NOTICE);
  const endpoint = node.endpointStats(container.id);
  const places = tally.read();
  return {
    sent: deviceCount(fabric.switch, 'p1', 'tx_packets'),
    arrivedFrames: places.arrived.frames,
    arrived: places.arrived.packets,
    passed: places.passed.packets,
    anchored: places.anchored.packets,
    delivered: places.delivered.packets,
    inDriver: places.unwrapped.frames,
    fromNodes: Number(nodes.reduce((sum, { rxPackets }) => sum + rxPackets, 0n)),
    fromNodesDropped: Number(nodes.reduce((sum, { rxDropped }) => sum + rxDropped, 0n)),
    handedOver: Number(endpoint.rxPackets),
    queueFull: deviceCount(node.ns, container.hostEnd, 'tx_dropped'),
    strangers: (reasons.vtep_unknown ?? 0) + (reasons.anchor_stray ?? 0),
    dropped: drops.reduce((sum, [name]) => sum + (reasons[name.toLowerCase()] ?? 0), 0),
  };
}

async function fuzz(t: ExecutionContext, decap: Decap, family: 4 | 6): Promise<void> {
  t.timeout(600_000 + FRAMES);
  const fixture = makeFixture(decap, family);
  const { fabric, node, container, other, tally, target } = fixture;
  t.teardown(() => {
    tally.close();
    fabric.close();
  });
  t.log(`seed ${SEED}: DPCTL_FUZZ_SEED=${SEED} DPCTL_FUZZ_FRAMES=${FRAMES} make test-fuzz`);
  const random = makeRandom(SEED);
  const speak = tally.at('delivered', container.ns, 'eth0');
  const before = await settled(() => read(fixture));
  for (let left = FRAMES; left > 0; left -= CHUNK) {
    const frames = Array.from({ length: Math.min(left, CHUNK) }, () => packetFor(target, random));
    sendAll(fabric.switch, 'p1', frames);
  }
  const after = await settled(() => read(fixture));
  const grown = Object.fromEntries(
    Object.entries(after).map(([name, count]) => [
      name,
      count - before[name as keyof typeof before],
    ]),
  ) as typeof after;
  t.log(JSON.stringify(grown));
  t.log(JSON.stringify(node.reasons()));

  t.true(grown.sent >= FRAMES, 'each was sent');
  t.is(grown.arrivedFrames, grown.sent, 'each came to the datapath');
  t.is(
    grown.arrived + grown.anchored,
    grown.fromNodes + grown.strangers + grown.passed,
    "each is a known node's, a stranger's, or left to the host",
  );
  t.is(
    grown.fromNodes,
    grown.handedOver + grown.fromNodesDropped,
    "each of a node's is handed over or dropped",
  );
  t.is(grown.dropped, grown.fromNodesDropped + grown.strangers, 'each drop has a reason');
  t.is(grown.delivered, grown.handedOver - grown.queueFull, 'what was handed over arrived');
  t.true(
    grown.delivered > FRAMES / 10 && grown.passed > FRAMES / 50,
    'otherwise this tests nothing',
  );
  t.is(grown.inDriver > FRAMES / 500, decap === 'xdp', 'what XDP has decapsulated');
  const seen = Object.keys(node.reasons());
  t.true(seen.length >= 12, `reasons seen: ${seen.join()}`);

  speak();
  sh(fabric.switch, 'ip', 'link', 'set', 'p2', 'up');
  const reached = (to: string) => pings(container.ns, to) && pings(other.ns, container.ip4);
  await until('IPv4 goes across', () => reached(other.ip4), 10_000);
  await until('IPv6 goes across', () => reached(other.ip6), 10_000);
  t.pass();
}

/** Every run of the tests takes each mode with one family; the next seed takes the other. */
const FAMILIES = process.env.DPCTL_FUZZ_FRAMES === undefined ? [SEED % 2] : [0, 1];

for (const [at, decap] of (['tc', 'tc-gro', 'xdp'] as const).entries()) {
  for (const odd of FAMILIES) {
    const family = (at + odd) % 2 === 0 ? 4 : 6;
    testRequiring(feature('tcx')).serial(
      `random packets, ${decap}, IPv${family}: all accounted for`,
      (t) => fuzz(t, decap, family),
    );
  }
}
