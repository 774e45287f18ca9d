import { ERRNO, kernelError } from '../errors.js';
import { checkBpf, libbpf } from '../libbpf.js';
import { objectInfo } from '../object-info.js';
import { getPinned } from '../pin.js';
import { options } from '../struct.js';

/** The side of a device a TC program sits on. */
export type Direction = 'ingress' | 'egress';

/** BPF_TCX_INGRESS and BPF_TCX_EGRESS (linux/bpf.h), which libbpf 1.1 does not name. */
export const TCX_ATTACH: Readonly<Record<Direction, number>> = { ingress: 46, egress: 47 };
const BPF_XDP = 37;

const BPF_F_REPLACE = 1 << 2;
const BPF_F_BEFORE = 1 << 3;
const BPF_F_AFTER = 1 << 4;
const BPF_F_ID = 1 << 5;
const BPF_F_LINK = 1 << 13;

/** Where in a device's chain a program goes; link ids name the neighbour. */
export type TcxPosition =
  | 'first'
  | 'last'
  | { readonly before: number }
  | { readonly after: number };

const LINK_CREATE_OPTS_SIZE = 32;

/**
 * Attach a TC program to a device by a tcx link (Linux 6.6). The link goes with its last
 * descriptor or pin, or with the device. Call it inside the device's network namespace.
 * @param position at the end of the chain if not set
 * @returns the link's descriptor; close it with closeFd
 * @throws DpctlError KERNEL_EEXIST (the program is in that chain already), KERNEL_ENODEV,
 * KERNEL_EINVAL (no tcx in this kernel), KERNEL_ERANGE (64 programs are there)
 */
export function attachTcx(
  progFd: number,
  ifindex: number,
  direction: Direction,
  position: TcxPosition = 'last',
): number {
  const opts = options(LINK_CREATE_OPTS_SIZE);
  if (position === 'first') opts.u32(8, BPF_F_BEFORE);
  else if (position !== 'last') {
    const [flag, neighbour] =
      'before' in position ? [BPF_F_BEFORE, position.before] : [BPF_F_AFTER, position.after];
    // relative_id shares its place in bpf_attr with target_btf_id, the one libbpf 1.1 knows.
    opts.u32(8, flag | BPF_F_ID | BPF_F_LINK).u32(28, neighbour);
  }
  return checkBpf(
    `bpf_link_create tcx/${direction} ifindex ${ifindex}`,
    libbpf().bpf_link_create(progFd, ifindex, TCX_ATTACH[direction], opts.bytes),
  );
}

/** Who runs an XDP program: the driver, or the stack for any device (slow). */
export type XdpMode = 'native' | 'generic';
const XDP_FLAGS: Readonly<Record<XdpMode, number>> = { generic: 1 << 1, native: 1 << 2 };

/**
 * Attach an XDP program to a device by a link. Call it inside the device's network namespace.
 * @returns the link's descriptor; close it with closeFd
 * @throws DpctlError KERNEL_EBUSY (another program is there), KERNEL_EOPNOTSUPP or KERNEL_EINVAL
 * (the driver cannot), KERNEL_ENODEV
 */
export function attachXdp(progFd: number, ifindex: number, mode: XdpMode = 'native'): number {
  const opts = options(LINK_CREATE_OPTS_SIZE).u32(8, XDP_FLAGS[mode]);
  return checkBpf(
    `bpf_link_create xdp/${mode} ifindex ${ifindex}`,
    libbpf().bpf_link_create(progFd, ifindex, BPF_XDP, opts.bytes),
  );
}

/**
 * Replace a link's program in one step: every packet sees the old one or the new one.
 * @param oldProgFd refuse with KERNEL_EPERM unless this program is the current one
 * @throws DpctlError KERNEL_EEXIST when the new program is already in that chain
 */
export function updateLink(linkFd: number, newProgFd: number, oldProgFd?: number): void {
  const opts = options(16);
  if (oldProgFd !== undefined) opts.u32(8, BPF_F_REPLACE).u32(12, oldProgFd);
  checkBpf('bpf_link_update', libbpf().bpf_link_update(linkFd, newProgFd, opts.bytes));
}

/** Take a link's program off its device; the link stays, attached to nothing. */
export function detachLink(linkFd: number): void {
  checkBpf('bpf_link_detach', libbpf().bpf_link_detach(linkFd));
}

/**
 * A descriptor for a pinned link; close it with closeFd.
 * @throws DpctlError KERNEL_ENOENT when nothing is pinned there
 */
export function openPinnedLink(path: string): number {
  return getPinned(path, 'link');
}

/** A descriptor for a link by its id, undefined when it is gone; close it with closeFd. */
export function openLinkById(id: number): number | undefined {
  const fd = libbpf().bpf_link_get_fd_by_id(id);
  if (-fd === ERRNO.ENOENT) return undefined;
  if (fd < 0) throw kernelError(`bpf_link_get_fd_by_id ${id}`, -fd);
  return fd;
}

/** What the kernel says about a link. */
export interface LinkInfo {
  /** 'tcx', 'xdp', or BPF_LINK_TYPE_ as `type <n>`. */
  readonly type: string;
  readonly id: number;
  /** 0 never; the program that is attached now. */
  readonly progId: number;
  /** 0 once the device is gone or the link was detached. */
  readonly ifindex: number;
  /** BPF attach type: 46 and 47 for tcx, 37 for xdp. */
  readonly attachType: number;
}

const LINK_TYPE_XDP = 6;
const LINK_TYPE_TCX = 11;
const BPF_LINK_INFO_SIZE = 64;

/** What the kernel says about a link; ifindex and attachType are known for tcx and XDP only. */
export function linkInfo(fd: number): LinkInfo {
  const info = objectInfo(fd, BPF_LINK_INFO_SIZE);
  const type = info.getU32(0);
  const isTcx = type === LINK_TYPE_TCX;
  const isXdp = type === LINK_TYPE_XDP;
  return {
    type: isTcx ? 'tcx' : isXdp ? 'xdp' : `type ${type}`,
    id: info.getU32(4),
    progId: info.getU32(8),
    ifindex: isTcx || isXdp ? info.getU32(16) : 0,
    attachType: isTcx ? info.getU32(20) : isXdp ? BPF_XDP : 0,
  };
}
