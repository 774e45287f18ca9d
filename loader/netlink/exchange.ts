/**
 * One request at a time on a netlink socket: send, then read until its acknowledgement or the end of
 * its dump. Synchronous: an answer takes tens of microseconds, and a short synchronous section is what
 * makes it safe to enter another namespace.
 */

import { randomBytes } from 'node:crypto';
import { DpctlError, ERRNO, errnoOf, kernelError } from '../errors.js';
import { withFd } from '../sys/files.js';
import { inNetns } from '../sys/netns.js';
import { type NetlinkSocket, openNetlink, openNetnsOfSocket } from '../sys/socket.js';
import {
  align4,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  HEADER_LENGTH,
  type Message,
  NLM_F,
  NLMSG,
  readText,
  viewOf,
} from './codec.js';

/** A netlink socket of one family in one namespace, and what its requests share. */
export interface Netlink {
  readonly socket: NetlinkSocket;
  /** Number of the next request; answers to earlier ones are passed over by it. */
  nextSequence(): number;
  /** Where answers are received; reused, so bodies are copied before they are handed out. */
  readonly scratch: Uint8Array;
  /** Milliseconds for a whole answer. */
  readonly patience: number;
  /** An answer was not read to its end: what is left of it must not meet the next request. */
  spoil(): void;
  /** Called before each request: after {@link spoil} it opens another socket in the same namespace. */
  renew(): void;
  close(): void;
}

/** The kernel builds dump messages of at most 32 KiB; one link with many attributes stays far below. */
const RECEIVE_BYTES = 65_536;

/** A dump interrupted so often means that links come and go faster than they can be read. */
const ATTEMPTS = 16;

/** The default of {@link Netlink.patience}: a dump of a million routes takes about five seconds. */
const PATIENCE = 30_000;
/** Milliseconds without anything at all: the kernel answers before send(2) returns. */
const SILENCE_MS = 5_000;

const SEQUENCES = 2 ** 32;
const NLMSGERR_ATTR_MSG = 1;

/**
 * Open a netlink socket in the network namespace of the caller.
 * @param protocol NETLINK_ROUTE 0, NETLINK_GENERIC 16
 */
export function openExchange(protocol: number): Netlink {
  let socket = openNetlink(protocol);
  // A random start: no other process can guess the number of an answer.
  let sequence = randomBytes(4).readUInt32LE();
  let spoiled = false;
  return {
    get socket() {
      return socket;
    },
    nextSequence: () => {
      sequence = (sequence + 1) % SEQUENCES;
      return sequence;
    },
    scratch: new Uint8Array(RECEIVE_BYTES),
    patience: PATIENCE,
    spoil: () => {
      spoiled = true;
    },
    renew: () => {
      if (!spoiled) return;
      const fresh = withFd(openNetnsOfSocket(socket.fd), (ns) =>
        inNetns(ns, () => openNetlink(protocol)),
      );
      socket.close();
      socket = fresh;
      spoiled = false;
    },
    close: () => socket.close(),
  };
}

/** Run a section with a socket of its own in the caller's namespace. */
export function withExchange<T>(protocol: number, use: (netlink: Netlink) => T): T {
  const netlink = openExchange(protocol);
  try {
    return use(netlink);
  } finally {
    netlink.close();
  }
}

/**
 * One request that is acknowledged; returns the messages that came before the acknowledgement (the
 * object asked for by a GET, the notice of a request with NLM_F_ECHO). `what` names the operation
 * in errors, like "add link dp0". Throws KERNEL_<ERRNO> (exit 2) with details.errno and the kernel's
 * own explanation where it gives one; with details.inDoubt if the answer was lost, so that it is
 * unknown whether the kernel did it.
 */
export function request(
  netlink: Netlink,
  what: string,
  type: number,
  flags: number,
  body: Uint8Array,
): Message[] {
  return exchange(netlink, what, type, flags | NLM_F.REQUEST | NLM_F.ACK, body).messages;
}

/**
 * One dump, read to its end; started again when the kernel says that the table changed meanwhile
 * (NLM_F_DUMP_INTR) or that it dropped a part (ENOBUFS), so the answer is one consistent state. Throws
 * KERNEL_<ERRNO> (exit 2), and DUMP_INTERRUPTED (exit 5) when the table never holds still.
 */
export function dump(netlink: Netlink, what: string, type: number, body: Uint8Array): Message[] {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { messages, whole } = exchange(netlink, what, type, NLM_F.REQUEST | NLM_F.DUMP, body);
    if (whole) return messages;
  }
  throw new DpctlError('DUMP_INTERRUPTED', `${what}: it changed during each of ${ATTEMPTS} reads`, {
    exitCode: 5,
    hint: 'try again',
  });
}

interface Answer {
  readonly messages: Message[];
  /** Whether the dump is complete and nothing changed while it was read. */
  readonly whole: boolean;
}

function exchange(
  netlink: Netlink,
  what: string,
  type: number,
  flags: number,
  body: Uint8Array,
): Answer {
  netlink.renew();
  const sequence = netlink.nextSequence();
  netlink.socket.send(encodeMessage(type, flags, sequence, body));
  const read: Reading = { deadline: performance.now() + netlink.patience, lost: undefined };
  const messages: Message[] = [];
  let interrupted = false;
  let end: Message | undefined;
  try {
    while (end === undefined) {
      for (const message of receive(netlink, read)) {
        if (message.sequence !== sequence || end !== undefined) continue;
        // Read on to the end even then: a dump goes on until its last message is taken.
        if ((message.flags & NLM_F.DUMP_INTR) !== 0) interrupted = true;
        if (message.type === NLMSG.ERROR || message.type === NLMSG.DONE) end = copyOf(message);
        else if (message.type === NLMSG.OVERRUN) interrupted = true;
        else if (message.type !== NLMSG.NOOP) messages.push(copyOf(message));
      }
    }
  } catch (error) {
    netlink.spoil();
    if (errnoOf(error) === 'ENOBUFS' && (flags & NLM_F.DUMP) === NLM_F.DUMP) {
      return { messages, whole: false };
    }
    throw inDoubt(what, error);
  }
  throwIfFailed(end, what);
  return { messages, whole: !interrupted && read.lost === undefined };
}

/** State of reading one answer. */
interface Reading {
  readonly deadline: number;
  /** The kernel said that it dropped something meant for this socket. */
  lost: unknown;
}

/** Read one datagram. After a loss (ENOBUFS) it does not wait: the answer may be what was dropped. */
function receive(netlink: Netlink, read: Reading): Message[] {
  for (;;) {
    const now = performance.now();
    if (now > read.deadline) throw kernelError('recv netlink', ERRNO.ETIMEDOUT ?? 110);
    const until = read.lost === undefined ? Math.min(read.deadline, now + SILENCE_MS) : now;
    try {
      const length = netlink.socket.recv(netlink.scratch, until);
      return decodeMessages(netlink.scratch.subarray(0, length));
    } catch (error) {
      if (read.lost !== undefined) throw read.lost;
      if (errnoOf(error) !== 'ENOBUFS') throw error;
      read.lost = error;
    }
  }
}

/** The error for a request that was sent but whose answer is not known. */
function inDoubt(what: string, cause: unknown): unknown {
  if (!(cause instanceof DpctlError)) return cause;
  return new DpctlError(cause.code, `${what}: no answer from the kernel: ${cause.message}`, {
    exitCode: cause.exitCode,
    details: { ...cause.details, inDoubt: true },
    hint: 'check whether the change was made',
    cause,
  });
}

function copyOf(message: Message): Message {
  return { ...message, body: message.body.slice() };
}

/**
 * Reads the status of NLMSG_ERROR and NLMSG_DONE, which both begin with a negated errno. The end of a
 * dump may come without one.
 */
function throwIfFailed(message: Message, what: string): void {
  if (message.body.length < 4) {
    if (message.type === NLMSG.DONE) return;
    throw new RangeError(`${what}: an acknowledgement of ${message.body.length} bytes`);
  }
  const errno = -viewOf(message.body).getInt32(0, true);
  if (errno <= 0) return;
  const plain = kernelError(what, errno);
  const explanation = explanationIn(message);
  if (explanation === undefined) throw plain;
  throw new DpctlError(plain.code, `${plain.message}: ${explanation}`, {
    details: { ...plain.details, explanation },
  });
}

/** The extended acknowledgement's text, which stands behind the echo of the request. */
function explanationIn(message: Message): string | undefined {
  if ((message.flags & NLM_F.ACK_TLVS) === 0) return undefined;
  try {
    let offset = 4;
    if (message.type === NLMSG.ERROR) {
      const echoed = viewOf(message.body).getUint32(4, true);
      offset += (message.flags & NLM_F.CAPPED) === 0 ? align4(echoed) : HEADER_LENGTH;
    }
    return readText(decodeAttributes(message.body, offset).get(NLMSGERR_ATTR_MSG));
  } catch {
    // An explanation that cannot be read must not hide the error that it explains.
    return undefined;
  }
}
