/**
 * One request at a time on an rtnetlink socket: send, then read until its acknowledgement or the
 * end of its dump. Synchronous: an answer takes tens of microseconds, and a short synchronous section
 * is what makes it safe to enter another namespace.
 */

import { DpctlError, kernelError } from '../../../loader/errors.js';
import { inNetns, type NetlinkSocket, openNetlink } from '../../../loader/sys.js';
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

/** An open netlink socket of one family in one namespace, which it keeps for its life. */
export interface Rtnl {
  readonly socket: NetlinkSocket;
  /** Number of the next request; answers to earlier ones are skipped by it. */
  nextSequence(): number;
  /** Where answers are received; reused, so bodies are copied before they are handed out. */
  readonly scratch: Uint8Array;
  close(): void;
}

const NETLINK_ROUTE = 0;

/** The kernel builds dump messages of at most 32 KiB; one link with many attributes stays far below. */
const RECEIVE_BYTES = 65_536;

/** A dump interrupted so often means that links come and go faster than they can be read. */
const DUMP_ATTEMPTS = 16;

const NLMSGERR_ATTR_MSG = 1;

/**
 * Opens a NETLINK_ROUTE socket inside the namespace of `nsFd`, or in the caller's own without one.
 * The socket stays with that namespace; `nsFd` may be closed afterwards. Throws KERNEL_* (exit 2).
 */
export function openRtnl(nsFd?: number): Rtnl {
  return openFamily(NETLINK_ROUTE, nsFd);
}

/** As openRtnl for another netlink protocol (16 is generic netlink). */
export function openFamily(protocol: number, nsFd?: number): Rtnl {
  const socket =
    nsFd === undefined ? openNetlink(protocol) : inNetns(nsFd, () => openNetlink(protocol));
  let sequence = 0;
  return {
    socket,
    nextSequence: () => {
      sequence = (sequence + 1) >>> 0;
      return sequence;
    },
    scratch: new Uint8Array(RECEIVE_BYTES),
    close: () => socket.close(),
  };
}

/**
 * Opens a socket, hands it to `use` and closes it whatever happens. Throws TypeError when `use` returns
 * a promise, which would go on with a closed socket, and what openRtnl and `use` throw.
 */
export function withRtnl<T>(nsFd: number | undefined, use: (rtnl: Rtnl) => T): T {
  const rtnl = openRtnl(nsFd);
  try {
    const result = use(rtnl);
    if (result instanceof Promise) {
      throw new TypeError('withRtnl: the section must be synchronous, it returned a promise');
    }
    return result;
  } finally {
    rtnl.close();
  }
}

/**
 * One request that is acknowledged; returns the messages that came before the acknowledgement (the
 * object asked for by a GET, the notice of a request with NLM_F_ECHO). `what` names the operation
 * in errors, like "add link dp0". Throws KERNEL_<ERRNO> (exit 2) with details.errno and the kernel's
 * own explanation where it gives one.
 */
export function request(
  rtnl: Rtnl,
  what: string,
  type: number,
  flags: number,
  body: Uint8Array,
): Message[] {
  const sequence = send(rtnl, type, flags | NLM_F.REQUEST | NLM_F.ACK, body);
  const messages: Message[] = [];
  for (;;) {
    for (const message of receive(rtnl)) {
      if (message.sequence !== sequence) continue;
      if (message.type === NLMSG.ERROR) {
        throwIfFailed(message, what);
        return messages;
      }
      messages.push(copyOf(message));
    }
  }
}

/**
 * One dump, read to its end; started again when the kernel says that the table changed meanwhile
 * (NLM_F_DUMP_INTR), so the answer is one consistent state. Throws KERNEL_<ERRNO> (exit 2), and
 * DUMP_INTERRUPTED (exit 5) when the table never holds still.
 */
export function dump(rtnl: Rtnl, what: string, type: number, body: Uint8Array): Message[] {
  for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
    const messages = dumpOnce(rtnl, what, type, body);
    if (messages !== undefined) return messages;
  }
  throw new DpctlError(
    'DUMP_INTERRUPTED',
    `${what}: it changed during each of ${DUMP_ATTEMPTS} reads`,
    {
      exitCode: 5,
      hint: 'try again',
    },
  );
}

function dumpOnce(rtnl: Rtnl, what: string, type: number, body: Uint8Array): Message[] | undefined {
  const sequence = send(rtnl, type, NLM_F.REQUEST | NLM_F.DUMP, body);
  const messages: Message[] = [];
  let interrupted = false;
  for (;;) {
    for (const message of receive(rtnl)) {
      if (message.sequence !== sequence) continue;
      // Read on to the end even then, or the rest would sit in front of the next answer.
      if ((message.flags & NLM_F.DUMP_INTR) !== 0) interrupted = true;
      if (message.type === NLMSG.ERROR || message.type === NLMSG.DONE) {
        throwIfFailed(message, what);
        return interrupted ? undefined : messages;
      }
      messages.push(copyOf(message));
    }
  }
}

function send(rtnl: Rtnl, type: number, flags: number, body: Uint8Array): number {
  const sequence = rtnl.nextSequence();
  rtnl.socket.send(encodeMessage(type, flags, sequence, body));
  return sequence;
}

function receive(rtnl: Rtnl): Message[] {
  const length = rtnl.socket.recv(rtnl.scratch);
  return decodeMessages(rtnl.scratch.subarray(0, length));
}

function copyOf(message: Message): Message {
  return { ...message, body: message.body.slice() };
}

/** Reads the status of NLMSG_ERROR and NLMSG_DONE, which both begin with a negated errno. */
function throwIfFailed(message: Message, what: string): void {
  if (message.body.length < 4) return;
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
  let offset = 4;
  if (message.type === NLMSG.ERROR) {
    const echoed = viewOf(message.body).getUint32(4, true);
    offset += (message.flags & NLM_F.CAPPED) === 0 ? align4(echoed) : HEADER_LENGTH;
  }
  return readText(decodeAttributes(message.body, offset).get(NLMSGERR_ATTR_MSG));
}
