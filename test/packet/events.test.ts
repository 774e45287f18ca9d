/** Events name place, reason and frame; and their rate is limited. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { mapPut } from '../../loader/map/entry.js';
import { openRingbuf, type RingbufReader } from '../../loader/ringbuf/reader.js';
import {
  ConfigFlags,
  EventType,
  type FrameEvent,
  frameEventCodec,
  MAPS,
  nameOfReason,
} from '../../src/contract/generated.js';
import { udp4 } from './cases/common.js';
import { TABLES } from './cases/index.js';
import { type Case, outcomeOf, reasonsOf } from './helpers/case.js';
import { macText } from './helpers/frame.js';
import { idOf, PORTS } from './helpers/ports.js';
import { sourceLine } from './helpers/sources.js';
import { makeWorld, mapOf, putPort, resetWorld, run, type World } from './helpers/world.js';

const SPOOFED = udp4('a', PORTS.a.mac);
SPOOFED.set([10, 0, 0, 2], 26);
/** A rate that no test reaches. */
const PLENTY = 1_000_000;
/** Bytes of an event in the ring, its header included. */
const RECORD = frameEventCodec.size + 8;

let world: World;
let reader: RingbufReader | undefined;
let events: FrameEvent[] = [];
test.before(async () => {
  world = await makeWorld();
});
test.beforeEach(() => {
  resetWorld(world);
  events = [];
});
test.afterEach.always(() => reader?.close());
test.after.always(() => world?.close());

function configure(flags: number, eventRate: number): void {
  const value = MAPS.config.value.encode({ flags, eventRate });
  mapPut(mapOf(world, 'config'), MAPS.config.key.encode(0), value);
}

function listen(): void {
  reader = openRingbuf(mapOf(world, 'event'), (data) => {
    events.push(frameEventCodec.decode(new DataView(data.buffer, data.byteOffset)));
  });
}

/** Milliseconds for the reader to get the first event on a busy machine. */
const FIRST = 5_000;

/** All events in the ring, at least so many, once no more arrive for a while. */
async function drained(atLeast = 1): Promise<FrameEvent[]> {
  const late = performance.now() + FIRST;
  while (events.length < atLeast && performance.now() < late) await sleep(10);
  for (let before = -1; before < events.length; await sleep(50)) before = events.length;
  return events;
}

function reasonCount(name: string): number {
  return reasonsOf(world).get(name) ?? 0;
}

test.serial('an event says when, why, where and which frame', async (t) => {
  configure(ConfigFlags.EVENTS, PLENTY);
  listen();
  const before = process.hrtime.bigint();
  run(world, 'a', SPOOFED);
  const after = process.hrtime.bigint();
  const [event, ...more] = await drained();
  t.is(more.length, 0);
  t.like(event?.header, {
    type: EventType.DROP,
    size: frameEventCodec.size,
    ifindex: world.ifindex.a,
  });
  t.like(event, {
    vni: 100,
    endpoint: idOf('a'),
    error: 0,
    length: SPOOFED.length,
    protocol: 0x0800,
  });
  if (event === undefined) return;
  t.is(nameOfReason(event.reason), 'source_ip4');
  t.is(macText(event.src), PORTS.a.mac);
  t.is(macText(event.dst), PORTS.a.mac);
  t.true(event.header.time >= before && event.header.time <= after);
});

test.serial('an event names the endpoint that could not be reached', async (t) => {
  configure(ConfigFlags.EVENTS, PLENTY);
  listen();
  putPort(world, 1, 1, 'b', 12_345);
  run(world, 'a', udp4('a', 'ff:ff:ff:ff:ff:ff'));
  const [event] = await drained();
  t.is(nameOfReason(event?.reason ?? 0), 'port_gone');
  // The copy is lost, but the frame goes on to the others.
  t.is(event?.header.type, EventType.NOTICE);
  t.is(event?.error, idOf('b'));
  t.is(event?.endpoint, idOf('a'));
});

test.serial('an event of a device with no endpoint names the device', async (t) => {
  configure(ConfigFlags.EVENTS, PLENTY);
  listen();
  run(world, 'bare', SPOOFED);
  const [event] = await drained();
  t.is(event?.header.ifindex, world.ifindex.bare);
  t.like(event, { endpoint: 0, vni: 0 });
});

test.serial('every reason that is counted points at the line that gave it', async (t) => {
  listen();
  const cases: Case[] = Object.values(TABLES)
    .flat()
    .filter((it) => Object.keys(it.expect.reasons ?? {}).length > 0);
  t.true(cases.length > 50);
  const wanted: { title: string; name: string }[] = [];
  for (const it of cases) {
    const setup = () => {
      it.setup?.(world);
      configure(ConfigFlags.EVENTS, PLENTY);
    };
    const { reasons } = outcomeOf(world, { ...it, before: [], setup });
    const names = Object.keys(reasons);
    wanted.push(...names.map((name) => ({ title: it.name, name })));
  }
  const seen = await drained(wanted.length);
  t.deepEqual(
    seen.map((event) => nameOfReason(event.reason)),
    wanted.map(({ name }) => name),
  );
  seen.forEach((event, at) => {
    const line = sourceLine(event);
    const name = nameOfReason(event.reason).toUpperCase();
    // Steps that detect the reason themselves pass it on.
    const right =
      line.includes(`REASON_${name},`) ||
      /drop\(skb, ep, reason, 0\)|->missed,|, reason, endpoint|->from, reason, 1, 0\)/.test(line);
    t.true(right, `${wanted[at]?.title}: ${name} points at "${line}"`);
  });
});

test.serial('without a listener, reasons are counted, and no event is sent', async (t) => {
  configure(0, PLENTY);
  listen();
  run(world, 'a', SPOOFED);
  t.is(reasonCount('source_ip4'), 1);
  t.is((await drained(0)).length, 0);
});

test.serial('events over the rate are counted, not sent', async (t) => {
  configure(ConfigFlags.EVENTS, 5);
  listen();
  run(world, 'a', SPOOFED, { repeat: 100 });
  const sent = (await drained()).length;
  // A test run may move to another CPU, which has a bucket of its own.
  t.true(sent === 5 || sent === 6 || sent === 10, `${sent} events`);
  t.is(reasonCount('source_ip4'), 100);
  t.is(reasonCount('event_limit'), 100 - sent);
});

test.serial('the rate is by the second: later there are more', async (t) => {
  configure(ConfigFlags.EVENTS, 10);
  listen();
  run(world, 'a', SPOOFED, { repeat: 100 });
  const first = (await drained()).length;
  await sleep(600);
  run(world, 'a', SPOOFED, { repeat: 100 });
  const second = (await drained(first + 1)).length - first;
  t.true(second >= 5 && second <= 20, `${second} events after 0.6 s at 10 a second`);
});

test.serial('a rate of 0 sends nothing', async (t) => {
  configure(ConfigFlags.EVENTS, 0);
  listen();
  run(world, 'a', SPOOFED);
  t.is((await drained(0)).length, 0);
  t.is(reasonCount('event_limit'), 1);
});

test.serial('events that find the ring full are counted', async (t) => {
  const room = MAPS.event.maxEntries / RECORD;
  configure(ConfigFlags.EVENTS, PLENTY);
  run(world, 'a', SPOOFED, { repeat: room + 100 });
  const lost = reasonCount('event_lost');
  t.is(reasonCount('source_ip4'), room + 100);
  t.true(lost >= 100 && lost <= 102, `${lost} lost`);
  listen();
  t.is((await drained(room + 100 - lost)).length, room + 100 - lost);
  // When there is room again, the next one arrives.
  run(world, 'a', SPOOFED);
  t.is((await drained(room + 101 - lost)).length, room + 101 - lost);
});
