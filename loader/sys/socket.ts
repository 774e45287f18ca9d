import { closeSync } from 'node:fs';
import { ERRNO, kernelError } from '../errors.js';
import { check, lastErrno, libc } from '../libc.js';
import { struct } from '../struct.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;
const SOL_SOCKET = 1;
const SOL_NETLINK = 270;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** Long enough for any answer of the kernel, short enough that a lost one is noticed. */
const RECEIVE_TIMEOUT_SECONDS = 5;
/** A dump of thousands of links comes faster than JavaScript reads it. */
const BUFFER_BYTES = 4 << 20;

/** A netlink socket of the network namespace it was opened in. */
export interface NetlinkSocket {
  readonly fd: number;
  /** One message, or several in a row, to the kernel. */
  send(message: Uint8Array): void;
  /**
   * One datagram; waits at most 5 s.
   * @returns its length in bytes
   * @throws DpctlError KERNEL_EAGAIN after the time-out, KERNEL_EMSGSIZE when the buffer is too
   * small (the datagram is lost, details.needed is its length), KERNEL_ENOBUFS when the kernel
   * dropped messages
   */
  recv(buffer: Uint8Array): number;
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
export function setSocketInt(fd: number, level: number, option: number, value: number): void {
  const bytes = struct(4).u32(0, value).bytes;
  check(`setsockopt ${level}/${option}`, libc.setsockopt(fd, level, option, bytes, 4));
}

/**
 * A raw netlink socket with extended error texts, strict checking of requests, large buffers and a
 * receive time-out of 5 s. It knows nothing of what the messages say.
 * @param protocol NETLINK_ROUTE 0, NETLINK_NETFILTER 12, NETLINK_GENERIC 16
 */
export function openNetlink(protocol: number): NetlinkSocket {
  const fd = socketFd(AF_NETLINK, SOCK_RAW, protocol);
  try {
    setSocketInt(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    setSocketInt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    setSocketInt(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES);
    setSocketInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
    const timeout = struct(16).u64(0, RECEIVE_TIMEOUT_SECONDS);
    check(
      'setsockopt SO_RCVTIMEO',
      libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout.bytes, 16),
    );
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    fd,
    send(message) {
      const sent = uninterrupted(() => libc.send(fd, message, message.byteLength, 0));
      if (sent < 0) throw kernelError('send netlink', lastErrno());
    },
    recv(buffer) {
      const length = uninterrupted(() => libc.recv(fd, buffer, buffer.byteLength, MSG_TRUNC));
      if (length < 0) throw kernelError('recv netlink', lastErrno());
      if (length > buffer.byteLength) {
        throw kernelError('recv netlink', ERRNO.EMSGSIZE ?? 90, { details: { needed: length } });
      }
      return length;
    },
    join: (group) => setSocketInt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group),
    close: () => closeSync(fd),
  };
}

/** A call again for as long as signals end it: with a time-out set, the kernel does not restart it. */
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
 * An ethtool command by ioctl (SIOCETHTOOL) on a device of the socket's namespace.
 * @param fd any socket, opened in the device's namespace
 * @param data the command struct; the kernel writes its answer into it
 * @throws DpctlError KERNEL_EOPNOTSUPP when the driver lacks the command, KERNEL_ENODEV
 */
export function ioctlEthtool(fd: number, ifname: string, data: Uint8Array): void {
  const ifreq = struct(40).pointer(IFNAMSIZ, data);
  ifreq.bytes.set(Buffer.from(ifname).subarray(0, IFNAMSIZ - 1));
  check(`ethtool ioctl ${ifname}`, libc.ioctl(fd, SIOCETHTOOL, ifreq.bytes));
}
