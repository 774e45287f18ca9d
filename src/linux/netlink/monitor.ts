/**
 * What rtnetlink tells of by itself: devices, addresses and routes that come, change and go. What a notice
 * says may be old when it is read: it is the occasion to look.
 */

import { errnoOf } from '../../../loader/errors.js';
import { decodeMessages, type Message, viewOf } from '../../../loader/netlink/codec.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { type Watch, watchReadable } from '../../../loader/sys/poller.js';
import { openNetlink } from '../../../loader/sys/socket.js';

const NETLINK_ROUTE = 0;
/** RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE (linux/rtnetlink.h). */
const GROUPS = [1, 5, 7, 9, 11];
/** The kernel's messages have at most 32 KiB. */
const RECEIVE_BYTES = 65_536;
/** Datagrams that are read before others get their turn. */
const MOST = 256;
/** Milliseconds after an error that has no name here: it may be there for a while. */
const RETRY = 1000;

/** What happened, as far as the message's type and head say it. */
export interface Notice {
  readonly about: 'link' | 'address' | 'route';
  readonly gone: boolean;
  /** Number of the device; 0 for a route, which may have several. */
  readonly ifindex: number;
}

/** Notices in their order; `lost`: some did not fit into the socket's buffer, so nobody knows what happened. */
export type Notices = readonly Notice[] | 'lost';

/** Types of messages (linux/rtnetlink.h). */
const TYPES: ReadonlyMap<number, Pick<Notice, 'about' | 'gone'>> = new Map([
  [16, { about: 'link', gone: false }],
  [17, { about: 'link', gone: true }],
  [20, { about: 'address', gone: false }],
  [21, { about: 'address', gone: true }],
  [24, { about: 'route', gone: false }],
  [25, { about: 'route', gone: true }],
]);

/**
 * Hear of changes in a namespace. The socket keeps the namespace alive until it is closed; so does it the
 * process.
 * @param onNotices called on the event loop with what has come since; what it throws is an uncaught exception
 * @returns closes it
 * @throws DpctlError KERNEL_*, exit 2
 */
export function monitorRtnl(nsFd: number, onNotices: (notices: Notices) => void): () => void {
  const socket = inNetns(nsFd, () => openNetlink(NETLINK_ROUTE));
  const buffer = new Uint8Array(RECEIVE_BYTES);
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  const turn = (): void => {
    if (closed) return;
    const notices: Notice[] = [];
    let lost = false;
    let next: 'read' | 'wait' | 'retry' = 'read';
    for (let read = 0; read < MOST && next === 'read'; read++) {
      try {
        const length = socket.recv(buffer, performance.now());
        for (const message of decodeMessages(buffer.subarray(0, length))) {
          const notice = noticeOf(message);
          if (notice !== undefined) notices.push(notice);
        }
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'ETIMEDOUT') next = 'wait';
        else {
          lost = true;
          // Of others nobody knows whether they pass.
          if (errno !== 'ENOBUFS' && errno !== 'EMSGSIZE' && !(error instanceof RangeError)) {
            next = 'retry';
          }
        }
      }
    }
    if (next === 'read') setImmediate(turn);
    else if (next === 'wait') watch.arm();
    else retry = setTimeout(turn, RETRY);
    if (lost) onNotices('lost');
    else if (notices.length > 0) onNotices(notices);
  };
  let watch: Watch;
  try {
    for (const group of GROUPS) socket.join(group);
    watch = watchReadable(socket.fd, turn);
  } catch (error) {
    socket.close();
    throw error;
  }
  const close = (): void => {
    if (closed) return;
    closed = true;
    clearTimeout(retry);
    watch.close();
    socket.close();
  };
  try {
    watch.arm();
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

/** struct ifinfomsg and struct ifaddrmsg both have the device's number behind four bytes of other things. */
function noticeOf({ type, body }: Message): Notice | undefined {
  const known = TYPES.get(type);
  if (known === undefined) return undefined;
  if (known.about === 'route') return { ...known, ifindex: 0 };
  return { ...known, ifindex: viewOf(body).getUint32(4, true) };
}
