/** Entries of the MAC table: learned, aged, moved, configured, deleted. */
import test from 'ava';
import { FdbFlags, MAPS } from '../../src/contract/generated.js';
import { openNode } from '../../src/control/node/node.js';
import { execute } from '../../src/control/steps/table.js';
import { deleteRaw, type Tables } from '../../src/datapath/tables.js';
import { macToBytes } from '../../src/model/address/mac.js';
import { decodeKey, decodeValue, tableEntry } from '../../src/model/desired/table-entry.js';
import { sendFrame as say } from '../packet/helpers/containers.js';
import { BROADCAST, eth, TYPE } from '../packet/helpers/frame.js';
import { type Attached, join } from './helpers/attached-containers.js';
import { pings } from './helpers/conversation.js';
import { countedDuring, counters } from './helpers/counters.js';
import { type Lab, openLab } from './helpers/lab.js';
import { eventually, sleep, start } from './helpers/process.js';
import { entriesOf, learnedMacs, putEntries } from './helpers/tables.js';
import { capture, sendFrame, sendFrames } from './helpers/wire.js';

interface FdbRow {
  readonly mac: string;
  readonly ns: string;
  readonly network: string;
  readonly state: string;
  readonly age: number;
}

let lab: Lab;
let open: Attached;
let other: Attached;
let asker: Attached;
let bystander: Attached;

test.before(async () => {
  lab = await openLab();
  open = await join(lab, 'o', '--no-lock');
  other = await join(lab, 'p', '--no-lock');
  asker = await join(lab, 'a');
  bystander = await join(lab, 'b');
});
test.afterEach.always(async () => {
  await lab.must('network', 'add', 'default', '--ageing', '300');
  await lab.must('fdb', 'flush');
});
test.after.always(() => lab.close());

const MAC = '02:00:00:00:00:99';

/** A station with this MAC sends from behind an unlocked endpoint. */
function speak(at: Attached, mac = MAC): Promise<void> {
  return sendFrame(at.ns, eth(BROADCAST, mac, TYPE.other, Buffer.alloc(50)));
}

async function rowOf(mac = MAC): Promise<FdbRow | undefined> {
  return (await lab.json<FdbRow[]>(['dump', 'fdb'])).find((row) => row.mac === mac);
}

/** The containers that receive a frame to the MAC. */
async function receivers(t: Parameters<typeof capture>[0], mac = MAC): Promise<string[]> {
  const all = [open, other, bystander];
  const seen = await Promise.all(all.map(({ ns }) => capture(t, ns, `ether dst ${mac}`)));
  await sendFrame(asker.ns, eth(mac, asker.mac, TYPE.other, Buffer.alloc(50)));
  const counts = await Promise.all(seen.map((each) => each.stop()));
  return all.filter((_, index) => (counts[index]?.length ?? 0) > 0).map(({ ns }) => ns);
}

test.serial('the MAC of a sender is learned, and frames to it go only there', async (t) => {
  t.deepEqual(await receivers(t), [open.ns, other.ns, bystander.ns], 'unknown: to all');
  await speak(open);
  const { ns, network, state, age } = (await rowOf()) ?? {};
  t.like({ ns, network, state }, { ns: open.ns, network: 'default', state: 'learned' });
  t.true((age ?? 99) <= 2);
  t.deepEqual(await receivers(t), [open.ns]);
});

test.serial('flood off drops frames to unknown MACs alone, as it does on a bridge', async (t) => {
  await lab.must('network', 'add', 'default', '--no-flood-unknown');
  try {
    let seen: string[] = [];
    const dropped = await countedDuring(lab, 'unknown_unicast', async () => {
      seen = await receivers(t);
    });
    t.deepEqual(seen, []);
    t.is(dropped, 1);
    t.deepEqual(await receivers(t, BROADCAST), [open.ns, other.ns, bystander.ns]);
    await speak(open);
    t.deepEqual(await receivers(t), [open.ns], 'a MAC that is known');
    const [network] = await lab.json<{ flags: string[] }[]>(['network', 'list']);
    t.deepEqual(network?.flags, ['no-flood-unknown']);
  } finally {
    await lab.must('network', 'add', 'default', '--flood-unknown');
  }
  await lab.must('fdb', 'flush');
  t.deepEqual(await receivers(t), [open.ns, other.ns, bystander.ns]);
});

test.serial('a busy learned MAC can be made static, and no longer counts as learned', async (t) => {
  const node = openNode({ root: lab.root });
  try {
    await speak(open);
    const [learned] = entriesOf(lab, 'fdb').filter(
      ({ value }) => decodeValue('fdb', value).flags === 0,
    );
    if (learned === undefined) throw new Error('nothing was learned');
    const { ifindex, endpoint } = decodeValue('fdb', learned.value);
    const flags = FdbFlags.STATIC;
    const value = { ifindex, endpoint, node: 0, flags, lastSeen: 0n };
    const entry = tableEntry('fdb', decodeKey('fdb', learned.key), value);
    // It was learned again just before each access.
    let spoken = 0;
    const map: Tables['map'] = (name) => {
      if (name === 'fdb') {
        say(open.ns, 'eth0', eth(BROADCAST, MAC, TYPE.other, Buffer.alloc(50)));
        spoken += 1;
      }
      return node.tables().map(name);
    };
    const during = { ...node, tables: () => ({ ...node.tables(), map }) };
    await execute(during, { op: 'table.put', entry, was: undefined }, { hook: undefined });
    t.true(spoken > 0);
    t.false(
      learnedMacs(lab).some(({ mac }) => mac === MAC),
      'it is told',
    );
    const rows = await lab.json<{ ns: string; learned: number }[]>(['dump', 'endpoints']);
    t.is(rows.find(({ ns }) => ns === open.ns)?.learned, 0);
    deleteRaw(node.tables(), 'fdb', entry.key);
  } finally {
    node.close();
  }
});

test.serial('a silent MAC is forgotten by the kernel alone, with no process running', async (t) => {
  await lab.must('network', 'add', 'default', '--ageing', '2');
  await speak(open);
  t.true(learnedMacs(lab).some(({ mac }) => mac === MAC));
  const endpoints = async () => lab.json<{ ns: string; learned: number }[]>(['dump', 'endpoints']);
  const learned = async () => (await endpoints()).find(({ ns }) => ns === open.ns)?.learned;
  t.true(((await learned()) ?? 0) > 0);
  await speak(open);
  const spoke = Date.now();
  t.true(await eventually(() => !learnedMacs(lab).some(({ mac }) => mac === MAC), 6000));
  const seconds = (Date.now() - spoke) / 1000;
  t.true(seconds > 0.9 && seconds < 4.5, `gone after ${seconds} s`);
  t.is(await learned(), 0);
});

test.serial('an ageing time that is changed is obeyed at once', async (t) => {
  await speak(open);
  await sleep(1500);
  t.is((await rowOf())?.state, 'learned');
  await lab.must('network', 'add', 'default', '--ageing', '1');
  t.is(await rowOf(), undefined);
  t.deepEqual(await receivers(t), [open.ns, other.ns, bystander.ns]);

  await lab.must('network', 'add', 'default', '--ageing', '0');
  await speak(open, '02:00:00:00:00:98');
  await lab.must('network', 'add', 'default', '--ageing', '3');
  await lab.must('network', 'add', 'default', '--ageing', '0');
  await sleep(4000);
  t.deepEqual(await receivers(t, '02:00:00:00:00:98'), [open.ns], '0 is never');
});

test.serial('a station that moves while it is spoken to is found again', async (t) => {
  const address = '10.201.50.1';
  const arrive = async (at: Attached) => {
    await lab.within(at.ns, 'ip', 'link', 'set', 'eth0', 'address', MAC);
    await lab.within(at.ns, 'ip', 'addr', 'add', `${address}/16`, 'dev', 'eth0');
    await lab.within(at.ns, 'arping', '-q', '-c', '1', '-U', '-I', 'eth0', address);
  };
  const leave = async (at: Attached) => {
    await lab.within(at.ns, 'ip', 'addr', 'del', `${address}/16`, 'dev', 'eth0');
    await lab.within(at.ns, 'ip', 'link', 'set', 'eth0', 'address', at.mac);
  };
  await arrive(open);
  t.true(await pings(asker.ns, address));
  t.is((await rowOf())?.ns, open.ns);

  const talk = start(t, asker.ns, ['ping', '-i', '0.1', '-D', '-O', address]);
  await talk.says(/bytes from/);
  await leave(open);
  await arrive(other);
  t.is((await rowOf())?.ns, other.ns);
  await talk.stop('SIGINT');
  t.true(await pings(asker.ns, address), 'found at its new place');
  t.deepEqual(await receivers(t), [other.ns]);
  const rows = await lab.json<{ ns: string; learned: number }[]>(['dump', 'endpoints']);
  const left = learnedMacs(lab).filter(({ ifindex }) => ifindex === open.ifindex).length;
  t.is(
    rows.find(({ ns }) => ns === open.ns)?.learned,
    left,
    'its former place no longer counts it',
  );
  await leave(other);
});

test.serial('a static entry takes precedence over a learned one', async (t) => {
  await speak(other);
  t.is((await rowOf())?.ns, other.ns);
  const { stderr } = await lab.must('fdb', 'add', MAC, open.ns);
  t.regex(stderr, new RegExp(`^fdb ${MAC} added: behind ${open.ns} on default`));
  t.like(await rowOf(), { ns: open.ns, state: 'static' });

  const before = (await counters(lab)).reason('static_mac');
  await speak(other);
  t.is((await counters(lab)).reason('static_mac') - before, 1);
  t.deepEqual(await receivers(t), [open.ns]);

  const again = await lab.must('fdb', 'add', MAC, open.ns);
  t.regex(again.stderr, /unchanged/);
  await lab.must('fdb', 'add', MAC, other.ns);
  t.deepEqual(await receivers(t), [other.ns], 'announced again, it moves');
  await lab.must('fdb', 'del', MAC);
  t.is(await rowOf(), undefined);
  t.regex((await lab.must('fdb', 'del', MAC)).stderr, /^unchanged/);
});

test.serial('fdb del finds the network of a static MAC by itself', async (t) => {
  await lab.must('network', 'add', 'blue', '--subnet', '10.9.0.0/24');
  const blue = await join(lab, 'l', '--network', 'blue');
  await lab.must('fdb', 'add', MAC, blue.ns);
  const { stderr } = await lab.must('fdb', 'del', MAC);
  t.is(stderr, `fdb ${MAC} deleted: it was on blue`);
  t.is(await rowOf(), undefined);

  await lab.must('fdb', 'add', MAC, blue.ns);
  await lab.must('fdb', 'add', MAC, open.ns);
  const unclear = await lab.dpctl(['fdb', 'del', MAC]);
  t.is(unclear.code, 1);
  t.is(
    unclear.stderr,
    `error[FDB_AMBIGUOUS]: ${MAC} is on the networks blue, default\ntry: dpctl fdb del ${MAC} --network blue`,
  );
  for (const network of ['blue', 'default']) {
    await lab.must('fdb', 'del', MAC, '--network', network);
  }
  t.is(await rowOf(), undefined);
  await lab.must('detach', blue.ns);
  await lab.must('network', 'del', 'blue');
});

test.serial("an endpoint's MAC cannot be taken over by sending with it", async (t) => {
  const before = (await counters(lab)).reason('static_mac');
  await speak(open, bystander.mac);
  t.is((await counters(lab)).reason('static_mac') - before, 1);
  t.like(await rowOf(bystander.mac), { ns: bystander.ns, state: 'permanent' });
  t.true(await pings(asker.ns, bystander.ip4));
});

test.serial(
  'fdb del and flush delete learned MACs: one, or those of an endpoint or network',
  async (t) => {
    const [x, y] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'];
    const known = async () =>
      (await lab.json<FdbRow[]>(['dump', 'fdb']))
        .filter(({ mac }) => [x, y, MAC].includes(mac))
        .map(({ mac }) => mac)
        .sort();
    await speak(open, x);
    await speak(other, y);
    await lab.must('fdb', 'add', MAC, open.ns);
    t.deepEqual(await known(), [x, y, MAC]);
    await lab.must('fdb', 'del', x);
    t.deepEqual(await known(), [y, MAC]);
    await speak(open, x);
    await lab.must('fdb', 'flush', '--ns', open.ns);
    t.deepEqual(await known(), [y, MAC]);
    await speak(open, x);
    await lab.must('network', 'add', 'elsewhere');
    await lab.must('fdb', 'flush', '--network', 'elsewhere');
    t.deepEqual(await known(), [x, y, MAC]);
    await lab.must('fdb', 'flush', '--network', 'default');
    t.deepEqual(await known(), [MAC], 'what a person said stays');
    t.is((await rowOf(open.mac))?.state, 'permanent');
    t.regex((await lab.must('fdb', 'flush')).stderr, /^unchanged/);
    await lab.must('fdb', 'del', MAC);
  },
);

test.serial(
  'a full table is counted and reported, frames go on, and room is made again',
  async (t) => {
    const there = entriesOf(lab, 'fdb').length;
    const filler = Array.from({ length: MAPS.fdb.maxEntries - there }, (_, n) =>
      tableEntry(
        'fdb',
        { vni: 4242, mac: new Uint8Array([2, 9, 0, n >> 16, n >> 8, n]) },
        { ifindex: open.ifindex, endpoint: 1, node: 0, flags: 1, lastSeen: 0n },
      ),
    );
    putEntries(lab, filler);
    const before = (await counters(lab)).reason('fdb_full');
    const heard = await capture(t, bystander.ns, `ether src ${MAC}`);
    await speak(open);
    await heard.atLeast(1);
    t.is((await counters(lab)).reason('fdb_full') - before, 1);
    t.is(await rowOf(), undefined);
    const status = await lab.dpctl(['status', '-o', 'name']);
    t.is(status.code, 4);
    t.regex(status.stdout, /^FDB_FULL$/m);

    const late = await lab.container('late');
    const refused = await lab.dpctl(['attach', late]);
    t.is(refused.code, 2, refused.stderr);
    t.regex(refused.stderr, /error\[MAP_FULL\]: the fdb table is full/);
    t.is(refused.stdout, '');
    t.is((await lab.json<unknown[]>(['endpoints'])).length, 4, 'nothing is left of the attempt');
    t.not((await lab.inside(late, ['ip', 'link', 'show', 'eth0'])).code, 0);

    await lab.must('reconcile');
    await lab.must('attach', late);
    t.true(await pings(late, asker.ip4));
    await speak(open);
    t.is((await rowOf())?.ns, open.ns);
    await lab.must('detach', late);
  },
);

test.serial('MACs learned behind an endpoint are deleted with it', async (t) => {
  const guest = await join(lab, 'g', '--no-lock');
  for (const mac of ['02:00:00:00:0c:01', '02:00:00:00:0c:02']) await speak(guest, mac);
  const learned = () => learnedMacs(lab).filter(({ ifindex }) => ifindex === guest.ifindex);
  t.is(learned().filter(({ mac }) => mac.startsWith('02:00:00:00:0c')).length, 2);
  await lab.must('fdb', 'add', '02:00:00:00:0c:03', guest.ns);
  await lab.must('detach', guest.ns);
  const mac = (text: string) => Buffer.from(macToBytes(text)).toString('hex');
  const keys = entriesOf(lab, 'fdb').map(({ key }) => Buffer.from(key).toString('hex'));
  for (const gone of ['02:00:00:00:0c:01', '02:00:00:00:0c:02', '02:00:00:00:0c:03', guest.mac]) {
    t.false(
      keys.some((key) => key.includes(mac(gone))),
      gone,
    );
  }
  t.deepEqual(learned(), []);
});

test.serial(
  'an endpoint fills no more than its share of the table, and all of it ages',
  async (t) => {
    const [flooder, modest] = [
      await join(lab, 'x', '--no-lock'),
      await join(lab, 'y', '--no-lock'),
    ];
    const from = (kind: string, n: number) =>
      eth(
        asker.mac,
        `02:${kind}:00:00:${hex(n >> 8)}:${hex(n & 255)}`,
        TYPE.other,
        Buffer.alloc(50),
      );
    await lab.must('network', 'add', 'default', '--ageing', '8');
    const before = await counters(lab);
    const frames = Array.from({ length: 1100 }, (_, n) => from('aa', n));
    const seen = await capture(t, asker.ns, 'ether proto 0x88b5');
    await sendFrames(flooder.ns, frames);
    await sendFrame(modest.ns, from('bb', 1));
    t.is((await seen.atLeast(1101)).length, 1101, 'every frame goes on, learned or not');
    const after = await counters(lab);
    t.is(after.reason('timer') - before.reason('timer'), 0);
    t.is(after.reason('learn_limit') - before.reason('learn_limit'), 1100 - 1024);
    const learned = async () => {
      const endpoints = await lab.json<{ ns: string; learned: number }[]>(['dump', 'endpoints']);
      return new Map(endpoints.map((row) => [row.ns, row.learned]));
    };
    const full = await learned();
    t.is(full.get(flooder.ns), 1024);
    t.true((full.get(modest.ns) ?? 0) >= 1, 'the others learn as before');

    const left = () => learnedMacs(lab).filter(({ mac }) => /^02:(aa|bb)/.test(mac)).length;
    t.true(await eventually(() => left() === 0, 20_000, 500), `${left()} are left`);
    t.is((await learned()).get(flooder.ns), 0);
  },
);

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
