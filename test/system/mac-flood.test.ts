/** Unlocked containers that send from more MACs than the table holds. */
import test from 'ava';
import { MAPS } from '../../src/contract/generated.js';
import { tableEntry } from '../../src/model/desired/table-entry.js';
import { eth, TYPE } from '../packet/helpers/frame.js';
import { type Attached, join } from './helpers/attached-containers.js';
import { pings } from './helpers/conversation.js';
import { counters } from './helpers/counters.js';
import { type Lab, openLab } from './helpers/lab.js';
import { learnedMacs, putEntries } from './helpers/tables.js';
import { sendFrames } from './helpers/wire.js';

/** Entries that learning leaves free: bpf/contract/limits.h. */
const RESERVED = 16_384;
const LEFT = 20;
const FRAMES = 50;

let lab: Lab;
let flooder: Attached;
let modest: Attached;
let locked: Attached;

test.before(async () => {
  lab = await openLab();
  flooder = await join(lab, 'x', '--no-lock');
  modest = await join(lab, 'y', '--no-lock');
  locked = await join(lab, 'z');
  // The kernel announces its own link-local addresses; afterwards only the tests send.
  for (const { ns } of [flooder, modest]) {
    await lab.within(ns, 'sysctl', '-q', '-w', 'net.ipv6.conf.eth0.disable_ipv6=1');
  }
});
test.after.always(() => lab.close());

const station = (kind: number, number: number) =>
  `02:00:00:00:${kind.toString(16).padStart(2, '0')}:${number.toString(16).padStart(2, '0')}`;

/** Send from this many MACs to a locked neighbour, which receives all of it. */
async function speak({ ns }: Attached, kind: number, count: number): Promise<void> {
  const macs = Array.from({ length: count }, (_, number) => station(kind, number));
  await sendFrames(
    ns,
    macs.map((mac) => eth(locked.mac, mac, TYPE.other, Buffer.alloc(50))),
  );
}

function learnedAt({ ifindex }: Attached, kind: number): number {
  const prefix = station(kind, 0).slice(0, -2);
  const found = learnedMacs(lab).filter((it) => it.mac.startsWith(prefix));
  return found.filter((it) => it.ifindex === ifindex).length;
}

/** The table when others have learned nearly as many MACs as allowed. */
function fill(): void {
  const count = MAPS.fdb.maxEntries - RESERVED - LEFT - learnedMacs(lab).length;
  const filler = Array.from({ length: count }, (_, n) =>
    tableEntry(
      'fdb',
      { vni: 4242, mac: new Uint8Array([2, 9, 0, n >> 16, n >> 8, n]) },
      { ifindex: modest.ifindex, endpoint: 1, node: 0, flags: 0, lastSeen: 0n },
    ),
  );
  putEntries(lab, filler);
  putEntries(lab, [tableEntry('learned', 0, { count: MAPS.fdb.maxEntries - RESERVED - LEFT })]);
}

test.serial(
  'a flood of MACs takes no room from endpoints, static entries and known MACs',
  async (t) => {
    await speak(modest, 1, 3);
    t.is(learnedAt(modest, 1), 3);
    fill();
    const before = await counters(lab);
    await speak(flooder, 2, FRAMES);
    const after = await counters(lab);
    t.is(learnedAt(flooder, 2), LEFT, 'no more than there is room for');
    t.is(after.reason('learn_room') - before.reason('learn_room'), FRAMES - LEFT, 'and says why');
    t.is(after.reason('fdb_full') - before.reason('fdb_full'), 0);

    const late = await join(lab, 'late');
    t.true(await pings(late.ns, locked.ip4), 'an endpoint is attached');
    await lab.must('fdb', 'add', station(3, 1), locked.ns);
    const rows = await lab.json<{ mac: string; state: string }[]>(['dump', 'fdb']);
    t.is(rows.find(({ mac }) => mac === station(3, 1))?.state, 'static', 'a person is obeyed');

    t.is(learnedAt(modest, 1), 3, 'what others said stays');
    await speak(flooder, 1, 2);
    t.is(learnedAt(modest, 1), 1, 'where nobody holds a lock a MAC is where it spoke last');
    await speak(modest, 1, 3);
    t.is(learnedAt(modest, 1), 3, 'and back, in a full table too');

    await lab.must('fdb', 'flush', '--ns', flooder.ns);
    await speak(modest, 4, 5);
    t.is(learnedAt(modest, 4), 5, 'room that is made is for everybody');
    await lab.must('fdb', 'flush');
  },
);
