import { ERRNO, kernelError } from '../errors.js';
import { check, lastErrno, libc } from '../libc.js';
import { struct } from '../struct.js';
import { closeFd } from './files.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const SOL_SOCKET = 1;
const SOL_NETLINK = 270;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** Milliseconds: long enough for any answer of the kernel, short enough that a lost one is noticed. */
const RECEIVE_TIMEOUT = 5_000;
/** Large enough for a dump of thousands of links, which arrives faster than JavaScript reads it. */
const BUFFER_BYTES = 4 << 20;

/** A netlink socket of the network namespace it was opened in. */
export interface NetlinkSocket {
  readonly fd: number;
  /** One message, or several in a row, to the kernel. */
  send(message: Uint8Array): void;
  /**
   * One datagram from the kernel; those of processes are skipped.
   * @param until the time (performance.now) until which to wait; 5 s from now by default
   * @returns its length in bytes
   * @throws DpctlError KERNEL_ETIMEDOUT, KERNEL_EMSGSIZE if the buffer is too small (the datagram is lost,
   * details.needed is its length), KERNEL_ENOBUFS if the kernel dropped messages
   */
  recv(buffer: Uint8Array, until?: number): number;
  /** Receive the messages of a multicast group (RTNLGRP_ and the like). */
  join(group: number): void;
  close(): void;
}

/**
 * socket(2), close-on-exec.
 * @returns a descriptor; close it with closeFd
 */
export function socketFd(domain: number, type: number, protocol: number): number {
  return check(
    `socket ${domain}/${type}/${protocol}`,
    libc.socket(domain, type | SOCK_CLOEXEC, protocol),
  );
}

/** setsockopt(2) with an int value. */
function setSocketInt(fd: number, level: number, option: number, value: number): void {
  const bytes = struct(4).u32(0, value).bytes;
  check(`setsockopt ${level}/${option}`, libc.setsockopt(fd, level, option, bytes, 4));
}

/**
 * A raw netlink socket with extended error texts, strict checking of requests and large buffers. It does
 * not interpret messages. It is connected to the kernel, so that processes cannot send to it and fill its
 * buffer.
 * @param protocol NETLINK_ROUTE 0, NETLINK_NETFILTER 12, NETLINK_GENERIC 16
 */
export function openNetlink(protocol: number): NetlinkSocket {
  const fd = socketFd(AF_NETLINK, SOCK_RAW, protocol);
  try {
    setSocketInt(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    setSocketInt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    setSocketInt(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES);
    setSocketInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
    const kernel = struct(SOCKADDR_NL_SIZE).u32(0, AF_NETLINK);
    check('connect netlink', libc.connect(fd, kernel.bytes, SOCKADDR_NL_SIZE));
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return netlinkSocket(fd);
}

/** The process at the other end of a Unix socket, as the kernel recorded it when the two were connected. */
export interface Peer {
  /** 0 if that process is not in this process's pid namespace. */
  readonly pid: number;
  /** As this process's user namespace maps it. */
  readonly uid: number;
}

const SO_PEERCRED = 17;

/** SO_PEERCRED of a connected Unix socket. */
export function peerOf(fd: number): Peer {
  // struct ucred: pid, uid, gid.
  const credentials = struct(12);
  const size = struct(4).u32(0, 12);
  check(
    'getsockopt SO_PEERCRED',
    libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials.bytes, size.bytes),
  );
  return { pid: credentials.getU32(0), uid: credentials.getU32(4) };
}

const POLLERR = 8;
const POLLHUP = 16;

/** Whether the other end of a connected socket has been closed, even if unread data is left. */
export function hasHungUp(fd: number): boolean {
  const descriptor = struct(8).u32(0, fd);
  check('poll', libc.poll(descriptor.bytes, 1, 0));
  // struct pollfd: fd, events, revents. POLLHUP and POLLERR are reported without being requested.
  return ((descriptor.getU32(4) >>> 16) & (POLLERR | POLLHUP)) !== 0;
}

/** ioctl number that opens the network namespace of a socket (linux/sockios.h). */
const SIOCGSKNS = 0x894c;

/** A descriptor of a socket's network namespace; close it with closeFd. */
export function openNetnsOfSocket(fd: number): number {
  return ioctl(fd, SIOCGSKNS, new Uint8Array(8));
}

/** Make a netlink socket of a descriptor, and take ownership of it. */
export function netlinkSocket(fd: number): NetlinkSocket {
  return {
    fd,
    send(message) {
      const sent = uninterrupted(() => libc.send(fd, message, message.byteLength, 0));
      if (sent < 0) throw kernelError('send netlink', lastErrno());
    },
    recv(buffer, until = performance.now() + RECEIVE_TIMEOUT) {
      const length = receive(fd, buffer, until);
      if (length > buffer.byteLength) {
        throw kernelError('recv netlink', ERRNO.EMSGSIZE ?? 90, { details: { needed: length } });
      }
      return length;
    },
    join: (group) => setSocketInt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group),
    close: () => closeFd(fd),
  };
}

/** struct sockaddr_nl: family, padding, port id (0: the kernel), groups. */
const SOCKADDR_NL_SIZE = 12;
const SOCKADDR_NL_PID = 4;

/**
 * One datagram from the kernel. A process with CAP_NET_ADMIN in the user namespace that owns the network
 * namespace (such as root of a container) can send to any netlink socket in it, even an acknowledgement.
 */
function receive(fd: number, buffer: Uint8Array, until: number): number {
  const sender = struct(SOCKADDR_NL_SIZE);
  const size = struct(4);
  for (;;) {
    size.u32(0, SOCKADDR_NL_SIZE);
    const flags = MSG_TRUNC | MSG_DONTWAIT;
    const length = libc.recvfrom(fd, buffer, buffer.byteLength, flags, sender.bytes, size.bytes);
    const errno = length < 0 ? lastErrno() : 0;
    const isKernels = size.getU32(0) === SOCKADDR_NL_SIZE && sender.getU32(SOCKADDR_NL_PID) === 0;
    if (length >= 0 && isKernels) return length;
    if (length < 0 && errno !== ERRNO.EAGAIN && errno !== ERRNO.EINTR) {
      throw kernelError('recv netlink', errno);
    }
    const left = Math.ceil(until - performance.now());
    if (left <= 0) throw kernelError('recv netlink', ERRNO.ETIMEDOUT ?? 110);
    if (errno === ERRNO.EAGAIN) awaitReadable(fd, left);
  }
}

/** Wait for data, a signal, or the end of the time. */
function awaitReadable(fd: number, milliseconds: number): void {
  const descriptor = struct(8).u32(0, fd).u32(4, POLLIN);
  const result = libc.poll(descriptor.bytes, 1, milliseconds);
  if (result < 0 && lastErrno() !== ERRNO.EINTR) throw kernelError('poll netlink', lastErrno());
}

/** Repeat a call that signals interrupt: with a time-out set, the kernel does not restart it. */
function uninterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result >= 0 || lastErrno() !== ERRNO.EINTR) return result;
  }
}

/**
 * ioctl(2) with a buffer.
 * @param request the number; its meaning and the buffer's layout are the caller's
 * @returns the call's own result
 */
export function ioctl(fd: number, request: number, buffer: Uint8Array): number {
  return check(`ioctl 0x${request.toString(16)}`, libc.ioctl(fd, request, buffer));
}

const SIOCETHTOOL = 0x8946;
const IFNAMSIZ = 16;

/**
 * An ethtool command by ioctl (SIOCETHTOOL) on a device in the socket's namespace.
 * @param fd any socket, opened in the device's namespace
 * @param data the command struct; the kernel writes its answer into it
 * @throws DpctlError KERNEL_EOPNOTSUPP if the driver lacks the command, KERNEL_ENODEV
 */
export function ioctlEthtool(fd: number, ifname: string, data: Uint8Array): void {
  const ifreq = struct(40).pointer(IFNAMSIZ, data);
  ifreq.bytes.set(Buffer.from(ifname).subarray(0, IFNAMSIZ - 1));
  check(`ethtool ioctl ${ifname}`, libc.ioctl(fd, SIOCETHTOOL, ifreq.bytes));
}
