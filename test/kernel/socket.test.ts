import test from 'ava';
import { concat, encodeMessage, u32 } from '../../src/kernel/netlink/codec.js';
import { dump, type Rtnl, request, withRtnl } from '../../src/kernel/netlink/socket.js';
import { linkGet } from '../../src/kernel/netlink.js';
import { refusal } from './helpers/namespaces.js';

/**
 * A socket that answers each request from a list. What is tested here (an answer that comes late, a
 * table that changes during a dump) cannot be had from the kernel on demand.
 */
function scripted(...replies: ((sequence: number) => Uint8Array[])[]): Rtnl {
  let sequence = 0;
  let sent = 0;
  const queue: Uint8Array[] = [];
  return {
    nextSequence: () => ++sequence,
    scratch: new Uint8Array(4096),
    close: () => undefined,
    socket: {
      fd: -1,
      send: () => {
        queue.push(...(replies[Math.min(sent, replies.length - 1)]?.(sequence) ?? []));
        sent += 1;
      },
      recv: (buffer) => {
        const datagram = queue.shift();
        if (datagram === undefined) throw new Error('nothing more to receive');
        buffer.set(datagram);
        return datagram.length;
      },
      join: () => undefined,
      close: () => undefined,
    },
  };
}

const MULTI = 0x2;
const DUMP_INTR = 0x10;
const entry = (sequence: number, value: number, flags = MULTI): Uint8Array =>
  encodeMessage(16, flags, sequence, u32(value));
const done = (sequence: number, flags = MULTI, status = 0): Uint8Array =>
  encodeMessage(3, flags, sequence, u32(status));
const ack = (sequence: number, status = 0): Uint8Array =>
  encodeMessage(2, 0x100, sequence, concat([u32(status), new Uint8Array(16)]));

test('a dump that was interrupted is read to its end and begun again', (t) => {
  const rtnl = scripted(
    (n) => [entry(n, 1), concat([entry(n, 2, MULTI | DUMP_INTR)]), done(n)],
    (n) => [entry(n, 1), done(n, MULTI | DUMP_INTR)],
    (n) => [concat([entry(n, 1), entry(n, 3)]), done(n)],
  );
  t.deepEqual(
    dump(rtnl, 'list', 18, new Uint8Array()).map(({ body }) => body[0]),
    [1, 3],
  );
});

test('a table that never holds still is an error that says to try again', (t) => {
  const rtnl = scripted((n) => [done(n, MULTI | DUMP_INTR)]);
  const error = refusal(() => dump(rtnl, 'list links', 18, new Uint8Array()));
  t.is(error.code, 'DUMP_INTERRUPTED');
  t.is(error.exitCode, 5);
});

test('answers to an earlier request are passed over', (t) => {
  const rtnl = scripted((n) => [entry(n + 100, 9), ack(n - 1, -17), entry(n, 1), ack(n)]);
  t.deepEqual(
    request(rtnl, 'read', 18, 0, new Uint8Array()).map(({ body }) => body[0]),
    [1],
  );
});

test('a failure at the end of a dump is a failure', (t) => {
  const rtnl = scripted((n) => [entry(n, 1), done(n, MULTI, -105)]);
  t.is(refusal(() => dump(rtnl, 'list', 18, new Uint8Array())).code, 'KERNEL_ENOBUFS');
});

test('a section that goes on after its socket is closed is refused', (t) => {
  t.throws(() => withRtnl(undefined, async (rtnl) => linkGet(rtnl, { name: 'lo' })), {
    instanceOf: TypeError,
    message: /synchronous/,
  });
});
