/** Metadata beside a frame ends at the port where the frame enters. */
import test from 'ava';
import { mapPut } from '../../loader/map/entry.js';
import { inNetns } from '../../loader/sys/netns.js';
import { testRun } from '../../loader/testrun.js';
import { FdbFlags, GatewayMark, MAPS } from '../../src/contract/generated.js';
import { udp4 } from './cases/common.js';
import { contextFor } from './helpers/context.js';
import { NOBODY, PORTS } from './helpers/ports.js';
import { fdbKey, makeWorld, mapOf, type World } from './helpers/world.js';

/** Offsets in struct __sk_buff (linux/bpf.h) of metadata that a frame may carry. */
const BESIDE = { mark: 8, priority: 32, cb0: 48, cb1: 52, cb2: 56, cb3: 60, cb4: 64, tstamp: 152 };

let world: World;
test.before(async () => {
  world = await makeWorld();
});
test.after.always(() => world?.close());

/** The mark of a frame that left the host's port with one. */
function markAfter(mark: number, data: Uint8Array): number {
  const ctx = contextFor(world.ifindex.gateway);
  new DataView(ctx.buffer).setUint32(BESIDE.mark, mark, true);
  const program = world.object.programs.get('endpoint');
  if (program === undefined) throw new Error('the object has no program endpoint');
  const after = inNetns(world.netns.fd, () => testRun(program.fd, { data, ctx }));
  return new DataView(after.ctx.buffer, after.ctx.byteOffset).getUint32(BESIDE.mark, true);
}

test("the host's mark is cleared after its use, and any other at once", (t) => {
  t.is(markAfter(GatewayMark.BACK, udp4('gateway', PORTS.b.mac)), 0, 'to a port');
  t.is(markAfter(0x1234, udp4('gateway', NOBODY)), 0, "somebody else's, to all");
  const there = { ifindex: 0, endpoint: 0, node: 7, flags: FdbFlags.STATIC };
  const value = MAPS.fdb.value.encode({ ...there, lastSeen: 0n });
  mapPut(mapOf(world, 'fdb'), fdbKey(NOBODY, 'gateway'), value);
  t.is(markAfter(GatewayMark.BACK, udp4('gateway', NOBODY)), 0, 'to another node');
});

test('marks, priorities, departure times and what others have left are not handed on', (t) => {
  const ctx = contextFor(world.ifindex.a);
  const view = new DataView(ctx.buffer);
  for (const offset of Object.values(BESIDE)) view.setUint32(offset, 0x1234, true);
  const program = world.object.programs.get('endpoint');
  if (program === undefined) throw new Error('the object has no program endpoint');
  const data = udp4('a', PORTS.b.mac);
  const after = inNetns(world.netns.fd, () => testRun(program.fd, { data, ctx }));
  t.is(after.retval, 7, 'redirected');
  const left = new DataView(after.ctx.buffer, after.ctx.byteOffset);
  const values = Object.entries(BESIDE).map(([name, at]) => [name, left.getUint32(at, true)]);
  t.deepEqual(Object.fromEntries(values), Object.fromEntries(values.map(([name]) => [name, 0])));
});
