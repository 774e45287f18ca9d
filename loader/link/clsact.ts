import { ERRNO, kernelError } from '../errors.js';
import { checkBpf, libbpf } from '../libbpf.js';
import { fixedString } from '../libc.js';
import { options, struct } from '../struct.js';
import { openNetlink } from '../sys/socket.js';
import type { Direction } from './attach.js';

/** The name of a filter on a clsact qdisc: its place in the order and its handle in that place. */
export interface TcFilter {
  /** 1 to 65535, lower runs first. */
  readonly priority: number;
  /** 1 or more. */
  readonly handle: number;
}

/** What {@link tcAttach} did. */
export interface TcAttached extends TcFilter {
  readonly progId: number;
  /** The qdisc was not there before: {@link tcDetach} may take it away when empty. */
  readonly createdQdisc: boolean;
}

const POINT: Readonly<Record<Direction, number>> = { ingress: 1, egress: 2 };
const BOTH_POINTS = 3;
const BPF_TC_F_REPLACE = 1;

function hook(ifindex: number, point: number): Uint8Array {
  return options(24).u32(8, ifindex).u32(12, point).bytes;
}

/**
 * Attach a TC program as a direct-action filter of a clsact qdisc, for kernels before tcx. Unlike
 * a link it stays until detached. Call it inside the device's network namespace.
 * @param filter 0 for a field lets the kernel choose; an existing filter of that name is replaced
 */
export function tcAttach(
  progFd: number,
  ifindex: number,
  direction: Direction,
  filter: TcFilter,
): TcAttached {
  const created = libbpf().bpf_tc_hook_create(hook(ifindex, POINT[direction]));
  if (created < 0 && -created !== ERRNO.EEXIST) {
    throw kernelError(`bpf_tc_hook_create ifindex ${ifindex}`, -created);
  }
  const opts = options(32)
    .u32(8, progFd)
    .u32(12, filter.handle && filter.priority ? BPF_TC_F_REPLACE : 0)
    .u32(20, filter.handle)
    .u32(24, filter.priority);
  const result = libbpf().bpf_tc_attach(hook(ifindex, POINT[direction]), opts.bytes);
  if (result < 0) {
    if (created === 0) destroyIfEmpty(ifindex);
    throw kernelError(`bpf_tc_attach ${direction} ifindex ${ifindex}`, -result);
  }
  return {
    progId: opts.getU32(16),
    handle: opts.getU32(20),
    priority: opts.getU32(24),
    createdQdisc: created === 0,
  };
}

/**
 * The id of the program behind a filter, undefined when there is no such filter or qdisc.
 */
export function tcQuery(
  ifindex: number,
  direction: Direction,
  filter: TcFilter,
): number | undefined {
  const opts = options(32).u32(20, filter.handle).u32(24, filter.priority);
  const result = libbpf().bpf_tc_query(hook(ifindex, POINT[direction]), opts.bytes);
  if (result === 0) return opts.getU32(16);
  if (absent(result)) return undefined;
  throw kernelError(`bpf_tc_query ${direction} ifindex ${ifindex}`, -result);
}

/**
 * Remove a filter.
 * @param removeQdisc take the clsact qdisc away too if no filter is left in it, of anybody's
 * @returns false when the filter was not there
 */
export function tcDetach(
  ifindex: number,
  direction: Direction,
  filter: TcFilter,
  removeQdisc: boolean,
): boolean {
  const opts = options(32).u32(20, filter.handle).u32(24, filter.priority);
  const result = libbpf().bpf_tc_detach(hook(ifindex, POINT[direction]), opts.bytes);
  if (result < 0 && !absent(result)) {
    throw kernelError(`bpf_tc_detach ${direction} ifindex ${ifindex}`, -result);
  }
  if (removeQdisc) destroyIfEmpty(ifindex);
  return result === 0;
}

/** ENOENT: no such filter. EINVAL: no clsact qdisc. ENODEV: no device. */
function absent(result: number): boolean {
  return [ERRNO.ENOENT, ERRNO.EINVAL, ERRNO.ENODEV].includes(-result);
}

function destroyIfEmpty(ifindex: number): void {
  if (tcFilters(ifindex, 'ingress').length + tcFilters(ifindex, 'egress').length > 0) return;
  const result = libbpf().bpf_tc_hook_destroy(hook(ifindex, BOTH_POINTS));
  if (result < 0 && !absent(result)) checkBpf(`bpf_tc_hook_destroy ifindex ${ifindex}`, result);
}

const RTM_NEWTFILTER = 44;
const RTM_GETTFILTER = 46;
const NLM_F_REQUEST_DUMP = 0x301;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** Parents of the two filter lists of a clsact qdisc (TC_H_CLSACT with TC_H_MIN_INGRESS, _EGRESS). */
const CLSACT_PARENT: Readonly<Record<Direction, number>> = {
  ingress: 0xfffffff2,
  egress: 0xfffffff3,
};

/** A filter in a device's clsact qdisc. */
export interface TcListed extends TcFilter {
  /** 'bpf', 'u32', 'flower' ... */
  readonly kind: string;
}

const TCMSG_SIZE = 20;
const TCA_KIND = 1;

/**
 * The filters on one side of a device's clsact qdisc, of anybody, none without such a qdisc.
 * libbpf cannot list them. Call it inside the device's network namespace.
 */
export function tcFilters(ifindex: number, direction: Direction): TcListed[] {
  const socket = openNetlink(0);
  try {
    const filters: TcListed[] = [];
    const reply = new Uint8Array(65536);
    const view = new DataView(reply.buffer);
    const request = struct(36)
      .u32(0, 36)
      .u32(4, RTM_GETTFILTER | (NLM_F_REQUEST_DUMP << 16))
      .u32(20, ifindex)
      .u32(28, CLSACT_PARENT[direction]);
    socket.send(request.bytes);
    for (let done = false; !done; ) {
      const length = socket.recv(reply);
      for (let at = 0; at < length; at += (view.getUint32(at, true) + 3) & ~3) {
        const type = view.getUint16(at + 4, true);
        if (type === RTM_NEWTFILTER) filters.push(readFilter(view, at + 16, reply));
        done ||= type === NLMSG_DONE || type === NLMSG_ERROR;
      }
    }
    // A filter's head is listed too, with handle 0.
    return filters.filter(({ handle }) => handle !== 0);
  } finally {
    socket.close();
  }
}

/** struct tcmsg: family, ifindex, handle, parent, info (priority << 16 | protocol); TCA_KIND first. */
function readFilter(view: DataView, at: number, bytes: Uint8Array): TcListed {
  const attribute = at + TCMSG_SIZE;
  const isKind = view.getUint16(attribute + 2, true) === TCA_KIND;
  const end = attribute + view.getUint16(attribute, true);
  return {
    handle: view.getUint32(at + 8, true),
    priority: view.getUint32(at + 16, true) >>> 16,
    kind: isKind ? fixedString(bytes.subarray(attribute + 4, end)) : '',
  };
}
