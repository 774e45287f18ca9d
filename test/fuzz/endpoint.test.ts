/**
 * Random frames from containers. The node sends only VXLAN that it has encapsulated itself, and nothing
 * reaches its VXLAN socket, whatever the gateway forwards.
 */
import type { ExecutionContext } from 'ava';
import { makeRandom } from '../helpers/random.js';
import { command, feature, testRequiring } from '../helpers/requirements.js';
import { type Attached, join } from '../system/helpers/attached-containers.js';
import { pings } from '../system/helpers/conversation.js';
import { counters } from '../system/helpers/counters.js';
import { type Lab, openLab } from '../system/helpers/lab.js';
import { corpus, type Party } from './helpers/corpus.js';
import { mutated, sendable } from './helpers/mutate.js';
import { deviceCount, sendAll } from './helpers/send.js';
import { makeTally, type Tally } from './helpers/tally.js';

/** Frames of each container. */
const FRAMES = Number(process.env.DPCTL_FUZZ_FRAMES ?? 6000);
const SEED = Number(process.env.DPCTL_FUZZ_SEED ?? Date.now() % 1_000_000);
const CHUNK = 10_000;
const MTU = 1450;

/** This node and another one. */
const HERE = { ip4: '192.0.2.1', ip6: '2001:db8:5::1' };
const THERE = { ip4: '192.0.2.2', ip6: '2001:db8:5::2' };
const GATEWAY = { ip4: '10.9.0.1', ip6: 'fd09::1' };
/** Behind the other node. */
const FAR: Party = { mac: '0a:58:0a:09:00:c8', ip4: '10.9.0.200', ip6: 'fd09::c8' };

interface Fixture {
  readonly lab: Lab;
  readonly peer: string;
  readonly locked: Attached;
  readonly open: Attached;
  readonly tally: Tally;
}

async function makeFixture(t: ExecutionContext, family: 4 | 6): Promise<Fixture> {
  const lab = await openLab();
  t.teardown(() => lab.close());
  const peer = await lab.container('peer');
  const at = (ns: string, words: string) => lab.within(ns, 'ip', ...words.split(' '));
  await at(lab.node, `link add ul0 type veth peer name ul0 netns ${peer}`);
  for (const [ns, { ip4, ip6 }] of [
    [lab.node, HERE],
    [peer, THERE],
  ] as const) {
    await at(ns, 'link set lo up');
    await at(ns, `addr add ${ip4}/24 dev ul0`);
    await at(ns, `addr add ${ip6}/64 dev ul0 nodad`);
    await at(ns, 'link set ul0 up');
  }
  await lab.within(lab.node, 'ethtool', '-K', 'ul0', 'gro', 'on');
  const key = family === 4 ? 'ip4' : 'ip6';
  const tally = makeTally();
  t.teardown(() => tally.close());
  tally.at('wire', peer, 'ul0');
  // Resolve the neighbour before the first packet.
  await lab.within(lab.node, 'ping', '-c', '1', '-W', '2', THERE[key]);
  await lab.must('underlay', 'set', 'ul0', '--vtep', HERE[key], '--decap', 'tc-gro');
  await lab.must('node', 'add', 'there', '--vtep', THERE[key]);
  const subnets = ['--subnet', '10.9.0.0/24', '--subnet', 'fd09::/64'];
  const gateway = ['--gateway', GATEWAY.ip4, '--gateway', GATEWAY.ip6, '--masquerade'];
  await lab.must('network', 'add', 'blue', '--vni', '100', ...subnets, ...gateway);
  await lab.must('fdb', 'add', FAR.mac, '--network', 'blue', '--node', 'there');
  const locked = await join(lab, 'a', '--network', 'blue');
  const open = await join(lab, 'b', '--network', 'blue', '--no-lock');
  const links = await lab.within(lab.node, 'ip', '-j', 'link', 'show', 'type', 'vxlan');
  const [anchor] = JSON.parse(links) as { ifname: string }[];
  tally.at('anchored', lab.node, anchor?.ifname ?? '');
  return { lab, peer, locked, open, tally };
}

/** Destinations: the container's gateway, hosts behind it, and everybody. */
function framesOf(own: Party, gateway: string, others: readonly Party[]): Uint8Array[] {
  const router = { mac: gateway, ...GATEWAY };
  const through = [GATEWAY, HERE, THERE].map((it) => ({ mac: gateway, ...it }));
  const spoofed = [...others, router].flatMap((it) => [
    ...corpus(it, router, own),
    ...corpus({ ...it, mac: own.mac }, { mac: gateway, ...THERE }, own),
  ]);
  return [...[...through, ...others, FAR].flatMap((to) => corpus(own, to, router)), ...spoofed];
}

async function fuzz(t: ExecutionContext, family: 4 | 6): Promise<void> {
  t.timeout(600_000 + FRAMES);
  const { lab, locked, open, tally } = await makeFixture(t, family);
  t.log(`seed ${SEED}: DPCTL_FUZZ_SEED=${SEED} DPCTL_FUZZ_FRAMES=${FRAMES} make test-fuzz`);
  await pings(locked.ns, GATEWAY.ip4);
  const table = await lab.within(locked.ns, 'ip', '-j', 'neigh', 'show', GATEWAY.ip4);
  const gateway = (JSON.parse(table) as { lladdr?: string }[])[0]?.lladdr ?? '';
  t.regex(gateway, /:/);

  const random = makeRandom(SEED);
  const encapsulated = async () => {
    const rows = await lab.json<{ tx_packets: number }[]>(['dump', 'nodes']);
    return rows.reduce((sum, row) => sum + row.tx_packets, 0);
  };
  for (const [own, other] of [
    [locked, open],
    [open, locked],
  ] as const) {
    const frames = framesOf(own, gateway, [other]);
    for (let left = FRAMES; left > 0; left -= CHUNK) {
      const chosen = Array.from({ length: Math.min(left, CHUNK) }, () => {
        const frame = random.pick(frames);
        return sendable(
          random.chance(40) ? frame : mutated(frame, random, 1 + random.below(3)),
          MTU,
        );
      });
      sendAll(own.ns, own.ifname, chosen);
    }
  }
  // Containers send neighbour solicitations at any time: count before and afterwards.
  const least = await encapsulated();
  const places = tally.read();
  const sent = await encapsulated();
  const lost = deviceCount(lab.node, 'ul0', 'tx_dropped');
  const blocked = (await counters(lab)).reason('forged_vxlan');
  t.log(JSON.stringify({ sent, lost, blocked, ...places }));
  t.is(places.forged.packets, 0, 'VXLAN that nobody encapsulated');
  t.is(places.anchored.packets, 0, 'what the socket for other nodes hears');
  t.true(
    places.wire.packets <= sent && places.wire.packets >= least - lost,
    'no more than was sent',
  );
  t.true(sent > FRAMES / 50, 'otherwise this tests nothing');
  t.true(blocked > FRAMES / 50, 'otherwise this tests nothing');
  // An unlocked endpoint may claim its address for another MAC, and is believed.
  for (const { ns } of [locked, open]) await lab.within(ns, 'ip', 'neigh', 'flush', 'all');
  t.true(await pings(locked.ns, open.ip4), 'the locked endpoint reaches the open one');
  t.true(await pings(open.ns, locked.ip6), 'the open endpoint reaches the locked one');
}

const FAMILIES = process.env.DPCTL_FUZZ_FRAMES === undefined ? [SEED % 2] : [0, 1];

for (const odd of FAMILIES) {
  const family = odd === 0 ? 4 : 6;
  const title = `random frames of containers, IPv${family}: no VXLAN but what was encapsulated`;
  testRequiring(feature('tcx'), command('nft'), command('ethtool')).serial(title, (t) =>
    fuzz(t, family),
  );
}
