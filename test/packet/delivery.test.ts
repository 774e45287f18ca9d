/** Real frames through the attached program between containers. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { EndpointFlags } from '../../src/contract/generated.js';
import { captured } from './helpers/capture.js';
import { learnedMacs, reasonsOf, statsOf } from './helpers/case.js';
import {
  type Containers,
  inside,
  makeContainers,
  pings,
  sendFrame,
  start,
  succeeds,
} from './helpers/containers.js';
import { BROADCAST, eth, ip4, TYPE, udp, vlan } from './helpers/frame.js';
import { NOBODY, PORTS, type PortName } from './helpers/ports.js';
import { putEndpoint, putFdb, putNeigh, resetWorld } from './helpers/world.js';

const { a, b, learn, gateway } = PORTS;

let lab: Containers;
test.before(async () => {
  lab = await makeContainers(['a', 'b', 'learn', 'gateway'], 9000);
});
test.beforeEach(() => resetWorld(lab));
test.after.always(() => lab?.close());

function home(name: PortName): string {
  return lab.home[name] ?? '';
}

/** Drops and notices, without those of the containers' own traffic. */
function reasons(): Record<string, number> {
  return Object.fromEntries(reasonsOf(lab));
}

test.serial('containers and the host reach each other by IPv4 and IPv6', (t) => {
  for (const name of ['a', 'b', 'learn', 'gateway'] as const) {
    for (const other of ['a', 'b', 'learn', 'gateway'] as const) {
      if (name === other) continue;
      t.true(pings(home(name), PORTS[other].ip4), `${name} to ${other}, IPv4`);
      t.true(pings(home(name), PORTS[other].ip6), `${name} to ${other}, IPv6`);
    }
  }
});

test.serial('known neighbours are found without asking anybody', async (t) => {
  for (const name of ['a', 'b', 'gateway'] as const) putNeigh(lab, name);
  // Everywhere, as a neighbour's solicitation would announce its address.
  for (const [name, device] of [
    ['a', 'eth0'],
    ['b', 'eth0'],
    ['gateway', 'gateway-far'],
  ] as const) {
    inside(home(name), 'ip', 'neigh', 'flush', 'dev', device);
  }
  const questions = 'arp or (icmp6 and ip6[40] == 135)';
  const asked = await captured(home('b'), 'eth0', questions, () => {
    t.true(pings(home('a'), b.ip4));
    t.true(pings(home('a'), b.ip6));
    t.true(pings(home('a'), gateway.ip4));
  });
  const group = (frame: Uint8Array) => ((frame[0] ?? 0) & 1) === 1;
  t.deepEqual(asked.filter(group), []);
  const { suppressed } = statsOf(lab, 'a');
  t.true(suppressed >= 3n, `${suppressed} answered`);
  const neighbours = inside(home('a'), 'ip', 'neigh', 'show', 'dev', 'eth0');
  t.regex(neighbours, new RegExp(`${b.ip4} lladdr ${b.mac}`));
  t.regex(neighbours, new RegExp(`${b.ip6} lladdr ${b.mac}`));
});

test.serial('bulk TCP arrives whole, in segments larger than the MTU', async (t) => {
  const data = randomBytes(8 << 20);
  const server = start(
    home('b'),
    ['socat', '-u', '-b', '262144', 'TCP-LISTEN:5001,reuseaddr', 'STDOUT'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const hash = createHash('sha256');
  server.stdout?.on('data', (chunk: Buffer) => hash.update(chunk));
  try {
    for (let tries = 0; !inside(home('b'), 'ss', '-Htln').includes(':5001'); tries++) {
      if (tries > 50) throw new Error('the server does not listen');
      await sleep(50);
    }
    const client = start(home('a'), ['socat', '-u', '-b', '262144', 'STDIN', `TCP:${b.ip4}:5001`], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    client.stdin?.end(data);
    await once(server, 'close');
  } finally {
    server.kill();
  }
  t.is(hash.digest('hex'), createHash('sha256').update(data).digest('hex'));
  const { rxBytes, rxPackets } = statsOf(lab, 'b');
  t.true(rxBytes > BigInt(data.length));
  const average = Number(rxBytes) / Number(rxPackets);
  t.true(average > 9014, `${average} bytes a frame`);
});

test.serial('a container does not take for itself what is for a MAC behind it', (t) => {
  putFdb(lab, NOBODY, 'b');
  inside(home('a'), 'ip', 'neigh', 'replace', b.ip4, 'lladdr', NOBODY, 'dev', 'eth0');
  const before = statsOf(lab, 'b').rxPackets;
  t.false(pings(home('a'), b.ip4));
  t.true(statsOf(lab, 'b').rxPackets >= before + 3n);
  inside(home('a'), 'ip', 'neigh', 'del', b.ip4, 'dev', 'eth0');
  t.true(pings(home('a'), b.ip4));
});

test.serial('nor what is flooded to a MAC that nobody has', (t) => {
  inside(home('a'), 'ip', 'neigh', 'replace', b.ip4, 'lladdr', NOBODY, 'dev', 'eth0');
  t.false(pings(home('a'), b.ip4));
  t.true(statsOf(lab, 'a').txFlooded >= 3n);
  inside(home('a'), 'ip', 'neigh', 'del', b.ip4, 'dev', 'eth0');
});

test.serial('a bridge inside a container: what is behind it is learned and reached', async (t) => {
  const nested = await lab.extra('nested');
  const ns = home('learn');
  const run = (...argv: string[]) => inside(ns, 'ip', ...argv);
  run('link', 'add', 'br0', 'address', learn.mac, 'type', 'bridge');
  run('addr', 'flush', 'dev', 'eth0');
  run('link', 'set', 'eth0', 'master', 'br0');
  run('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  run('link', 'set', 'v1', 'netns', nested.name);
  run('link', 'set', 'v0', 'master', 'br0', 'up');
  run('link', 'set', 'br0', 'up');
  run('addr', 'add', `${learn.ip4}/24`, 'dev', 'br0');
  const mac = '02:00:00:00:00:31';
  inside(nested.name, 'ip', 'link', 'set', 'v1', 'address', mac, 'up');
  inside(nested.name, 'ip', 'addr', 'add', '10.0.0.31/24', 'dev', 'v1');
  inside(nested.name, 'ip', '-6', 'addr', 'add', 'fd00::31/64', 'dev', 'v1', 'nodad');
  t.true(pings(nested.name, a.ip4), 'out');
  t.is(learnedMacs(lab)[mac], 'learn');
  const flooded = statsOf(lab, 'a').txFlooded;
  t.true(pings(home('a'), '10.0.0.31'), 'in, IPv4');
  t.true(pings(home('a'), 'fd00::31'), 'in, IPv6');
  t.true(pings(home('a'), learn.ip4), "in, to the container's own bridge");
  t.true(pings(home('gateway'), '10.0.0.31'), 'from the host');
  t.true(pings(nested.name, gateway.ip4), 'to the host');
  t.true(statsOf(lab, 'a').txFlooded - flooded <= 4n, 'only the neighbour look-ups were flooded');
});

const spoofed = ip4({ src: b.ip4, dst: b.ip4 }, udp(1, 2));
const own = ip4({ src: a.ip4, dst: b.ip4 }, udp(1, 2));

/** The kernel moves the outermost tag of a received frame out of its data. */
const TAGGED = [
  ['one tag', eth(b.mac, a.mac, TYPE.vlan, vlan(5, TYPE.ip4), spoofed), 'source_ip4'],
  [
    'two tags',
    eth(b.mac, a.mac, TYPE.qinq, vlan(5, TYPE.vlan), vlan(6, TYPE.ip4), spoofed),
    'source_ip4',
  ],
  [
    'three tags',
    eth(b.mac, a.mac, TYPE.qinq, vlan(5, TYPE.vlan), vlan(6, TYPE.vlan), vlan(7, TYPE.ip4), own),
    'header_chain',
  ],
] as const;

for (const [name, frame, reason] of TAGGED) {
  test.serial(`the source lock looks through tags of a real frame: ${name}`, async (t) => {
    sendFrame(home('a'), 'eth0', frame);
    await sleep(50);
    t.is(reasons()[reason], 1);
  });
}

test.serial('the tags of a real frame stay on it, to one receiver and to all', async (t) => {
  for (const to of [b.mac, BROADCAST]) {
    const one = eth(to, a.mac, TYPE.vlan, vlan(5, TYPE.ip4), own);
    const two = eth(to, a.mac, TYPE.qinq, vlan(5, TYPE.vlan), vlan(6, TYPE.ip4), own);
    const frames = await captured(home('b'), 'eth0', 'ether[12:2] != 0x0806', () => {
      sendFrame(home('a'), 'eth0', one);
      sendFrame(home('a'), 'eth0', two);
    });
    for (const sent of [one, two]) {
      t.is(frames.filter((frame) => Buffer.from(frame).equals(sent)).length, 1);
    }
  }
});

test.serial('broadcast arrives as it was sent, once, everywhere but at its sender', async (t) => {
  const frame = eth(BROADCAST, a.mac, TYPE.ip4, ip4({ src: a.ip4, dst: '10.0.0.255' }, udp(1, 9)));
  for (const [name, device, copies] of [
    ['b', 'eth0', 1],
    ['gateway', 'gateway-far', 1],
    ['a', 'eth0', 0],
  ] as const) {
    const seen = await captured(home(name), device, 'udp dst port 9', () =>
      sendFrame(home('a'), 'eth0', frame),
    );
    t.deepEqual(seen, Array(copies).fill(frame), name);
  }
});

test.serial('anti-spoofing finds headers in page fragments', async (t) => {
  const payload = udp(1, 9, new Uint8Array(8000));
  const frame = (src: string) => eth(b.mac, a.mac, TYPE.ip4, ip4({ src, dst: b.ip4 }, payload));
  const seen = await captured(home('b'), 'eth0', 'udp dst port 9', () => {
    sendFrame(home('a'), 'eth0', frame(b.ip4), 14);
    sendFrame(home('a'), 'eth0', frame(a.ip4), 14);
    sendFrame(home('a'), 'eth0', frame(a.ip4), 30);
  });
  t.deepEqual(seen, [frame(a.ip4), frame(a.ip4)]);
  t.is(reasons().source_ip4, 1);
});

test.serial('a copy for a port that is down is counted, the others arrive', (t) => {
  inside(home('gateway'), 'ip', 'link', 'set', 'learn', 'down');
  inside(home('a'), 'ip', 'neigh', 'flush', 'dev', 'eth0');
  t.true(pings(home('a'), b.ip4));
  // If the program cannot see it, the kernel counts it.
  t.true((reasons().port_down ?? reasons().flood_copy ?? 0) >= 1);
  inside(home('gateway'), 'ip', 'link', 'set', 'learn', 'up');
});

test.serial('a frame with a forged source address is dropped', (t) => {
  inside(home('a'), 'ip', 'addr', 'add', '10.0.0.200/24', 'dev', 'eth0');
  t.false(succeeds(home('a'), 'ping', '-c', '1', '-W', '1', '-I', '10.0.0.200', b.ip4));
  t.true((reasons().source_ip4 ?? 0) + (reasons().source_arp ?? 0) >= 1);
  inside(home('a'), 'ip', 'addr', 'del', '10.0.0.200/24', 'dev', 'eth0');
});

test.serial('isolated containers reach the host but not each other', (t) => {
  const flags = EndpointFlags.LOCK | EndpointFlags.IP4 | EndpointFlags.IP6 | EndpointFlags.ISOLATED;
  for (const [name, slot] of [
    ['a', 0],
    ['b', 1],
  ] as const) {
    putEndpoint(lab, name, { flags, slot });
    inside(home(name), 'ip', 'neigh', 'flush', 'dev', 'eth0');
  }
  t.false(pings(home('a'), b.ip4));
  t.false(pings(home('a'), b.ip6));
  t.true(pings(home('a'), gateway.ip4));
  t.true(pings(home('b'), gateway.ip6));
});
