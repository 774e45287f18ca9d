/** Endpoints that are down or deleted, of which the datapath was not told. */
import test from 'ava';
import { ControlOp, MAPS } from '../../src/contract/generated.js';
import { objectFile } from '../../src/datapath/objects.js';
import { linkDelete, linkGet, linkSet } from '../../src/linux/netlink/link.js';
import { withRtnl } from '../../src/linux/netlink/socket.js';
import { feature, testRequiring } from '../helpers/requirements.js';
import { everybodyBut, other, udp4, udp6 } from './cases/common.js';
import {
  expected,
  learnedCount,
  learnedMacs,
  type Outcome,
  outcomeOf,
  statsOf,
} from './helpers/case.js';
import { arp, BROADCAST, eth, TYPE } from './helpers/frame.js';
import { groupMac, macOption, SOURCE_MAC, solicit, solicitedNode } from './helpers/nd.js';
import { idOf, NOBODY, PORTS, type PortName } from './helpers/ports.js';
import {
  control,
  fdbKey,
  getFdb,
  makeWorld,
  putFdb,
  putNeigh,
  putNetwork,
  run,
  type World,
} from './helpers/world.js';

const { a, b, gateway } = PORTS;
const EPERM = -1;

/** A world for one test, whose devices may be set down and deleted. */
async function withWorld(use: (world: World) => void, file = objectFile()): Promise<void> {
  const world = await makeWorld({ file });
  try {
    use(world);
  } finally {
    await world.close();
  }
}

function setFarEnd(world: World, name: PortName, up: boolean): void {
  withRtnl(world.netns.fd, (rtnl) => {
    const far = linkGet(rtnl, { ifindex: world.ifindex[name] })?.peerIfindex;
    linkSet(rtnl, far ?? 0, { up });
  });
}

function kill(world: World, name: PortName): void {
  withRtnl(world.netns.fd, (rtnl) => linkDelete(rtnl, { ifindex: world.ifindex[name] }));
}

function without(outcome: Outcome) {
  const { clones: _clones, ...rest } = outcome;
  return rest;
}

const ndFor = (target: string) => {
  const question = solicit(target, a.ip6, macOption(SOURCE_MAC, a.mac));
  return eth(groupMac(solicitedNode(target)), a.mac, TYPE.ip6, question);
};
const arpFor = (target: string) =>
  eth(BROADCAST, a.mac, TYPE.arp, arp({ senderMac: a.mac, sender: a.ip4, target }));

/** The variant for older kernels only detects deleted ones. */
const TWINS = [
  ['this kernel', objectFile(), ['down', 'gone']],
  ['older kernels', objectFile().replace(/(-plain)?\.bpf\.o$/, '-plain.bpf.o'), ['gone']],
] as const;

for (const [kernels, file, states] of TWINS) {
  for (const state of states) {
    const strike = (world: World, name: PortName): void =>
      state === 'down' ? setFarEnd(world, name, false) : kill(world, name);
    const maybe = state === 'down' ? testRequiring(feature('kernel_types')) : testRequiring();
    const reason = `port_${state}`;

    maybe.serial(`what is for one that is ${state} is dropped by name (${kernels})`, (t) =>
      withWorld((world) => {
        const setup = (): void => {
          putFdb(world, NOBODY, 'b');
          putFdb(world, '02:00:00:00:00:07', 'b', { flags: 0, lastSeen: 2n ** 40n });
        };
        const frames = [udp4('a', b.mac), udp6('a', b.mac), udp4('a', NOBODY)];
        for (const frame of frames) {
          t.is(
            outcomeOf(world, { name: '', setup, frame, expect: { verdict: 'redirect' } }).to[0],
            'b',
          );
        }
        strike(world, 'b');
        strike(world, 'gateway');
        strike(world, 'late');
        for (const [frame, name] of [
          ...frames.map((each) => [each, 'b'] as const),
          [udp4('a', gateway.mac), 'gateway'],
          [udp4('a', PORTS.late.mac), 'late'],
        ] as const) {
          const it = {
            name: '',
            setup,
            frame,
            expect: { verdict: 'drop', reasons: { [reason]: 1 }, missed: [name] },
          } as const;
          const { learned: _learned, ...got } = without(outcomeOf(world, it));
          const { learned: _none, ...wanted } = expected(it);
          t.deepEqual(got, wanted);
        }
      }, file),
    );

    maybe.serial(
      `a flood reaches all but one that is ${state}, which is counted (${kernels})`,
      (t) =>
        withWorld((world) => {
          strike(world, 'b');
          const it = {
            name: '',
            frame: other(a.mac, BROADCAST),
            expect: {
              verdict: 'redirect',
              reasons: { [reason]: 1 },
              missed: ['b'],
              to: everybodyBut('a').filter((name) => name !== 'b'),
              flooded: true,
            },
          } as const;
          t.deepEqual(without(outcomeOf(world, it)), expected(it));
          strike(world, 'other2');
          const alone = {
            name: '',
            from: 'other',
            frame: other(PORTS.other.mac, BROADCAST),
            expect: {
              verdict: 'drop',
              reasons: { [reason]: 1 },
              missed: ['other2'],
              flooded: true,
            },
          } as const;
          t.deepEqual(without(outcomeOf(world, alone)), expected(alone));
        }, file),
    );

    maybe.serial(`ARP and ND are not answered for one that is ${state} (${kernels})`, (t) =>
      withWorld((world) => {
        const setup = (): void => {
          putNeigh(world, 'b');
          putNeigh(world, 'gateway');
        };
        const questions = ['b', 'gateway'] as const;
        const ask = (name: 'b' | 'gateway') => [arpFor(PORTS[name].ip4), ndFor(PORTS[name].ip6)];
        for (const frame of questions.flatMap(ask)) {
          const { suppressed } = outcomeOf(world, {
            name: '',
            setup,
            frame,
            expect: { verdict: 'redirect' },
          });
          t.true(suppressed);
        }
        strike(world, 'b');
        strike(world, 'gateway');
        for (const frame of questions.flatMap(ask)) {
          const got = outcomeOf(world, { name: '', setup, frame, expect: { verdict: 'redirect' } });
          t.false(got.suppressed);
          t.true(got.flooded);
          t.deepEqual(got.reasons, { [reason]: 2 });
        }
      }, file),
    );
  }

  test.serial(`the MAC of one that is gone is learned where it is heard (${kernels})`, (t) =>
    withWorld((world) => {
      const speak = other(b.mac, a.mac);
      run(world, 'learn', speak);
      t.deepEqual(learnedMacs(world), {}, 'the endpoint lives');
      kill(world, 'b');
      run(world, 'learn', speak);
      t.deepEqual(learnedMacs(world), { [b.mac]: 'learn' });
      t.is(learnedCount(world, 'learn'), 1);
      t.is(getFdb(world, b.mac, 'b')?.flags, 0);
      const received = statsOf(world, 'learn').rxPackets;
      run(world, 'a', udp4('a', b.mac));
      t.is(statsOf(world, 'learn').rxPackets, received + 1n);

      const remove = (address: string, name: PortName): number => {
        const key = fdbKey(address, name);
        const fdb = MAPS.fdb.key.decode(new DataView(key.buffer));
        return control(world, { op: ControlOp.FDB_DELETE, fdb, endpoint: idOf(name) }).result;
      };
      t.is(remove(b.mac, 'b'), EPERM, 'it is another one by now');
      t.not(getFdb(world, b.mac, 'b'), undefined);
      t.is(remove(gateway.mac, 'a'), EPERM, 'it is at another endpoint');
      t.is(remove(gateway.mac, 'gateway'), 0);
      t.is(getFdb(world, gateway.mac, 'gateway'), undefined);
    }, file),
  );

  test.serial(
    `one that is gone may be on another node: its frames go there, too (${kernels})`,
    (t) =>
      withWorld((world) => {
        kill(world, 'b');
        const ask = (setup: () => void) =>
          outcomeOf(world, {
            name: '',
            setup,
            frame: udp4('a', b.mac),
            expect: { verdict: 'drop' },
          });
        t.false(ask(() => undefined).flooded);
        const spread = ask(() => putNetwork(world, 1, { replicas: 1 }));
        t.true(spread.flooded);
        t.is(spread.reasons.port_gone, 1);
        const silent = ask(() => putNetwork(world, 1, { replicas: 1, flags: 1 }));
        t.false(silent.flooded);
        t.deepEqual(silent.reasons, { port_gone: 1 });
      }, file),
  );
}

testRequiring(feature('kernel_types')).serial(
  'one that asks and is down by then gets no answer',
  (t) =>
    withWorld((world) => {
      setFarEnd(world, 'a', false);
      const it = {
        name: '',
        setup: () => putNeigh(world, 'b'),
        frame: arpFor(b.ip4),
        expect: { verdict: 'drop' },
      } as const;
      const { reasons, missed } = outcomeOf(world, it);
      t.deepEqual(reasons, { port_down: 1 });
      t.deepEqual(missed, ['a']);
    }),
);
