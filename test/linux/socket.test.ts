import test from 'ava';
import { kernelError } from '../../loader/errors.js';
import { concat, encodeMessage, u32 } from '../../loader/netlink/codec.js';
import { linkGet } from '../../src/linux/netlink/link.js';
import { linkAddVeth } from '../../src/linux/netlink/pair.js';
import { dump, type Rtnl, request, withRtnl } from '../../src/linux/netlink/socket.js';
import { refusal, withNamespaces } from './helpers/namespaces.js';

/**
 * A socket that answers each request from a list. The kernel cannot be made to produce the tested
 * situations (a late answer, a table that changes during a dump).
 */
function scripted(...replies: ((sequence: number) => Uint8Array[])[]): Rtnl {
  let sequence = 0;
  let sent = 0;
  const queue: Uint8Array[] = [];
  return {
    nextSequence: () => ++sequence,
    scratch: new Uint8Array(4096),
    patience: 100,
    spoil: () => undefined,
    renew: () => undefined,
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

test('answers to an earlier request are skipped', (t) => {
  const rtnl = scripted((n) => [entry(n + 100, 9), ack(n - 1, -17), entry(n, 1), ack(n)]);
  t.deepEqual(
    request(rtnl, 'read', 18, 0, new Uint8Array()).map(({ body }) => body[0]),
    [1],
  );
});

test('an endless answer is given up', (t) => {
  const flood = scripted(() => []);
  const endless: Rtnl = {
    ...flood,
    socket: {
      ...flood.socket,
      recv: (buffer) => {
        const datagram = entry(7, 9);
        buffer.set(datagram);
        return datagram.length;
      },
    },
  };
  const begin = performance.now();
  const error = refusal(() => request(endless, 'set link', 16, 0, new Uint8Array()));
  t.is(error.code, 'KERNEL_ETIMEDOUT');
  t.is(error.details.inDoubt, true);
  t.true(performance.now() - begin < 5_000);
});

test('a dump of which the kernel dropped a part is read again', (t) => {
  let reads = 0;
  const rtnl = scripted(
    (n) => [entry(n, 1), done(n)],
    (n) => [entry(n, 1), entry(n, 2), done(n)],
  );
  const lossy: Rtnl = {
    ...rtnl,
    socket: {
      ...rtnl.socket,
      recv: (buffer) => {
        reads += 1;
        if (reads === 2) throw kernelError('recv netlink', 105);
        return rtnl.socket.recv(buffer);
      },
    },
  };
  t.deepEqual(
    dump(lossy, 'list', 18, new Uint8Array()).map(({ body }) => body[0]),
    [1, 2],
  );
});

test('a lost acknowledgement is an error that leaves the result open', (t) => {
  const rtnl = scripted((n) => [ack(n)]);
  const full: Rtnl = {
    ...rtnl,
    socket: {
      ...rtnl.socket,
      recv: () => {
        throw kernelError('recv netlink', 105);
      },
    },
  };
  const error = refusal(() => request(full, 'set link', 16, 0, new Uint8Array()));
  t.is(error.code, 'KERNEL_ENOBUFS');
  t.is(error.details.inDoubt, true);
});

test('an acknowledgement too short to say anything is no success', (t) => {
  const rtnl = scripted((n) => [encodeMessage(2, 0, n, new Uint8Array(2))]);
  t.throws(() => request(rtnl, 'set link', 16, 0, new Uint8Array()), { instanceOf: RangeError });
});

test('after an answer that was not read to its end the next request has a socket of its own', async (t) => {
  await withNamespaces(1, (a) => {
    withRtnl(a.fd, (rtnl) => {
      const before = rtnl.socket;
      const name = 'h0';
      linkAddVeth(rtnl, { name, peer: { name: 'p0' } });
      rtnl.spoil();
      t.is(linkGet(rtnl, { name })?.name, name);
      t.not(rtnl.socket, before);
    });
  });
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
