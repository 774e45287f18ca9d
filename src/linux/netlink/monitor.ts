/**
 * Notifications of rtnetlink: devices, addresses and routes that come, change and go. A notice may be out of
 * date when it is read: it only prompts a look.
 */

import { errnoOf } from '../../../loader/errors.js';
import { decodeMessages, type Message, viewOf } from '../../../loader/netlink/codec.js';
import { inNetns } from '../../../loader/sys/netns.js';
import { type Watch, watchReadable } from '../../../loader/sys/poller.js';
import { openNetlink } from '../../../loader/sys/socket.js';

const NETLINK_ROUTE = 0;
/** RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE (linux/rtnetlink.h). */
const GROUPS = [1, 5, 7, 9, 11];
/** The kernel's messages are at most 32 KiB long. */
const RECEIVE_BYTES = 65_536;
/** Datagrams to read before other work gets its turn. */
const MOST = 256;
/** Milliseconds to wait after an unexpected error, which may persist for a while. */
const RETRY = 1000;

/** What happened, as far as the message's type and header say. */
export interface Notice {
  readonly about: 'link' | 'address' | 'route';
  readonly gone: boolean;
  /** Number of the device; 0 for a route, which may have several. */
  readonly ifindex: number;
}

/** Notices in order; `lost`: some did not fit into the socket's buffer, so anything may have happened. */
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
 * Watch for changes in a namespace. Until it is closed, the socket keeps the namespace and this process
 * alive.
 * @param onNotices called on the event loop with the notices that arrived since; an error it throws is an
 *   uncaught exception
 * @returns a function that closes the socket
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
          // Other errors may not go away by themselves.
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

/** struct ifinfomsg and struct ifaddrmsg both have the device's number after four bytes of other fields. */
function noticeOf({ type, body }: Message): Notice | undefined {
  const known = TYPES.get(type);
  if (known === undefined) return undefined;
  if (known.about === 'route') return { ...known, ifindex: 0 };
  return { ...known, ifindex: viewOf(body).getUint32(4, true) };
}
