/** Which messages a netlink socket accepts, and what an exchange leaves behind. */
import { readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { lastErrno, libc } from '../../loader/libc.js';
import { tcFilters } from '../../loader/link/clsact.js';
import { encodeMessage, listAttributes } from '../../loader/netlink/codec.js';
import { request, withExchange } from '../../loader/netlink/exchange.js';
import { struct } from '../../loader/struct.js';
import { inNetns } from '../../loader/sys/netns.js';
import { netlinkSocket, openNetlink, socketFd } from '../../loader/sys/socket.js';
import { descriptorsOf, refusal, withNetns } from './helpers/machine.js';

const [AF_NETLINK, SOCK_RAW, ROUTE] = [16, 3, 0];
const ECONNREFUSED = 111;
/** An acknowledgement of the first request of a socket that counts from 1. */
const FORGED = encodeMessage(2, 0, 1, new Uint8Array(20));

/** The port id of a netlink socket of this process, as the kernel lists it. */
function portOf(fd: number): number {
  const inode = /\[(\d+)\]/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  const lines = readFileSync('/proc/thread-self/net/netlink', 'utf8').split('\n');
  const line = lines.map((each) => each.trim().split(/\s+/)).find((each) => each.at(-1) === inode);
  return Number(line?.[2]);
}

/** What a process does to answer in the kernel's place. @returns 0, or its errno */
function forge(port: number): number {
  const socket = netlinkSocket(socketFd(AF_NETLINK, SOCK_RAW, ROUTE));
  try {
    const victim = struct(12).u32(0, AF_NETLINK).u32(4, port);
    if (libc.connect(socket.fd, victim.bytes, 12) < 0) return lastErrno();
    return libc.send(socket.fd, FORGED, FORGED.length, 0) < 0 ? lastErrno() : 0;
  } finally {
    socket.close();
  }
}

test.serial("a process cannot send to dpctl's netlink socket", (t) => {
  const socket = openNetlink(ROUTE);
  t.is(forge(portOf(socket.fd)), ECONNREFUSED);
  t.is(refusal(() => socket.recv(new Uint8Array(100), 0)).code, 'KERNEL_ETIMEDOUT');
  socket.close();
});

test.serial('an answer from a process is skipped, however it arrived', (t) => {
  const socket = netlinkSocket(socketFd(AF_NETLINK, SOCK_RAW, ROUTE));
  // The first message binds the socket. It requests nothing.
  socket.send(encodeMessage(1, 0, 0, new Uint8Array()));
  const port = portOf(socket.fd);
  for (let i = 0; i < 3; i++) t.is(forge(port), 0, 'the forger can send, or this tests nothing');
  const begin = performance.now();
  const error = refusal(() => socket.recv(new Uint8Array(100), begin + 50));
  t.is(error.code, 'KERNEL_ETIMEDOUT');
  t.true(performance.now() - begin < 1_000);
  socket.close();
});

test.serial('no two sockets number their requests alike', (t) => {
  const numbers = [1, 2, 3, 4].map(() => withExchange(ROUTE, (each) => each.nextSequence()));
  t.is(new Set(numbers).size, 4);
});

test.serial('an exchange that failed leaves no descriptor behind', (t) => {
  const before = descriptorsOf('socket:[');
  withExchange(ROUTE, (netlink) => {
    for (let i = 0; i < 20; i++) {
      netlink.spoil();
      // RTM_DELLINK of a missing device.
      const body = struct(16).u32(4, 0x7fffffff).bytes;
      t.is(refusal(() => request(netlink, 'delete link', 17, 0, body)).code, 'KERNEL_ENODEV');
    }
  });
  t.is(descriptorsOf('socket:['), before);
});

test('attributes of length 0, of less than their header or past the end are no attributes', (t) => {
  for (const length of [0, 3, 9, 0xffff]) {
    const bytes = Uint8Array.of(length & 0xff, length >> 8, 1, 0, 0, 0, 0, 0);
    t.throws(() => listAttributes(bytes), { instanceOf: RangeError }, `${length}`);
  }
});

test.serial('where there is no qdisc or no device there are no filters', (t) => {
  withNetns((ns) => {
    inNetns(ns.fd, () => {
      t.deepEqual(tcFilters(ns.ifindex, 'ingress'), []);
      t.deepEqual(tcFilters(0x7ffffff, 'ingress'), []);
    });
  });
});
